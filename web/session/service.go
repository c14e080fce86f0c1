package session

import (
	"log/slog"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/briefs"
	"github.com/pitboss-hub/pitboss/rooms/changes"
	"github.com/pitboss-hub/pitboss/rooms/presence"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// Options are what a Service works with. All are required.
type Options struct {
	Node     string
	Log      *slog.Logger
	Seldom   *api.Seldom
	Limits   *api.Limits
	Tenants  *tenancy.Directory
	Store    *store.Store
	Rooms    *rooms.Directory
	History  *api.History
	Lists    *api.Lists
	Hub      *hub.Hub
	Changes  *changes.Tracker
	Verifier *auth.Verifier
	Tickets  *auth.Tickets
	// Draining reports whether the node lets no new socket in.
	Draining func() bool
	// CameBy returns the hosts by which a socket comes, as hub.Identity has them, or a Problem if the page that opens it is
	// not the tenant's.
	CameBy func(echo.Context) (host, origin string, err error)
	// Verified is called when the token or ticket of a handshake was verified.
	Verified func(echo.Context, auth.Role)
	// Enters returns nil if the tenant's status lets those of a role in.
	Enters func(c echo.Context, t *tenancy.Tenant, role auth.Role) error
	// Refuses reports whether a socket may not be here any more, how it is closed then, and when it
	// comes back. The tenant is what it was at the handshake.
	Refuses func(*tenancy.Tenant, auth.Principal, hub.Identity) (code wire.CloseCode, again time.Duration, refused bool)
}

// Service lets sockets in and answers what they say; each of its handlers is one route. Make it
// with New.
type Service struct {
	node     string
	log      *slog.Logger
	seldom   *api.Seldom
	limits   *api.Limits
	tenants  *tenancy.Directory
	store    *store.Store
	rooms    *rooms.Directory
	history  *api.History
	lists    *api.Lists
	hub      *hub.Hub
	changes  *changes.Tracker
	verifier *auth.Verifier
	tickets  *auth.Tickets
	draining func() bool
	cameBy   func(echo.Context) (host, origin string, err error)
	verified func(echo.Context, auth.Role)
	enters   func(echo.Context, *tenancy.Tenant, auth.Role) error
	refuses  func(*tenancy.Tenant, auth.Principal, hub.Identity) (wire.CloseCode, time.Duration, bool)

	chat     *chats
	presence *presence.Counter
	tables   tables
	briefs   *briefs.Keeper
	lobbies  lobbies
}

// New returns a Service. Tell must be called each presence.Every.
func New(o Options) *Service {
	s := &Service{
		node: o.Node, log: o.Log, seldom: o.Seldom, limits: o.Limits, tenants: o.Tenants, store: o.Store, rooms: o.Rooms, history: o.History, lists: o.Lists, hub: o.Hub, changes: o.Changes,
		verifier: o.Verifier, tickets: o.Tickets, draining: o.Draining, cameBy: o.CameBy, verified: o.Verified, enters: o.Enters, refuses: o.Refuses,
		chat: newChats(), tables: tables{told: map[tenant.ID]*toldTables{}},
		briefs: briefs.New(o.Node, o.Hub, o.Log), lobbies: lobbies{sockets: map[tenant.ID]map[*hub.Conn]bool{}},
	}
	s.presence = presence.New(o.Node, o.Hub, o.Log, func(id tenant.ID, player string) (int, bool) {
		return o.Hub.Online(id), o.Hub.Plays(id, player)
	})
	o.Hub.LimitTenants(s.limitsOf, s.presence.Held)
	return s
}

// limitsOf returns the limits of a tenant's plan, for the hub.
func (s *Service) limitsOf(id tenant.ID) hub.TenantLimits {
	t, ok := s.tenants.ByID(id)
	if !ok || t.Plan.Sockets == 0 && t.Plan.CommandsPerSecond == 0 {
		return hub.TenantLimits{}
	}
	return hub.TenantLimits{Players: t.Plan.Sockets, CommandsPerSecond: t.Plan.CommandsPerSecond, Elsewhere: int64(s.presence.Elsewhere(id))}
}

// Tell tells this node's sockets who is where, which rooms opened, changed or closed, and those in the lobby
// what goes on at the tables.
func (s *Service) Tell(now time.Time) {
	s.tellPresence(now)
	s.tellTables()
	s.tellBriefs(now)
}

// ForgetChat forgets what was said in a room that is closed.
func (s *Service) ForgetChat(ref rooms.Ref) { s.chat.forget(ref) }
