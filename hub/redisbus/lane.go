package redisbus

import (
	"context"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// laneMax and laneBytesMax bound what waits to be published, for each lane.
	laneMax      = 32_768
	laneBytesMax = 64 << 20
	// probesMax is how many more may wait if they are probes: a lane that is full is no sign that
	// Redis is deaf.
	probesMax = 64
	// pipelineMax and pipelineBytesMax bound one pipeline.
	pipelineMax      = 512
	pipelineBytesMax = 1 << 20
)

// lane publishes the messages of some partitions in their order.
type lane struct {
	bus  *Bus
	work chan struct{} // holds one: something waits

	// Owned by run.
	spare []publication

	mu      sync.Mutex // guards what follows
	waiting []publication
	bytes   int
}

type publication struct {
	channel string
	payload []byte
}

func newLane(b *Bus) *lane { return &lane{bus: b, work: make(chan struct{}, 1)} }

// push returns ErrFull.
func (l *lane) push(channel string, payload []byte) error {
	return l.add(channel, payload, false)
}

// probe is push for a probe; of one that finds no place nothing will be heard.
func (l *lane) probe(channel string, payload []byte) {
	_ = l.add(channel, payload, true)
}

func (l *lane) add(channel string, payload []byte, probe bool) error {
	l.mu.Lock()
	n := len(l.waiting)
	if full := n >= laneMax || l.bytes > laneBytesMax; full && (!probe || n >= laneMax+probesMax) {
		l.mu.Unlock()
		l.bus.meters.lost.WithLabelValues(lostPublishQueue).Inc()
		return ErrFull
	}
	l.waiting = append(l.waiting, publication{channel, payload})
	l.bytes += len(payload)
	first := len(l.waiting) == 1
	l.mu.Unlock()
	if first {
		select {
		case l.work <- struct{}{}:
		default:
		}
	}
	return nil
}

// run publishes all that waits, in one pipeline after the other. What waits when ctx ends still
// goes out, if Redis takes it at once.
func (l *lane) run(ctx context.Context) {
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(within, end) })()
	for {
		select {
		case <-ctx.Done():
			l.flush(life)
			return
		case <-l.work:
			l.flush(life)
		}
	}
}

func (l *lane) flush(ctx context.Context) {
	l.mu.Lock()
	batch := l.waiting
	l.waiting, l.spare, l.bytes = l.spare[:0], nil, 0
	l.mu.Unlock()
	for rest := batch; len(rest) > 0 && ctx.Err() == nil; {
		n, bytes := 0, 0
		for n < len(rest) && n < pipelineMax && (n == 0 || bytes+len(rest[n].payload) <= pipelineBytesMax) {
			bytes += len(rest[n].payload)
			n++
		}
		if err := l.publish(ctx, rest[:n]); err != nil {
			l.bus.unpublished(err)
		}
		rest = rest[n:]
	}
	clear(batch)
	l.spare = batch
}

func (l *lane) publish(ctx context.Context, some []publication) error {
	l.bus.meters.pipeline.Observe(float64(len(some)))
	ctx, cancel := context.WithTimeout(ctx, exchangeWithin) // of all that the library does for it, as to connect
	defer cancel()
	cmds, err := l.bus.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, x := range some {
			if l.bus.sharded {
				p.SPublish(ctx, x.channel, x.payload)
			} else {
				p.Publish(ctx, x.channel, x.payload)
			}
		}
		return nil
	})
	lost := 0
	if err != nil {
		for _, c := range cmds {
			if c.Err() != nil {
				lost++
			}
		}
		l.bus.meters.lost.WithLabelValues(lostPublish).Add(float64(lost))
	}
	l.bus.meters.published.Add(float64(len(some) - lost))
	return err
}

// outage is what is known of Redis taking no messages.
type outage struct {
	mu   sync.Mutex // guards what follows
	on   bool
	last time.Time // when a message was not taken
}

// unpublished notes that Redis did not take a message. It is said once, until it takes all for a while:
// lanes fail by themselves, and in a Cluster servers do.
func (b *Bus) unpublished(err error) {
	b.reload()
	b.outage.mu.Lock()
	defer b.outage.mu.Unlock()
	b.outage.last = time.Now()
	if !b.outage.on {
		b.outage.on = true
		b.log.Warn("redis takes messages", "yes", false, "error", err)
	}
}

// taken says that Redis takes messages again, when it has refused none for so long.
func (b *Bus) taken(quiet time.Duration) {
	b.outage.mu.Lock()
	defer b.outage.mu.Unlock()
	if b.outage.on && time.Since(b.outage.last) > quiet {
		b.outage.on = false
		b.log.Warn("redis takes messages", "yes", true)
	}
}

// reload has a Cluster's state read again: the library reads it once a minute, or when a server that
// lives says that a slot has moved, and the error of one that is dead tells it nothing. It does so in
// the background, five times a second at most.
func (b *Bus) reload() {
	if c, ok := b.client.(*redis.ClusterClient); ok {
		c.ReloadState(context.Background())
	}
}
