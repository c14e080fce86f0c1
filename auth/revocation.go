package auth

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// TokenLifeMax is how long a token may be good. A token that says more, or not when it was
// issued, is refused: so a revocation can be forgotten after that time.
const TokenLifeMax = 30 * 24 * time.Hour

// RevocationLife is how long a revocation is kept: what it voids has expired then, whatever
// the clocks.
const RevocationLife = TokenLifeMax + 2*Leeway

// tokenIDBytesMax bounds a jti that can be revoked.
const tokenIDBytesMax = 200

// Revocations knows which tokens were taken back. It is asked for every token, so it answers
// from memory.
type Revocations interface {
	Revoked(Principal) bool
}

// IssuedBefore reports whether a token of this issuing time is one of those that were issued
// until then. Two clocks may differ by Leeway, so what was issued that soon after is too.
func IssuedBefore(issued, then time.Time) bool { return !issued.After(then.Add(Leeway)) }

// ValidTokenID reports whether s can be the jti of a token to revoke: 1 to 200 bytes of UTF-8,
// printable.
func ValidTokenID(s string) bool {
	return s != "" && len(s) <= tokenIDBytesMax && utf8.ValidString(s) &&
		strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}
