package auth

import (
	"maps"
	"slices"
	"strings"
)

// Scope names what somebody may do with one kind of thing of their casino, or of the platform, such as "players:read".
type Scope string

// The scopes. Scopes says what each allows.
const (
	OwnRead         Scope = "own:read"
	SocketOpen      Scope = "socket:open"
	RoomsRead       Scope = "rooms:read"
	RoomsWrite      Scope = "rooms:write"
	RoundsVoid      Scope = "rounds:void"
	GamesRead       Scope = "games:read"
	ConnectionsRead Scope = "connections:read"
	PlayersRead     Scope = "players:read"
	AccessRevoke    Scope = "access:revoke"
	MoneyRead       Scope = "money:read"
	MoneyWrite      Scope = "money:write"
	PromotionsRead  Scope = "promotions:read"
	PromotionsWrite Scope = "promotions:write"
	AuditRead       Scope = "audit:read"
	CasinoRead      Scope = "casino:read"
	BrandRead       Scope = "brand:read"
	BrandWrite      Scope = "brand:write"
	KeysRead        Scope = "keys:read"
	KeysWrite       Scope = "keys:write"
	WebhooksRead    Scope = "webhooks:read"
	WebhooksWrite   Scope = "webhooks:write"
	ApprovalsRead   Scope = "approvals:read"
	ApprovalsWrite  Scope = "approvals:write"
	TenantsRead     Scope = "tenants:read"
	TenantsWrite    Scope = "tenants:write"
	TenantsEnd      Scope = "tenants:end"
	TenantsEnter    Scope = "tenants:enter"
)

// ScopeRule says what a scope allows, and which roles have it by their token.
type ScopeRule struct {
	Scope Scope
	Text  string // what it allows, for people
	Roles []Role
	// Keys reports whether an API key of a casino can have the scope: not what only a person can do.
	Keys bool
	// Platform reports whether an API key of the platform can have it, for what is the platform's.
	Platform bool
}

// The sets of roles that scopes are given to.
var (
	everyone = []Role{Player, Operator, Service, Support}
	readers  = []Role{Operator, Service, Support}
	writers  = []Role{Operator, Service}
	people   = []Role{Operator}
)

// scopes is the one table of who may do what. The middleware, the docs and the tests are made from it.
var scopes = []ScopeRule{
	{OwnRead, "read one's own rounds and transactions", []Role{Player}, false, false},
	{SocketOpen, "open a socket", everyone, false, false},
	{RoomsRead, "list the rooms", everyone, true, false},
	{RoomsWrite, "open and close rooms", writers, true, false},
	{RoundsVoid, "void a round, which gives every stake back", writers, true, false},
	{GamesRead, "list the games and their settings", readers, true, false},
	{ConnectionsRead, "list the sockets", readers, true, false},
	{PlayersRead, "list players, their rounds and transactions", readers, true, false},
	{AccessRevoke, "send a player or one of the staff away, and take tokens back", writers, true, false},
	{MoneyRead, "read the ledger", readers, true, false},
	{MoneyWrite, "credit players, and take money back", writers, true, false},
	{PromotionsRead, "list promotions", readers, true, false},
	{PromotionsWrite, "publish and withdraw promotions", writers, true, false},
	{AuditRead, "read the audit log", readers, true, true},
	{CasinoRead, "read how the casino is set up, which nodes serve it, and which limits it met", readers, true, false},
	{BrandRead, "read the casino's brand", readers, true, false},
	{BrandWrite, "change the casino's brand", writers, true, false},
	{KeysRead, "list API keys", readers, true, false},
	{KeysWrite, "create, rotate and revoke API keys", people, false, false},
	{WebhooksRead, "list webhook endpoints and their deliveries", readers, true, false},
	{WebhooksWrite, "change webhook endpoints, send deliveries again", writers, true, false},
	{ApprovalsRead, "list what waits for a second person", readers, true, false},
	{ApprovalsWrite, "approve or refuse what another person asked for", people, false, false},
	{TenantsRead, "list the casinos, and what was asked of the platform's process", nil, false, true},
	{TenantsWrite, "make and change casinos, their domains and their keys, and migrate them", nil, false, true},
	{TenantsEnd, "archive and purge casinos", nil, false, true},
	{TenantsEnter, "sign in to a casino as one of its staff, for an hour", nil, false, true},
}

// Scopes returns the table of scopes, in the order in which people read it.
func Scopes() []ScopeRule { return slices.Clone(scopes) }

// byRole holds the scopes of each role.
var byRole = func() map[Role]map[Scope]bool {
	out := map[Role]map[Scope]bool{}
	for _, rule := range scopes {
		for _, r := range rule.Roles {
			if out[r] == nil {
				out[r] = map[Scope]bool{}
			}
			out[r][rule.Scope] = true
		}
	}
	return out
}()

// May reports whether a principal has a scope: by its role, or if it is an API key, by the key's own list.
func (p Principal) May(s Scope) bool {
	if p.Role == APIKey {
		return slices.Contains(strings.Fields(p.Scopes), string(s))
	}
	return byRole[p.Role][s]
}

// ScopesOf returns the scopes of a role, in alphabetical order.
func ScopesOf(r Role) []Scope { return slices.Sorted(maps.Keys(byRole[r])) }

// KeyScopes returns the scopes that an API key of a casino can have, in the order of Scopes.
func KeyScopes() []Scope { return scopesWhere(func(r ScopeRule) bool { return r.Keys }) }

// PlatformScopes returns the scopes that an API key of the platform can have, in the order of Scopes.
func PlatformScopes() []Scope { return scopesWhere(func(r ScopeRule) bool { return r.Platform }) }

func scopesWhere(has func(ScopeRule) bool) (out []Scope) {
	for _, r := range scopes {
		if has(r) {
			out = append(out, r.Scope)
		}
	}
	return out
}
