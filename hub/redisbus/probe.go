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
	// silentAfter is how long none may come before the link counts as broken.
	silentAfter = 3 * time.Second
)

// probe publishes to every link, and makes those anew by which nothing comes.
func (b *Bus) probe(ctx context.Context) {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	rebuilt := make([]time.Time, len(b.links))
	red := false
	for {
		now := time.Now()
		for i, l := range b.links {
			b.lanes[i%len(b.lanes)].probe(l.probes, strconv.AppendInt(nil, now.UnixNano(), 10))
			if l.silent(now) && now.Sub(rebuilt[i]) > silentAfter {
				rebuilt[i] = now
				l.rebuild()
			}
		}
		err := b.Health()
		b.meters.health.Set(0)
		if err == nil {
			b.meters.health.Set(1)
		}
		if (err != nil) != red {
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

func (l *link) silent(now time.Time) bool {
	return now.Sub(time.Unix(0, l.heardAt.Load())) > silentAfter
}

// probed is what a link hears of itself.
func (l *link) probed(payload string) {
	now := time.Now()
	l.heardAt.Store(now.UnixNano())
	if sent, err := strconv.ParseInt(payload, 10, 64); err == nil {
		l.bus.meters.delivery.Observe(now.Sub(time.Unix(0, sent)).Seconds())
	}
}

// Health implements hub.Bus.
func (b *Bus) Health() error {
	if b.stopped.Load() {
		return ErrStopped
	}
	now, silent := time.Now(), 0
	for _, l := range b.links {
		if l.silent(now) {
			silent++
		}
	}
	if silent > 0 {
		return fmt.Errorf("redisbus: for %v nothing that was published came by %d of %d connections", silentAfter, silent, len(b.links))
	}
	return nil
}
