package round

import (
	"fmt"
	"time"

	"github.com/pitboss-hub/pitboss/rooms/game"
)

// Decide implements game.Rules.
func (t *Table[P]) Decide(cmd game.Command) ([]game.Event, error) {
	switch body := cmd.Body.(type) {
	case game.Tick:
		return t.tick(cmd.At, body), nil
	case game.Close:
		return t.close(body)
	case game.Shift:
		return t.shift(body.By), nil
	case game.Void:
		return t.void(cmd, body)
	}
	if err := t.takesBets(cmd); err != nil {
		return nil, err
	}
	switch body := cmd.Body.(type) {
	case bet[P]:
		return t.bet(cmd, body.stakes)
	case undo:
		return t.remove(cmd.By.Player, false)
	case clearAll:
		return t.remove(cmd.By.Player, true)
	}
	return nil, invalid("%s has no command %T.", t.config.Title, cmd.Body)
}

// tick returns the events of the step that is due, if any.
func (t *Table[P]) tick(at time.Time, tick game.Tick) []game.Event {
	s := &t.state
	if wake := t.Wake(); wake.IsZero() || at.Before(wake) {
		return nil
	}
	switch s.Phase {
	case Betting:
		switch {
		case t.staked() > 0:
			return []game.Event{t.game.CloseBetting(t, at)}
		case s.Closing:
			return t.closed(s.Reason, tick.Open)
		}
		return []game.Event{&bettingStopped{t.Header()}}
	case Settled:
		if s.Closing {
			return t.closed(s.Reason, tick.Open)
		}
		return t.opened(tick)
	}
	return t.step(at, t.secret(tick.Open))
}

// secret returns open if it is the seed that the current round is under, and was not revealed yet; otherwise
// zero.
func (t *Table[P]) secret(open game.Seed) game.Seed {
	if !t.state.Seed.IsZero() || open.Commit() != t.state.Commitment {
		return game.Seed{}
	}
	return open
}

// opened returns the event that opens the next round: under the open seed as long as there is one, else under a
// fresh one. Without a seed there is no round.
func (t *Table[P]) opened(tick game.Tick) []game.Event {
	next := &Opened{Header: Header{t.state.Round + 1}}
	switch {
	case !t.secret(tick.Open).IsZero():
		next.Commitment, next.Since = t.state.Commitment, t.First()
	case !tick.Fresh.IsZero():
		next.Commitment = tick.Fresh.Commit()
	default:
		return nil
	}
	return []game.Event{next}
}

// step returns the events that are due at the end of a phase of the game's own.
func (t *Table[P]) step(at time.Time, open game.Seed) []game.Event {
	if t.state.Seed.IsZero() && open.IsZero() {
		return []game.Event{t.voided(at, "the committed seed is lost", game.Seed{})}
	}
	events := t.game.Step(t, at, open)
	if keeper, ok := t.game.(SeedKeeper); open.IsZero() || ok && keeper.KeepsSeed() {
		return events
	}
	settled := false
	for _, ev := range events {
		if r, ok := ev.(game.Revealer); ok && !r.Reveals().IsZero() {
			return events
		}
		if _, ok := ev.(game.RoundEnder); ok {
			settled = true
		}
	}
	if settled {
		events = append(events, t.revealed(open))
	}
	return events
}

func (t *Table[P]) revealed(seed game.Seed) *SeedRevealed {
	return &SeedRevealed{t.Header(), t.state.Since, t.state.Commitment, seed}
}

// closed returns the events that close the room: what was committed to is told, unless it is lost.
func (t *Table[P]) closed(reason string, open game.Seed) []game.Event {
	events := []game.Event{}
	if open = t.secret(open); !open.IsZero() {
		events = append(events, t.revealed(open))
	}
	return append(events, &game.Closed{Reason: reason})
}

// close ends the room at once if nobody has money on the table, else after this round.
func (t *Table[P]) close(c game.Close) ([]game.Event, error) {
	switch {
	case t.state.Phase == Ended:
		return nil, roomClosed()
	case t.state.Closing:
		return nil, nil
	case t.state.Phase == Settled, t.state.Phase == Betting && t.staked() == 0:
		return t.closed(c.Reason, c.Open), nil
	}
	return []game.Event{&roomClosing{c.Reason}}, nil
}

// takesBets returns a refusal if no bet can be placed or taken back. What counts is when the command came,
// not whether the Tick was sooner.
func (t *Table[P]) takesBets(cmd game.Command) error {
	s := &t.state
	switch {
	case s.Phase == Ended:
		return roomClosed()
	case cmd.By.Player == "" || cmd.By.Staff:
		return game.Refuse(game.CodeForbidden, "Only players can bet.")
	case s.Phase != Betting, !s.Until.IsZero() && !cmd.At.Before(s.Until.Time):
		return game.Refuse(game.CodeBettingClosed, "Bets are closed until the next round.")
	}
	if m, ok := cmd.Body.(interface{ other(round int64) bool }); ok && m.other(s.Round) {
		return game.Refuse(game.CodeBettingClosed, fmt.Sprintf("This was meant for another round; round %d is open.", s.Round))
	}
	return nil
}

