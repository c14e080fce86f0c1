package cache

import (
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/chacha20poly1305"
)

// sealedVersion is the first byte of what is kept in Redis. After it come a nonce, and until when the value is
// good and its data, encrypted by XChaCha20-Poly1305: its nonces are so long that they may be drawn at random
// under one key for ever, as those of AES-GCM may not (NIST SP 800-38D §8.3).
const sealedVersion = 1

const (
	untilSize = 8
	// sealedBytes is what a sealed value is longer than its data.
	sealedBytes = 1 + chacha20poly1305.NonceSizeX + untilSize + chacha20poly1305.Overhead
)

// ErrKey means that the key of a Redis is not one of 32 bytes.
var ErrKey = errors.New("cache: the key has 32 bytes")

// errRefused means that what Redis has was not put there by a node for this place, or is not good any more.
var errRefused = errors.New("cache: what Redis has is not believed")

// seals encrypts values for their places.
type seals struct {
	aead    cipher.AEAD
	context []byte // realm and release
}

func newSeals(key, realm []byte, release string) (*seals, error) {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, ErrKey
	}
	return &seals{aead, fields(nil, string(realm), release)}, nil
}

// fields appends texts so that no two lists of texts look alike.
func fields(to []byte, texts ...string) []byte {
	for _, s := range texts {
		to = append(binary.AppendUvarint(to, uint64(len(s))), s...)
	}
	return to
}

// additional returns what a value is bound to: the installation, the release, the history, the epoch and the key.
func (s *seals) additional(at Place) []byte {
	return binary.AppendVarint(fields(s.context[:len(s.context):len(s.context)], at.History, at.Key.String()), at.Epoch)
}

// digest returns what tells a value's name in Redis from others of its tenant, epoch and kind.
func (s *seals) digest(at Place) []byte {
	sum := sha256.Sum256(s.additional(at))
	return sum[:16]
}

func (s *seals) seal(at Place, e Entry) []byte {
	out := make([]byte, 1+s.aead.NonceSize(), len(e.Data)+sealedBytes)
	out[0] = sealedVersion
	nonce := out[1:]
	_, _ = rand.Read(nonce) // it never fails
	plain := binary.BigEndian.AppendUint64(make([]byte, 0, untilSize+len(e.Data)), uint64(e.Until.UnixMilli()))
	return s.aead.Seal(out, nonce, append(plain, e.Data...), s.additional(at))
}

// open returns the entry that seal was given for the same place. It returns errRefused.
func (s *seals) open(at Place, sealed []byte) (Entry, error) {
	if len(sealed) < sealedBytes || sealed[0] != sealedVersion {
		return Entry{}, fmt.Errorf("%w: it is unreadable", errRefused)
	}
	nonce, text := sealed[1:1+s.aead.NonceSize()], sealed[1+s.aead.NonceSize():]
	plain, err := s.aead.Open(nil, nonce, text, s.additional(at))
	if err != nil {
		return Entry{}, fmt.Errorf("%w: it is forged, or of another place", errRefused)
	}
	e := Entry{plain[untilSize:], time.UnixMilli(int64(binary.BigEndian.Uint64(plain)))}
	if !time.Now().Before(e.Until) {
		return Entry{}, fmt.Errorf("%w: its time is over", errRefused)
	}
	return e, nil
}
