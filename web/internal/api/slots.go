package api

import (
	"sync"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

// Slots bounds how many questions of one kind are worked on for one tenant at once.
type Slots struct {
	most int
	mu   sync.Mutex
	used map[tenant.ID]int
}

// NewSlots returns Slots of which each tenant has so many.
func NewSlots(most int) *Slots { return &Slots{most: most, used: map[tenant.ID]int{}} }

// Acquire takes a slot, which free gives back, and reports whether there was one.
func (s *Slots) Acquire(id tenant.ID) (free func(), ok bool) {
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
