package redisbus

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
)

var (
	// ErrStopped means that this node's Run has ended.
	ErrStopped = errors.New("redisbus: this node has stopped")
	// ErrKey means that the key is missing or too short.
	ErrKey = errors.New("redisbus: the key has 32 bytes at least")
	// ErrFull means that Redis does not take messages as fast as they come: other nodes do not
	// get this one. This node's own sockets do.
	ErrFull = errors.New("redisbus: too much waits to be published")
)

const (
	// workQueueMax bounds the queue of a worker. Beyond it messages from Redis are dropped, and
	// publishers on this node wait.
	workQueueMax = 8192
	// plainLinks is the number of connections that receive from a single server.
	plainLinks = 4
	// plainLanes is the number of those that publish to it.
	plainLanes = 2
	// keyBytesMin is the least length of a key.
	keyBytesMin = 32
	// realmSize is the number of a realm's bytes in a channel's name.
	realmSize = 8
)

var _ hub.Bus = (*Bus)(nil)

// Options configures a Bus.
type Options struct {
	// URL is redis://[user:password@]host[:port][/db], rediss://… for TLS,
	// redis-sentinel://host:port,host:port/master[?db=n], or redis-cluster://host:port,host:port.
	URL string
	// Key is the secret from which each process derives the key that signs its messages: those of a
	// process without it are dropped.
	Key []byte
	// Sender identifies this process, and must never identify another: a second process with it would
	// reveal the key of both. Zero means a random one.
	Sender [16]byte
	// Realm is a part of all channels' names: nodes of different realms do not receive each other's messages.
	Realm []byte
	// Clock returns the time by which messages expire. All nodes must use the same clock, the
	// database's. It defaults to time.Now.
	Clock func() time.Time
	// Processes returns the processes that the database knows now, or knew a moment ago; this one must
	// be among them before Run. Messages of others are dropped. Nil accepts all that have the key.
	Processes func(context.Context) ([][16]byte, error)
	// Log defaults to slog.Default().
	Log *slog.Logger
	// Registerer registers the metrics. Nil registers none.
	Registerer prometheus.Registerer
}

// Bus is one node's end of a bus. It can be run once.
type Bus struct {
	client    redis.UniversalClient
	sharded   bool
	realm     string
	seals     *seals
	senders   *senders
	processes func(context.Context) ([][senderSize]byte, error)
	numbers   [partitions + 1]atomic.Uint64 // by partition: the last number used; the last element is for probes
	outage    outage
	refusedAt atomic.Int64 // since began: when a refused message was logged
	log       *slog.Logger
	meters    *meters
	lanes     []*lane
	links     []*link
	workers   []chan work

	stopped atomic.Bool
	done    chan struct{} // closed when Run ends
	began   time.Time     // has a monotonic clock, by which probes are timed

	mu   sync.RWMutex // guards what follows
	subs map[string]*subscription
}

// work is a message for a worker: one of this node's own, or a payload from Redis.
type work struct {
	sub      *subscription
	own      hub.Message
	payload  string
	received bool // it has a payload, which may be empty
}

