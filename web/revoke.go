package web

import (
	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire"
)

// tokenOf is the token that made who a principal, as its socket keeps it.
func tokenOf(who auth.Principal) hub.Token {
	return hub.Token{ID: who.TokenID, Key: who.Key, IssuedAt: who.IssuedAt, ExpiresAt: who.ExpiresAt}
}

// CloseRevoked closes this node's sockets of these tenants whose tokens, or the keys of whose tokens,
// were taken back. Who
// comes, or renews, at this very moment looks for itself (session.begin and renew).
func (s *Server) CloseRevoked(tenants []tenant.ID) {
	touched := map[tenant.ID]bool{}
	for _, id := range tenants {
		touched[id] = true
	}
	s.hub.CloseWhere(func(id hub.Identity) bool {
		return touched[id.Tenant] && s.verifier.Revoked(auth.Principal{
			Tenant: id.Tenant, Subject: id.Player, Role: auth.Role(id.Role), TokenID: id.Token.ID, Key: id.Token.Key, IssuedAt: id.Token.IssuedAt,
		})
	}, wire.CloseRevoked, 0)
}
