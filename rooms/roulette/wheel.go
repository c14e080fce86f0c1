package roulette

import (
	"strconv"

	"github.com/pitboss-hub/pitboss/rooms/fair"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

// pockets is how many pockets the wheel has: 0 to 36.
const pockets = 37

// Colours of pockets.
const (
	green = "green"
	red   = "red"
	black = "black"
)

// reds has bit n set for every red n.
const reds = 1<<1 | 1<<3 | 1<<5 | 1<<7 | 1<<9 | 1<<12 | 1<<14 | 1<<16 | 1<<18 |
	1<<19 | 1<<21 | 1<<23 | 1<<25 | 1<<27 | 1<<30 | 1<<32 | 1<<34 | 1<<36

func colour(pocket int) string {
	switch {
	case pocket == 0:
		return green
	case uint64(reds)&(1<<pocket) != 0:
		return red
	}
	return black
}

// Draw returns the pocket, 0 to 36, in which the ball comes to rest in a round of that seed.
func Draw(seed game.Seed, round int64) int {
	return int(fair.NewStream(seed, "pitboss.roulette.v1:"+strconv.FormatInt(round, 10)).Intn(pockets))
}
