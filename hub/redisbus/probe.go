package redisbus

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

const (
	// probeEvery is how often each link is sent a message to itself.
	probeEvery = time.Second
	// silentAfter is how long none may come before the bus counts as broken.
	silentAfter = 3 * time.Second
	// probesInVain is how many may not come before a link is made anew, which loses what is on its
	// way: time alone says nothing, since it may be this process that stood still.
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
	b.lanes[l.index%len(b.lanes)].probe(l.probes, strconv.AppendInt(nil, int64(time.Since(b.began)), 10))
}

// silent reports whether nothing came by the link for too long, or yet.
func (l *link) silent() bool {
	heard := time.Duration(l.heardAt.Load())
	return heard == 0 || time.Since(l.bus.began)-heard > silentAfter
}

// deaf reports whether the connection is in use and does not bring what it should.
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
	now := time.Since(l.bus.began)
	l.heardAt.Store(int64(now))
	l.unheard.Store(0)
	if sent, err := strconv.ParseInt(payload, 10, 64); err == nil {
		l.bus.meters.delivery.Observe((now - time.Duration(sent)).Seconds())
	}
}

// Health implements hub.Bus.
func (b *Bus) Health() error {
	if b.stopped.Load() {
		return ErrStopped
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
