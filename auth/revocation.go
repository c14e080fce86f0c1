package auth

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// TokenLifeMax bounds the life of a token. A longer-lived token, or one without the time of issue, is
// refused, so that a revocation can be forgotten after that time.
const TokenLifeMax = 30 * 24 * time.Hour

// RevocationLife bounds how long a revocation is kept: the tokens that it revokes have expired by then,
// even with clocks that differ by Leeway.
const RevocationLife = TokenLifeMax + 2*Leeway

// tokenIDBytesMax bounds a jti that can be revoked.
const tokenIDBytesMax = 200

// Revocations knows which tokens are revoked. It is called for every token, so it must answer
// from memory.
type Revocations interface {
	Revoked(Principal) bool
}

// IssuedBefore reports whether a token with this time of issue counts as issued before the other
// time. Since clocks may differ by Leeway, a token issued up to that long after does too.
func IssuedBefore(issued, then time.Time) bool { return !issued.After(then.Add(Leeway)) }

// ValidTokenID reports whether s is a jti that can be revoked: 1 to 200 bytes of printable UTF-8.
func ValidTokenID(s string) bool {
	return s != "" && len(s) <= tokenIDBytesMax && utf8.ValidString(s) &&
		strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}
