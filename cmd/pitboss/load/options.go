package load

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pitboss-hub/pitboss/auth"
)

// Options say what to do. All but Keep are required.
type Options struct {
	URL      *url.URL      // the casino, as ParseURL read it
	Games    []Play        // what to play, as ParseGames read it
	Players  int           // to seat, at least one a table
	Rate     float64       // bets a second
	Duration time.Duration // of betting
	// Window is how long betting is open at the table where it is open longest; the others
	// have down to three quarters of it, so that they do not all close at once.
	Window time.Duration
	Keep   bool // leave the tables open
	// Token makes a token of the casino's.
	Token    func(subject string, role auth.Role) (string, error)
	Progress io.Writer // for people to watch
}

func (o *Options) check() error {
	tables, seats := o.tablesOfAll(), o.least(func(g *Game) int { return g.SeatsMax })
	switch {
	case o.Players < tables:
		return fmt.Errorf("--players must be at least %d, so that every table has one", tables)
	case o.Players > tables*seats:
		return fmt.Errorf("a table seats %d players: open at least %d tables", seats, (o.Players+seats-1)/seats)
	case !(o.Rate > 0) || o.Rate > 1e6:
		return errors.New("--rate must be above 0, and at most a million")
	case o.Duration < time.Second || o.Duration > 24*time.Hour:
		return errors.New("--duration must be from 1s to 24h")
	case o.Window < 200*time.Millisecond || o.Window > 10*time.Minute:
		return errors.New("--bet-window must be from 200ms to 10m")
	}
	return nil
}

// Play is a game and how many tables of it are opened.
type Play struct {
	Game   *Game
	Tables int
}

// tablesOfAll returns how many tables are opened.
func (o *Options) tablesOfAll() (n int) {
	for _, g := range o.Games {
		n += g.Tables
	}
	return n
}

// least returns the least that the games have of something.
func (o *Options) least(of func(*Game) int) int {
	least := of(o.Games[0].Game)
	for _, g := range o.Games[1:] {
		least = min(least, of(g.Game))
	}
	return least
}

// windowMax returns the longest time that a table may take bets, so that no player reaches the BetsMax of a game.
func (o *Options) windowMax() time.Duration {
	bets := o.least(func(g *Game) int { return g.BetsMax })
	return min(o.Window, time.Duration(0.9*float64(bets)*float64(o.Players)/o.Rate*float64(time.Second)))
}

// ParseGames reads what to play, of the known games: names and numbers of tables, as "roulette:50,keno:20".
func ParseGames(text string, known []*Game) ([]Play, error) {
	var list []Play
	for _, part := range strings.Split(text, ",") {
		name, number, _ := strings.Cut(part, ":")
		i := slices.IndexFunc(known, func(g *Game) bool { return g.Name == name })
		tables, err := strconv.Atoi(number)
		switch {
		case i < 0:
			return nil, fmt.Errorf("--games has %q, and 'pitboss load' plays %s", name, Names(known))
		case err != nil || tables < 1 || tables > tablesMax:
			return nil, fmt.Errorf("--games has %q: a game, a colon and how many tables of it, from 1 to %d, as in %s:20", part, tablesMax, name)
		case slices.ContainsFunc(list, func(p Play) bool { return p.Game.Name == name }):
			return nil, fmt.Errorf("--games has %s twice", name)
		}
		list = append(list, Play{known[i], tables})
	}
	return list, nil
}

// Names returns the names of games, for people to read.
func Names(list []*Game) string {
	var names []string
	for _, g := range list {
		names = append(names, g.Name)
	}
	return strings.Join(names, ", ")
}

// tablesMax is how many tables of a game can be asked for: more than a casino may have open.
const tablesMax = 100_000

// ParseURL reads a casino's address: http or https, a host, and no path.
func ParseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" {
		return nil, fmt.Errorf("--url is the casino's address, like http://casino-x.localhost:8080, not %q", text)
	}
	return u, nil
}
