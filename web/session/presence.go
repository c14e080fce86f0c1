package session

import (
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/changes"
	"github.com/pitboss-hub/pitboss/rooms/presence"
)

// Health returns nil once this node has heard how many players the others have, or has waited for it for some seconds.
func (s *Service) Health() error { return s.presence.Health(time.Now(), s.rooms.Nodes()) }

// tellPresence counts this node's sockets and tells them who is where.
func (s *Service) tellPresence(now time.Time) {
	here := map[tenant.ID]presence.Counts{}
	for topic, players := range s.hub.Listeners() {
		if topic.Kind() != "room" {
			continue
		}
		id := topic.Tenant()
		counts, ok := here[id]
		if !ok {
			counts = presence.Counts{Online: s.hub.Online(id), Rooms: map[string]int{}}
			here[id] = counts
		}
		if players > 0 && topic.Key() != rooms.LobbyID {
			counts.Rooms[topic.Key()] = players
		}
	}
	s.presence.Count(now, here, s.rooms.Nodes())
	s.presence.Changes(now, func(id tenant.ID, push wire.LobbyPresence) {
		s.changes.NoteHere(id, changes.Rooms|changes.Connections)
		lobby := rooms.Ref{Tenant: id, Room: rooms.LobbyID}
		s.hub.PublishHere(hub.Message{Topic: lobby.Topic(), Class: hub.ClassChat, Frame: wire.Push(wire.PushLobbyPresence, push)})
	})
}
