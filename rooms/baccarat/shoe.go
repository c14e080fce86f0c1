package baccarat

import (
	"fmt"
	"iter"
	"strconv"

	"github.com/pitboss-hub/pitboss/rooms/fair"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

const (
	decks    = 8
	shoeSize = decks * int(deck)
	// cutLeast and cutMost are how many cards lie behind the cut card. A hand in which it comes out and
	// one more take 11 of them at most.
	cutLeast, cutMost = 14, 16
)

// shoe is a shuffled shoe.
type shoe struct {
	cards [shoeSize]Card
	cut   int // the cut card lies before the card at this place
}

// shuffle returns the shoe of a seed whose first hand is dealt in that round.
func shuffle(seed game.Seed, first int64) *shoe {
	stream := fair.NewStream(seed, "pitboss.baccarat.v1:"+strconv.FormatInt(first, 10))
	s := &shoe{}
	for i := range s.cards {
		s.cards[i] = Card(i % int(deck))
	}
	fair.Shuffle(stream, s.cards[:])
	s.cut = shoeSize - cutLeast - int(stream.Intn(cutMost-cutLeast+1))
	return s
}

// burned returns the card that is turned over before the first hand, and how many are put away after it.
func (s *shoe) burned() (Card, int) { return s.cards[0], s.cards[0].burns() }

// hands deals the shoe from its first hand to its last.
func (s *shoe) hands() iter.Seq[Hand] {
	return func(yield func(Hand) bool) {
		_, count := s.burned()
		for place, last := 1+count, false; !last; {
			last = place >= s.cut
			var h Hand
			for to := h.next(); to != ""; to = h.next() {
				h.give(to, s.cards[place])
				place++
			}
			if !yield(h) {
				return
			}
		}
	}
}

// Deal returns the hand that a seed decides in a round, if its shoe began with the round first. It is for
// whoever checks a shoe that is over. The error says that the shoe has no such hand.
func Deal(seed game.Seed, first, round int64) (Hand, error) {
	n := first
	for h := range shuffle(seed, first).hands() {
		if n == round {
			return h, nil
		}
		n++
	}
	return Hand{}, fmt.Errorf("baccarat: a shoe with the hands of rounds %d to %d has none of round %d", first, n-1, round)
}
