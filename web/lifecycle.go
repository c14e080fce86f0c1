package web

import (
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

const (
	// outOfOrderAgain is when the sockets of a tenant that is out of order are told to come back.
	outOfOrderAgain = 30 * time.Second
	// maintenanceAgain and maintenanceMax bound when those are told to come back who meet a tenant in maintenance.
	maintenanceAgain = 15 * time.Second
	maintenanceMax   = 5 * time.Minute
	// changedAgain is when sockets come back that were closed because their tenant changed: all
	// nodes know it by then.
	changedAgain = time.Second
)

// lifecycle decides which sockets may be here, and closes those that may not: of tenants that are
// suspended, unpaid, out of order or changed, and of tokens that were taken back.
type lifecycle struct {
	log      *slog.Logger
	tenants  *tenancy.Directory
	verifier *auth.Verifier
	hub      *hub.Hub
	routing  *routing
}

// mayServe returns nil while the tenant's status lets anybody in.
func mayServe(t *tenancy.Tenant, now time.Time) error {
	if status := t.Status(now); !status.LetsAnybodyIn() {
		return refusalOf(status)
	}
	return nil
}

// mayEnter returns nil while the tenant's status lets those of a role in.
func mayEnter(t *tenancy.Tenant, role auth.Role, now time.Time) error {
	if status := t.Status(now); !status.LetsIn(role) {
		return refusalOf(status)
	}
	return nil
}

// refusalOf returns why a tenant of a status does not let somebody in.
func refusalOf(status tenancy.Status) error {
	switch status {
	case tenancy.Maintenance:
		return api.ErrMaintenance
	case tenancy.OutOfOrder:
		return api.ErrOutOfOrder
	case tenancy.Unpaid:
		return api.ErrUnpaid
	case tenancy.Archived:
		return api.ErrArchived
	}
	return api.ErrSuspended
}

// backIn returns when whoever is refused because of a tenant's maintenance comes back: when it is likely to be over, in
// maintenanceMax at most, since it may be over sooner.
func backIn(t *tenancy.Tenant, now time.Time) time.Duration {
	if t.BackAt.IsZero() {
		return maintenanceAgain
	}
	return min(max(t.BackAt.Sub(now), maintenanceAgain), maintenanceMax)
}

// closeCode returns the code with which the sockets of a tenant are closed that mayEnter refuses, and when they come back:
// to one in maintenance, or out of order, which is mended. The others are shut.
func closeCode(t *tenancy.Tenant, refusal error, now time.Time) (code wire.CloseCode, again time.Duration) {
	switch {
	case errors.Is(refusal, api.ErrMaintenance):
		return wire.CloseMaintenance, backIn(t, now)
	case errors.Is(refusal, api.ErrOutOfOrder):
		return wire.CloseOverloaded, outOfOrderAgain
	}
	return wire.CloseSuspended, 0
}

// refuses reports whether a socket may not be here, how it is closed then, and when it comes back.
// A handshake takes its time: old is the tenant as it was when the socket was let in.
func (l *lifecycle) refuses(old *tenancy.Tenant, who auth.Principal, id hub.Identity) (code wire.CloseCode, again time.Duration, refused bool) {
	now, ok := l.tenants.ByID(old.ID)
	if !ok {
		return wire.CloseSuspended, 0, true
	}
	at := l.tenants.Now()
	if err := mayEnter(now, who.Role, at); err != nil {
		code, again = closeCode(now, err, at)
		return code, again, true
	}
	if !now.SameMoney(old) || !l.routing.admits(id) {
		return wire.CloseOverloaded, changedAgain, true
	}
	if l.verifier.Revoked(who) {
		return wire.CloseRevoked, 0, true
	}
	return wire.CloseCode{}, 0, false
}

// changed closes the sockets that may not stay since their tenant changed. It is called with nil
// for a tenant that was not there before, or is not there now.
func (l *lifecycle) changed(old, now *tenancy.Tenant) {
	if now == nil {
		return
	}
	if now.Set != tenancy.Active && (old == nil || old.Set != now.Set) { // players are not told why
		l.log.Info("an operator is not served", "tenant", now.ID, "status", now.Set, "reason", now.StatusReason)
	}
	l.closeUnserved([]*tenancy.Tenant{now}, l.tenants.Now())
	l.closeChanged(old, now)
	if old != nil {
		l.closeRevoked([]tenant.ID{now.ID})
	}
}

// closeUnserved closes the sockets of those whom their tenants, of these, do not let in now.
func (l *lifecycle) closeUnserved(tenants []*tenancy.Tenant, now time.Time) {
	type closing struct {
		code  wire.CloseCode
		again time.Duration
	}
	shut := map[closing]map[tenant.ID]tenancy.Status{}
	for _, t := range tenants {
		status := t.Status(now)
		if status.Served() {
			continue
		}
		code, again := closeCode(t, refusalOf(status), now)
		c := closing{code, again}
		if shut[c] == nil {
			shut[c] = map[tenant.ID]tenancy.Status{}
		}
		shut[c][t.ID] = status
	}
	for c, of := range shut {
		l.hub.CloseWhere(func(id hub.Identity) bool {
			status, ok := of[id.Tenant]
			return ok && !status.LetsIn(auth.Role(id.Role))
		}, c.code, c.again)
	}
}

// closeChanged closes the sockets that were told another currency than their tenant has now, and those of any tenant that came by a
// domain that it no longer has: an exact domain takes it from whoever has the wildcard. old is nil for a new tenant.
func (l *lifecycle) closeChanged(old, now *tenancy.Tenant) {
	money := old != nil && !old.SameMoney(now)
	moved := old == nil || !slices.Equal(old.Domains, now.Domains)
	if !money && !moved {
		return
	}
	l.hub.CloseWhere(func(id hub.Identity) bool {
		return money && id.Tenant == now.ID || moved && !l.routing.admits(id)
	}, wire.CloseOverloaded, changedAgain)
}

// closeRevoked closes the sockets of these tenants whose tokens, or the keys of whose tokens, were
// taken back. A socket that is let in, or renews its token, at this very moment looks for itself.
func (l *lifecycle) closeRevoked(tenants []tenant.ID) {
	touched := map[tenant.ID]bool{}
	for _, id := range tenants {
		touched[id] = true
	}
	l.hub.CloseWhere(func(id hub.Identity) bool {
		return touched[id.Tenant] && l.verifier.Revoked(auth.Principal{
			Tenant: id.Tenant, Subject: id.Player, Role: auth.Role(id.Role), TokenID: id.Token.ID, Key: id.Token.Key, IssuedAt: id.Token.IssuedAt,
		})
	}, wire.CloseRevoked, 0)
}

// enters returns nil while the tenant's status lets those of a role in, and else has the answer say when to come back.
func (l *lifecycle) enters(c echo.Context, t *tenancy.Tenant, role auth.Role) error {
	now := l.tenants.Now()
	err := mayEnter(t, role, now)
	if errors.Is(err, api.ErrMaintenance) {
		tellMaintenance(c, t, now)
	}
	return err
}

// headerBackAt is the header that says when a maintenance is likely to be over, as RFC 3339 has it, beside Retry-After, which
// says when to ask again.
const headerBackAt = "Pitboss-Back-At"

// tellMaintenance has an answer say when to ask again, and when the tenant's maintenance is likely to be over, if that is
// known and to come.
func tellMaintenance(c echo.Context, t *tenancy.Tenant, now time.Time) {
	h := c.Response().Header()
	h.Set("Retry-After", strconv.FormatInt(int64(backIn(t, now)/time.Second), 10))
	if t.BackAt.After(now) {
		h.Set(headerBackAt, t.BackAt.UTC().Format(time.RFC3339))
	}
}
