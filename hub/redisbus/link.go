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
	// chunk is how many channels one command names.
	chunk = 512
	// backoffFirst and backoffMost bound the pause before a link is made anew.
	backoffFirst = 50 * time.Millisecond
	backoffMost  = time.Second
)

// link is a connection that receives the messages of some partitions.
type link struct {
	bus     *Bus
	probes  string // the channel on which it hears itself
	index   int
	heardAt atomic.Int64  // when the last probe came, since Bus.began; 0: none did
	unheard atomic.Int32  // probes that were sent since then, or since the connection was made
	work    chan struct{} // holds one: there is something to be written

	mu     sync.Mutex // guards what follows; nests outside of Bus.mu
	pubsub *redis.PubSub
	up     bool      // what is asked is answered
	down   bool      // it is not, and could not be made so
	rose   time.Time // when it was up last
	orders []order   // to be written
	cut    context.CancelFunc
}

// order is a subscription to be made or ended.
type order struct {
	sub  *subscription
	make bool
}

// subscription is a channel that this node listens to, listened to, or will.
type subscription struct {
	topic     tenant.Topic
	channel   string
	partition int
	wanted    atomic.Bool

	// Guarded by the link's mu.
	asked, made int           // how often it was to be made on this connection, and was
	moved       chan struct{} // closed and replaced when made grew or the link went down
}

func newLink(b *Bus, i int) *link {
	l := &link{bus: b, index: i, work: make(chan struct{}, 1)}
	l.probes = fmt.Sprintf("%s%s}%s:probe:%x:%d", prefix, tags[i%partitions], b.realm, b.seals.sender, i)
	return l
}

// subscribe waits until the channel is subscribed, or the link is known to be down or does not
// answer: then it will be when the link is up.
func (l *link) subscribe(ctx context.Context, name string, topic tenant.Topic, partition int) error {
	l.mu.Lock()
	b := l.bus
	b.mu.Lock()
	s := b.subs[name]
	if s == nil {
		s = &subscription{topic: topic, channel: name, partition: partition, moved: make(chan struct{})}
		b.subs[name] = s
	}
	b.mu.Unlock()
	if !s.wanted.Swap(true) {
		l.order(s, true)
	}
	late := time.NewTimer(within)
	defer late.Stop()
	for !l.down && (!l.up || s.made < s.asked) {
		moved := s.moved
		l.mu.Unlock()
		select {
		case <-moved:
		case <-late.C:
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
		l.order(s, false)
	}
}

// order needs mu. While the link is down nothing is ordered: all that is wanted will be.
func (l *link) order(s *subscription, wanted bool) {
	if !l.up {
		if !wanted {
			l.drop(s)
		}
		return
	}
	if wanted {
		s.asked++
	}
	l.orders = append(l.orders, order{s, wanted})
	select {
	case l.work <- struct{}{}:
	default:
	}
}

// drop needs mu.
func (l *link) drop(s *subscription) {
	l.bus.mu.Lock()
	defer l.bus.mu.Unlock()
	if l.bus.subs[s.channel] == s {
		delete(l.bus.subs, s.channel)
	}
}

// write writes what is ordered.
func (l *link) write(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.work:
		}
		l.mu.Lock()
		orders, pubsub := l.orders, l.pubsub
		l.orders = nil
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

// fail ends a connection: what is received by it has an error.
func (l *link) fail(p *redis.PubSub) {
	l.mu.Lock()
	cut := l.cut
	same := l.pubsub == p
	l.mu.Unlock()
	if same && cut != nil {
		cut()
	}
}

// rebuild ends the connection that is in use, if there is one.
func (l *link) rebuild() {
	l.mu.Lock()
	p := l.pubsub
	l.mu.Unlock()
	if p != nil {
		l.fail(p)
	}
}

// run keeps a connection and passes on what comes by it.
func (l *link) run(ctx context.Context) {
	pause := backoffFirst
	for ctx.Err() == nil {
		began := time.Now()
		err := l.connection(ctx)
		if ctx.Err() != nil {
			return
		}
		l.failed(began)
		l.bus.meters.reconnects.Inc()
		l.bus.reload()
		l.bus.log.Debug("a connection to redis is made anew", "error", err)
		if time.Since(began) > backoffMost {
			pause = backoffFirst
		}
		late := time.NewTimer(pause/2 + rand.N(pause))
		select {
		case <-ctx.Done():
		case <-late.C:
		}
		late.Stop()
		pause = min(2*pause, backoffMost)
	}
}

var errSilent = errors.New("redisbus: nothing comes by the connection")

// connection is one connection's life.
func (l *link) connection(ctx context.Context) error {
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
	defer context.AfterFunc(ctx, closed)()             // which ends Receive
	dialling, done := context.WithTimeout(ctx, within) // or a server that stands still is waited for as long as for a pipeline
	err := l.command(dialling, p, true, l.probes)
	done()
	if err != nil {
		return err
	}
	if _, err := p.ReceiveTimeout(ctx, within); err != nil { // the probes' subscription
		return err
	}
	l.rise(p, cancel)
	defer l.fall()
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
			l.received(m)
		case *redis.Subscription:
			if err := l.answered(m); err != nil {
				return err
			}
		}
	}
}

// rise takes a connection into use, and orders all that is wanted. Whether anything comes by it
// only a probe can say.
func (l *link) rise(p *redis.PubSub, cut context.CancelFunc) {
	defer l.probe()
	l.unheard.Store(0)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pubsub, l.up, l.down, l.cut, l.rose = p, true, false, cut, time.Now()
	for _, s := range l.subscriptions() {
		if s.wanted.Load() {
			l.order(s, true)
		}
	}
}

// subscriptions needs mu.
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

// failed notes that a connection that began then could not be made, if it could not.
func (l *link) failed(began time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down = l.rose.Before(began); l.down {
		for _, s := range l.subscriptions() {
			s.move()
		}
	}
}

// move wakes those who wait for the subscription. The link's mu is held.
func (s *subscription) move() {
	close(s.moved)
	s.moved = make(chan struct{})
}

// fall forgets what was asked.
func (l *link) fall() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pubsub, l.up, l.cut, l.orders = nil, false, nil, nil
	for _, s := range l.subscriptions() {
		s.asked, s.made = 0, 0
		s.move()
		if !s.wanted.Load() {
			l.drop(s)
		}
	}
}

// answered notes that a subscription was made or ended. One that ends though nobody asked
// (a Cluster's slot moved) is an error.
func (l *link) answered(m *redis.Subscription) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bus.mu.RLock()
	s := l.bus.subs[m.Channel]
	l.bus.mu.RUnlock()
	switch {
	case strings.HasSuffix(m.Kind, "unsubscribe"):
		if m.Channel == l.probes {
			return errSilent
		}
		if s == nil {
			return nil
		}
		if s.made < s.asked { // it is being made again
			return nil
		}
		if s.wanted.Load() {
			return errSilent
		}
		l.drop(s)
	case s != nil:
		s.made++
		s.move()
	}
	return nil
}

// received passes a message on to its worker, without waiting.
func (l *link) received(m *redis.Message) {
	if m.Channel == l.probes {
		l.probed(m.Payload)
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
	case b.worker(s.partition) <- work{sub: s, payload: m.Payload, came: true}:
	default:
		b.meters.lost.WithLabelValues(lostWorkQueue).Inc()
	}
}
