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
	// portionMax and portionBytesMax are how much of what was missing members are given at once,
	// and portionEvery how often: what their queues hold is less than may be missing.
	portionMax      = 400
	portionBytesMax = 64 << 10
	portionEvery    = 50 * time.Millisecond
	// portionWaits limits how often in a row a portion waits for members whose queues are more than
	// half full, so that one slow member does not hold up the others.
	portionWaits = 20
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
	pacing    bool // portions are given by mend, and nobody else
}

// receive is given the topic's messages by the bus.
func (t *topic) receive(m Message, h *Hub) {
	if m.Seat != 0 {
		t.take(m.Seat)
		return
	}
	if m.Epoch != 0 && m.Epoch < h.first.Load() {
		h.meters.outdated.Inc()
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
	if !s.pacing {
		s.early = slices.Delete(s.early, 0, t.portion(s.early, h))
	}
	if s.top > s.last.Load() && !s.repairing && h.background(func() { t.mend(h) }) {
		s.repairing = true
		h.meters.gaps.Inc()
	}
}

// portion gives members what is next of some events, so much of it as they are given at once,
// and returns how many of them are done with. s.mu is held.
func (t *topic) portion(some []Message, h *Hub) (n int) {
	given, bytes := 0, 0
	for _, m := range some {
		last := t.sequel.last.Load()
		if m.Seq > last+1 || given == portionMax || bytes > portionBytesMax {
			break
		}
		if m.Seq == last+1 {
			t.give(m, h)
			given++
			bytes += len(m.Frame)
		}
		n++
	}
	return n
}

// begin says that the topic is at this seq, as somebody found who knows. Nobody was given
// anything yet, so members who are there already need to know at least that much themselves. Who came
// before the database went back does not know: first is the smallest epoch that there could be then.
func (t *topic) begin(seq, first int64, h *Hub) {
	if h.repair == nil {
		return
	}
	s := &t.sequel
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known || first != h.first.Load() {
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

// background begins f, which Run waits for, unless the hub has ended.
func (h *Hub) background(f func()) bool {
	h.errandsMu.Lock()
	defer h.errandsMu.Unlock()
	if h.life.Err() != nil {
		return false
	}
	h.errands.Go(f)
	return true
}

// mend fetches what is missing until nothing is, or nobody listens.
func (t *topic) mend(h *Hub) {
	s := &t.sequel
	var fetched []Message
	more, again, waits := false, repairAfter, 0 // more: there is something to be given
	for pause := again; ; {
		late := time.NewTimer(pause)
		select {
		case <-late.C:
		case <-h.life.Done():
			late.Stop()
			return
		}
		if more && waits < portionWaits && t.behind(h.limits.QueueBytesMax/2) {
			waits++
			pause = portionEvery
			continue
		}
		waits = 0
		var done bool
		if fetched, more, done = t.mended(h, fetched); done {
			return
		}
		if more {
			pause = portionEvery
			continue
		}
		select {
		case h.fetching <- struct{}{}:
		case <-h.life.Done():
			return
		}
		asking, cancel := context.WithTimeout(h.life, repairWithin)
		got, err := h.repair(asking, t.name, s.last.Load())
		cancel()
		<-h.fetching
		if err != nil {
			h.log.Debug("missing events could not be fetched", "topic", t.name.String(), "after", s.last.Load(), "error", err)
		}
		next := s.last.Load() + 1
		if slices.ContainsFunc(got, func(m Message) bool { return m.Seq == next }) {
			fetched, more, pause, again = got, true, 0, repairAfter
			continue
		}
		pause = again
		again = min(2*again, repairMost)
	}
}

// mended gives a portion of what was fetched, or came early, and reports what is left of it,
// whether there is more to be given, and whether nothing is missing any more.
func (t *topic) mended(h *Hub, fetched []Message) (rest []Message, more, done bool) {
	s := &t.sequel
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.last.Load()
	s.pacing = false
	rest = fetched[t.portion(fetched, h):]
	h.meters.repaired.Add(float64(s.last.Load() - before))
	if len(rest) == 0 || rest[0].Seq > s.last.Load()+1 {
		rest = nil
		t.settle(h)
	}
	t.mu.RLock()
	nobody := len(t.members) == 0
	t.mu.RUnlock()
	s.repairing = s.top > s.last.Load() && !nobody
	more = rest != nil || len(s.early) > 0 && s.early[0].Seq <= s.last.Load()+1
	s.pacing = more && s.repairing
	return rest, more, !s.repairing
}

// behind reports whether any member has more than this many bytes queued.
func (t *topic) behind(bytes int) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return slices.ContainsFunc(t.members, func(m *member) bool { return m.conn.queued() > bytes })
}
