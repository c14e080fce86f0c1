package baccarat

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"github.com/pitboss-hub/pitboss/rooms/game"
)

// How much somebody wins who counts the ranks that are out, and stakes the same on both pairs before each hand where
// that pays on average: what each hand is worth then is exact, over many shoes as tables deal them.
// docs/games/baccarat.md has the numbers.
func TestWhoCountsRanksWinsOnPairsWhatTheDocsSay(t *testing.T) {
	t.Parallel()
	const shoes = 10_000
	var bets, expected, won float64 // a bet is 1 on each of the pairs
	for n := range uint64(shoes) {
		var seed game.Seed
		binary.BigEndian.PutUint64(seed[:], n)
		s, unseen := shuffle(seed, 1), shoeSize
		var left [len(ranks)]int // cards of each rank that nobody has seen
		for i := range left {
			left[i] = 4 * decks
		}
		see := func(c Card) { left[c.rank()]--; unseen-- }
		see(s.cards[0])
		for h := range s.hands() {
			pairs := 0
			for _, k := range left {
				pairs += k * (k - 1)
			}
			if worth := 12*float64(pairs)/float64(unseen*(unseen-1)) - 1; worth > 0 {
				bets, expected = bets+1, expected+2*worth
				for _, p := range []position{onPlayerPair, onBankerPair} {
					won += float64(p.payout(h.Outcome(), 1, false) - 1)
				}
			}
			for _, c := range slices.Concat(h.Player, h.Banker) {
				see(c)
			}
		}
	}
	t.Logf("a shoe: %.3f bets, which win %.4f; here they won %.4f", bets/shoes, expected/shoes, won/shoes)
	if math.Abs(bets/shoes-1.67) > 0.05 || math.Abs(expected/shoes-0.34) > 0.02 {
		t.Errorf("a shoe has %.3f such bets, which win %.4f, and docs/games/baccarat.md says 1.67 and 0.34", bets/shoes, expected/shoes)
	}
}
