package roulette

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/pitboss-hub/pitboss/rooms/game"
)

const name = "roulette"

// Kind is European roulette.
var Kind = game.Kind{Name: name, New: newTable, Command: readCommand, Event: newEvent}

const (
	resultsMax = 500 // how many past results a table remembers
	playersMax = 500 // players with a seat in one round
	betsMax    = 100 // bet commands of one player in one round, those taken back too
)

// Phases, as views show them.
const (
	betting  = "betting"
	closed   = "closed"   // no more bets
	spinning = "spinning" // the result is known, the ball still runs
	settled  = "settled"  // paid; waiting for the next round
	ended    = "ended"    // the room is closed
)

// table is one table in progress.
type table struct {
	settings settings // set once by newTable; not part of the snapshot
	state
	seats map[game.PlayerID]*player // those of state.Players
	on    [positions + 1]game.Money // what all of them have on each position
}

// state is what a snapshot keeps. It changes in Apply only.
type state struct {
	Phase      string          `json:"phase"`
	Until      stamp           `json:"until,omitzero"` // when the phase ends; zero: waiting for a first bet
	Round      int64           `json:"round"`          // 0 before the first round
	Commitment game.Commitment `json:"commitment,omitzero"`
	Pocket     *int            `json:"pocket,omitempty"` // from the spin to the next round
	Seed       game.Seed       `json:"seed,omitzero"`    // the same; revealed, so not secret
	Players    []*player       `json:"players"`          // in order of their seats
	Results    []past          `json:"results"`          // newest last
	Closing    bool            `json:"closing,omitempty"`
	Reason     string          `json:"reason,omitempty"` // of closing
}

// player is somebody who bet in this round.
type player struct {
	ID     game.PlayerID `json:"id"`
	Seat   int           `json:"seat"` // from 1
	Name   string        `json:"name"` // masked
	Bets   [][]stake     `json:"bets"` // bet commands that stand, latest last; the inner slices never change
	Placed int           `json:"placed"`
	Staked game.Money    `json:"staked"` // sum of Bets
	Payout game.Money    `json:"payout,omitempty"`
}

// past is a past round.
type past struct {
	Round  int64 `json:"round"`
	Pocket int   `json:"pocket"`
}

// Settings implements game.Configured.
func (t *table) Settings() any { return t.settings }

// newTable implements game.Kind.New. A new table is like one whose round 0 was settled
// long ago: it wants to open round 1 now.
func newTable(raw json.RawMessage) (game.Rules, error) {
	s, err := parseSettings(raw)
	if err != nil {
		return nil, err
	}
	t := &table{settings: s}
	t.restore(state{Phase: settled, Until: stamp{time.Unix(0, 0).UTC()}, Results: []past{}})
	return t, nil
}

func (t *table) restore(s state) {
	t.state = s
	t.seats = make(map[game.PlayerID]*player, len(s.Players))
	t.on = [positions + 1]game.Money{}
	for _, p := range s.Players {
		t.seats[p.ID] = p
		for _, bets := range p.Bets {
			t.put(bets, 1)
		}
	}
}

// put adds stakes to what lies on the table, or takes them away.
func (t *table) put(list []stake, sign game.Money) {
	for _, s := range list {
		t.on[s.Position] += sign * s.Amount
	}
}

// MarshalJSON writes a snapshot.
func (t *table) MarshalJSON() ([]byte, error) { return json.Marshal(&t.state) }

// UnmarshalJSON reads a snapshot.
func (t *table) UnmarshalJSON(raw []byte) error {
	var s state
	if err := game.DecodeKnown(raw, &s); err != nil {
		return fmt.Errorf("roulette snapshot: %w", err)
	}
	t.restore(s)
	return nil
}

// Wake implements game.Rules.
func (t *table) Wake() time.Time {
	if t.Phase == ended {
		return time.Time{}
	}
	return t.Until.Time
}

// Decide implements game.Rules.
func (t *table) Decide(cmd game.Command) ([]game.Event, error) {
	switch body := cmd.Body.(type) {
	case game.Tick:
		return t.tick(cmd.At, body), nil
	case game.Close:
		return t.close(body)
	case game.Shift:
		return t.shift(body.By), nil
	case game.Void:
		return t.annul(cmd, body)
	}
	if err := t.takesBets(cmd); err != nil {
		return nil, err
	}
	switch body := cmd.Body.(type) {
	case bet:
		return t.bet(cmd, body.stakes)
	case undo:
		return t.remove(cmd.By.Player, false)
	case clearAll:
		return t.remove(cmd.By.Player, true)
	}
	return nil, invalid("Roulette has no command %T.", cmd.Body)
}

