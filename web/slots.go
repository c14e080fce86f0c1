package web

import (
	"sync"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

// slots bound how many questions of one kind are worked on for one tenant at once.
type slots struct {
	most int
	mu   sync.Mutex
	used map[tenant.ID]int
}

func newSlots(most int) *slots { return &slots{most: most, used: map[tenant.ID]int{}} }

// take takes a slot, to be given back by free; it reports false if there is none.
func (s *slots) take(id tenant.ID) (free func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used[id] >= s.most {
		return nil, false
	}
	s.used[id]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.used[id]--; s.used[id] == 0 {
			delete(s.used, id)
		}
	}, true
}
