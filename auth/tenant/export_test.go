package tenant

import "time"

// AddAt is Add at a time.
func (h *Hits) AddAt(id ID, limit string, now time.Time) { h.add(id, limit, now) }

// OfAt is Of at a time.
func (h *Hits) OfAt(id ID, now time.Time) []Hit { return h.of(id, now) }

// Tenants returns of how many tenants there are hits.
func (h *Hits) Tenants() int { return len(h.tenants) }
