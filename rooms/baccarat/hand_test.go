package baccarat

import (
	"strings"
	"testing"
)

// whatBankerDoes is the table as it lies in a casino's manual, which the tests read instead of computing: by
// banker's points, what banker does if player's third card counts 0 to 9, and last if player stood. D draws, S
// stands.
var whatBankerDoes = [8]string{
	"DDDDDDDDDD D",
	"DDDDDDDDDD D",
	"DDDDDDDDDD D",
	"DDDDDDDDSD D",
	"SSDDDDDDSS D",
	"SSSSDDDDSS D",
	"SSSSSSDDSS S",
	"SSSSSSSSSS S",
}

// oracle returns how many cards player and banker have at the end, and their points, for six values in the
// order in which cards are dealt.
func oracle(v [6]int) (players, bankers, player, banker int) {
	units := func(n int) int { return int("0123456789"[n%10] - '0') }
	player, banker = units(v[0]+v[2]), units(v[1]+v[3])
	players, bankers = 2, 2
	if player > 7 || banker > 7 {
		return
	}
	rest, column := v[4:], 11
	if strings.ContainsRune("\x00\x01\x02\x03\x04\x05", rune(player)) {
		player, players, column = units(player+rest[0]), 3, rest[0]
		rest = rest[1:]
	}
	if whatBankerDoes[banker][column] == 'D' {
		banker, bankers = units(banker+rest[0]), 3
	}
	return
}

func TestHandsOfAllValuesEndAsTheOracleSays(t *testing.T) {
	t.Parallel()
	var v [6]int
	for n := range 1_000_000 {
		for i, rest := 0, n; i < 6; i, rest = i+1, rest/10 {
			v[i] = rest % 10
		}
		var h Hand
		i := 0
		for to := h.next(); to != ""; to = h.next() {
			if want := []string{player, banker, player, banker}; i < 4 && to != want[i] {
				t.Fatalf("card %d goes to %s", i+1, to)
			}
			h.give(to, Card((v[i]+9)%10)) // an ace has number 0, a ten 9
			i++
		}
		players, bankers, p, b := oracle(v)
		o := h.Outcome()
		if len(h.Player) != players || len(h.Banker) != bankers || o.Player != p || o.Banker != b {
			t.Fatalf("%v: %v against %v, %s; the oracle has %d cards with %d against %d with %d", v, h.Player, h.Banker, o, players, p, bankers, b)
		}
	}
}

func TestACardThatIsDealtLeavesOtherCopiesOfTheHandAsTheyAre(t *testing.T) {
	t.Parallel()
	room := make([]Card, 1, 8)
	h := Hand{Player: room}
	one, two := h, h
	one.give(player, 1)
	two.give(player, 2)
	if texts(one.Player) != "Ac 2c" || texts(two.Player) != "Ac 3c" || len(h.Player) != 1 || room[:2][1] != 0 {
		t.Errorf("%v, %v and %v", one, two, room[:2])
	}
}

func TestThe52CardsHaveTheirFormsAndValues(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for c := range deck {
		text := c.String()
		seen[text] = true
		var back Card
		if err := back.UnmarshalText([]byte(text)); err != nil || back != c {
			t.Errorf("%s is read as %s, %v", text, back, err)
		}
		burns := map[byte]int{'A': 1, 'T': 10, 'J': 10, 'Q': 10, 'K': 10}[text[0]]
		if burns == 0 {
			burns = int(text[0] - '0')
		}
		if c.burns() != burns || c.counts() != burns%10 {
			t.Errorf("%s counts %d, and %d are put away after it", c, c.counts(), c.burns())
		}
	}
	if len(seen) != 52 || Card(0).String() != "Ac" || Card(12).String() != "Kc" || Card(13).String() != "Ad" || Card(51).String() != "Ks" {
		t.Errorf("%d cards: %v", len(seen), seen)
	}
	for _, s := range []string{"", "A", "Acc", "1c", "10c", "ac", "AC", "Ax", "cA", "T♠"} {
		var c Card
		if err := c.UnmarshalText([]byte(s)); err == nil {
			t.Errorf("%q is read as %s", s, c)
		}
	}
}

func TestOutcomesAreReadAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for p := range 10 {
		for b := range 10 {
			for _, pairs := range [][2]bool{{}, {true, false}, {false, true}, {true, true}} {
				o := Outcome{p, b, pairs[0], pairs[1]}
				back, err := ParseOutcome(o.String())
				if err != nil || back != o {
					t.Errorf("%s is read as %s, %v", o, back, err)
				}
				seen[o.String()] = true
			}
		}
	}
	if len(seen) != 400 || !seen["banker 3-7 player_pair banker_pair"] || !seen["tie 0-0 banker_pair"] || !seen["player 9-8"] {
		t.Errorf("%d outcomes: %v", len(seen), seen)
	}
	for _, s := range []string{"", "tie", "tie 1-2", "player 3-7", "banker 3-10", "banker -1-3", "banker 3-7 banker_pair player_pair", "banker 3-7 ", "Banker 3-7"} {
		if o, err := ParseOutcome(s); err == nil {
			t.Errorf("%q is read as %s", s, o)
		}
	}
}
