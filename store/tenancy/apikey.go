package tenancy

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms"
)

const (
	// APIKeysMax is the largest number of API keys of a tenant, or of the platform: those that are valid and
	// those that ended less than apiKeyKept ago. Nodes hold them all in memory.
	APIKeysMax = 500
	// APIKeyNameMax is the largest number of characters of an API key's name.
	APIKeyNameMax = 40
	// APIKeyAddressesMax is the largest number of address ranges of an API key.
	APIKeyAddressesMax = 32
	// APIKeyOverlapMax is how long an API key may be valid after it was replaced.
	APIKeyOverlapMax = 30 * 24 * time.Hour
	// apiKeyKept is how long a key that ended is listed, counts as one of APIKeysMax, and is told from one that never
	// was; then it is deleted. What it did, and who it was, stays in the audit log. Platform migration 0014 says so too.
	apiKeyKept = 30 * 24 * time.Hour
)

var (
	// ErrNoAPIKey means that there is no such API key here.
	ErrNoAPIKey = errors.New("store: no such API key")
	// ErrAPIKeyEnded means that an API key cannot be replaced: it was already, or it ended.
	ErrAPIKeyEnded = errors.New("store: the API key has ended, or was replaced already")
	// ErrTooManyAPIKeys means that a tenant has APIKeysMax.
	ErrTooManyAPIKeys = fmt.Errorf("store: there are %d API keys: one that ends counts for 30 days more", APIKeysMax)
	// ErrAPIKeyScope means that somebody would have got a key that may do more than they may.
	ErrAPIKeyScope = errors.New("store: nobody can give a scope that they do not have")
)

// APIKeyError says which part of a new API key is refused, and why.
type APIKeyError struct {
	Field, Why string
	Limit      bool // it is longer than it may be
}

// Error implements error.
func (e *APIKeyError) Error() string { return e.Field + ": " + e.Why }

// NewAPIKey describes an API key that is to be made.
type NewAPIKey struct {
	Name      strict.Line
	Scopes    []string
	Addresses []string  // ranges or addresses from which it may be used; none: from any
	ExpiresAt time.Time // zero: never
}

// APIKeyChange holds, for the audit log, who changes an API key, and why.
type APIKeyChange struct {
	Reason strict.Line
	Actor  string
	rooms.Origin
	// May reports whether whoever changes the key has a scope. If it is nil, they have all.
	May func(auth.Scope) bool
}

// may returns ErrAPIKeyScope unless whoever changes a key has its scopes.
func (by APIKeyChange) may(scopes []auth.Scope) error {
	for _, s := range scopes {
		if by.May != nil && !by.May(s) {
			return fmt.Errorf("%w: %s", ErrAPIKeyScope, s)
		}
	}
	return nil
}

// APIKeyState says whether an API key is valid, and why or why not.
type APIKeyState string

// The states of an API key. A replaced one is valid until ValidUntil.
const (
	APIKeyActive   APIKeyState = "active"
	APIKeyReplaced APIKeyState = "replaced"
	APIKeyExpired  APIKeyState = "expired"
	APIKeyRevoked  APIKeyState = "revoked"
)

// Moment is a time that JSON has in UTC with milliseconds, as answers and pushes have it.
type Moment struct{ time.Time }

// MarshalJSON implements json.Marshaler.
func (m Moment) MarshalJSON() ([]byte, error) {
	return m.UTC().AppendFormat(nil, `"2006-01-02T15:04:05.000Z"`), nil
}

// APIKeyInfo describes an API key without its secret.
type APIKeyInfo struct {
	ID         string         `json:"id"`
	Name       string         `json:"name"`
	State      APIKeyState    `json:"state"`
	Scopes     []auth.Scope   `json:"scopes"`
	Addresses  []netip.Prefix `json:"addresses"` // empty: any
	CreatedAt  Moment         `json:"created_at"`
	CreatedBy  string         `json:"created_by"`
	People     []string       `json:"people"` // the subjects of those behind it, and behind the keys that it replaced
	ExpiresAt  Moment         `json:"expires_at,omitzero"`
	LastUsedAt Moment         `json:"last_used_at,omitzero"` // to the minute
	RevokedAt  Moment         `json:"revoked_at,omitzero"`
	ReplacedBy string         `json:"replaced_by,omitempty"`
	ValidUntil Moment         `json:"valid_until,omitzero"`
}

