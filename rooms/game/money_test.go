package game_test

import (
	"testing"

	"github.com/pitboss-hub/pitboss/rooms/game"
)

func TestMoneyIsReadExactlyOrNotAtAll(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text     string
		exponent int
		want     game.Money
		ok       bool
	}{
		{"1000.00", 2, 100000, true}, {"1000", 2, 100000, true}, {"0.5", 2, 50, true}, {"-12.34", 2, -1234, true},
		{"7", 0, 7, true}, {"0.00000001", 8, 1, true}, {"0", 2, 0, true},
		{"1.005", 2, 0, false}, {"", 2, 0, false}, {".5", 2, 0, false}, {"5.", 2, 0, false}, {"1e3", 2, 0, false},
		{"1,000", 2, 0, false}, {"+1", 2, 0, false}, {"--1", 2, 0, false}, {" 1", 2, 0, false}, {"1.0", 0, 0, false},
		{"99999999999999.00", 2, 0, false}, {"NaN", 2, 0, false}, {"١", 0, 0, false},
	} {
		got, err := game.ParseMoney(c.text, c.exponent)
		if (err == nil) != c.ok || got != c.want {
			t.Errorf("ParseMoney(%q, %d) = %d, %v", c.text, c.exponent, got, err)
		}
	}
}

func FuzzMoneyFormatIsReadBack(f *testing.F) {
	f.Add(int64(0), 2)
	f.Add(int64(-5), 2)
	f.Add(int64(123456), 3)
	f.Fuzz(func(t *testing.T, n int64, exponent int) {
		if exponent < 0 || exponent > 8 || n > 1e12 || n < -1e12 {
			return
		}
		m := game.Money(n)
		back, err := game.ParseMoney(m.Format(exponent), exponent)
		if err != nil || back != m {
			t.Fatalf("%d → %q → %d, %v", m, m.Format(exponent), back, err)
		}
	})
}
