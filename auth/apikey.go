package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

const (
	// apiKeyPrefix begins the text of every API key, so that scanners find those that leaked.
	apiKeyPrefix = "pitboss_"
	// apiKeyIDLen and apiKeySecretLen are characters of 5 bits, of 50 and of 256 random bits.
	apiKeyIDLen     = 10
	apiKeySecretLen = 52
	apiKeyCheckLen  = 7 // a CRC-32
	apiKeyLen       = len(apiKeyPrefix) + apiKeyIDLen + 1 + apiKeySecretLen + apiKeyCheckLen
)

// base32Plain has no two characters that look alike (Crockford's, in lower case).
var base32Plain = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// APIKeyText is an API key as its holder has it: pitboss_<id>_<secret><checksum>. No format, log line or JSON
// shows the secret; only Reveal does.
type APIKeyText struct {
	id     string
	secret [sha256.Size]byte
}

// NewAPIKeyText returns a new key, or an error if there is no randomness.
func NewAPIKeyText() (APIKeyText, error) {
	var k APIKeyText
	id := make([]byte, 7) // the first 50 bits
	for _, b := range [][]byte{id, k.secret[:]} {
		if _, err := rand.Read(b); err != nil {
			return k, fmt.Errorf("auth: no randomness: %w", err)
		}
	}
	k.id = base32Plain.EncodeToString(id)[:apiKeyIDLen]
	return k, nil
}

// IsAPIKey reports whether a bearer token is meant to be an API key.
func IsAPIKey(token string) bool { return strings.HasPrefix(token, apiKeyPrefix) }

// ParseAPIKey returns the key of a text. It returns ErrKeyMalformed if the text was mistyped or cut, which
// its checksum tells.
func ParseAPIKey(text string) (APIKeyText, error) {
	if len(text) != apiKeyLen || !IsAPIKey(text) || text[len(apiKeyPrefix)+apiKeyIDLen] != '_' {
		return APIKeyText{}, ErrKeyMalformed
	}
	k := APIKeyText{id: text[len(apiKeyPrefix) : len(apiKeyPrefix)+apiKeyIDLen]}
	body := text[:apiKeyLen-apiKeyCheckLen]
	secret, err := base32Plain.DecodeString(body[len(body)-apiKeySecretLen:])
	if err != nil || len(secret) != len(k.secret) || !ValidAPIKeyID(k.id) || checksum(body) != text[len(body):] {
		return APIKeyText{}, ErrKeyMalformed
	}
	copy(k.secret[:], secret)
	return k, nil
}

// ValidAPIKeyID reports whether s can be the ID of an API key.
func ValidAPIKeyID(s string) bool {
	return len(s) == apiKeyIDLen && strings.Trim(s, "0123456789abcdefghjkmnpqrstvwxyz") == ""
}

func checksum(body string) string {
	return base32Plain.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(body))))
}

// ID returns the key's ID, which is no secret.
func (k APIKeyText) ID() string { return k.id }

// Hash returns what is stored of the secret: its SHA-256. The secret is 256 random bits, so nobody can try
// them all, and a hash that is slow, or salted, would only cost every request.
func (k APIKeyText) Hash() [sha256.Size]byte { return sha256.Sum256(k.secret[:]) }

// Reveal returns the key with its secret, for its holder.
func (k APIKeyText) Reveal() string {
	body := apiKeyPrefix + k.id + "_" + base32Plain.EncodeToString(k.secret[:])
	return body + checksum(body)
}

// String returns the key without its secret.
func (k APIKeyText) String() string { return apiKeyPrefix + k.id + "_…" }

// Format implements fmt.Formatter: whatever the verb, the secret is left out.
func (k APIKeyText) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// LogValue implements slog.LogValuer.
func (k APIKeyText) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText implements encoding.TextMarshaler.
func (k APIKeyText) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// StoredAPIKey describes an API key as it is stored: without its secret.
type StoredAPIKey struct {
	ID        string
	Tenant    tenant.ID // zero: it is the platform's own
	Name      string
	Hash      [sha256.Size]byte
	Scopes    []Scope
	Addresses []netip.Prefix // from which it may be used; empty: from any
	CreatedAt time.Time
	EndsAt    time.Time // zero: never
	Revoked   bool
}

// APIKeySource knows API keys by their IDs. It is asked for every request, so it must answer from memory.
type APIKeySource interface {
	APIKey(id string) (StoredAPIKey, bool)
}

// VerifyAPIKey returns the Principal of an API key that is used at a tenant from an address. The zero ID is
// the platform's own. Its error is an *Error.
func VerifyAPIKey(keys APIKeySource, id tenant.ID, slug tenant.Slug, text string, from netip.Addr, now time.Time) (Principal, error) {
	given, err := ParseAPIKey(text)
	if err != nil {
		return Principal{}, err
	}
	k, ok := keys.APIKey(given.id)
	hash := given.Hash()
	from = from.Unmap().WithZone("")
	switch {
	case !ok, subtle.ConstantTimeCompare(hash[:], k.Hash[:]) != 1, k.Tenant != id:
		return Principal{}, ErrKeyUnknown
	case k.Revoked:
		return Principal{}, ErrKeyRevoked
	case !k.EndsAt.IsZero() && !now.Before(k.EndsAt):
		return Principal{}, ErrKeyExpired
	case len(k.Addresses) > 0 && !slices.ContainsFunc(k.Addresses, func(p netip.Prefix) bool { return p.Contains(from) }):
		return Principal{}, ErrKeyAddress
	}
	scopes := make([]string, len(k.Scopes))
	for i, s := range k.Scopes {
		scopes[i] = string(s)
	}
	return Principal{
		Tenant: id, Slug: slug, Subject: k.ID, Role: APIKey, Name: k.Name, Scopes: strings.Join(scopes, " "),
		IssuedAt: k.CreatedAt, ExpiresAt: k.EndsAt,
	}, nil
}
