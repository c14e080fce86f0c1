package baccarat

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/cmd/pitboss/load"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

// words are those of a shoe, as docs/games/baccarat.md has them. This file shares no code with the server.
type words struct {
	seed  []byte
	first int64
	block int
	left  []byte
}

// below returns a value below n.
func (w *words) below(n uint32) int {
	for {
		if len(w.left) == 0 {
			mac := hmac.New(sha256.New, w.seed)
			_, _ = fmt.Fprintf(mac, "pitboss.baccarat.v1:%d:%d", w.first, w.block)
			w.left = mac.Sum(nil)
			w.block++
		}
		word := binary.BigEndian.Uint32(w.left)
		w.left = w.left[4:]
		if uint64(word) < 1<<32/uint64(n)*uint64(n) {
			return int(word % n)
		}
	}
}

func counts(card string) int { return (strings.IndexByte("A23456789", card[0]) + 1) % 10 }

func sumOf(cards []string) (sum int) {
	for _, c := range cards {
		sum += counts(c)
	}
	return sum % 10
}

// thirdOf has which third cards of player's let banker draw, by banker's points.
var thirdOf = []string{"0123456789", "0123456789", "0123456789", "012345679", "234567", "4567", "67", ""}

// shoeOf returns the outcomes of all hands of a shoe.
func shoeOf(seed game.Seed, first int64) (hands []string) {
	w := &words{seed: seed[:], first: first}
	var cards []string
	for i := range 416 {
		cards = append(cards, "A23456789TJQK"[i%13:i%13+1]+"cdhs"[i/13%4:i/13%4+1])
	}
	for i := 415; i > 0; i-- {
		j := w.below(uint32(i + 1))
		cards[i], cards[j] = cards[j], cards[i]
	}
	cut := 416 - 14 - w.below(3)
	place := 1 + counts(cards[0])
	if counts(cards[0]) == 0 {
		place = 11
	}
	for last := false; !last; {
		last = place >= cut // the cut card is out: this hand is the last
		next := func() string { place++; return cards[place-1] }
		var player, banker []string
		for range 2 {
			player = append(player, next())
			banker = append(banker, next())
		}
		p, b := sumOf(player), sumOf(banker)
		switch {
		case p > 7 || b > 7:
		case p < 6:
			player = append(player, next())
			if strings.Contains(thirdOf[b], fmt.Sprint(counts(player[2]))) {
				banker = append(banker, next())
			}
		case b < 6:
			banker = append(banker, next())
		}
		text := map[bool]string{true: "banker", false: "player"}[sumOf(banker) > sumOf(player)]
		if sumOf(banker) == sumOf(player) {
			text = "tie"
		}
		text += fmt.Sprintf(" %d-%d", sumOf(player), sumOf(banker))
		if player[0][0] == player[1][0] {
			text += " player_pair"
		}
		if banker[0][0] == banker[1][0] {
			text += " banker_pair"
		}
		hands = append(hands, text+": "+strings.Join(player, " ")+" / "+strings.Join(banker, " "))
	}
	return hands
}

// due returns what is paid for a bet.
func due(outcome string, b load.Bet, noCommission bool) game.Money {
	wins := strings.HasPrefix(outcome, b.Position+" ")
	tie := strings.HasPrefix(outcome, "tie ")
	switch b.Position {
	case "player_pair", "banker_pair":
		if strings.Contains(outcome, " "+b.Position) {
			return 12 * b.Amount
		}
	case "tie":
		if tie {
			return 9 * b.Amount
		}
	case "player", "banker":
		switch {
		case tie:
			return b.Amount
		case wins && b.Position == "player":
			return 2 * b.Amount
		case wins && !noCommission:
			return b.Amount + b.Amount*95/100 // the commission is rounded up, so that this is rounded down
		case wins && strings.Contains(outcome, "-6"):
			return b.Amount * 3 / 2
		case wins:
			return 2 * b.Amount
		}
	}
	return 0
}

func TestOutcomesAndPayoutsAreThoseOfTheDocs(t *testing.T) {
	t.Parallel()
	source := rand.Uint64()
	t.Logf("random source %d", source)
	rnd := rand.New(rand.NewPCG(source, 0))
	const shoes = 12
	seen := map[string]int{}
	for shoe := range shoes {
		var seed game.Seed
		for i := range seed {
			seed[i] = byte(rnd.Uint32())
		}
		first := 1 + rnd.Int64N(1000)
		hands := shoeOf(seed, first)
		table := Game.Table(shoe, time.Second)
		for i, want := range hands {
			got, err := Game.Outcome(seed, first, first+int64(i))
			if err != nil || got != want {
				t.Fatalf("shoe %s of round %d: hand %d is %q, %v, and the docs say %q", seed.Hex(), first, i, got, err, want)
			}
			seen[strings.Fields(want)[0]]++
			for range 5 {
				b := table.Bet()
				if paid, err := table.Payout(want, b); err != nil || paid != due(want, b, shoe%2 == 1) {
					t.Errorf("%q pays %d for %d on %s, %v, and the docs say %d", want, paid, b.Amount, b.Position, err, due(want, b, shoe%2 == 1))
				}
			}
		}
		if got, err := Game.Outcome(seed, first, first+int64(len(hands))); err == nil {
			t.Errorf("shoe %s of round %d has %d hands, and one more: %q", seed.Hex(), first, len(hands), got)
		}
	}
	if winners := []string{"banker", "player", "tie"}; slices.ContainsFunc(winners, func(w string) bool { return seen[w] < 20 }) {
		t.Errorf("hands of %d shoes: %v", shoes, seen)
	}
}
