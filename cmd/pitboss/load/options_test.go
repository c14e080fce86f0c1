package load

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestGamesAreReadAsTheyAreListed(t *testing.T) {
	t.Parallel()
	other := coin
	other.Name, other.SeatsMax, other.BetsMax = "dice", 7, 10
	known := []*Game{&coin, &other}
	got, err := ParseGames("dice:50,coin:3", known)
	if want := []Play{{&other, 50}, {&coin, 3}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	o := Options{Games: got, Players: 60, Rate: 20, Window: time.Hour}
	if w := o.windowMax(); w != 27*time.Second {
		t.Errorf("betting is open for up to %s, and at 3 s a bet the ten of a round last 30 s", w)
	}
	if o.Players = 53 * 8; o.check() == nil {
		t.Error("8 players sit at a table that has 7 seats")
	}
	for text, want := range map[string]string{
		"":               `has "", and`,
		"chess:1":        `has "chess", and 'pitboss load' plays coin, dice`,
		"coin:1,":        `has "", and`,
		"coin":           `has "coin": a game, a colon and how many tables`,
		"coin:":          `has "coin:"`,
		"coin:0":         `has "coin:0"`,
		"coin:-1":        `has "coin:-1"`,
		"coin:2x":        `has "coin:2x"`,
		"coin:1000000":   "from 1 to 100000",
		"coin:1,coin:2":  "has coin twice",
		"coin:1 ,dice:2": `has "coin:1 "`,
	} {
		if got, err := ParseGames(text, known); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is read as %v, %v; want %q", text, got, err, want)
		}
	}
}
