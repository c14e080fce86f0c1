package main

import (
	"fmt"
	"strings"

	"github.com/pitboss-hub/pitboss/cmd/pitboss/load"
	loadroulette "github.com/pitboss-hub/pitboss/cmd/pitboss/load/roulette"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/lobby"
	"github.com/pitboss-hub/pitboss/rooms/roulette"
)

// allGames lists the rules of every game, and how "pitboss load" plays it. To add a game, add its
// folders and a line here.
var allGames = []struct {
	rules game.Kind
	load  *load.Game // nil: the game has no bets
}{
	{lobby.Kind, nil},
	{roulette.Kind, &loadroulette.Game},
}

// games returns the rules of all games by name.
func games() map[string]game.Kind {
	kinds := map[string]game.Kind{}
	for _, g := range allGames {
		kinds[g.rules.Name] = g.rules
	}
	return kinds
}

// loadGame returns how "pitboss load" plays the game of that name.
func loadGame(name string) (*load.Game, error) {
	for _, g := range allGames {
		if g.load != nil && g.load.Name == name {
			return g.load, nil
		}
	}
	return nil, fmt.Errorf("--game is %q, and 'pitboss load' plays %s", name, loadGames())
}

// loadGames returns the names of the games that "pitboss load" plays, for people to read.
func loadGames() string {
	var names []string
	for _, g := range allGames {
		if g.load != nil {
			names = append(names, g.load.Name)
		}
	}
	return strings.Join(names, ", ")
}
