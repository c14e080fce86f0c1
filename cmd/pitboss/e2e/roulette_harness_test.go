package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"

	"github.com/pitboss-hub/pitboss/cmd/pitboss/load"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

// independentRoulette returns the play with a fairness rule and payouts that share no code with the server.
func independentRoulette(p *play) *play {
	own := *p.Game
	own.Outcome = func(seed game.Seed, _, round int64) (string, error) {
		return strconv.Itoa(pocketOf(seed[:], round)), nil
	}
	table := p.table
	table.Payout = func(outcome string, b load.Bet) (game.Money, error) {
		pocket, err := strconv.Atoi(outcome)
		return b.Amount * coverOf(b.Position, pocket), err
	}
	return &play{
		Game: &own, table: table, own: map[string]any{"close_ms": 100, "spin_ms": 200, "la_partage": false},
		positions: []string{"straight:0", "straight:17", "red", "black", "dozen:2", "column:3"},
	}
}

// coverOf returns what a position above pays per unit staked, the stake included, from a table that
// is independent of the server's.
func coverOf(pos string, pocket int) game.Money {
	red := []int{1, 3, 5, 7, 9, 12, 14, 16, 18, 19, 21, 23, 25, 27, 30, 32, 34, 36}
	switch pos {
	case "straight:0":
		return when(pocket == 0, 36)
	case "straight:17":
		return when(pocket == 17, 36)
	case "red":
		return when(slices.Contains(red, pocket), 2)
	case "black":
		return when(pocket != 0 && !slices.Contains(red, pocket), 2)
	case "dozen:2":
		return when(pocket >= 13 && pocket <= 24, 3)
	case "column:3":
		return when(pocket != 0 && pocket%3 == 0, 3)
	}
	return -1
}

func when(yes bool, pays game.Money) game.Money {
	if yes {
		return pays
	}
	return 0
}

// pocketOf implements the fairness rule of docs/games/roulette.md independently of the server.
func pocketOf(seed []byte, round int64) int {
	for block := 0; ; block++ {
		mac := hmac.New(sha256.New, seed)
		_, _ = fmt.Fprintf(mac, "pitboss.roulette.v1:%d:%d", round, block)
		sum := mac.Sum(nil)
		for i := 0; i < len(sum); i += 4 {
			if w := binary.BigEndian.Uint32(sum[i:]); w < 4294967289 {
				return int(w % 37)
			}
		}
	}
}
