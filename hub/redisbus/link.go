package redisbus

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

const (
	// chunk bounds the channels in one command.
	chunk = 512
	// initialBackoff and maxBackoff bound the pause before a link reconnects.
	initialBackoff = 50 * time.Millisecond
	maxBackoff     = time.Second
)

// link is a connection that receives the messages of some partitions.
type link struct {
	bus              *Bus
	probeChannel     string // the channel of its probes
	index            int
	probedAt         atomic.Int64  // when the last probe was received, since Bus.began; 0: none was
	probesUnanswered atomic.Int32  // probes sent since then, or since the connection was made
	work             chan struct{} // holds one: there are changes to be written

	mu      sync.Mutex // guards what follows; nests outside of Bus.mu
	pubsub  *redis.PubSub
	up      bool                 // it is connected, and its probes' channel subscribed
	down    bool                 // it is not up, and the last attempt to connect failed
	upSince time.Time            // when it last came up
	changes []subscriptionChange // not yet written
	cut     context.CancelFunc
}

// subscriptionChange is a subscription to be made or ended.
type subscriptionChange struct {
	sub  *subscription
	make bool
}

// subscription is a channel that this node listens to, or is about to, or has just ceased to.
type subscription struct {
	topic     tenant.Topic
	channel   string
	partition int
	wanted    atomic.Bool

	// Guarded by the link's mu.
	requested, made int           // how often it was requested on this connection, and made
	changed         chan struct{} // closed and replaced when made grew or the link went down
}

func newLink(b *Bus, i int) *link {
	l := &link{bus: b, index: i, work: make(chan struct{}, 1)}
	l.probeChannel = fmt.Sprintf("%s%s}%s:probe:%x:%d", prefix, tags[i%partitions], b.realm, b.seals.sender, i)
	return l
}

// subscribe waits until the channel is subscribed. If the link is down or does not reply in time, it
// returns too, and the channel will be subscribed when the link is up.
func (l *link) subscribe(ctx context.Context, name string, topic tenant.Topic, partition int) error {
	l.mu.Lock()
	b := l.bus
	b.mu.Lock()
	s := b.subs[name]
	if s == nil {
		s = &subscription{topic: topic, channel: name, partition: partition, changed: make(chan struct{})}
		b.subs[name] = s
	}
	b.mu.Unlock()
	if !s.wanted.Swap(true) {
		l.request(s, true)
	}
	timer := time.NewTimer(redisTimeout)
	defer timer.Stop()
	for !l.down && (!l.up || s.made < s.requested) {
		moved := s.changed
		l.mu.Unlock()
		select {
		case <-moved:
		case <-timer.C:
			return nil
		case <-b.done:
			return ErrStopped
		case <-ctx.Done():
			return fmt.Errorf("redisbus: subscribe to %s: %w", topic, ctx.Err())
		}
		l.mu.Lock()
	}
	l.mu.Unlock()
	return nil
}

func (l *link) unsubscribe(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bus.mu.RLock()
	s := l.bus.subs[name]
	l.bus.mu.RUnlock()
	if s != nil && s.wanted.Swap(false) {
		l.request(s, false)
	}
}

// request requests a change, unless the link is down: setUp requests all wanted subscriptions. l.mu must be held.
func (l *link) request(s *subscription, wanted bool) {
	if !l.up {
		if !wanted {
			l.drop(s)
		}
		return
	}
	if wanted {
		s.requested++
	}
	l.changes = append(l.changes, subscriptionChange{s, wanted})
	select {
	case l.work <- struct{}{}:
	default:
	}
}

// drop removes a subscription from the bus. l.mu must be held.
func (l *link) drop(s *subscription) {
	l.bus.mu.Lock()
	defer l.bus.mu.Unlock()
	if l.bus.subs[s.channel] == s {
		delete(l.bus.subs, s.channel)
	}
}

// write sends the requested changes until ctx ends.
func (l *link) write(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.work:
		}
		l.mu.Lock()
		orders, pubsub := l.changes, l.pubsub
		l.changes = nil
		l.mu.Unlock()
		for len(orders) > 0 && pubsub != nil {
			n := 1
			for n < len(orders) && n < chunk && orders[n].make == orders[0].make {
				n++
			}
			names := make([]string, n)
			for i, o := range orders[:n] {
				names[i] = o.sub.channel
			}
			if err := l.command(ctx, pubsub, orders[0].make, names...); err != nil {
				l.fail(pubsub)
				break
			}
			orders = orders[n:]
		}
	}
}

func (l *link) command(ctx context.Context, p *redis.PubSub, make bool, names ...string) error {
	switch {
	case make && l.bus.sharded:
		return p.SSubscribe(ctx, names...)
	case make:
		return p.Subscribe(ctx, names...)
	case l.bus.sharded:
		return p.SUnsubscribe(ctx, names...)
	}
	return p.Unsubscribe(ctx, names...)
}

// fail ends a connection, so that Receive on it returns an error.
func (l *link) fail(p *redis.PubSub) {
	l.mu.Lock()
	cut := l.cut
	same := l.pubsub == p
	l.mu.Unlock()
	if same && cut != nil {
		cut()
	}
}

