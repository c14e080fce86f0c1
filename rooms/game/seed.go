package game

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Seed is the secret from which a round's chance is derived. Its text form is 64
// lower-case hexadecimal digits.
type Seed [32]byte

// Commitment is the SHA-256 of a seed's 32 bytes: shown before the first bet, so that
// the seed revealed after the round can be recognised as the one that was fixed then.
type Commitment [32]byte

// Commit computes the seed's commitment.
func (s Seed) Commit() Commitment { return sha256.Sum256(s[:]) }

// IsZero reports whether there is no seed.
func (s Seed) IsZero() bool { return s == Seed{} }

// String hides the seed from logs and panics; Hex is for the reveal.
func (s Seed) String() string { return "seed(hidden)" }

// GoString hides the seed too.
func (s Seed) GoString() string { return "seed(hidden)" }

// Hex returns the seed in the form in which it is revealed.
func (s Seed) Hex() string { return hex.EncodeToString(s[:]) }

// MarshalText implements encoding.TextMarshaler. Only reveal events contain a Seed.
func (s Seed) MarshalText() ([]byte, error) { return []byte(s.Hex()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Seed) UnmarshalText(b []byte) error { return unhex(s[:], b) }

// IsZero reports whether there is no commitment.
func (c Commitment) IsZero() bool { return c == Commitment{} }

// String returns the commitment in hexadecimal.
func (c Commitment) String() string { return hex.EncodeToString(c[:]) }

// MarshalText implements encoding.TextMarshaler.
func (c Commitment) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *Commitment) UnmarshalText(b []byte) error { return unhex(c[:], b) }

func unhex(dst, src []byte) error {
	if len(src) != 2*len(dst) {
		return fmt.Errorf("game: want %d hexadecimal digits, got %d", 2*len(dst), len(src))
	}
	_, err := hex.Decode(dst, src)
	return err
}
