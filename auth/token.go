package auth

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
)

const (
	// TokenBytesMax bounds a token before anything is parsed.
	TokenBytesMax = 8 << 10
	// Leeway is how far two clocks may differ.
	Leeway = 5 * time.Second
	// subjectBytesMax and nameRunesMax bound what goes into topics, logs and pages.
	subjectBytesMax = 64
	nameRunesMax    = 40
)

// claims holds a Pitboss token's claims, those of RFC 7519 §4.1 and our own.
type claims struct {
	jwt.RegisteredClaims
	Tenant string `json:"tid"`
	Role   string `json:"role"`
	Name   string `json:"name,omitempty"`
}

// UnmarshalJSON decodes claims by their exact names, none of which may occur twice: "TID" is not "tid".
// Unknown claims are ignored (RFC 7519 §4).
func (c *claims) UnmarshalJSON(raw []byte) error {
	type plain claims
	return strict.DecodeKnown(raw, (*plain)(c))
}

// Audience returns the "aud" of a tenant's tokens.
func Audience(slug tenant.Slug) string { return "pitboss/" + string(slug) }

// Verifier verifies tokens.
type Verifier struct {
	keys    KeySource
	revoked Revocations
}

// NewVerifier returns a Verifier over keys. If revoked is nil, no token is ever revoked.
func NewVerifier(keys KeySource, revoked Revocations) *Verifier { return &Verifier{keys, revoked} }

// Revoked reports whether a verified token has been revoked since: the token itself, all tokens of its
// bearer, or the key that verified it.
func (v *Verifier) Revoked(p Principal) bool {
	if v.revoked != nil && v.revoked.Revoked(p) {
		return true
	}
	return !slices.ContainsFunc(v.keys.Keys(p.Tenant), func(k Key) bool { return k.Mark() == p.Key })
}

// Verify returns the Principal of a token at this tenant. A token may also name, as its tenant and its audience, one
// of the slugs that the tenant had. Its error is an *Error.
func (v *Verifier) Verify(id tenant.ID, slug tenant.Slug, token string, former ...tenant.Slug) (Principal, error) {
	if token == "" {
		return Principal{}, ErrMissing
	}
	if header, _, _ := strings.Cut(token, "."); len(token) > TokenBytesMax || !once(header) {
		return Principal{}, ErrMalformed
	}
	var c claims
	var by Key
	audiences := []string{Audience(slug)}
	for _, old := range former {
		audiences = append(audiences, Audience(old))
	}
	parser := jwt.NewParser(jwt.WithLeeway(Leeway), jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithAudience(audiences...))
	_, err := parser.ParseWithClaims(token, &c, func(t *jwt.Token) (any, error) {
		key, err := v.key(id, t.Header)
		if err != nil {
			return nil, err
		}
		by = key
		return key.material(), nil
	})
	if err != nil {
		return Principal{}, refusal(err)
	}
	switch {
	case c.Issuer == "":
		return Principal{}, ErrIssuer
	case c.Tenant != string(slug) && !slices.Contains(former, tenant.Slug(c.Tenant)):
		return Principal{}, ErrTenant
	case !slices.Contains(c.Audience, Audience(tenant.Slug(c.Tenant))):
		return Principal{}, ErrAudience
	case !Role(c.Role).Valid():
		return Principal{}, ErrRole
	case !ValidSubject(c.Subject), c.ID != "" && !ValidTokenID(c.ID):
		return Principal{}, ErrMalformed
	case c.ID == "" && Role(c.Role) != Player: // a player's token is revoked with the player
		return Principal{}, ErrNoID
	case c.IssuedAt == nil || c.ExpiresAt.Sub(c.IssuedAt.Time) > TokenLifeMax:
		return Principal{}, ErrLife
	}
	p := Principal{
		Tenant: id, Slug: slug, Subject: c.Subject, Role: Role(c.Role), Name: displayName(c.Name, c.Subject),
		TokenID: c.ID, Key: by.Mark(), IssuedAt: c.IssuedAt.Time, ExpiresAt: c.ExpiresAt.Time,
	}
	if v.Revoked(p) {
		return Principal{}, ErrRevoked
	}
	return p, nil
}

// once reports whether no member of a token's header occurs twice: of two, another reader may have
// checked the first, and we would use the last.
func once(header string) bool {
	raw, err := base64.RawURLEncoding.DecodeString(header)
	return err == nil && strict.DecodeKnown(raw, new(struct{})) == nil
}

