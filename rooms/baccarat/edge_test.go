package baccarat

import (
	"fmt"
	"math/big"
	"os"
	"strings"
	"testing"
)

// orders is how many ordered outcomes six cards of a full shoe have: 416·415·414·413·412·411.
const orders = 4_998_398_275_503_360

// class is a card, and how many cards of the shoe are like it in all that is looked at.
type class struct {
	card Card
	left int64
}

// everyHand calls visit with every hand that cards of these classes can make, dealt to its end but to no more
// than most cards, and with how many of all orders of six cards begin with it. Integers only.
func everyHand(classes []class, most int, visit func(h *Hand, ways int64)) {
	var deal func(h Hand, out int, ways int64)
	deal = func(h Hand, out int, ways int64) {
		to := h.next()
		if to == "" || out == most {
			for ; out < 6; out++ {
				ways *= int64(shoeSize - out)
			}
			visit(&h, ways)
			return
		}
		for i := range classes {
			c := &classes[i]
			next := h
			next.give(to, c.card)
			c.left--
			deal(next, out+1, ways*(c.left+1))
			c.left++
		}
	}
	deal(Hand{}, 0, 1)
}

// byValue returns a class for each number that cards count.
func byValue() []class {
	classes := byRank()[:10]
	classes[9].left *= 4 // tens and court cards
	return classes
}

// byRank returns a class for each rank.
func byRank() []class {
	classes := make([]class, len(ranks))
	for i := range classes {
		classes[i] = class{Card(i), 4 * decks}
	}
	return classes
}

func TestHandsEndAsOftenAsIsKnown(t *testing.T) {
	t.Parallel()
	count, all := map[string]int64{}, int64(0)
	everyHand(byValue(), 6, func(h *Hand, ways int64) {
		count[h.Outcome().Winner()] += ways
		all += ways
	})
	if all != orders {
		t.Fatalf("%d outcomes, not %d", all, int64(orders))
	}
	for winner, want := range map[string]int64{banker: 2_292_252_566_437_888, player: 2_230_518_282_592_256, tie: 475_627_426_473_216} {
		t.Logf("%s: %d of %d", winner, count[winner], int64(orders))
		if count[winner] != want {
			t.Errorf("%s: %d, not %d", winner, count[winner], want)
		}
	}
}

// What the rules pay is added up over all outcomes. The sums stay below 2^63: 240 times orders at most.
func TestHouseEdgesAreExactlyWhatTheDocsSay(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/games/baccarat.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name         string
		position     position
		noCommission bool
		percent      string
	}{
		{"`player`", onPlayer, false, "1.2351"},
		{"`banker`", onBanker, false, "1.0579"},
		{"`banker`, with `no_commission`", onBanker, true, "1.4581"},
		{"`tie`", onTie, false, "14.3596"},
		{"`player_pair`", onPlayerPair, false, "10.3614"},
		{"`banker_pair`", onBankerPair, false, "10.3614"},
	} {
		const amount = 20 // so that commission and half payouts are exact
		paid := int64(0)
		add := func(h *Hand, ways int64) {
			paid += int64(c.position.payout(h.Outcome(), amount, c.noCommission)) * ways
		}
		if c.position == onPlayerPair || c.position == onBankerPair {
			everyHand(byRank(), 4, add)
		} else {
			everyHand(byValue(), 6, add)
		}
		edge := new(big.Rat).Sub(big.NewRat(1, 1), new(big.Rat).Quo(big.NewRat(paid, amount), big.NewRat(orders, 1)))
		percent := new(big.Rat).Mul(edge, big.NewRat(100, 1)).FloatString(4)
		t.Logf("%s: %s = %s %%", c.name, edge, percent)
		if percent != c.percent {
			t.Errorf("the edge on %s is %s %%, not %s %%", c.name, percent, c.percent)
		}
		if row := fmt.Sprintf("| %s | %s | %s %% |", c.name, edge, percent); !strings.Contains(string(page), row) {
			t.Errorf("docs/games/baccarat.md has no row %q", row)
		}
	}
}
