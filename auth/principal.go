package auth

import (
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

// Role determines what a principal may do inside its tenant.
type Role string

// The roles.
const (
	Player   Role = "player"   // sits at tables and bets
	Operator Role = "operator" // manages rooms, players' credit, promotions, audit
	Support  Role = "support"  // sees what an operator sees, changes nothing
	Service  Role = "service"  // an operator's own backend

	// APIKey is the role of a principal that is an API key. No token has it.
	APIKey Role = "key"
)

// Valid reports whether r is a role that a token can have.
func (r Role) Valid() bool {
	switch r {
	case Player, Operator, Support, Service:
		return true
	}
	return false
}

// Staff reports whether r works for the operator.
func (r Role) Staff() bool { return r == Operator || r == Service }

// Principal is the identity in a verified token, or an API key.
type Principal struct {
	Tenant    tenant.ID
	Slug      tenant.Slug
	Subject   string // the player's or the operator's id, unique within the tenant
	Role      Role
	Name      string // the name that others see; the subject if the token has no name
	TokenID   string // the token's jti; may be empty if the role is Player
	Key       string // the Mark of the key that verified the token
	Scopes    string // of an API key, separated by spaces (RFC 6749, section 3.3); a token's follow from its Role
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// Credential names what a principal showed, for the audit log: "key:" and the id of an API key, "token:" and the jti
// of a token, or "signed:" and the Mark of the key that verified a token without one.
func (p Principal) Credential() string {
	switch {
	case p.Role == APIKey:
		return "key:" + p.Subject
	case p.TokenID != "":
		return "token:" + p.TokenID
	}
	return "signed:" + p.Key
}