// tick does the step that is due; nothing if none is.
func (t *table) tick(at time.Time, tick game.Tick) []game.Event {
	wake, this := t.Wake(), inRound{t.Round}
	if wake.IsZero() || at.Before(wake) {
		return nil
	}
	switch t.Phase {
	case betting:
		switch {
		case t.staked() > 0:
			return []game.Event{&bettingClosed{this, after(at, t.settings.CloseMS), stakes(&t.on)}}
		case t.Closing:
			return []game.Event{&game.Closed{Reason: t.Reason}}
		}
		return []game.Event{&bettingStopped{this}}
	case closed:
		if tick.Open.Commit() != t.Commitment {
			return []game.Event{t.void(at, "the committed seed is lost", game.Seed{})}
		}
		pocket := Draw(tick.Open, t.Round)
		return []game.Event{&wheelSpun{this, pocket, colour(pocket), tick.Open, t.Commitment, after(at, t.settings.SpinMS)}}
	case spinning:
		return []game.Event{t.settle(at)}
	case settled:
		switch {
		case t.Closing:
			return []game.Event{&game.Closed{Reason: t.Reason}}
		case !tick.Fresh.IsZero(): // no seed, no round
			return []game.Event{&roundOpened{inRound{t.Round + 1}, tick.Fresh.Commit()}}
		}
	}
	return nil
}

func after(at time.Time, ms int64) stamp { return stamp{at.Add(millis(ms))} }

// close ends the room at once if nobody has money on the table, else after this round.
func (t *table) close(c game.Close) ([]game.Event, error) {
	switch {
	case t.Phase == ended:
		return nil, roomClosed()
	case t.Closing:
		return nil, nil
	case t.Phase == settled, t.Phase == betting && t.staked() == 0:
		return []game.Event{&game.Closed{Reason: c.Reason}}, nil
	}
	return []game.Event{&roomClosing{c.Reason}}, nil
}

// takesBets refuses a player's command if no bet can be placed or taken back. What
// counts is when the command came, not whether the Tick was sooner.
func (t *table) takesBets(cmd game.Command) error {
	switch {
	case t.Phase == ended:
		return roomClosed()
	case cmd.By.Player == "" || cmd.By.Staff:
		return game.Refuse(game.CodeForbidden, "Only players can bet.")
	case t.Phase != betting, !t.Until.IsZero() && !cmd.At.Before(t.Until.Time):
		return game.Refuse(game.CodeBettingClosed, "Bets are closed until the next round.")
	}
	if m, ok := cmd.Body.(interface{ other(round int64) bool }); ok && m.other(t.Round) {
		return game.Refuse(game.CodeBettingClosed, fmt.Sprintf("This was meant for another round; round %d is open.", t.Round))
	}
	return nil
}

func roomClosed() error { return game.Refuse(game.CodeRoomClosed, "This table is closed.") }

// bet adds stakes to what the player has on the table, all of them or none.
func (t *table) bet(cmd game.Command, list []stake) ([]game.Event, error) {
	p := t.seats[cmd.By.Player]
	first := p == nil
	switch {
	case p == nil && len(t.Players) >= playersMax:
		return nil, limit("This table seats at most %d players in a round.", playersMax)
	case p == nil:
		p = &player{ID: cmd.By.Player, Seat: len(t.Players) + 1, Name: cmd.By.Name}
	case p.Placed >= betsMax:
		return nil, limit("A player can bet at most %d times in a round.", betsMax)
	}
	if len(list) > positions {
		return nil, limit("A bet names at most %d positions.", positions)
	}
	on, added, sum := sums(p.Bets...), [positions + 1]game.Money{}, game.Money(0)
	for _, s := range list {
		if most := t.settings.most(s.Position); s.Amount > most-on[s.Position] {
			return nil, limit("At most %d can lie on %s.", most, s.Position)
		}
		on[s.Position] += s.Amount
		added[s.Position] += s.Amount
		sum += s.Amount
	}
	for _, s := range list {
		if on[s.Position] < t.settings.MinBet {
			return nil, limit("At least %d must lie on %s.", t.settings.MinBet, s.Position)
		}
	}
	switch total := p.Staked + sum; {
	case total > t.settings.RoundMax:
		return nil, limit("A player can stake at most %d in a round.", t.settings.RoundMax)
	case total < t.settings.RoundMin:
		return nil, limit("A player must stake at least %d in a round.", t.settings.RoundMin)
	}
	this := inRound{t.Round}
	placed := &betPlaced{chips{inRound: this, Seat: p.Seat, Name: p.Name, Bets: stakes(&added), Player: p.ID, First: first}}
	if t.Until.IsZero() {
		return []game.Event{&bettingStarted{this, after(cmd.At, t.settings.BettingMS)}, placed}, nil
	}
	return []game.Event{placed}, nil
}

