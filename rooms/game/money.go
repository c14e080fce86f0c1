package game

import (
	"fmt"
	"strconv"
	"strings"
)

// Money is an amount in minor units of the tenant's currency (cents for EUR). It is
// never a float.
type Money int64

// Posting kinds.
const (
	Stake  = "stake"  // player → the room's till
	Payout = "payout" // the room's till → player
	Refund = "refund" // the room's till → player: a stake given back
)

// Posting is money that an event moves between one player and the room's till. The
// direction follows from the kind.
type Posting struct {
	Kind   string   // Stake, Payout or Refund
	Player PlayerID //
	Amount Money    // > 0
	Ref    string   // what for, e.g. "round 17"; see RoundRef
}

// RoundRef returns the Ref of the money of a round. A player's postings of one room with the same Ref are
// what a history shows as one round.
func RoundRef(round int64) string { return "round " + strconv.FormatInt(round, 10) }

// Postings returns the money that ev moves; nil if it moves none.
func Postings(ev Event) []Posting {
	if m, ok := ev.(Mover); ok {
		return m.Postings()
	}
	return nil
}

// ParseMoney parses a decimal amount of a currency with exponent digits after the point: "1000.00" with
// exponent 2 is 100000. It refuses anything that is not exact, more than 15 digits, and anything but
// digits, one point and a leading minus.
func ParseMoney(s string, exponent int) (Money, error) {
	bad := fmt.Errorf("game: not an amount with at most %d digits after the point: %q", exponent, s)
	digits, negative := strings.CutPrefix(s, "-")
	whole, fraction, point := strings.Cut(digits, ".")
	if whole == "" || (point && fraction == "") || len(fraction) > exponent || len(whole)+exponent > 15 {
		return 0, bad
	}
	var m Money
	for _, d := range whole + fraction + strings.Repeat("0", exponent-len(fraction)) {
		if d < '0' || d > '9' {
			return 0, bad
		}
		m = m*10 + Money(d-'0')
	}
	if negative {
		m = -m
	}
	return m, nil
}

// Format returns m as a decimal with exponent digits after the point.
func (m Money) Format(exponent int) string {
	sign, digits := "", strconv.FormatInt(int64(m), 10)
	if m < 0 {
		sign, digits = "-", digits[1:]
	}
	if pad := exponent + 1 - len(digits); pad > 0 {
		digits = strings.Repeat("0", pad) + digits
	}
	if exponent == 0 {
		return sign + digits
	}
	return sign + digits[:len(digits)-exponent] + "." + digits[len(digits)-exponent:]
}
