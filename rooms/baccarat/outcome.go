package baccarat

import "fmt"

// Outcome is all of a hand that decides what bets are paid.
type Outcome struct {
	Player, Banker         int // points
	PlayerPair, BankerPair bool
}

// Outcome returns the outcome of a hand that is dealt to its end.
func (h Hand) Outcome() Outcome {
	return Outcome{points(h.Player), points(h.Banker), pair(h.Player), pair(h.Banker)}
}

// Winner returns "player", "banker" or "tie".
func (o Outcome) Winner() string {
	switch {
	case o.Player > o.Banker:
		return player
	case o.Player < o.Banker:
		return banker
	}
	return tie
}

// String returns the outcome's text form: the winner, player's points and banker's, and the pairs, as in
// "banker 3-7 player_pair banker_pair".
func (o Outcome) String() string {
	s := fmt.Sprintf("%s %d-%d", o.Winner(), o.Player, o.Banker)
	if o.PlayerPair {
		s += " " + playerPair
	}
	if o.BankerPair {
		s += " " + bankerPair
	}
	return s
}

// parsed has every outcome by its text form.
var parsed = func() map[string]Outcome {
	all := map[string]Outcome{}
	for i := range 400 {
		o := Outcome{i / 4 / 10, i / 4 % 10, i%2 == 1, i/2%2 == 1}
		all[o.String()] = o
	}
	return all
}()

// ParseOutcome returns the outcome of that text form.
func ParseOutcome(s string) (Outcome, error) {
	o, ok := parsed[s]
	if !ok {
		return Outcome{}, fmt.Errorf("baccarat: unknown outcome %.60q", s)
	}
	return o, nil
}
