package round

import (
	"time"

	"github.com/pitboss-hub/pitboss/rooms/game"
)

const (
	// MoneyMax caps every amount in the settings: the largest payouts of PlayersMax players add
	// up to less than 2^53, which JavaScript counts exactly.
	MoneyMax game.Money = 100_000_000_000
	// PaysMax is the highest multiple of itself that a stake may be paid, the stake included.
	PaysMax = 180
	// PlayersMax is how many players have a seat in one round.
	PlayersMax = 500
	// betsMax is how many bet commands one player may give in one round, those taken back too.
	betsMax = 100
	// clockMax caps every duration in the settings.
	clockMax = 10 * time.Minute
)

// Settings are the settings that every round game has. A game's settings are a struct that embeds it.
// Amounts are in minor units.
type Settings struct {
	MinBet    game.Money            `json:"min_bet"`               // the least on a position
	MaxBet    game.Money            `json:"max_bet"`               // the most on a position
	MaxByKind map[string]game.Money `json:"max_by_kind,omitempty"` // lowers MaxBet for a kind of position
	RoundMin  game.Money            `json:"round_min"`             // the least of a player in a round
	RoundMax  game.Money            `json:"round_max"`             // the most
	BettingMS int64                 `json:"betting_ms"`            // from the first bet to "no more bets"
	PauseMS   int64                 `json:"pause_ms"`              // from the result to the next round
}

// Common returns s. The kit calls it to find Settings in a game's own.
func (s *Settings) Common() *Settings { return s }

// SettingsOf returns the list that describes Settings with their defaults, for a game with positions of
// these kinds, and with the game's own settings before pause_ms.
func SettingsOf(kinds []string, own ...game.Setting) []game.Setting {
	list := []game.Setting{
		Money("min_bet", 100),
		Money("max_bet", 100_000, "min_bet"),
		Money("round_min", 100),
		Money("round_max", 1_000_000, "round_min", "min_bet"),
		Duration("betting_ms", 15_000, 1),
	}
	list = append(list, own...)
	byKind := Money("max_by_kind", 0, "min_bet")
	byKind.Type, byKind.Default, byKind.Kinds, byKind.AtMost = game.SettingMoneys, nil, kinds, []string{"max_bet"}
	return append(list, Duration("pause_ms", 4000, 0), byKind)
}

// Money describes a setting that is an amount, with its default and the settings that it must not be below.
func Money(name string, byDefault int64, atLeast ...string) game.Setting {
	return game.Setting{
		Name: name, Type: game.SettingMoney, Unit: game.UnitMinor, Default: byDefault, Min: 1, Max: int64(MoneyMax),
		AtLeast: atLeast, Message: name,
	}
}

// Duration describes a setting that is a duration in milliseconds, with its default and the least that it
// can be.
func Duration(name string, byDefault, least int64) game.Setting {
	return game.Setting{
		Name: name, Type: game.SettingInt, Unit: game.UnitMilliseconds, Default: byDefault, Min: least,
		Max: clockMax.Milliseconds(), Message: name,
	}
}

// Switch describes a setting that is on or off, and off by default.
func Switch(name string) game.Setting {
	return game.Setting{Name: name, Type: game.SettingBool, Default: false, Max: 1, Message: name}
}

// most returns the most that may be staked on a position of that kind.
func (s *Settings) most(kind string) game.Money {
	if v, ok := s.MaxByKind[kind]; ok {
		return v
	}
	return s.MaxBet
}
