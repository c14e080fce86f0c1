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

// shards is into how many parts the registries of sockets and of topics are divided,
// so that those who come and go do not wait for each other.
const shards = 64

// topics is who listens to what on this node. The bus is subscribed to exactly the
// topics that somebody listens to.
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
	// gate is held, by sending to it, while the bus is told of this topic, so that
	// subscribing and unsubscribing can not overtake each other.
	gate       chan struct{}
	subscribed bool // guarded by gate
	refs       int  // guarded by the shard's mu; members, and those on their way in or out

	sequel sequel
	seat   atomic.Int64 // the newest that was told, if the topic is a player's

	mu      sync.RWMutex // guards what follows
	members []*member
	players int // members of role player
}

// member is one socket on one topic.
type member struct {
	conn   *Conn
	name   tenant.Topic
	topic  *topic // set once, before the member is in it
	player bool
	since  int64 // an event that it is never given, nor any before; guarded by topic.mu

	place int  // in topic.members; guarded by topic.mu
	in    bool // guarded by topic.mu
	gone  bool // it must not get in any more; guarded by topic.mu

	// Guarded by conn.mu.
	left    bool // it is not one of the socket's any more
	holding bool
	held    []item
	weight  int             // bytes of its events in the queue, when heaviest looked
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

// enter returns the topic, subscribed and with a reference, which the caller gives
// back with leave. It waits for the bus, for busTimeout at most.
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
		late := time.NewTimer(busTimeout)
		defer late.Stop()
		select {
		case t.gate <- struct{}{}:
			err = ts.subscribe(t)
		case <-late.C:
			err = context.DeadlineExceeded
		}
	}
	if err != nil {
		ts.leave(t)
		return nil, fmt.Errorf("hub: subscribe to %s: %w", name, err)
	}
	return t, nil
}

// subscribe gives the gate back.
func (ts *topics) subscribe(t *topic) (err error) {
	defer func() { <-t.gate }()
	if t.subscribed {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), busTimeout)
	defer cancel()
	if err = ts.bus.Subscribe(ctx, t.name); err != nil {
		ts.bus.Unsubscribe(t.name) // it may have come through
	}
	t.subscribed = err == nil
	return err
}

// leave gives a reference back; the last one ends the subscription.
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
		return // somebody came meanwhile
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

// all is every topic; no lock is held while one is looked at.
func (ts *topics) all() iter.Seq[*topic] {
	return func(yield func(*topic) bool) {
		for i := range ts.shards {
			s := &ts.shards[i]
			s.mu.RLock()
			here := slices.Collect(maps.Values(s.topics))
			s.mu.RUnlock()
			for _, t := range here {
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

// add lets m in, unless it was removed before it came.
func (t *topic) add(m *member) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if m.gone {
		return false
	}
	m.place, m.in = len(t.members), true
	m.since = t.sequel.last.Load()
	t.members = append(t.members, m)
	if m.player {
		t.players++
	}
	return true
}

// again is for a member that is held again: what it was sent may be thrown away by its client,
// and what waited for it, up to the event last, was.
func (t *topic) again(m *member, last int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m.since = max(t.sequel.last.Load(), last)
}

// remove takes m out, for good, and reports whether it was in.
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
	t.members[m.place], moved.place = moved, m.place
	t.members[last] = nil
	t.members = t.members[:last]
	if m.player {
		t.players--
	}
	return true
}

// deliver gives msg to every member.
func (t *topic) deliver(msg Message, fs *flushers) {
	var s slot
	if msg.Key != "" {
		s = slot{t.name, msg.Key}
	}
	frameOf := func(payload []byte) *frame {
		f := newFrame(payload, msg.Class, msg.Seq, s)
		if f != nil {
			f.placed = msg.Seq > 0 || msg.Top > 0
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

// count reports whether anybody listens, and how many sockets of players.
func (t *topic) count() (anybody bool, players int) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.members) > 0, t.players
}