// key returns the tenant's key that a token's header names, or an error if the header names
// another algorithm than the key's. Nothing is verified yet.
func (v *Verifier) key(id tenant.ID, header map[string]any) (Key, error) {
	if _, critical := header["crit"]; critical { // RFC 7515 §4.1.11
		return Key{}, ErrCrit
	}
	alg, _ := header["alg"].(string)
	if alg == "" || strings.EqualFold(alg, "none") {
		return Key{}, ErrAlg
	}
	kid, _ := header["kid"].(string)
	keys := v.keys.Keys(id)
	if kid == "" && len(keys) == 1 {
		kid = keys[0].ID
	}
	named := func(k Key) bool { return k.ID == kid }
	i := slices.IndexFunc(keys, named)
	if f, ok := v.keys.(Finder); ok && i < 0 && kid != "" {
		f.Find(id, kid)
		keys = v.keys.Keys(id)
		i = slices.IndexFunc(keys, named)
	}
	switch {
	case i < 0:
		return Key{}, ErrKid
	case keys[i].Alg != alg:
		return Key{}, ErrAlg
	}
	return keys[i], nil
}

func refusal(err error) *Error {
	var own *Error
	switch {
	case errors.As(err, &own): // of key
		return own
	case errors.Is(err, jwt.ErrTokenUnverifiable): // an algorithm that nobody knows
		return ErrAlg
	case errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return ErrSignature
	case errors.Is(err, jwt.ErrTokenExpired):
		return ErrExpired
	case errors.Is(err, jwt.ErrTokenNotValidYet), errors.Is(err, jwt.ErrTokenUsedBeforeIssued):
		return ErrNotYet
	case errors.Is(err, jwt.ErrTokenInvalidAudience):
		return ErrAudience
	}
	return ErrMalformed
}

// ValidSubject reports whether s can be a subject: 1 to 64 bytes of printable UTF-8 without spaces.
func ValidSubject(s string) bool {
	return s != "" && len(s) <= subjectBytesMax && utf8.ValidString(s) &&
		strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) || unicode.IsSpace(r) }) < 0
}

// displayName returns a token's name as a Line, or subject if nothing of it is visible. An invalid name is not an error.
func displayName(name, subject string) string {
	line := strict.CleanLine(name, nameRunesMax)
	if strings.IndexFunc(string(line), func(r rune) bool { return unicode.IsPrint(r) && r != ' ' }) < 0 { // nothing to see
		line = strict.CleanLine(subject, nameRunesMax)
	}
	return string(line)
}

// Mint signs a token for p with an HS256 key, valid from now until p.ExpiresAt. It is
// for "pitboss token", "pitboss dev" and tests: operators sign their own.
func Mint(key Key, p Principal) (string, error) {
	if key.Alg != HS256 {
		return "", fmt.Errorf("auth: key %s is for %s, and only an %s secret can sign here", key.ID, key.Alg, HS256)
	}
	if !p.Role.Valid() {
		return "", fmt.Errorf("auth: no role %q: want %s, %s, %s or %s", p.Role, Player, Operator, Support, Service)
	}
	if !ValidSubject(p.Subject) {
		return "", fmt.Errorf("auth: a subject is 1 to %d printable bytes without spaces: %q", subjectBytesMax, p.Subject)
	}
	now := time.Now()
	if !p.ExpiresAt.After(now) {
		return "", errors.New("auth: the token would have expired already")
	}
	if p.ExpiresAt.Sub(now) > TokenLifeMax {
		return "", fmt.Errorf("auth: a token is good for at most %d days", TokenLifeMax/(24*time.Hour))
	}
	jti := p.TokenID
	if jti == "" {
		jti = uuid.NewString()
	}
	t := jwt.NewWithClaims(jwt.SigningMethodHS256, claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: "pitboss", Subject: p.Subject, Audience: jwt.ClaimStrings{Audience(p.Slug)},
			ExpiresAt: jwt.NewNumericDate(p.ExpiresAt), NotBefore: jwt.NewNumericDate(now), IssuedAt: jwt.NewNumericDate(now), ID: jti,
		},
		Tenant: string(p.Slug), Role: string(p.Role), Name: p.Name,
	})
	t.Header["kid"] = key.ID
	signed, err := t.SignedString(key.Secret)
	if err != nil {
		return "", fmt.Errorf("auth: sign: %w", err)
	}
	return signed, nil
}
