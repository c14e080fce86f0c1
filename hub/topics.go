package hub

import (
	"context"
	"fmt"
	"hash/maphash"
	"iter"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

// shards is the number of shards of the registries of sockets and of topics, which keeps
// contention for their locks low.
const shards = 64

// topics holds the topics that sockets of this node listen to. The bus is subscribed to
// exactly these.
type topics struct {
	bus    Bus
	seed   maphash.Seed
	shards [shards]struct {
		mu     sync.RWMutex
		topics map[tenant.Topic]*topic
	}
}

type topic struct {
	name tenant.Topic
	// gate is a lock, held by sending to it, for calls to the bus about this topic, so that
	// subscribing and unsubscribing cannot overtake each other.
	gate       chan struct{}
	subscribed bool // guarded by gate
	refs       int  // guarded by the shard's mu; members, and those that are joining or leaving

	events resequencer
	seat   atomic.Int64 // the newest one published, if the topic is a player's

	mu      sync.RWMutex // guards what follows
	members []*member
	players int // members of role player
}

// member is one socket's subscription to one topic.
type member struct {
	conn   *Conn
	name   tenant.Topic
	topic  *topic // set once, before the member is in it
	player bool
	since  int64 // events up to this one are never delivered to it; guarded by topic.mu

	index int  // in topic.members; guarded by topic.mu
	in    bool // guarded by topic.mu
	gone  bool // it must not be added any more; guarded by topic.mu

	// Guarded by conn.mu.
	left    bool // it is no longer one of the socket's
	holding bool
	held    []item
	weight  int             // bytes of its events in the queue, as heaviest found them
	after   int64           // events up to this one are known to the client
	waiting [classes]uint32 // strict items in each line of the queue
	fixed   uint64          // the number of the newest strict item that nothing may replace
}

func newTopics(bus Bus) *topics {
	ts := &topics{bus: bus, seed: maphash.MakeSeed()}
	for i := range ts.shards {
		ts.shards[i].topics = map[tenant.Topic]*topic{}
	}
	return ts
}

// enter returns the topic, subscribed and with a reference, which the caller must
// release with leave. It waits for the bus, for busTimeout at most.
func (ts *topics) enter(name tenant.Topic) (*topic, error) {
	s := &ts.shards[ts.shard(name)]
	s.mu.Lock()
	t := s.topics[name]
	if t == nil {
		t = &topic{name: name, gate: make(chan struct{}, 1)}
		s.topics[name] = t
	}
	t.refs++
	s.mu.Unlock()

	var err error
	select {
	case t.gate <- struct{}{}:
		err = ts.subscribe(t)
	default:
		timer := time.NewTimer(busTimeout)
		defer timer.Stop()
		select {
		case t.gate <- struct{}{}:
			err = ts.subscribe(t)
		case <-timer.C:
			err = context.DeadlineExceeded
		}
	}
	if err != nil {
		ts.leave(t)
		return nil, fmt.Errorf("hub: subscribe to %s: %w", name, err)
	}
	return t, nil
}

// subscribe subscribes the topic to the bus and releases the gate, which the caller holds.
func (ts *topics) subscribe(t *topic) (err error) {
	defer func() { <-t.gate }()
	if t.subscribed {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), busTimeout)
	defer cancel()
	if err = ts.bus.Subscribe(ctx, t.name); err != nil {
		ts.bus.Unsubscribe(t.name) // it may have taken effect
	}
	t.subscribed = err == nil
	return err
}

// leave releases a reference; the last one ends the subscription.
func (ts *topics) leave(t *topic) {
	s := &ts.shards[ts.shard(t.name)]
	unused := func(drop int) bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		t.refs -= drop
		return t.refs == 0
	}
	if !unused(1) {
		return
	}
	t.gate <- struct{}{}
	defer func() { <-t.gate }()
	if !unused(0) {
		return // a socket entered meanwhile
	}
	if t.subscribed {
		ts.bus.Unsubscribe(t.name)
		t.subscribed = false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.refs == 0 && s.topics[t.name] == t {
		delete(s.topics, t.name)
	}
}

func (ts *topics) find(name tenant.Topic) *topic {
	s := &ts.shards[ts.shard(name)]
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.topics[name]
}

// all yields every topic. No lock is held during the yield.
func (ts *topics) all() iter.Seq[*topic] {
	return func(yield func(*topic) bool) {
		for i := range ts.shards {
			s := &ts.shards[i]
			s.mu.RLock()
			all := slices.Collect(maps.Values(s.topics))
			s.mu.RUnlock()
			for _, t := range all {
				if !yield(t) {
					return
				}
			}
		}
	}
}

func (ts *topics) shard(name tenant.Topic) uint64 {
	return maphash.Comparable(ts.seed, name) % shards
}

// add adds m, unless it was removed before, and reports whether it did.
func (t *topic) add(m *member) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if m.gone {
		return false
	}
	m.index, m.in = len(t.members), true
	m.since = t.events.last.Load()
	t.members = append(t.members, m)
	if m.player {
		t.players++
	}
	return true
}

// rehold updates a member that is held again: its client may discard what it was sent, and the
// events that were queued for it, up to last, have been dropped.
func (t *topic) rehold(m *member, last int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m.since = max(t.events.last.Load(), last)
}

// remove removes m, for good, and reports whether it was a member.
func (t *topic) remove(m *member) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	m.gone = true
	if !m.in {
		return false
	}
	m.in = false
	last := len(t.members) - 1
	moved := t.members[last]
	t.members[m.index], moved.index = moved, m.index
	t.members[last] = nil
	t.members = t.members[:last]
	if m.player {
		t.players--
	}
	return true
}

// deliver queues msg for every member.
func (t *topic) deliver(msg Message, fs *flushers) {
	var s slot
	if msg.Key != "" {
		s = slot{t.name, msg.Key}
	}
	frameOf := func(payload []byte) *frame {
		f := newFrame(payload, msg.Class, msg.Seq, s)
		if f != nil {
			f.positioned = msg.Seq > 0 || msg.Top > 0
		}
		return f
	}
	public := frameOf(msg.Frame)
	var private map[string]*frame
	if len(msg.Private) > 0 {
		private = make(map[string]*frame, len(msg.Private))
		for _, p := range msg.Private {
			private[p.Player] = frameOf(p.Frame)
		}
	}
	l := fs.listing()
	defer l.done(msg.Class)
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, m := range t.members {
		f := public
		if private != nil && m.player {
			if own, ok := private[m.conn.id.Player]; ok {
				f = own
			}
		}
		if f != nil && m.conn.deliver(m, f) {
			l.add(m.conn)
		}
	}
}

// count reports whether any socket listens, and how many sockets of players do.
func (t *topic) count() (anybody bool, players int) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.members) > 0, t.players
}
