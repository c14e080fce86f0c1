package api

import "sync"

// Slots bounds how many questions of one kind are worked on for each K, a tenant or a person, at once.
type Slots[K comparable] struct {
	most int
	mu   sync.Mutex
	used map[K]int
}

// NewSlots returns Slots of which each K has so many.
func NewSlots[K comparable](most int) *Slots[K] { return &Slots[K]{most: most, used: map[K]int{}} }

// Acquire takes a slot, which free gives back, and reports whether there was one.
func (s *Slots[K]) Acquire(id K) (free func(), ok bool) {
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
