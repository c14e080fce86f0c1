package web

import (
	"context"
	"maps"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store"
)

// presenceEvery is how often a lobby may be told that somebody came or went.
const presenceEvery = time.Second

// presences is what each lobby was told last.
type presences map[tenant.ID]wire.LobbyPresence

// tellPresence publishes how many are here, if that changed and anyone listens.
func (s *Server) tellPresence(ctx context.Context, t *store.Tenant, told presences) {
	now := s.presence(t)
	last, ok := told[t.ID]
	if now.Online == 0 && !ok {
		return
	}
	if ok && last.Online == now.Online && maps.Equal(last.Rooms, now.Rooms) {
		return
	}
	frame := wire.Push(wire.PushLobbyPresence, now)
	lobby := rooms.Ref{Tenant: t.ID, Room: rooms.LobbyID}
	if err := s.hub.Publish(ctx, hub.Message{Topic: lobby.Topic(), Class: hub.ClassChat, Key: "presence", Frame: frame}); err != nil {
		s.log.Warn("presence not published", "tenant", t.ID, "err", err)
		return
	}
	if told[t.ID] = now; now.Online == 0 {
		delete(told, t.ID)
	}
}

// presence counts who is here now.
func (s *Server) presence(t *store.Tenant) wire.LobbyPresence {
	p := wire.LobbyPresence{Online: s.hub.Online(t.ID), Rooms: map[string]int{}}
	for _, info := range s.rooms.List(t.ID) {
		if info.Room != rooms.LobbyID {
			p.Rooms[info.Room] = s.hub.Count(rooms.Ref{Tenant: t.ID, Room: info.Room}.Topic())
		}
	}
	return p
}