// setState sets the state that the key has at a moment.
func (k *APIKeyInfo) setState(now time.Time) {
	over := func(t Moment) bool { return !t.IsZero() && !now.Before(t.Time) }
	switch {
	case !k.RevokedAt.IsZero():
		k.State = APIKeyRevoked
	case over(k.ExpiresAt), over(k.ValidUntil):
		k.State = APIKeyExpired
	case k.ReplacedBy != "":
		k.State = APIKeyReplaced
	default:
		k.State = APIKeyActive
	}
}

// scopesFor returns the scopes that the keys of an owner can have: a tenant's, or the platform's if it is zero.
func scopesFor(owner tenant.ID) []auth.Scope {
	if owner.IsZero() {
		return auth.PlatformScopes()
	}
	return auth.KeyScopes()
}

// check returns what a new key of an owner's may do and from where, in their normal forms, or an APIKeyError.
func (n *NewAPIKey) check(owner tenant.ID, now time.Time) (scopes []auth.Scope, addresses []netip.Prefix, err error) {
	if !strict.Trim(&n.Name, 1, APIKeyNameMax) || strict.CheckLine(string(n.Name)) != nil {
		return nil, nil, &APIKeyError{"name", fmt.Sprintf("want 1 to %d characters, in one line", APIKeyNameMax), utf8.RuneCountInString(string(n.Name)) > APIKeyNameMax}
	}
	if scopes, err = checkScopes(n.Scopes, scopesFor(owner)); err != nil {
		return nil, nil, err
	}
	if addresses, err = checkAddresses(n.Addresses); err != nil {
		return nil, nil, err
	}
	if !n.ExpiresAt.IsZero() && !n.ExpiresAt.After(now) {
		return nil, nil, &APIKeyError{"expires_at", "want a time to come", false}
	}
	return scopes, addresses, nil
}

// checkScopes returns scopes in the order of auth.Scopes, each once, or an APIKeyError that lists all that the key
// can have.
func checkScopes(names []string, all []auth.Scope) ([]auth.Scope, error) {
	for _, name := range names {
		if !slices.Contains(all, auth.Scope(name)) {
			return nil, &APIKeyError{"scopes", fmt.Sprintf("a key cannot have %q: want some of %s", name, listed(all)), false}
		}
	}
	scopes := slices.DeleteFunc(slices.Clone(all), func(s auth.Scope) bool { return !slices.Contains(names, string(s)) })
	if len(scopes) == 0 {
		return nil, &APIKeyError{"scopes", "want some of " + listed(all), false}
	}
	return scopes, nil
}

func listed(scopes []auth.Scope) string {
	names := make([]string, len(scopes))
	for i, s := range scopes {
		names[i] = string(s)
	}
	return strings.Join(names, ", ")
}

// checkAddresses returns address ranges in their normal form, or an APIKeyError.
func checkAddresses(texts []string) ([]netip.Prefix, error) {
	if len(texts) > APIKeyAddressesMax {
		return nil, &APIKeyError{"addresses", fmt.Sprintf("want at most %d", APIKeyAddressesMax), true}
	}
	out := make([]netip.Prefix, 0, len(texts))
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if a, bad := netip.ParseAddr(text); bad == nil && a.Zone() == "" {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		switch {
		case err != nil:
			return nil, &APIKeyError{"addresses", fmt.Sprintf("want a range as 192.0.2.0/24 or 2001:db8::/32, or an address, not %q", text), false}
		case p.Addr().Is4In6():
			return nil, &APIKeyError{"addresses", fmt.Sprintf("%s: write it as IPv4", p), false}
		case p != p.Masked():
			return nil, &APIKeyError{"addresses", fmt.Sprintf("%s has bits beyond its range, which is %s", p, p.Masked()), false}
		case slices.Contains(out, p):
			continue
		}
		out = append(out, p)
	}
	return out, nil
}
