package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

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
	ID      string // the kid
	Version string // distinguishes it from an earlier key of the same ID; empty if there can be none
	Alg     string
	Secret  []byte           // of HS256: at least 32 bytes
	Public  crypto.PublicKey // of the others
}

// Mark returns the value of Principal.Key for tokens that the key verified.
func (k Key) Mark() string {
	if k.Version == "" {
		return k.ID
	}
	return k.ID + " " + k.Version
}

// ParsePublicPEM parses the public key of an asymmetric Key (PKIX, "PUBLIC KEY").
func ParsePublicPEM(text string) (crypto.PublicKey, error) {
	block, _ := pem.Decode([]byte(text))
	switch {
	case block == nil:
		return nil, errors.New("auth: want a PEM block PUBLIC KEY")
	case strings.Contains(block.Type, "PRIVATE KEY"):
		return nil, errors.New("auth: this is a private key, which is nobody's but yours; openssl pkey -pubout prints the public one")
	case block.Type != "PUBLIC KEY":
		return nil, fmt.Errorf("auth: want a PEM block PUBLIC KEY, not %s; openssl prints one (openssl x509 -pubkey -noout, openssl rsa -RSAPublicKey_in -pubout)", block.Type)
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("auth: read public key: %w", err)
	}
	return key, nil
}

// rsaBitsMin and rsaBitsMax bound RSA keys: shorter ones are broken, longer ones cost too much.
const (
	rsaBitsMin = 2048
	rsaBitsMax = 8192
)

// AlgOf returns the algorithm that a public key is for, or an error that says why it is for none of
// the supported ones.
func AlgOf(public crypto.PublicKey) (string, error) {
	switch k := public.(type) {
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits < rsaBitsMin || bits > rsaBitsMax {
			return "", fmt.Errorf("auth: an RSA key has %d to %d bits, not %d", rsaBitsMin, rsaBitsMax, bits)
		}
		return RS256, nil
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() {
			return "", fmt.Errorf("auth: an elliptic key is of curve P-256 (for %s), not %s", ES256, k.Curve.Params().Name)
		}
		return ES256, nil
	case ed25519.PublicKey:
		return EdDSA, nil
	}
	return "", fmt.Errorf("auth: a %T verifies none of %s, %s and %s", public, RS256, ES256, EdDSA)
}

func (k Key) material() any {
	if k.Alg == HS256 {
		return k.Secret
	}
	return k.Public
}

// KeySource returns the keys that are valid for a tenant now. It is called for every
// token, so it must answer from memory.
type KeySource interface {
	Keys(tenant.ID) []Key
}

// Finder is a KeySource that can search for a key that it does not have yet.
type Finder interface {
	KeySource
	// Find searches for a tenant's key for a short time. If it is found, Keys returns it afterwards.
	Find(id tenant.ID, kid string)
}

// StaticKeys is a KeySource that never changes.
type StaticKeys map[tenant.ID][]Key

// Keys implements KeySource.
func (s StaticKeys) Keys(id tenant.ID) []Key { return s[id] }

var _ KeySource = StaticKeys(nil)
