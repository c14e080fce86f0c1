package baccarat

import (
	"fmt"
	"math"
	"math/big"
	"os"
	"strings"
	"testing"
)

// bits returns the logarithm of n to base 2.
func bits(n *big.Int) float64 {
	mantissa := new(big.Float)
	exponent := new(big.Float).SetInt(n).MantExp(mantissa)
	m, _ := mantissa.Float64()
	return float64(exponent) + math.Log2(m)
}

func TestTheDocsSayHowManyOrdersAShoeHas(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/games/baccarat.md")
	if err != nil {
		t.Fatal(err)
	}
	factorial := func(n int64) *big.Int { return new(big.Int).MulRange(1, n) }
	over := func(below ...*big.Int) *big.Int {
		n := factorial(int64(shoeSize))
		for _, f := range below {
			n.Quo(n, f)
		}
		return n
	}
	power := func(f *big.Int, n int64) *big.Int { return new(big.Int).Exp(f, big.NewInt(n), nil) }
	inRow := func(n int64) *big.Int { return new(big.Int).MulRange(int64(shoeSize)-n+1, int64(shoeSize)) }
	alike := over(power(factorial(decks), int64(deck)))
	for says, n := range map[string]float64{
		"| 416! | %.2f |":                     bits(over()),
		"| 416! / (8!)^52 | %.2f |":           bits(alike),
		"| 416! / (128! · (32!)^9) | %.2f |":  bits(over(factorial(128), power(factorial(32), 9))),
		"a seed would need %.0f bits":         float64(over().BitLen()),
		"or %.0f for those":                   float64(alike.BitLen()),
		"Six cards have 2^%.2f orders":        bits(inRow(6)),
		"about 2^%.2f seeds lead to each":     256 - bits(inRow(6)),
		"24 at most, have 2^%.2f":             bits(inRow(24)),
		"about 2^%.2f seeds for each":         256 - bits(inRow(24)),
		"about %.0f cards of a shoe have":     math.Ceil(256 / math.Log2(float64(deck))),
		"on the order of %.0f cards in a row": 30,
	} {
		if text := fmt.Sprintf(says, n); !strings.Contains(string(page), text) {
			t.Errorf("docs/games/baccarat.md does not say %q", text)
		}
	}
	if bits(inRow(29)) >= 256 || bits(inRow(30)) <= 256 {
		t.Errorf("29 cards have %.2f bits, 30 have %.2f", bits(inRow(29)), bits(inRow(30)))
	}
	// Of N orders and 2^256 seeds, the chance that an order has none is below N·e^(−2^256/N).
	if n := bits(inRow(24)); n-math.Exp2(256-n)*math.Log2E > -1e14 {
		t.Errorf("the chance is 2^%g", n-math.Exp2(256-n)*math.Log2E)
	}
}
