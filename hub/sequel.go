package hub

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

const (
	// earlyMax is how many events of a topic are kept that came after a missing one; more are
	// fetched with it.
	earlyMax = 1024
	// repairAfter is how long a missing event is waited for before it is fetched: it may only
	// have been overtaken.
	repairAfter = 20 * time.Millisecond
	// repairMost is the longest pause between two tries to fetch it.
	repairMost = time.Second
	// repairWithin bounds one try: others wait for its place.
	repairWithin = 10 * time.Second
	// repairsMax is how many topics fetch at once.
	repairsMax = 32
)

// Repair fetches what was published on a topic after the event of this seq, in order, from
// where nothing is lost. It may return only some of it.
type Repair func(ctx context.Context, topic tenant.Topic, after int64) ([]Message, error)

// sequel gives a topic's events to its members once each and in order, whatever the bus loses,
// doubles or reorders. Until a member says where the topic is, nobody has been let go by
// Release, and events are only kept.
type sequel struct {
	last atomic.Int64 // the event that members were given last, or need not be given; changed under mu

	mu        sync.Mutex // guards what follows; held while events are given to members
	known     bool       // last is
	top       int64      // the highest seq that was heard of
	early     []Message  // events after a missing one, in order
	repairing bool
}

// receive is given the topic's messages by the bus.
func (t *topic) receive(m Message, h *Hub) {
	if m.Seat != 0 {
		t.take(m.Seat)
		return
	}
	if h.repair == nil || m.Seq <= 0 && m.Top <= 0 {
		t.deliver(m, h.flushers)
		return
	}
	s := &t.sequel
	s.mu.Lock()
	defer s.mu.Unlock()
	last := s.last.Load()
	switch {
	case m.Seq <= 0:
		if s.top = max(s.top, m.Top); !s.known || s.top <= last {
			t.deliver(m, h.flushers) // a beat; those behind will not miss what is fetched
		}
	case s.known && m.Seq <= last:
		h.meters.doubled.Inc()
		return
	case s.known && m.Seq == last+1 && len(s.early) == 0:
		t.give(m, h)
		return
	default:
		s.keep(m)
	}
	t.settle(h)
}

// keep puts an event among those that came early, once. s.mu is held.
func (s *sequel) keep(m Message) {
	s.top = max(s.top, m.Seq)
	i, found := slices.BinarySearchFunc(s.early, m.Seq, func(e Message, seq int64) int { return cmp.Compare(e.Seq, seq) })
	if !found && len(s.early) < earlyMax {
		s.early = slices.Insert(s.early, i, m)
	}
}

// give gives members the next event. s.mu is held.
func (t *topic) give(m Message, h *Hub) {
	t.sequel.last.Store(m.Seq)
	t.deliver(m, h.flushers)
}

// settle gives what is next of what came early, and has what is missing fetched. s.mu is held.
func (t *topic) settle(h *Hub) {
	s := &t.sequel
	if !s.known {
		return
	}
	n := 0
	for _, m := range s.early {
		last := s.last.Load()
		if m.Seq > last+1 {
			break
		}
		if m.Seq == last+1 {
			t.give(m, h)
		}
		n++
	}
	s.early = slices.Delete(s.early, 0, n)
	if s.top > s.last.Load() && !s.repairing && h.life.Err() == nil {
		s.repairing = true
		h.meters.gaps.Inc()
		h.repairs.Go(func() { t.mend(h) })
	}
}

// begin says that the topic is at this seq, as somebody found who knows. Nobody was given
// anything yet, so members who are there already need to know at least that much themselves.
func (t *topic) begin(seq int64, h *Hub) {
	if h.repair == nil {
		return
	}
	s := &t.sequel
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known {
		return
	}
	s.known = true
	s.last.Store(seq)
	t.mu.Lock()
	for _, m := range t.members {
		m.since = max(m.since, seq)
	}
	t.mu.Unlock()
	t.settle(h)
}

// mend fetches what is missing until nothing is, or nobody listens.
func (t *topic) mend(h *Hub) {
	s := &t.sequel
	for pause := repairAfter; ; pause = min(2*pause, repairMost) {
		late := time.NewTimer(pause)
		select {
		case <-late.C:
		case <-h.life.Done():
			late.Stop()
			return
		}
		if t.mended(h, nil) {
			return
		}
		select {
		case h.repairing <- struct{}{}:
		case <-h.life.Done():
			return
		}
		asking, cancel := context.WithTimeout(h.life, repairWithin)
		fetched, err := h.repair(asking, t.name, s.last.Load())
		cancel()
		<-h.repairing
		if err != nil {
			h.log.Debug("missing events could not be fetched", "topic", t.name.String(), "after", s.last.Load(), "error", err)
		}
		if t.mended(h, fetched) {
			return
		}
		if len(fetched) > 0 {
			pause = repairAfter / 2
		}
	}
}

// mended gives what was fetched, and reports whether nothing is missing any more.
func (t *topic) mended(h *Hub, fetched []Message) bool {
	s := &t.sequel
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range fetched {
		if m.Seq == s.last.Load()+1 {
			t.give(m, h)
			h.meters.repaired.Inc()
		}
	}
	t.settle(h)
	t.mu.RLock()
	nobody := len(t.members) == 0
	t.mu.RUnlock()
	s.repairing = s.top > s.last.Load() && !nobody
	return !s.repairing
}
