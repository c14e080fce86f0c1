package roulette

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pitboss-hub/pitboss/rooms/game"
)

const (
	// moneyMax caps every amount in the settings: the largest payouts of playersMax
	// players still add up to less than 2^53, which JavaScript counts exactly.
	moneyMax game.Money = 100_000_000_000
	// clockMax caps every duration in the settings.
	clockMax = 10 * time.Minute
)

// settings are a table's limits and times. Amounts are in minor units.
type settings struct {
	MinBet    game.Money            `json:"min_bet"`               // the least on a position; 100 by default
	MaxBet    game.Money            `json:"max_bet"`               // the most on a position; 100000 by default
	MaxByKind map[string]game.Money `json:"max_by_kind,omitempty"` // lowers MaxBet for a kind of position
	RoundMin  game.Money            `json:"round_min"`             // the least of a player in a round; 100 by default
	RoundMax  game.Money            `json:"round_max"`             // the most; 1000000 by default
	BettingMS int64                 `json:"betting_ms"`            // from the first bet to "no more bets"; 15000 by default
	CloseMS   int64                 `json:"close_ms"`              // from then to the spin; 1000 by default
	SpinMS    int64                 `json:"spin_ms"`               // from then to the payout; 6000 by default
	PauseMS   int64                 `json:"pause_ms"`              // from then to the next round; 4000 by default
	LaPartage bool                  `json:"la_partage"`            // on zero, half of an even-money stake comes back
}

// parseSettings reads settings over the defaults, and refuses what could not be played.
func parseSettings(raw json.RawMessage) (settings, error) {
	s := settings{
		MinBet: 100, MaxBet: 100_000, RoundMin: 100, RoundMax: 1_000_000,
		BettingMS: 15_000, CloseMS: 1000, SpinMS: 6000, PauseMS: 4000,
	}
	if len(raw) > 0 && string(raw) != "null" {
		if err := game.Decode(raw, &s); err != nil {
			return s, fmt.Errorf("roulette settings: %w", err)
		}
	}
	limit := clockMax.Milliseconds()
	bounds := []bound{
		{"min_bet", int64(s.MinBet), 1, int64(moneyMax)},
		{"max_bet", int64(s.MaxBet), int64(s.MinBet), int64(moneyMax)},
		{"round_min", int64(s.RoundMin), 1, int64(moneyMax)},
		{"round_max", int64(s.RoundMax), int64(max(s.RoundMin, s.MinBet)), int64(moneyMax)},
		{"betting_ms", s.BettingMS, 1, limit},
		{"close_ms", s.CloseMS, 0, limit},
		{"spin_ms", s.SpinMS, 0, limit},
		{"pause_ms", s.PauseMS, 0, limit},
	}
	for _, kind := range slices.Sorted(maps.Keys(s.MaxByKind)) {
		if !slices.Contains(kinds, kind) {
			return s, fmt.Errorf("roulette settings: max_by_kind has no kind %.40q, the kinds are %s", kind, strings.Join(kinds, ", "))
		}
		bounds = append(bounds, bound{"max_by_kind." + kind, int64(s.MaxByKind[kind]), int64(s.MinBet), int64(s.MaxBet)})
	}
	for _, b := range bounds {
		if b.value < b.low || b.value > b.high {
			return s, fmt.Errorf("roulette settings: %s is %d and must be from %d to %d", b.name, b.value, b.low, b.high)
		}
	}
	return s, nil
}

// bound is what a setting must keep to.
type bound struct {
	name             string
	value, low, high int64
}

// most is what may lie on p at most.
func (s *settings) most(p position) game.Money {
	if v, ok := s.MaxByKind[layout[p].kind]; ok {
		return v
	}
	return s.MaxBet
}

func millis(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }
