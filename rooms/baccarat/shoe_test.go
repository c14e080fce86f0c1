package baccarat

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pitboss-hub/pitboss/rooms/game"
)

// vector is a shoe that testdata/shoes.py made from the docs.
type vector struct {
	Seed   game.Seed
	First  int64
	Cards  string
	Cut    int
	Burned int
	Out    int // cards, at the end of the last hand
	Hands  []string
}

func vectors(t *testing.T) (list []vector) {
	t.Helper()
	raw, err := os.ReadFile("testdata/shoes.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	if len(list) < 10 {
		t.Fatalf("only %d shoes", len(list))
	}
	return list
}

func texts(cards []Card) string {
	list := make([]string, len(cards))
	for i, c := range cards {
		list[i] = c.String()
	}
	return strings.Join(list, " ")
}

func TestShoesAreThoseOfTheVectors(t *testing.T) {
	t.Parallel()
	cuts := map[string]bool{}
	for _, v := range vectors(t) {
		s := shuffle(v.Seed, v.First)
		if got := texts(s.cards[:]); got != v.Cards || s.cut != v.Cut {
			t.Errorf("first %d: the cut card lies before %d in %s", v.First, s.cut, got)
		}
		if card, count := s.burned(); card != s.cards[0] || count != v.Burned {
			t.Errorf("first %d: %d cards are put away after %s", v.First, count, card)
		}
		var got []string
		place := 1 + v.Burned
		for h := range s.hands() {
			got = append(got, texts(h.Player)+" - "+texts(h.Banker))
			dealt, err := Deal(v.Seed, v.First, v.First+int64(len(got))-1)
			if err != nil || texts(dealt.Player)+" - "+texts(dealt.Banker) != got[len(got)-1] {
				t.Errorf("first %d, hand %d is %v, %v", v.First, len(got), dealt, err)
			}
			after := place + len(h.Player) + len(h.Banker)
			switch {
			case place == v.Cut:
				cuts["before a hand's first card"] = true
			case place < v.Cut && v.Cut < after:
				cuts["in the middle of a hand"] = true
			}
			place = after
		}
		if !slices.Equal(got, v.Hands) || place != v.Out {
			t.Errorf("first %d: %d cards are out after the hands %q", v.First, place, got)
		}
		for _, n := range []int64{v.First - 1, v.First + int64(len(got)), math.MinInt64, math.MaxInt64} {
			if h, err := Deal(v.Seed, v.First, n); err == nil {
				t.Errorf("first %d: round %d has the hand %v", v.First, n, h)
			}
		}
	}
	if len(cuts) != 2 {
		t.Errorf("the cut card comes out %v", cuts)
	}
}

// The shoe that a round belongs to has eight of each card, wherever the seed puts them, and cards enough.
func TestShoesAreCompleteAndNeverRunOut(t *testing.T) {
	t.Parallel()
	cuts, most := map[int]int{}, 0
	for n := range 400 {
		s := shuffle(game.Seed{byte(n), byte(n >> 8), 1}, int64(n))
		count := [deck]int{}
		for _, c := range s.cards {
			count[c]++
		}
		for c, got := range count {
			if got != 8 {
				t.Fatalf("%d of %s", got, Card(c))
			}
		}
		cuts[shoeSize-s.cut]++
		out := 1 + s.cards[0].burns()
		for h := range s.hands() {
			out += len(h.Player) + len(h.Banker)
		}
		if out < s.cut || out > s.cut+11 {
			t.Errorf("%d cards are out, and the cut card lay before %d", out, s.cut)
		}
		most = max(most, out)
	}
	if len(cuts) != 3 || cuts[14] == 0 || cuts[15] == 0 || cuts[16] == 0 || most > shoeSize {
		t.Errorf("cards behind the cut card: %v; at most %d were out", cuts, most)
	}
}
