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
	// earlyMax bounds the events of a topic that are buffered after a gap; later ones are fetched
	// with the missing ones.
	earlyMax = 1024
	// repairDelay is how long a missing event is waited for before it is fetched: it may only
	// have been reordered.
	repairDelay = 20 * time.Millisecond
	// repairDelayMax is the longest pause between two attempts to fetch it.
	repairDelayMax = time.Second
	// repairTimeout bounds one attempt: other topics wait for its slot.
	repairTimeout = 10 * time.Second
	// batchMax and batchBytesMax bound how much of a gap is delivered at once, and batchInterval
	// separates the batches: a gap may be larger than the members' queues.
	batchMax      = 400
	batchBytesMax = 64 << 10
	batchInterval = 50 * time.Millisecond
	// batchWaitsMax limits how often in a row a batch waits for members whose queues are more than
	// half full, so that one slow member does not hold up the others.
	batchWaitsMax = 20
	// repairsMax bounds the topics that fetch at the same time.
	repairsMax = 32
)

// Repair fetches the events of a topic after the given seq, in order, from a store that loses
// none. It may return only the first of them.
type Repair func(ctx context.Context, topic tenant.Topic, after int64) ([]Message, error)

// resequencer delivers a topic's events to its members once each and in order, although the bus
// may lose, duplicate or reorder them. Until it has been started with the topic's position, no
// member has been released, and events are only buffered.
type resequencer struct {
	last atomic.Int64 // the last event delivered, or that need not be delivered; changed under mu

	mu        sync.Mutex // guards what follows; held while events are delivered
	started   bool       // last is known
	top       int64      // the highest known seq
	early     []Message  // events after a gap, in order
	repairing bool       // repairGap runs
	paced     bool       // only repairGap delivers, in batches
}

// receive handles a message of the topic that came from the bus.
func (t *topic) receive(m Message, h *Hub) {
	if m.Seat != 0 {
		t.applySeat(m.Seat)
		return
	}
	if m.Epoch != 0 && m.Epoch < h.minEpoch.Load() {
		h.meters.outdated.Inc()
		return
	}
	if h.repair == nil || m.Seq <= 0 && m.Top <= 0 {
		t.deliver(m, h.flushers)
		return
	}
	s := &t.events
	s.mu.Lock()
	defer s.mu.Unlock()
	last := s.last.Load()
	switch {
	case m.Seq <= 0:
		if s.top = max(s.top, m.Top); !s.started || s.top <= last {
			t.deliver(m, h.flushers) // a beat; members that are behind get the fetched events
		}
	case s.started && m.Seq <= last:
		h.meters.duplicates.Inc()
		return
	case s.started && m.Seq == last+1 && len(s.early) == 0:
		t.deliverNext(m, h)
		return
	default:
		s.buffer(m)
	}
	t.advance(h)
}

// buffer adds an event to early unless it is there. s.mu must be held.
func (s *resequencer) buffer(m Message) {
	s.top = max(s.top, m.Seq)
	i, found := slices.BinarySearchFunc(s.early, m.Seq, func(e Message, seq int64) int { return cmp.Compare(e.Seq, seq) })
	if !found && len(s.early) < earlyMax {
		s.early = slices.Insert(s.early, i, m)
	}
}

// deliverNext delivers the next event. The resequencer's mu must be held.
func (t *topic) deliverNext(m Message, h *Hub) {
	t.events.last.Store(m.Seq)
	t.deliver(m, h.flushers)
}

// advance delivers the buffered events that are next and starts to repair a gap. The resequencer's mu must be held.
func (t *topic) advance(h *Hub) {
	s := &t.events
	if !s.started {
		return
	}
	if !s.paced {
		s.early = slices.Delete(s.early, 0, t.deliverBatch(s.early, h))
	}
	if s.top > s.last.Load() && !s.repairing && h.background(func() { t.repairGap(h) }) {
		s.repairing = true
		h.meters.gaps.Inc()
	}
}

