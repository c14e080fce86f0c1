package redisbus

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"
)

const (
	// probeEvery is how often each link is sent a message to itself.
	probeEvery = time.Second
	// silentAfter limits how long no probe may come back before Health reports an error.
	silentAfter = 3 * time.Second
	// probesInVain limits how many probes may not come back before a link is made anew, which loses
	// what is on its way. Time alone says nothing, since it may be this process that stood still.
	probesInVain = int32(silentAfter / probeEvery)
)

// probe publishes to every link, and makes those anew by which nothing comes.
func (b *Bus) probe(ctx context.Context) {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	red := false
	for {
		for _, l := range b.links {
			l.probe()
			if l.deaf() {
				l.rebuild()
			}
		}
		b.taken(2 * probeEvery)
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

// probe sends the link a message.
func (l *link) probe() {
	b := l.bus
	l.unheard.Add(1)
	b.lanes[l.index%len(b.lanes)].probe(l.probes, l.greeting())
}

// greeting is what the link hears of itself, with the time.
func (l *link) greeting() []byte {
	sent := binary.BigEndian.AppendUint64(make([]byte, headSize, headSize+8+macSize), uint64(time.Since(l.bus.began)))
	return l.bus.seals.seal(l.probes, l.bus.number(probing), sent)
}

// silent reports whether nothing came by the link for too long, or yet.
func (l *link) silent() bool {
	heard := time.Duration(l.heardAt.Load())
	return heard == 0 || time.Since(l.bus.began)-heard > silentAfter
}

// deaf reports whether the connection in use has failed to bring back more than probesInVain probes.
func (l *link) deaf() bool { return l.unheard.Load() > probesInVain && l.upFor() > silentAfter }

// upFor is how long the connection that is in use has been; 0 if there is none.
func (l *link) upFor() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.up {
		return 0
	}
	return time.Since(l.rose)
}

// probed is what a link hears of itself.
func (l *link) probed(payload string) {
	o, refused := l.bus.seals.open(l.probes, []byte(payload))
	if refused == "" && (o.sender != l.bus.seals.sender || len(o.body) != 8) {
		refused = refusedForged
	}
	if refused != "" {
		l.bus.refuse(l.probes, refused)
		return
	}
	now := time.Since(l.bus.began)
	l.heardAt.Store(int64(now))
	l.unheard.Store(0)
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
