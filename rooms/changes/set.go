package changes

import (
	"fmt"
	"strings"

	"github.com/pitboss-hub/pitboss/rooms"
)

// Set is a set of kinds of things that can change.
type Set uint16

// The kinds. Each is the thing of a scope of auth: Money of money:read.
const (
	Rooms Set = 1 << iota
	Connections
	Players
	Money
	Promotions
	Audit
	Brand
	Keys
	Webhooks
	Approvals

	// All is all of them.
	All Set = 1<<iota - 1
)

// names are the kinds' names, in their order.
var names = []string{"rooms", "connections", "players", "money", "promotions", "audit", "brand", "keys", "webhooks", "approvals"}

// Parse returns the set of the kinds that are named, or an error that says which name is none.
func Parse(of []string) (Set, error) {
	var s Set
	for _, name := range of {
		kind := Of(name)
		if kind == 0 {
			return 0, fmt.Errorf("%.40q is no kind: want some of %s", name, strings.Join(names, ", "))
		}
		s |= kind
	}
	return s, nil
}

// Of returns the kind of a name, or none.
func Of(name string) Set {
	for i, n := range names {
		if n == name {
			return 1 << i
		}
	}
	return 0
}

// Names returns the names of the kinds in s.
func (s Set) Names() []string {
	out := []string{}
	for i, n := range names {
		if s&(1<<i) != 0 {
			out = append(out, n)
		}
	}
	return out
}

// ofBatch returns what changed with a batch of a room.
func ofBatch(ref rooms.Ref, b rooms.Batch) Set {
	s := Rooms
	if ref.Room == rooms.LobbyID {
		s = Promotions
	}
	for i := range b.Entries {
		if len(b.Entries[i].Moves) > 0 {
			s |= Money | Players
		}
		if b.Entries[i].Audit != nil {
			s |= Audit
		}
	}
	return s
}
