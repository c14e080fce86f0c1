package hub

import (
	"time"

	"github.com/pitboss-hub/pitboss/hub/wire"
)

// wentBackRetry is roughly when clients should reconnect after the database has gone back: the rooms
// are being claimed anew.
const wentBackRetry = time.Second

// GoBack handles a database that was restored to an earlier state, so that seqs are used again. It
// closes the sockets, which may have received events that no longer exist, as database_went_back.
// From then on messages with an epoch before first are dropped, and the position of each topic is
// learned anew, only from sockets that connect afterwards.
func (h *Hub) GoBack(first int64) {
	h.minEpoch.Store(first) // before the loop: a new socket either sees the new value or is closed
	for c := range h.all() {
		if c.minEpoch < first {
			c.Close(wire.CloseWentBack, jitter(wentBackRetry))
		}
	}
	for t := range h.topics.all() {
		t.events.reset()
	}
}

// reset returns s to the state of a topic whose position is unknown.
func (s *resequencer) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.started, s.top, s.early = false, 0, nil
	s.last.Store(0)
}
