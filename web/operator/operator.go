package operator

import (
	"log/slog"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// trialsMax is how many trial balances of a tenant are made at once.
const trialsMax = 1

// Options are what an API works with. All are required.
type Options struct {
	Node    string
	Version string // of the program
	Log     *slog.Logger
	Seldom  *api.Seldom
	Limits  *api.Limits
	Store   *store.Store
	Rooms   *rooms.Directory
	History *api.History
	Lists   *api.Lists
	Hub     *hub.Hub
	// RoomInfo returns a room as players are shown it.
	RoomInfo func(*tenancy.Tenant, rooms.Info) wire.RoomInfo
	// RoomClosed is called after a room was closed.
	RoomClosed func(rooms.Ref)
}

// API answers what operators ask; each of its handlers is one route. Make it with New.
type API struct {
	node       string
	version    string
	since      time.Time // when the node started
	log        *slog.Logger
	seldom     *api.Seldom
	limits     *api.Limits
	store      *store.Store
	rooms      *rooms.Directory
	history    *api.History
	lists      *api.Lists
	hub        *hub.Hub
	roomInfo   func(*tenancy.Tenant, rooms.Info) wire.RoomInfo
	roomClosed func(rooms.Ref)
	trials     *api.Slots[tenant.ID] // trial balances
}

// New returns an API, which also answers what other nodes ask about the sockets of this one.
func New(o Options) *API {
	a := &API{
		node: o.Node, version: o.Version, since: time.Now(), log: o.Log, seldom: o.Seldom, limits: o.Limits, store: o.Store, rooms: o.Rooms, history: o.History, lists: o.Lists, hub: o.Hub,
		roomInfo: o.RoomInfo, roomClosed: o.RoomClosed, trials: api.NewSlots[tenant.ID](trialsMax),
	}
	a.answerNodes()
	return a
}
