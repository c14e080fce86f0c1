package redisbus

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"
)

const (
	// probeInterval is the interval at which each link sends itself a probe.
	probeInterval = time.Second
	// silentAfter is how long no probe may return before Health reports an error.
	silentAfter = 3 * time.Second
	// probesUnansweredMax is how many probes may not return before a link reconnects, which loses
	// messages in flight. Time alone proves nothing, since this process itself may have stalled.
	probesUnansweredMax = int32(silentAfter / probeInterval)
)

// probe sends a probe to every link, and makes those reconnect that deliver nothing, until ctx ends.
func (b *Bus) probe(ctx context.Context) {
	tick := time.NewTicker(probeInterval)
	defer tick.Stop()
	red := false
	for {
		for _, l := range b.links {
			l.probe()
			if l.deaf() {
				l.rebuild()
			}
		}
		b.noteRecovery(2 * probeInterval)
		err := b.Health()
		b.meters.health.Set(0)
		if err == nil {
			b.meters.health.Set(1)
		}
		starting := err != nil && time.Since(b.began) < silentAfter
		if (err != nil) != red && !starting {
			red = err != nil
			b.log.Warn("redis delivers messages", "yes", !red, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// probe sends the link a probe.
func (l *link) probe() {
	b := l.bus
	l.probesUnanswered.Add(1)
	b.lanes[l.index%len(b.lanes)].probe(l.probeChannel, l.probePayload())
}

// probePayload returns a signed probe with the current time.
func (l *link) probePayload() []byte {
	sent := binary.BigEndian.AppendUint64(make([]byte, headSize, headSize+8+macSize), uint64(time.Since(l.bus.began)))
	return l.bus.seals.seal(l.probeChannel, l.bus.number(probePartition), sent)
}

// silent reports whether the link has received no probe for too long, or none yet.
func (l *link) silent() bool {
	heard := time.Duration(l.probedAt.Load())
	return heard == 0 || time.Since(l.bus.began)-heard > silentAfter
}

// deaf reports whether more than probesUnansweredMax probes have not returned by the connection in use.
func (l *link) deaf() bool {
	return l.probesUnanswered.Load() > probesUnansweredMax && l.upFor() > silentAfter
}

// upFor returns how long the link has been up; 0 if it is not.
func (l *link) upFor() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.up {
		return 0
	}
	return time.Since(l.upSince)
}

// receiveProbe handles a probe that the link received.
func (l *link) receiveProbe(payload string) {
	o, refused := l.bus.seals.open(l.probeChannel, []byte(payload))
	if refused == "" && (o.sender != l.bus.seals.sender || len(o.body) != 8) {
		refused = refusedForged
	}
	if refused != "" {
		l.bus.refuse(l.probeChannel, refused)
		return
	}
	now := time.Since(l.bus.began)
	l.probedAt.Store(int64(now))
	l.probesUnanswered.Store(0)
	sent := time.Duration(binary.BigEndian.Uint64(o.body))
	l.bus.meters.delivery.Observe((now - sent).Seconds())
}

// Health implements hub.Bus.
func (b *Bus) Health() error {
	if b.stopped.Load() {
		return ErrStopped
	}
	if b.senders.foreign.Load() {
		return ErrForeign
	}
	silent := 0
	for _, l := range b.links {
		if l.silent() {
			silent++
		}
	}
	if silent > 0 {
		return fmt.Errorf("redisbus: by %d of %d connections nothing that was published came yet, or for %v", silent, len(b.links), silentAfter)
	}
	return nil
}
