package auth

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

// Algorithms that a key may be for (RFC 7518 §3.1, RFC 8037).
const (
	HS256 = "HS256"
	RS256 = "RS256"
	ES256 = "ES256"
	EdDSA = "EdDSA"
)

// Key verifies one tenant's tokens, by one algorithm.
type Key struct {
	ID     string // the kid
	Alg    string
	Secret []byte           // of HS256: at least 32 bytes
	Public crypto.PublicKey // of the others
}

// ParsePublicPEM reads the public key of an asymmetric Key (PKIX, "PUBLIC KEY").
func ParsePublicPEM(text string) (crypto.PublicKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "PUBLIC KEY" {
		return nil, errors.New("auth: want a PEM block PUBLIC KEY")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("auth: read public key: %w", err)
	}
	return key, nil
}

func (k Key) material() any {
	if k.Alg == HS256 {
		return k.Secret
	}
	return k.Public
}

// KeySource knows the keys that are good for a tenant now. It is asked for every
// token, so it answers from memory.
type KeySource interface {
	Keys(tenant.ID) []Key
}

// StaticKeys is a KeySource that never changes.
type StaticKeys map[tenant.ID][]Key

// Keys implements KeySource.
func (s StaticKeys) Keys(id tenant.ID) []Key { return s[id] }

var _ KeySource = StaticKeys(nil)
