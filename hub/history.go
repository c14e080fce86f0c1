package hub

import (
	"time"

	"github.com/pitboss-hub/pitboss/hub/wire"
)

// wentBackRetry is about when sockets come back after the database has gone back: the rooms are being
// claimed anew.
const wentBackRetry = time.Second

// GoBack is for when the database has gone back, and seqs are given out again. Sockets may have been
// told what is not true any more: they are closed, as database_went_back. From now on, what is published
// of an epoch before first is of a history that nobody has any more, and is dropped; and where a topic is
// is asked anew, and told by sockets that came afterwards only.
func (h *Hub) GoBack(first int64) {
	h.first.Store(first) // before the sockets: one that comes now sees it, or is seen
	for c := range h.all() {
		if c.first < first {
			c.Close(wire.CloseWentBack, spread(wentBackRetry))
		}
	}
	for t := range h.topics.all() {
		t.sequel.forget()
	}
}

// forget makes the sequel that of a topic of which nothing is known.
func (s *sequel) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known, s.top, s.early = false, 0, nil
	s.last.Store(0)
}
