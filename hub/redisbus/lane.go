package redisbus

import (
	"context"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// laneMax and laneBytesMax bound the queue of each lane.
	laneMax      = 32_768
	laneBytesMax = 64 << 20
	// probesMax is how many probes may be queued beyond that: a full lane does not mean that Redis
	// delivers nothing.
	probesMax = 64
	// pipelineMax and pipelineBytesMax bound one pipeline.
	pipelineMax      = 512
	pipelineBytesMax = 1 << 20
)

// lane publishes the messages of some partitions in their order.
type lane struct {
	bus  *Bus
	work chan struct{} // holds one: something is pending

	// Owned by run.
	spare []publication

	mu      sync.Mutex // guards what follows
	pending []publication
	bytes   int
}

type publication struct {
	channel string
	payload []byte
}

func newLane(b *Bus) *lane { return &lane{bus: b, work: make(chan struct{}, 1)} }

// push queues a payload, or returns ErrFull.
func (l *lane) push(channel string, payload []byte) error {
	return l.add(channel, payload, false)
}

// probe queues a probe, or drops it if the lane is full; then it counts as not answered.
func (l *lane) probe(channel string, payload []byte) {
	_ = l.add(channel, payload, true)
}

func (l *lane) add(channel string, payload []byte, probe bool) error {
	l.mu.Lock()
	n := len(l.pending)
	if full := n >= laneMax || l.bytes > laneBytesMax; full && (!probe || n >= laneMax+probesMax) {
		l.mu.Unlock()
		l.bus.meters.lost.WithLabelValues(lostPublishQueue).Inc()
		return ErrFull
	}
	l.pending = append(l.pending, publication{channel, payload})
	l.bytes += len(payload)
	first := len(l.pending) == 1
	l.mu.Unlock()
	if first {
		select {
		case l.work <- struct{}{}:
		default:
		}
	}
	return nil
}

// run publishes what is pending, in one pipeline after the other. What is pending when ctx ends is
// still published, if Redis takes it within redisTimeout.
func (l *lane) run(ctx context.Context) {
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(redisTimeout, end) })()
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
	batch := l.pending
	l.pending, l.spare, l.bytes = l.spare[:0], nil, 0
	l.mu.Unlock()
	for rest := batch; len(rest) > 0 && ctx.Err() == nil; {
		n, bytes := 0, 0
		for n < len(rest) && n < pipelineMax && (n == 0 || bytes+len(rest[n].payload) <= pipelineBytesMax) {
			bytes += len(rest[n].payload)
			n++
		}
		if err := l.publish(ctx, rest[:n]); err != nil {
			l.bus.noteFailure(err)
		}
		rest = rest[n:]
	}
	clear(batch)
	l.spare = batch
}

func (l *lane) publish(ctx context.Context, batch []publication) error {
	l.bus.meters.pipeline.Observe(float64(len(batch)))
	ctx, cancel := context.WithTimeout(ctx, pipelineTimeout) // bounds all that the library does for it, such as connecting
	defer cancel()
	cmds, err := l.bus.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, x := range batch {
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
	l.bus.meters.published.Add(float64(len(batch) - lost))
	return err
}

// outage records whether Redis refuses messages.
type outage struct {
	mu   sync.Mutex // guards what follows
	on   bool
	last time.Time // when a message was not taken
}

// noteFailure records that Redis did not take a message. It is logged once, until Redis has taken all
// messages for a while: single lanes, and in a Cluster single servers, may fail.
func (b *Bus) noteFailure(err error) {
	b.reload()
	b.outage.mu.Lock()
	defer b.outage.mu.Unlock()
	b.outage.last = time.Now()
	if !b.outage.on {
		b.outage.on = true
		b.log.Warn("redis takes messages", "yes", false, "error", err)
	}
}

// noteRecovery logs that Redis takes messages again, when it has refused none for so long.
func (b *Bus) noteRecovery(quiet time.Duration) {
	b.outage.mu.Lock()
	defer b.outage.mu.Unlock()
	if b.outage.on && time.Since(b.outage.last) > quiet {
		b.outage.on = false
		b.log.Warn("redis takes messages", "yes", true)
	}
}

// reload makes the library read a Cluster's state again, in the background and at most five times a
// second. By itself it does so once a minute, or when a live server says that a slot has moved, but not
// on the error of a dead one.
func (b *Bus) reload() {
	if c, ok := b.client.(*redis.ClusterClient); ok {
		c.ReloadState(context.Background())
	}
}