// deliverBatch delivers the first events that are next, up to the size of a batch, and returns how
// many of the events are no longer needed. The resequencer's mu must be held.
func (t *topic) deliverBatch(events []Message, h *Hub) (n int) {
	delivered, bytes := 0, 0
	for _, m := range events {
		last := t.events.last.Load()
		if m.Seq > last+1 || delivered == batchMax || bytes > batchBytesMax {
			break
		}
		if m.Seq == last+1 {
			t.deliverNext(m, h)
			delivered++
			bytes += len(m.Frame)
		}
		n++
	}
	return n
}

// start sets the topic's position, as its owner reported it. Nothing was delivered before, so the
// members that are there already must know at least as much themselves. A position from before the
// database went back is ignored: first is the smallest valid epoch when the caller connected.
func (t *topic) start(seq, first int64, h *Hub) {
	if h.repair == nil {
		return
	}
	s := &t.events
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.started || first != h.minEpoch.Load() {
		return
	}
	s.started = true
	s.last.Store(seq)
	t.mu.Lock()
	for _, m := range t.members {
		m.since = max(m.since, seq)
	}
	t.mu.Unlock()
	t.advance(h)
}

// background runs f in a goroutine that Run waits for, and reports false if the hub has ended.
func (h *Hub) background(f func()) bool {
	h.tasksMu.Lock()
	defer h.tasksMu.Unlock()
	if h.life.Err() != nil {
		return false
	}
	h.tasks.Go(f)
	return true
}

// repairGap fetches missing events until none is missing or the topic has no members.
func (t *topic) repairGap(h *Hub) {
	s := &t.events
	var fetched []Message
	more, backoff, waits := false, repairDelay, 0 // more: there are events to deliver
	for pause := backoff; ; {
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-h.life.Done():
			timer.Stop()
			return
		}
		if more && waits < batchWaitsMax && t.anyQueueOver(h.limits.QueueBytesMax/2) {
			waits++
			pause = batchInterval
			continue
		}
		waits = 0
		var done bool
		if fetched, more, done = t.deliverRepaired(h, fetched); done {
			return
		}
		if more {
			pause = batchInterval
			continue
		}
		select {
		case h.fetching <- struct{}{}:
		case <-h.life.Done():
			return
		}
		fetchCtx, cancel := context.WithTimeout(h.life, repairTimeout)
		events, err := h.repair(fetchCtx, t.name, s.last.Load())
		cancel()
		<-h.fetching
		if err != nil {
			h.log.Debug("missing events could not be fetched", "topic", t.name.String(), "after", s.last.Load(), "error", err)
		}
		next := s.last.Load() + 1
		if slices.ContainsFunc(events, func(m Message) bool { return m.Seq == next }) {
			fetched, more, pause, backoff = events, true, 0, repairDelay
			continue
		}
		pause = backoff
		backoff = min(2*backoff, repairDelayMax)
	}
}

// deliverRepaired delivers a batch of the fetched and the buffered events. It returns the fetched
// ones that are left, whether there is more to deliver, and whether the gap is closed.
func (t *topic) deliverRepaired(h *Hub, fetched []Message) (rest []Message, more, done bool) {
	s := &t.events
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.last.Load()
	s.paced = false
	rest = fetched[t.deliverBatch(fetched, h):]
	h.meters.repaired.Add(float64(s.last.Load() - before))
	if len(rest) == 0 || rest[0].Seq > s.last.Load()+1 {
		rest = nil
		t.advance(h)
	}
	t.mu.RLock()
	nobody := len(t.members) == 0
	t.mu.RUnlock()
	s.repairing = s.top > s.last.Load() && !nobody
	more = rest != nil || len(s.early) > 0 && s.early[0].Seq <= s.last.Load()+1
	s.paced = more && s.repairing
	return rest, more, !s.repairing
}

// anyQueueOver reports whether any member has more than this many bytes queued.
func (t *topic) anyQueueOver(bytes int) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return slices.ContainsFunc(t.members, func(m *member) bool { return m.conn.queued() > bytes })
}