func limit(format string, args ...any) error {
	return game.Refuse(game.CodeLimitReached, fmt.Sprintf(format, args...))
}

// remove gives back the player's last bet, or all. After an undo the limits need no
// check: what is left was accepted as it is.
func (t *table) remove(who game.PlayerID, all bool) ([]game.Event, error) {
	p := t.seats[who]
	if p == nil || len(p.Bets) == 0 {
		return nil, invalid("You have no bet in this round to take back.")
	}
	back := p.Bets
	if !all {
		back = back[len(back)-1:]
	}
	on := sums(back...)
	return []game.Event{&betRemoved{
		chips:   chips{inRound: inRound{t.Round}, Seat: p.Seat, Name: p.Name, Bets: stakes(&on), Player: who},
		Cleared: all,
	}}, nil
}

// settle says what every player gets.
func (t *table) settle(at time.Time) *roundSettled {
	ev := &roundSettled{inRound: inRound{t.Round}, Pocket: *t.Pocket, NextAt: after(at, t.settings.PauseMS), Players: []account{}}
	for _, p := range t.Players {
		if p.Staked == 0 {
			continue
		}
		a := account{Player: p.ID, Seat: p.Seat, Name: p.Name, outcome: outcome{Staked: p.Staked}}
		on := sums(p.Bets...)
		for _, s := range stakes(&on) {
			payout := s.Position.payout(*t.Pocket, s.Amount, t.settings.LaPartage)
			a.Bets = append(a.Bets, result{s, payout})
			a.Payout += payout
		}
		ev.Staked += a.Staked
		ev.Paid += a.Payout
		ev.Players = append(ev.Players, a)
	}
	return ev
}

// Lasts implements game.Timed.
func (t *table) Lasts() time.Duration {
	if t.Until.IsZero() || t.Round == 0 {
		return 0
	}
	switch t.Phase {
	case betting:
		return millis(t.settings.BettingMS)
	case closed:
		return millis(t.settings.CloseMS)
	case spinning:
		return millis(t.settings.SpinMS)
	case settled:
		return millis(t.settings.PauseMS)
	}
	return 0
}

// shift moves the end of the phase.
func (t *table) shift(by time.Duration) []game.Event {
	until := stamp{t.Until.Add(by).Truncate(time.Millisecond)}
	if t.Lasts() == 0 || until.Equal(t.Until.Time) {
		return nil
	}
	return []game.Event{&deadlineMoved{inRound{t.Round}, until}}
}

// annul ends the round without a result, as an operator wishes.
func (t *table) annul(cmd game.Command, v game.Void) ([]game.Event, error) {
	switch {
	case t.Phase == ended:
		return nil, roomClosed()
	case !cmd.By.Staff:
		return nil, game.Refuse(game.CodeForbidden, "Only the operator can void a round.")
	case t.Phase == settled, t.staked() == 0:
		return nil, game.Refuse(game.CodeNothingToVoid, "Nobody has a stake on the table.")
	}
	seed := v.Open
	if t.Phase == spinning || seed.Commit() != t.Commitment { // it is revealed already, or lost
		seed = game.Seed{}
	}
	return []game.Event{t.void(cmd.At, v.Reason, seed)}, nil
}

// void gives every stake back.
func (t *table) void(at time.Time, reason string, seed game.Seed) *roundVoided {
	ev := &roundVoided{inRound: inRound{t.Round}, Reason: reason, NextAt: after(at, t.settings.PauseMS), Seed: seed}
	for _, p := range t.Players {
		if p.Staked > 0 {
			ev.Refunds = append(ev.Refunds, refund{p.ID, refunded{p.Staked}})
		}
	}
	return ev
}

// staked is all the money on the table.
func (t *table) staked() (sum game.Money) {
	for _, p := range t.Players {
		sum += p.Staked
	}
	return sum
}
