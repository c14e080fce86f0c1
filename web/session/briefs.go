package session

import (
	"iter"
	"sync"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire"
)

// lobbies holds the sockets that are in no room but the lobby: only those are sent briefs, so that a table's
// events share the link of its players with nothing that they do not see.
type lobbies struct {
	mu      sync.Mutex
	sockets map[tenant.ID]map[*hub.Conn]bool // whether it was sent all that is known; guarded by mu
}

// set records whether a socket is in no room but the lobby. One that comes is sent all with the next Tell: whoever
// goes on to a table at once, as after a reconnect, is not.
func (l *lobbies) set(conn *hub.Conn, in bool) {
	id := conn.Identity().Tenant
	l.mu.Lock()
	defer l.mu.Unlock()
	there := l.sockets[id]
	_, before := there[conn]
	switch {
	case in == before:
	case !in:
		if delete(there, conn); len(there) == 0 {
			delete(l.sockets, id)
		}
	default:
		if there == nil {
			there = map[*hub.Conn]bool{}
			l.sockets[id] = there
		}
		there[conn] = false
	}
}

// told yields the sockets of a tenant that were sent all that is known, or those that were not. l.mu is held.
func (l *lobbies) told(id tenant.ID, all bool) iter.Seq[*hub.Conn] {
	return func(yield func(*hub.Conn) bool) {
		for conn, was := range l.sockets[id] {
			if was == all && !yield(conn) {
				return
			}
		}
	}
}

// tellBriefs shares this node's briefs with the others, and tells sockets in the lobby what changed of all.
func (s *Service) tellBriefs(now time.Time) {
	s.briefs.Share(now, s.rooms.Briefs())
	s.lobbies.mu.Lock()
	defer s.lobbies.mu.Unlock()
	s.briefs.Changes(func(id tenant.ID) bool { return len(s.lobbies.sockets[id]) > 0 }, func(id tenant.ID, push wire.LobbyBriefs) {
		hub.SendAll(s.lobbies.told(id, true), hub.ClassChat, "", wire.Push(wire.PushLobbyBriefs, push))
	})
	for id, there := range s.lobbies.sockets {
		for range s.lobbies.told(id, false) { // somebody has come
			hub.SendAll(s.lobbies.told(id, false), hub.ClassChat, "", s.briefs.All(id))
			break
		}
		for conn := range there {
			there[conn] = true
		}
	}
}
