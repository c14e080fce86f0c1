// Package seal encrypts what must not be read in the database: the tenants' signing secrets and the
// seeds of open rounds.
//
// What always holds: what was sealed for one purpose of one tenant can be opened for no other, and
// whatever was altered is refused.
package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

// MasterKeySize is the length of a master key in bytes.
const MasterKeySize = 32

var (
	// ErrMasterKey means that what is stored was sealed under another master key.
	ErrMasterKey = errors.New("store: wrong master key: start with the master key that this database was set up with")
	// ErrSealed means that sealed data was altered, or is of another tenant or purpose.
	ErrSealed = errors.New("store: sealed data is damaged")
)

// Sealed data is: version, key id, nonce, AES-256-GCM ciphertext with tag.
const (
	boxVersion = 1
	keyIDSize  = 4
)

// Box seals secrets under the master key. It may be used by many goroutines.
type Box struct {
	aead   cipher.AEAD
	header []byte // version and key id
	bus    []byte
	cache  []byte
	prints []byte // the key of fingerprints
}

// NewBox returns a Box for a master key of MasterKeySize bytes.
func NewBox(master []byte) (*Box, error) {
	if len(master) != MasterKeySize {
		return nil, fmt.Errorf("%w: it has %d bytes, want %d", ErrMasterKey, len(master), MasterKeySize)
	}
	block, err := aes.NewCipher(master)
	if err != nil {
		return nil, fmt.Errorf("store: master key: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("store: master key: %w", err)
	}
	mac := hmac.New(sha256.New, master)
	mac.Write([]byte("pitboss master key id"))
	bus, err := hkdf.Key(sha256.New, master, nil, "pitboss messages between nodes", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("store: master key: %w", err)
	}
	cache, err := hkdf.Key(sha256.New, master, nil, "pitboss cached values", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("store: master key: %w", err)
	}
	prints, err := hkdf.Key(sha256.New, master, nil, "pitboss fingerprints", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("store: master key: %w", err)
	}
	return &Box{aead, append([]byte{boxVersion}, mac.Sum(nil)[:keyIDSize]...), bus, cache, prints}, nil
}

// BusKey returns the key under which nodes sign what they say to each other: 32 bytes, derived from the
// master key (RFC 5869).
func (b *Box) BusKey() []byte { return bytes.Clone(b.bus) }

// CacheKey returns the key under which nodes seal what they keep in a cache that they share: 32 bytes, derived
// from the master key (RFC 5869).
func (b *Box) CacheKey() []byte { return bytes.Clone(b.cache) }

// Fingerprint returns 32 bytes that stand for data, for one purpose of one tenant: the same on every node, and
// computed by nobody without the master key (HMAC-SHA-256, RFC 2104).
func (b *Box) Fingerprint(id tenant.ID, purpose, data string) []byte {
	mac := hmac.New(sha256.New, b.prints)
	mac.Write(additional(id, purpose))
	mac.Write([]byte("\x00" + data))
	return mac.Sum(nil)
}

// Seal encrypts plain for one purpose of one tenant: it can be opened for no other. The
// zero tenant stands for the platform.
func (b *Box) Seal(id tenant.ID, purpose string, plain []byte) ([]byte, error) {
	nonce := make([]byte, b.aead.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return nil, fmt.Errorf("store: no randomness: %w", err)
	}
	out := append(bytes.Clone(b.header), nonce...)
	return b.aead.Seal(out, nonce, plain, additional(id, purpose)), nil
}

// Open returns the text that Seal was given. It returns ErrMasterKey if another key sealed it, and
// ErrSealed if it was altered or sealed for another tenant or purpose.
func (b *Box) Open(id tenant.ID, purpose string, sealed []byte) ([]byte, error) {
	head, size := len(b.header), b.aead.NonceSize()
	if len(sealed) < head+size || sealed[0] != boxVersion {
		return nil, fmt.Errorf("%w: %s", ErrSealed, purpose)
	}
	if !bytes.Equal(sealed[:head], b.header) {
		return nil, ErrMasterKey
	}
	nonce, text := sealed[head:head+size], sealed[head+size:]
	plain, err := b.aead.Open(nil, nonce, text, additional(id, purpose))
	if err != nil {
		return nil, fmt.Errorf("%w: %s", ErrSealed, purpose)
	}
	return plain, nil
}

// additional returns the data that a ciphertext or fingerprint is bound to. An ID and a purpose contain no zero byte.
func additional(id tenant.ID, purpose string) []byte {
	return []byte(id.String() + "\x00" + purpose)
}