// rebuild ends the connection in use, if there is one, so that the link reconnects.
func (l *link) rebuild() {
	l.mu.Lock()
	p := l.pubsub
	l.mu.Unlock()
	if p != nil {
		l.fail(p)
	}
}

// run keeps the link connected and passes on what it receives, until ctx ends.
func (l *link) run(ctx context.Context) {
	pause := initialBackoff
	for ctx.Err() == nil {
		began := time.Now()
		err := l.connect(ctx)
		if ctx.Err() != nil {
			return
		}
		l.noteFailure(began)
		l.bus.meters.reconnects.Inc()
		l.bus.reload()
		l.bus.log.Debug("a connection to redis is made anew", "error", err)
		if time.Since(began) > maxBackoff {
			pause = initialBackoff
		}
		timer := time.NewTimer(pause/2 + rand.N(pause))
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
		pause = min(2*pause, maxBackoff)
	}
}

var errSilent = errors.New("redisbus: nothing comes by the connection")

// connect makes a connection and receives from it until it fails.
func (l *link) connect(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var p *redis.PubSub
	if l.bus.sharded {
		p = l.bus.client.SSubscribe(ctx)
	} else {
		p = l.bus.client.Subscribe(ctx)
	}
	closed := sync.OnceFunc(func() { _ = p.Close() })
	defer closed()
	defer context.AfterFunc(ctx, closed)()                   // which ends Receive
	dialling, done := context.WithTimeout(ctx, redisTimeout) // else a stalled server is waited for as long as for a pipeline
	err := l.command(dialling, p, true, l.probeChannel)
	done()
	if err != nil {
		return err
	}
	if _, err := p.ReceiveTimeout(ctx, redisTimeout); err != nil { // the reply to the subscription of the probes' channel
		return err
	}
	l.setUp(p, cancel)
	defer l.setDown()
	for {
		m, err := p.Receive(ctx)
		if err != nil {
			if ctx.Err() != nil {
				err = errSilent
			}
			return err
		}
		switch m := m.(type) {
		case *redis.Message:
			l.receive(m)
		case *redis.Subscription:
			if err := l.subscriptionChanged(m); err != nil {
				return err
			}
		}
	}
}

// setUp takes a connection into use and requests all wanted subscriptions. Only a probe can show
// whether anything is delivered by it.
func (l *link) setUp(p *redis.PubSub, cut context.CancelFunc) {
	defer l.probe()
	l.probesUnanswered.Store(0)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pubsub, l.up, l.down, l.cut, l.upSince = p, true, false, cut, time.Now()
	for _, s := range l.subscriptions() {
		if s.wanted.Load() {
			l.request(s, true)
		}
	}
}

// subscriptions returns the link's subscriptions. l.mu must be held.
func (l *link) subscriptions() []*subscription {
	l.bus.mu.RLock()
	defer l.bus.mu.RUnlock()
	var out []*subscription
	for _, s := range l.bus.subs {
		if l.bus.links[s.partition%len(l.bus.links)] == l {
			out = append(out, s)
		}
	}
	return out
}

// noteFailure marks the link as down if it has not been up since began.
func (l *link) noteFailure(began time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down = l.upSince.Before(began); l.down {
		for _, s := range l.subscriptions() {
			s.notify()
		}
	}
}

// notify wakes the goroutines that wait for the subscription. The link's mu must be held.
func (s *subscription) notify() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// setDown resets the link and its subscriptions after its connection has ended.
func (l *link) setDown() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pubsub, l.up, l.cut, l.changes = nil, false, nil, nil
	for _, s := range l.subscriptions() {
		s.requested, s.made = 0, 0
		s.notify()
		if !s.wanted.Load() {
			l.drop(s)
		}
	}
}

// subscriptionChanged records that a subscription was made or ended. It is an error if one ends that
// is wanted (a Cluster's slot moved).
func (l *link) subscriptionChanged(m *redis.Subscription) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bus.mu.RLock()
	s := l.bus.subs[m.Channel]
	l.bus.mu.RUnlock()
	switch {
	case strings.HasSuffix(m.Kind, "unsubscribe"):
		if m.Channel == l.probeChannel {
			return errSilent
		}
		if s == nil {
			return nil
		}
		if s.made < s.requested { // it is being made again
			return nil
		}
		if s.wanted.Load() {
			return errSilent
		}
		l.drop(s)
	case s != nil:
		s.made++
		s.notify()
	}
	return nil
}

// receive passes a message on to its worker, without waiting.
func (l *link) receive(m *redis.Message) {
	if m.Channel == l.probeChannel {
		l.receiveProbe(m.Payload)
		return
	}
	b := l.bus
	b.meters.received.Inc()
	if senderOf(m.Payload) == b.seals.sender {
		return // delivered when it was published
	}
	b.mu.RLock()
	s := b.subs[m.Channel]
	b.mu.RUnlock()
	if s == nil || !s.wanted.Load() {
		return
	}
	select {
	case b.worker(s.partition) <- work{sub: s, payload: m.Payload, received: true}:
	default:
		b.meters.lost.WithLabelValues(lostWorkQueue).Inc()
	}
}