// Open makes a bus; Redis need not be up yet. It returns ErrURL or ErrKey.
func Open(o Options) (*Bus, error) {
	client, sharded, err := connect(o.URL)
	if err != nil {
		return nil, err
	}
	if len(o.Key) < keyBytesMin {
		return nil, ErrKey
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Sender == [senderSize]byte{} {
		_, _ = rand.Read(o.Sender[:]) // it never fails
	}
	setLogger.Do(func() { redis.SetLogger(redisLogger{o.Log}) })
	b := &Bus{
		client: client, sharded: sharded, log: o.Log, meters: newMeters(o.Registerer),
		realm: hex.EncodeToString(o.Realm[:min(len(o.Realm), realmSize)]),
		seals: newSeals(o.Key, o.Sender, o.Clock), senders: newSenders(o.Processes != nil), processes: o.Processes,
		done: make(chan struct{}), began: time.Now(), subs: map[string]*subscription{},
	}
	links, lanes := plainLinks, plainLanes
	if sharded {
		links = partitions
	}
	for i := range links {
		b.links = append(b.links, newLink(b, i))
	}
	for range lanes {
		b.lanes = append(b.lanes, newLane(b))
	}
	for range max(2, runtime.GOMAXPROCS(0)) {
		b.workers = append(b.workers, make(chan work, workQueueMax))
	}
	return b, nil
}

// setLogger guards the library's logger, which is global to the process.
var setLogger sync.Once

// redisLogger logs the library's messages about each failed connection at debug level: that Redis is
// down is logged once, by the probe.
type redisLogger struct{ log *slog.Logger }

// Printf implements the library's logger.
func (l redisLogger) Printf(ctx context.Context, format string, v ...any) {
	l.log.DebugContext(ctx, fmt.Sprintf(format, v...))
}

// Publish implements hub.Bus. It does not wait for Redis: a nil error means that the message
// is on its way. It returns ErrFull, ErrStopped, or ctx's error.
func (b *Bus) Publish(ctx context.Context, m hub.Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if b.stopped.Load() {
		return ErrStopped
	}
	name, partition := b.channel(m.Topic)
	b.mu.RLock()
	sub := b.subs[name]
	b.mu.RUnlock()
	if sub != nil && sub.wanted.Load() {
		select {
		case b.worker(partition) <- work{sub: sub, own: m}:
		case <-b.done:
			return ErrStopped
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if b.senders.foreign.Load() {
		return ErrForeign
	}
	return b.lanes[partition%len(b.lanes)].push(name, b.seals.seal(name, b.number(partition), encode(&m)))
}

// number returns the next number of a partition, which is unique among this process's messages.
func (b *Bus) number(partition int) uint64 { return numbered(partition, b.numbers[partition].Add(1)) }

func (b *Bus) worker(partition int) chan work { return b.workers[partition%len(b.workers)] }

// Subscribe implements hub.Bus.
func (b *Bus) Subscribe(ctx context.Context, topic tenant.Topic) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if b.stopped.Load() {
		return ErrStopped
	}
	name, partition := b.channel(topic)
	return b.links[partition%len(b.links)].subscribe(ctx, name, topic, partition)
}

// Unsubscribe implements hub.Bus.
func (b *Bus) Unsubscribe(topic tenant.Topic) {
	name, partition := b.channel(topic)
	b.links[partition%len(b.links)].unsubscribe(name)
}

// Run implements hub.Bus.
func (b *Bus) Run(ctx context.Context, deliver func(hub.Message)) error {
	defer func() {
		b.stopped.Store(true)
		close(b.done)
		if err := b.client.Close(); err != nil {
			b.log.Debug("redis: close", "error", err)
		}
	}()
	parts, ctx := errgroup.WithContext(ctx)
	for _, w := range b.workers {
		parts.Go(func() error { b.work(ctx, w, deliver); return nil })
	}
	for _, l := range b.lanes {
		parts.Go(func() error { l.run(ctx); return nil })
	}
	for _, l := range b.links {
		parts.Go(func() error { l.run(ctx); return nil })
		parts.Go(func() error { l.write(ctx); return nil })
	}
	parts.Go(func() error { b.probe(ctx); return nil })
	parts.Go(func() error { b.watch(ctx); return nil })
	if b.sharded {
		parts.Go(func() error { b.reloadWhileSilent(ctx); return nil })
	}
	return parts.Wait()
}

func (b *Bus) work(ctx context.Context, queue <-chan work, deliver func(hub.Message)) {
	for {
		select {
		case <-ctx.Done():
			return
		case w := <-queue:
			if !w.sub.wanted.Load() || ctx.Err() != nil {
				continue
			}
			m := w.own
			if w.received {
				var refused string
				if m, refused = b.authenticate(w.sub, w.payload); refused != "" {
					b.refuse(w.sub.channel, refused)
				}
				if m.Topic.IsZero() {
					continue
				}
			}
			deliver(m)
		}
	}
}

// authenticate verifies and decodes a payload from the subscription's channel, or returns why it must be
// dropped. A message without a topic must not be delivered. One with a Seq or a Seat may be received
// again: its receiver detects duplicates.
func (b *Bus) authenticate(sub *subscription, payload string) (hub.Message, string) {
	body, again, refused := b.open(sub.channel, sub.partition, []byte(payload))
	if refused != "" || len(body) == 0 { // or it only announces its sender
		return hub.Message{}, refused
	}
	m, err := decode(body)
	switch {
	case err != nil:
		return m, refusedUnreadable
	case again && m.Seq == 0 && m.Seat == 0:
		return m, refusedReplayed
	}
	m.Topic = sub.topic
	return m, ""
}
