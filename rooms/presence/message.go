package presence

import (
	"maps"
	"slices"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

// roomsPerMessage is how many rooms' counts are in one message between nodes at most.
const roomsPerMessage = 1000

// message is a node's message to the others. The first one from a process that is new to them has all
// counts of every tenant; one without counts says only that the process lives. Whole says that with this message all counts of
// every tenant have been sent.
type message struct {
	Boot   string         `json:"boot"`
	Whole  bool           `json:"whole,omitempty"`
	Counts []tenantCounts `json:"crowds,omitempty"`
}

// tenantCounts are all of a tenant's counts on a node, or those that changed.
type tenantCounts struct {
	Tenant tenant.ID `json:"tenant"`
	Full   bool      `json:"full,omitempty"`
	Counts
}

// since returns the counts of those rooms only that have changed; an emptied one has 0.
func (c Counts) since(before Counts) Counts {
	out := Counts{c.Online, map[string]int{}}
	for room, n := range c.Rooms {
		if before.Rooms[room] != n {
			out.Rooms[room] = n
		}
	}
	for room := range before.Rooms {
		if c.Rooms[room] == 0 {
			out.Rooms[room] = 0
		}
	}
	return out
}

// writer splits counts into messages of roomsPerMessage rooms.
type writer struct {
	boot     string
	messages []message
	left     int // how many rooms the last message has space for
}

func (w *writer) write(c tenantCounts) {
	names := slices.Sorted(maps.Keys(c.Rooms))
	for first := true; first || len(names) > 0; first = false {
		if w.left <= 0 {
			w.messages, w.left = append(w.messages, message{Boot: w.boot}), roomsPerMessage
		}
		part := tenantCounts{Tenant: c.Tenant, Full: c.Full && first, Counts: Counts{c.Online, map[string]int{}}}
		some := names[:min(len(names), w.left)]
		for _, room := range some {
			part.Rooms[room] = c.Rooms[room]
		}
		names, w.left = names[len(some):], w.left-len(some)-1
		last := &w.messages[len(w.messages)-1]
		last.Counts = append(last.Counts, part)
	}
}
