package tenant

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"
)

// HitHours bounds how long Hits keep a hit, in hours.
const HitHours = 24

// Hits counts on one node how often each tenant met each limit, for a day. Limits are named by the program, so that there are few
// for each tenant. The zero Hits is ready for use, by many goroutines; the nil one counts nothing.
type Hits struct {
	mu      sync.Mutex // guards what follows
	began   time.Time  // when the first hit came
	tenants map[ID]map[string]*hitCount
	enough  int // number of tenants from which on old hits are looked for and deleted
}

// hitCount has the hits of an hour and of those before, each in its place of the ring.
type hitCount struct {
	hours [HitHours]int64
	hour  int       // of the last hit
	last  time.Time // when it came
}

// Hit counts how often a tenant met a limit in the last HitHours hours.
type Hit struct {
	Limit string    `json:"limit"`
	Count int64     `json:"count"`
	Last  time.Time `json:"last"`
}

// hitsLeast is the number of tenants up to which nothing is deleted.
const hitsLeast = 100

// hour returns how many whole hours a time is after the first hit, by a clock that nobody sets. h.mu is held.
func (h *Hits) hour(t time.Time) int { return max(0, int(t.Sub(h.began)/time.Hour)) }

// Add counts that a tenant met a limit. What belongs to no tenant is not counted.
func (h *Hits) Add(id ID, limit string) { h.add(id, limit, time.Now()) }

func (h *Hits) add(id ID, limit string, now time.Time) {
	if h == nil || id == (ID{}) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	of := h.tenants[id]
	if of == nil {
		h.forget(now)
		of = map[string]*hitCount{}
		h.tenants[id] = of
	}
	hour := h.hour(now)
	c := of[limit]
	if c == nil {
		c = &hitCount{hour: hour}
		of[limit] = c
	}
	c.advance(hour)
	c.hours[c.hour%HitHours]++
	c.last = now
}

// advance empties the hours that passed since the last hit.
func (c *hitCount) advance(to int) {
	for hour := c.hour + 1; hour <= min(to, c.hour+HitHours); hour++ {
		c.hours[hour%HitHours] = 0
	}
	c.hour = max(c.hour, to)
}

// sum returns the hits of the last HitHours hours.
func (c *hitCount) sum(now int) (n int64) {
	for hour := max(0, now-HitHours+1, c.hour-HitHours+1); hour <= c.hour; hour++ {
		n += c.hours[hour%HitHours]
	}
	return n
}

// forget deletes tenants without hits, once there are enough of all. h.mu is held.
func (h *Hits) forget(now time.Time) {
	if h.tenants == nil {
		h.began, h.tenants = now, map[ID]map[string]*hitCount{}
	}
	if len(h.tenants) < max(h.enough, hitsLeast) {
		return
	}
	maps.DeleteFunc(h.tenants, func(_ ID, of map[string]*hitCount) bool {
		maps.DeleteFunc(of, func(_ string, c *hitCount) bool { return c.sum(h.hour(now)) == 0 })
		return len(of) == 0
	})
	h.enough = 2 * len(h.tenants)
}

// Of returns the limits that a tenant met, by their names.
func (h *Hits) Of(id ID) []Hit { return h.of(id, time.Now()) }

func (h *Hits) of(id ID, now time.Time) (out []Hit) {
	if h == nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for limit, c := range h.tenants[id] {
		if n := c.sum(h.hour(now)); n > 0 {
			out = append(out, Hit{limit, n, c.last})
		}
	}
	slices.SortFunc(out, func(a, b Hit) int { return cmp.Compare(a.Limit, b.Limit) })
	return out
}
