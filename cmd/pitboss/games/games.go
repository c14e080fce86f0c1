// Package games lists the games. To add one, add its folders and a line here.
package games

import (
	"github.com/pitboss-hub/pitboss/cmd/pitboss/load"
	loadbaccarat "github.com/pitboss-hub/pitboss/cmd/pitboss/load/baccarat"
	loadroulette "github.com/pitboss-hub/pitboss/cmd/pitboss/load/roulette"
	"github.com/pitboss-hub/pitboss/rooms/baccarat"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/lobby"
	"github.com/pitboss-hub/pitboss/rooms/roulette"
)

// All lists the rules of every game, and how "pitboss load" plays it.
var All = []struct {
	Rules game.Kind
	Load  *load.Game // nil: the game has no bets
}{
	{lobby.Kind, nil},
	{roulette.Kind, &loadroulette.Game},
	{baccarat.Kind, &loadbaccarat.Game},
}

// Kinds returns the rules of all games by name.
func Kinds() map[string]game.Kind {
	kinds := map[string]game.Kind{}
	for _, g := range All {
		kinds[g.Rules.Name] = g.Rules
	}
	return kinds
}

// Played returns the games that "pitboss load" plays.
func Played() []*load.Game {
	var list []*load.Game
	for _, g := range All {
		if g.Load != nil {
			list = append(list, g.Load)
		}
	}
	return list
}