// bet adds stakes to those that the player has on the table, all of them or none.
func (t *Table[P]) bet(cmd game.Command, list []Stake[P]) ([]game.Event, error) {
	p := t.seats[cmd.By.Player]
	first := p == nil
	switch {
	case p == nil && len(t.state.Players) >= PlayersMax:
		return nil, limit(game.Params{Limit: "players", Value: PlayersMax}, "This table seats at most %d players in a round.", PlayersMax)
	case p == nil:
		p = &player[P]{ID: cmd.By.Player, Seat: len(t.state.Players) + 1, Name: cmd.By.Name}
	case p.Placed >= betsMax:
		return nil, limit(game.Params{Limit: "bets", Value: betsMax}, "A player can bet at most %d times in a round.", betsMax)
	}
	if len(list) > len(t.config.Positions) {
		most := len(t.config.Positions)
		return nil, limit(game.Params{Limit: "positions", Value: int64(most)}, "A bet names at most %d positions.", most)
	}
	on, added, sum := sumOf(p.Bets...), Sums{}, game.Money(0)
	for _, s := range list {
		if most := t.common.most(s.Position.Kind()); s.Amount > most-on[s.Position] {
			return nil, limit(game.Params{Limit: "max_bet", Value: int64(most), Position: s.Position.String(), Has: int64(on[s.Position])}, "At most %d can lie on %s.", most, s.Position)
		}
		on[s.Position] += s.Amount
		added[s.Position] += s.Amount
		sum += s.Amount
	}
	for _, s := range list {
		if on[s.Position] < t.common.MinBet {
			return nil, limit(game.Params{Limit: "min_bet", Value: int64(t.common.MinBet), Position: s.Position.String()}, "At least %d must lie on %s.", t.common.MinBet, s.Position)
		}
	}
	if err := t.checkUnits(&added, &on); err != nil {
		return nil, err
	}
	switch all := p.Staked + sum; {
	case all > t.common.RoundMax:
		return nil, limit(game.Params{Limit: "round_max", Value: int64(t.common.RoundMax), Has: int64(p.Staked)}, "A player can stake at most %d in a round.", t.common.RoundMax)
	case all < t.common.RoundMin:
		return nil, limit(game.Params{Limit: "round_min", Value: int64(t.common.RoundMin)}, "A player must stake at least %d in a round.", t.common.RoundMin)
	}
	placed := &betPlaced[P]{chips[P]{Header: t.Header(), Seat: p.Seat, Name: p.Name, Bets: stakesOf[P](&added), Player: p.ID, First: first}}
	if t.state.Until.IsZero() {
		return []game.Event{&bettingStarted{t.Header(), After(cmd.At, t.common.BettingMS)}, placed}, nil
	}
	return []game.Event{placed}, nil
}

// checkUnits returns a refusal if a position where something was added has an amount on it that it does not take.
func (t *Table[P]) checkUnits(added, on *Sums) error {
	g, ok := t.game.(Stepped[P])
	if !ok {
		return nil
	}
	for _, s := range stakesOf[P](added) {
		if unit := g.Unit(s.Position); on[s.Position]%unit != 0 {
			return limit(game.Params{Limit: "step", Value: int64(unit), Position: s.Position.String()}, "What lies on %s must be a multiple of %d.", s.Position, unit)
		}
	}
	return nil
}

// remove gives back the player's last bet, or all of them. After an undo the limits need no check: the
// stakes that are left were accepted as they are.
func (t *Table[P]) remove(who game.PlayerID, all bool) ([]game.Event, error) {
	p := t.seats[who]
	if p == nil || len(p.Bets) == 0 {
		return nil, invalid("You have no bet in this round to take back.")
	}
	back := p.Bets
	if !all {
		back = back[len(back)-1:]
	}
	on := sumOf(back...)
	return []game.Event{&betRemoved[P]{
		chips:   chips[P]{Header: t.Header(), Seat: p.Seat, Name: p.Name, Bets: stakesOf[P](&on), Player: who},
		Cleared: all,
	}}, nil
}

// shift moves the end of the phase.
func (t *Table[P]) shift(by time.Duration) []game.Event {
	until := Time{t.state.Until.Add(by).Truncate(time.Millisecond)}
	if t.Lasts() == 0 || until.Equal(t.state.Until.Time) {
		return nil
	}
	return []game.Event{&deadlineMoved{t.Header(), until}}
}

// void ends the round without a result, at an operator's request, or because its seed may be known.
func (t *Table[P]) void(cmd game.Command, v game.Void) ([]game.Event, error) {
	switch {
	case t.state.Phase == Ended:
		return nil, roomClosed()
	case cmd.By == game.Actor{}:
		return t.giveUp(cmd.At, v), nil
	case !cmd.By.Staff:
		return nil, game.Refuse(game.CodeForbidden, "Only the operator can void a round.")
	case t.state.Phase == Settled, t.staked() == 0:
		return nil, game.Refuse(game.CodeNothingToVoid, "Nobody has a stake on the table.")
	}
	return []game.Event{t.voided(cmd.At, v.Reason, t.secret(v.Open))}, nil
}

// giveUp returns the events after which the open seed decides nothing any more.
func (t *Table[P]) giveUp(at time.Time, v game.Void) []game.Event {
	seed := t.secret(v.Open)
	switch {
	case seed.IsZero(): // what it decided is known, or is void at the next Tick
		return nil
	case t.state.Phase == Settled:
		return []game.Event{t.revealed(seed)}
	}
	return []game.Event{t.voided(at, v.Reason, seed)}
}

// voided returns the event that gives every stake back.
func (t *Table[P]) voided(at time.Time, reason string, seed game.Seed) *Voided {
	ev := &Voided{Header: t.Header(), Reason: reason, NextAt: After(at, t.common.PauseMS), Seed: seed}
	for _, p := range t.state.Players {
		if p.Staked > 0 {
			ev.Refunds = append(ev.Refunds, Refund{p.ID, refunded{p.Staked}})
		}
	}
	return ev
}
