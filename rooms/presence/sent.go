package presence

import (
	"cmp"
	"slices"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire"
)

const (
	// exactUpTo is the number of players up to which a count is sent at each change. Above it nobody
	// notices a difference of one: a count is sent when it moved by movedPercent, or after patience.
	exactUpTo    = 20
	movedPercent = 5
	patience     = 5 * time.Second
	// roomsMax is the number of rooms whose counts a socket is sent in a second at most, those that waited
	// longest first: 5 kB a second, however large the casino is.
	roomsMax = 200
)

// sent holds what this node's sockets of a tenant were sent.
type sent struct {
	online sentCount
	rooms  map[string]sentCount
	frame  []byte // all of it, for a new socket; nil: not encoded yet
}

type sentCount struct {
	n  int
	at time.Time
}

// due reports whether sockets are to be sent that a count is n now.
func (s sentCount) due(n int, now time.Time) bool {
	moved := max(n-s.n, s.n-n)
	switch {
	case moved == 0:
		return false
	case min(n, s.n) <= exactUpTo, now.Sub(s.at) >= patience:
		return true
	}
	return moved*100 >= s.n*movedPercent
}

// Changes calls f with what the sockets on this node are to be sent, for each tenant with changes. f must
// not block.
func (c *Counter) Changes(now time.Time, f func(tenant.ID, wire.LobbyPresence)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id := range c.sent {
		if _, still := c.here[id]; !still {
			delete(c.sent, id)
		}
	}
	for id := range c.here {
		s := c.sent[id]
		if s == nil {
			s = &sent{rooms: map[string]sentCount{}}
			c.sent[id] = s
		}
		if push, ok := s.update(now, c.sum(id)); ok {
			f(id, push)
		}
	}
}

// update returns what of the counts is to be sent, if anything, and records it as sent.
func (s *sent) update(now time.Time, counts Counts) (push wire.LobbyPresence, ok bool) {
	var changed []string
	for room, n := range counts.Rooms {
		if s.rooms[room].due(n, now) {
			changed = append(changed, room)
		}
	}
	for room := range s.rooms {
		if counts.Rooms[room] == 0 {
			changed = append(changed, room)
		}
	}
	online := s.online.due(counts.Online, now)
	if !online && len(changed) == 0 {
		return push, false
	}
	s.frame = nil
	if online {
		s.online = sentCount{counts.Online, now}
	}
	slices.SortFunc(changed, func(a, b string) int {
		return cmp.Or(s.rooms[a].at.Compare(s.rooms[b].at), cmp.Compare(a, b))
	})
	push = wire.LobbyPresence{Online: s.online.n, Rooms: map[string]int{}}
	for _, room := range changed[:min(len(changed), roomsMax)] {
		push.Rooms[room] = counts.Rooms[room]
		if counts.Rooms[room] == 0 {
			delete(s.rooms, room)
			continue
		}
		s.rooms[room] = sentCount{counts.Rooms[room], now}
	}
	return push, true
}

// Welcome calls f with a frame of all that this node's sockets of a tenant were sent. f must not block: no
// Changes come before it returns.
func (c *Counter) Welcome(now time.Time, id tenant.ID, f func(frame []byte)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.sent[id]
	if s == nil {
		counts := c.sum(id)
		s = &sent{online: sentCount{counts.Online, now}, rooms: map[string]sentCount{}}
		for room, n := range counts.Rooms {
			s.rooms[room] = sentCount{n, now}
		}
		c.sent[id] = s
	}
	if s.frame == nil {
		all := wire.LobbyPresence{Full: true, Online: s.online.n, Rooms: map[string]int{}}
		for room, count := range s.rooms {
			all.Rooms[room] = count.n
		}
		s.frame = wire.Push(wire.PushLobbyPresence, all)
	}
	f(s.frame)
}
