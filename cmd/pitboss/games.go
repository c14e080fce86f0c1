package main

import (
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/lobby"
	"github.com/pitboss-hub/pitboss/rooms/roulette"
)

// games are all games there are. Adding one is a folder and a line here.
func games() map[string]game.Kind {
	kinds := map[string]game.Kind{}
	for _, k := range []game.Kind{
		lobby.Kind,
		roulette.Kind,
	} {
		kinds[k.Name] = k
	}
	return kinds
}
