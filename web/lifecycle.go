package web

import (
	"errors"
	"log/slog"
	"slices"
	"time"

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

// mayServe returns nil while the tenant's players and operators may come in.
func mayServe(t *tenancy.Tenant, now time.Time) error {
	switch status := t.Status(now); {
	case status.Served():
		return nil
	case status == tenancy.OutOfOrder:
		return api.ErrOutOfOrder
	case status == tenancy.Unpaid:
		return api.ErrUnpaid
	}
	return api.ErrSuspended
}

// closeCode returns the code with which the sockets of a tenant are closed that mayServe refuses,
// and when they come back: one that is out of order is mended, the others are shut.
func closeCode(refusal error) (code wire.CloseCode, again time.Duration) {
	if errors.Is(refusal, api.ErrOutOfOrder) {
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
	if err := mayServe(now, time.Now()); err != nil {
		code, again = closeCode(err)
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
	if now.Suspended && (old == nil || !old.Suspended) { // players are not told why
		l.log.Info("an operator is suspended", "tenant", now.ID, "reason", now.SuspendedFor)
	}
	l.closeUnserved([]*tenancy.Tenant{now}, time.Now())
	l.closeChanged(old, now)
	if old != nil {
		l.closeRevoked([]tenant.ID{now.ID})
	}
}

// closeUnserved closes the sockets of those tenants that may not be served now.
func (l *lifecycle) closeUnserved(tenants []*tenancy.Tenant, now time.Time) {
	shut, broken := map[tenant.ID]bool{}, map[tenant.ID]bool{}
	for _, t := range tenants {
		switch err := mayServe(t, now); {
		case errors.Is(err, api.ErrOutOfOrder):
			broken[t.ID] = true
		case err != nil:
			shut[t.ID] = true
		}
	}
	for _, c := range []struct {
		ids     map[tenant.ID]bool
		refusal error
	}{{shut, api.ErrSuspended}, {broken, api.ErrOutOfOrder}} {
		if len(c.ids) > 0 {
			code, again := closeCode(c.refusal)
			l.hub.CloseWhere(func(id hub.Identity) bool { return c.ids[id.Tenant] }, code, again)
		}
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
