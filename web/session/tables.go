package session

import (
	"maps"
	"slices"
	"sync"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/changes"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

// tablesToldMax is how many rooms a socket is told of a second at most; others wait.
const tablesToldMax = 100

// tables holds what this node's sockets know of which rooms there are. Every socket asked room.list
// after its tenant was known here, so that the list and what is told since make today's list.
type tables struct {
	mu   sync.Mutex
	told map[tenant.ID]*toldTables
}

// toldTables holds what one tenant's sockets know.
type toldTables struct {
	changes int64 // of the directory, when all was told
	version int64 // of the tenant then
	rooms   map[string]rooms.Info
	listed  map[string]rooms.Info // of which some were told by room.list since
}

// knowTables begins to tell of id's rooms.
func (s *Service) knowTables(id tenant.ID) {
	s.tables.mu.Lock()
	defer s.tables.mu.Unlock()
	if s.tables.told[id] != nil {
		return
	}
	told := &toldTables{changes: s.rooms.Changes(id), rooms: map[string]rooms.Info{}, listed: map[string]rooms.Info{}}
	if t, ok := s.tenants.ByID(id); ok {
		told.version = t.Version
		for _, info := range s.tablesOf(t) {
			told.rooms[info.Room] = info
		}
	}
	s.tables.told[id] = told
}

// tablesOf returns a tenant's rooms that its plan and jurisdiction allow.
func (s *Service) tablesOf(t *tenancy.Tenant) []rooms.Info {
	return slices.DeleteFunc(s.rooms.List(t.ID), func(info rooms.Info) bool { return t.CheckTable(info.Config, s.rooms.InForce) != nil })
}

// tellTables tells sockets of rooms that opened, changed or closed.
func (s *Service) tellTables() {
	s.tables.mu.Lock()
	defer s.tables.mu.Unlock()
	for id, told := range s.tables.told {
		t, ok := s.tenants.ByID(id)
		if !ok {
			delete(s.tables.told, id)
			continue
		}
		now := s.rooms.Changes(id)
		if now == told.changes && t.Version == told.version {
			continue
		}
		s.changes.NoteHere(id, changes.Rooms)
		news := told.update(s.tablesOf(t))
		if len(news) < tablesToldMax {
			told.changes, told.version = now, t.Version
		}
		out := wire.LobbyRooms{}
		for _, info := range news {
			if info.Status == rooms.Closed {
				s.chat.forget(rooms.Ref{Tenant: id, Room: info.Room})
			}
			if info.Room != rooms.LobbyID {
				out.Rooms = append(out.Rooms, s.RoomInfo(t, info))
			}
		}
		if len(out.Rooms) > 0 {
			lobby := rooms.Ref{Tenant: id, Room: rooms.LobbyID}
			s.hub.PublishHere(hub.Message{Topic: lobby.Topic(), Class: hub.ClassChat, Frame: wire.Push(wire.PushLobbyRooms, out)})
		}
	}
}

// listTables returns what room.list is answered with.
func (s *Service) listTables(t *tenancy.Tenant) wire.RoomListResult {
	out := wire.RoomListResult{Rooms: []wire.RoomInfo{}}
	s.tables.mu.Lock()
	defer s.tables.mu.Unlock()
	told := s.tables.told[t.ID]
	if now, ok := s.tenants.ByID(t.ID); ok { // it may have another plan since the socket was opened
		t = now
	}
	for _, info := range s.tablesOf(t) {
		if info.Room == rooms.LobbyID {
			continue
		}
		out.Rooms = append(out.Rooms, s.RoomInfo(t, info))
		if told == nil {
			continue
		}
		if _, ok := told.rooms[info.Room]; !ok {
			told.listed[info.Room] = info
		}
	}
	return out
}

// update returns what sockets must be told to know the rooms there are now, tablesToldMax of it at
// most, and counts it as told.
func (t *toldTables) update(now []rooms.Info) (news []rooms.Info) {
	gone := maps.Clone(t.rooms)
	maps.Copy(gone, t.listed)
	for _, info := range now {
		delete(gone, info.Room)
		if old, ok := t.rooms[info.Room]; !ok || old.Status != info.Status {
			news = append(news, info)
		}
	}
	for _, room := range slices.Sorted(maps.Keys(gone)) {
		info := gone[room]
		info.Status = rooms.Closed
		news = append(news, info)
	}
	news = news[:min(len(news), tablesToldMax)]
	for _, info := range news {
		delete(t.listed, info.Room)
		if info.Status == rooms.Closed {
			delete(t.rooms, info.Room)
		} else {
			t.rooms[info.Room] = info
		}
	}
	return news
}
