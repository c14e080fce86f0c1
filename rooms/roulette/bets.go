package roulette

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/game/round"
)

// positions is how many betting positions a European table has.
const positions = 157

// position is where a stake can lie on the table, 1 to positions. The zero position is none. Its text
// form is that of docs/games/roulette.md: "straight:17", "red".
type position uint8

// stake is money on a position.
type stake = round.Stake[position]

// Kinds of positions: the names in settings' max_by_kind.
const (
	straight  = "straight"
	split     = "split"
	trio      = "trio"
	street    = "street"
	corner    = "corner"
	firstFour = "first_four"
	line      = "line"
	dozen     = "dozen"
	column    = "column"
	evenMoney = "even_money" // red, black, odd, even, low, high
)

var kinds = []string{straight, split, trio, street, corner, firstFour, line, dozen, column, evenMoney}

// spot describes a position.
type spot struct {
	name   string
	kind   string
	covers uint64     // bit n: wins on pocket n
	pays   game.Money // times the stake, the stake included
}

var (
	layout       = makeLayout()
	allPositions = func() []position {
		all := make([]position, positions)
		for i := range all {
			all[i] = position(i + 1)
		}
		return all
	}()
	byName = func() map[string]position {
		m := make(map[string]position, positions)
		for _, p := range allPositions {
			m[p.String()] = p
		}
		return m
	}()
)

// parsePosition returns the position of that name.
func parsePosition(s string) (position, error) {
	p, ok := byName[s]
	if !ok {
		return 0, fmt.Errorf("roulette: unknown position %.40q", s)
	}
	return p, nil
}

// String returns the position's text form.
func (p position) String() string { return layout[p].name }

// Kind implements round.Position.
func (p position) Kind() string { return layout[p].kind }

// MarshalText implements encoding.TextMarshaler.
func (p position) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *position) UnmarshalText(b []byte) (err error) {
	*p, err = parsePosition(string(b))
	return err
}

// payout returns what a stake on p gets back when the ball lies in pocket, the stake included. La partage
// gives half of an even-money stake back on zero, a half unit rounded up.
func (p position) payout(pocket int, amount game.Money, laPartage bool) game.Money {
	s := layout[p]
	switch {
	case s.covers&(1<<pocket) != 0:
		return amount * s.pays
	case pocket == 0 && laPartage && s.kind == evenMoney:
		return amount/2 + amount%2
	}
	return 0
}

// Payout returns what a stake of amount on the position of that name gets back when the ball
// lies in pocket, the stake included. It is for whoever checks what a table paid. The
// error says that there is no such position or pocket.
func Payout(name string, pocket int, amount game.Money, laPartage bool) (game.Money, error) {
	p, err := parsePosition(name)
	if err != nil {
		return 0, err
	}
	if pocket < 0 || pocket >= pockets {
		return 0, fmt.Errorf("roulette: no pocket %d", pocket)
	}
	return p.payout(pocket, amount, laPartage), nil
}

// makeLayout lists the positions. The grid has twelve streets of three numbers; zero
// lies above the first.
func makeLayout() (table [positions + 1]spot) {
	next := 1
	put := func(kind, name string, numbers ...int) {
		s := spot{name: name, kind: kind, pays: game.Money(36 / len(numbers))}
		for _, n := range numbers {
			s.covers |= 1 << n
		}
		table[next] = s
		next++
	}
	// inside names the position by the numbers themselves.
	inside := func(kind string, numbers ...int) {
		slices.Sort(numbers)
		texts := make([]string, len(numbers))
		for i, n := range numbers {
			texts[i] = strconv.Itoa(n)
		}
		put(kind, kind+":"+strings.Join(texts, "-"), numbers...)
	}
	// outside takes the numbers from 1 to 36 that belong.
	outside := func(kind, name string, belongs func(n int) bool) {
		var numbers []int
		for n := 1; n <= 36; n++ {
			if belongs(n) {
				numbers = append(numbers, n)
			}
		}
		put(kind, name, numbers...)
	}

	for n := range pockets {
		inside(straight, n)
	}
	for n := 1; n <= 36; n++ {
		if n <= 3 {
			inside(split, 0, n)
		}
		if n%3 != 0 {
			inside(split, n, n+1)
		}
		if n <= 33 {
			inside(split, n, n+3)
		}
	}
	inside(trio, 0, 1, 2)
	inside(trio, 0, 2, 3)
	for n := 1; n <= 34; n += 3 {
		inside(street, n, n+1, n+2)
	}
	for n := 1; n <= 32; n++ {
		if n%3 != 0 {
			inside(corner, n, n+1, n+3, n+4)
		}
	}
	put(firstFour, firstFour, 0, 1, 2, 3)
	for n := 1; n <= 31; n += 3 {
		inside(line, n, n+1, n+2, n+3, n+4, n+5)
	}
	for i := 1; i <= 3; i++ {
		outside(dozen, dozen+":"+strconv.Itoa(i), func(n int) bool { return (n-1)/12 == i-1 })
	}
	for i := 1; i <= 3; i++ {
		outside(column, column+":"+strconv.Itoa(i), func(n int) bool { return (n-1)%3 == i-1 })
	}
	outside(evenMoney, "red", func(n int) bool { return colour(n) == red })
	outside(evenMoney, "black", func(n int) bool { return colour(n) == black })
	outside(evenMoney, "odd", func(n int) bool { return n%2 == 1 })
	outside(evenMoney, "even", func(n int) bool { return n%2 == 0 })
	outside(evenMoney, "low", func(n int) bool { return n <= 18 })
	outside(evenMoney, "high", func(n int) bool { return n >= 19 })
	return table
}
