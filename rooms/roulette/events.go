package roulette

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/pitboss-hub/pitboss/rooms/game"
)

// winnersMax is how many winners everyone is told of.
const winnersMax = 20

// newEvent implements game.Kind.Event.
func newEvent(typ string) game.Event {
	switch typ {
	case "round.opened":
		return new(roundOpened)
	case "betting.started":
		return new(bettingStarted)
	case "betting.stopped":
		return new(bettingStopped)
	case "bet.placed":
		return new(betPlaced)
	case "bet.removed":
		return new(betRemoved)
	case "betting.closed":
		return new(bettingClosed)
	case "wheel.spun":
		return new(wheelSpun)
	case "round.settled":
		return new(roundSettled)
	case "round.voided":
		return new(roundVoided)
	case "deadline.moved":
		return new(deadlineMoved)
	case "room.closing":
		return new(roomClosing)
	case game.TypeClosed:
		return new(game.Closed)
	}
	return nil
}

// stamp is a time whose JSON has exactly three digits after the seconds.
type stamp struct{ time.Time }

// MarshalJSON implements json.Marshaler.
func (s stamp) MarshalJSON() ([]byte, error) {
	return s.UTC().AppendFormat(nil, `"2006-01-02T15:04:05.000Z"`), nil
}

// inRound is what the events of a round begin with.
type inRound struct {
	Round int64 `json:"round"`
}

// RoundNo implements game.InRound.
func (r inRound) RoundNo() int64 { return r.Round }

func (r inRound) post(kind string, who game.PlayerID, amount game.Money) game.Posting {
	return game.Posting{Kind: kind, Player: who, Amount: amount, Ref: "round " + strconv.FormatInt(r.Round, 10)}
}

// roundOpened: bets are taken, the seed is fixed.
type roundOpened struct {
	inRound
	Commitment game.Commitment `json:"commitment"`
}

func (*roundOpened) Type() string               { return "round.opened" }
func (e *roundOpened) Commits() game.Commitment { return e.Commitment }

// bettingStarted: there is a first bet, and so the clock runs.
type bettingStarted struct {
	inRound
	ClosesAt stamp `json:"closes_at"`
}

func (*bettingStarted) Type() string { return "betting.started" }

// bettingStopped: the clock ran out while nobody had a bet; the round waits again.
type bettingStopped struct{ inRound }

func (*bettingStopped) Type() string { return "betting.stopped" }

// chips are put on the table or taken from it, by one player at once.
type chips struct {
	inRound
	Seat   int           `json:"seat"`
	Name   string        `json:"name"`
	Bets   []stake       `json:"bets"` // one a position, in the layout's order
	Player game.PlayerID `json:"player"`
	First  bool          `json:"first,omitempty"` // of the seat in the round; journals of before have it nowhere
}

// chipsForm is what leaves the server of chips: to everybody how much it is, to the player
// also where. The name comes with a seat's first bet of a round, if there is room for it
// (game.StakeFormMax); without it the form has 59 bytes at most.
type chipsForm struct {
	inRound
	Seat int        `json:"seat"`
	Name string     `json:"name,omitempty"`
	Sum  game.Money `json:"sum"`
	Bets []stake    `json:"bets,omitempty"`
	Mine bool       `json:"mine,omitempty"`
}

func (c *chips) total() (sum game.Money) {
	for _, s := range c.Bets {
		sum += s.Amount
	}
	return sum
}

// Audience implements game.Redactor.
func (c *chips) Audience() []game.PlayerID { return []game.PlayerID{c.Player} }

// Public implements game.Redactor.
func (c *chips) Public() any {
	form := chipsForm{inRound: c.inRound, Seat: c.Seat, Sum: c.total()}
	if !c.First {
		return form
	}
	form.Name = c.Name
	if data, err := json.Marshal(form); err != nil || len(data) > game.StakeFormMax {
		form.Name = ""
	}
	return form
}

// For implements game.Redactor.
func (c *chips) For(who game.PlayerID) any {
	if who != c.Player {
		return c.Public()
	}
	return chipsForm{c.inRound, c.Seat, c.Name, c.total(), c.Bets, true}
}

// betPlaced: a player's stakes are accepted.
type betPlaced struct{ chips }

func (*betPlaced) Type() string { return "bet.placed" }

func (e *betPlaced) Postings() []game.Posting {
	return []game.Posting{e.post(game.Stake, e.Player, e.total())}
}

// betRemoved: the player's last bet, or all of them, are given back.
type betRemoved struct {
	chips
	Cleared bool `json:"cleared,omitempty"` // all of them; in the journal only
}

func (*betRemoved) Type() string { return "bet.removed" }

func (e *betRemoved) Postings() []game.Posting {
	return []game.Posting{e.post(game.Refund, e.Player, e.total())}
}

// bettingClosed: no more bets.
type bettingClosed struct {
	inRound
	SpinsAt stamp   `json:"spins_at"`
	Totals  []stake `json:"totals,omitempty"` // all that lies on the table; journals of before have it nowhere
}

func (*bettingClosed) Type() string { return "betting.closed" }

// wheelSpun: the result, and the seed it came from.
type wheelSpun struct {
	inRound
	Pocket     int             `json:"pocket"`
	Colour     string          `json:"colour"`
	Seed       game.Seed       `json:"seed"`
	Commitment game.Commitment `json:"commitment"`
	SettlesAt  stamp           `json:"settles_at"`
}

func (*wheelSpun) Type() string         { return "wheel.spun" }
func (e *wheelSpun) Reveals() game.Seed { return e.Seed }

// roundSettled: every bet is won or lost. Players are those with stakes, by seat.
type roundSettled struct {
	inRound
	Pocket  int        `json:"pocket"`
	Staked  game.Money `json:"staked"`
	Paid    game.Money `json:"paid"`
	NextAt  stamp      `json:"next_at"`
	Players []account  `json:"players"`
}

// account is a player's round.
type account struct {
	Player game.PlayerID `json:"player"`
	Seat   int           `json:"seat"`
	Name   string        `json:"name"`
	outcome
}

type outcome struct {
	Staked game.Money `json:"staked"`
	Payout game.Money `json:"payout"`
	Bets   []result   `json:"bets"`
}

type result struct {
	stake
	Payout game.Money `json:"payout"`
}

type winner struct {
	Seat   int        `json:"seat"`
	Name   string     `json:"name"`
	Payout game.Money `json:"payout"`
}

// settledForm is what leaves the server of a roundSettled.
type settledForm struct {
	inRound
	Pocket  int        `json:"pocket"`
	Staked  game.Money `json:"staked"`
	Paid    game.Money `json:"paid"`
	Winners []winner   `json:"winners"`
	NextAt  stamp      `json:"next_at"`
	Mine    *outcome   `json:"mine,omitempty"`
}

func (*roundSettled) Type() string { return "round.settled" }

func (e *roundSettled) Postings() []game.Posting {
	var moves []game.Posting
	for _, a := range e.Players {
		if a.Payout > 0 {
			moves = append(moves, e.post(game.Payout, a.Player, a.Payout))
		}
	}
	return moves
}

func (e *roundSettled) Audience() []game.PlayerID {
	all := make([]game.PlayerID, len(e.Players))
	for i, a := range e.Players {
		all[i] = a.Player
	}
	return all
}

func (e *roundSettled) Public() any { return e.form(nil) }

func (e *roundSettled) For(who game.PlayerID) any {
	for i := range e.Players {
		if a := &e.Players[i]; a.Player == who {
			return e.form(&a.outcome)
		}
	}
	return e.form(nil)
}

func (e *roundSettled) form(mine *outcome) settledForm {
	winners := []winner{}
	for _, a := range e.Players {
		if a.Payout > 0 {
			winners = append(winners, winner{a.Seat, a.Name, a.Payout})
		}
	}
	slices.SortStableFunc(winners, func(a, b winner) int { return cmp.Compare(b.Payout, a.Payout) })
	winners = winners[:min(len(winners), winnersMax)]
	return settledForm{e.inRound, e.Pocket, e.Staked, e.Paid, winners, e.NextAt, mine}
}

// deadlineMoved: a clock was set, or had been wrong, and the phase at hand ends at another time of day.
type deadlineMoved struct {
	inRound
	Until stamp `json:"until"`
}

func (*deadlineMoved) Type() string { return "deadline.moved" }

// roundVoided: the round has no result and every stake is given back.
type roundVoided struct {
	inRound
	Reason  string    `json:"reason"`
	Seed    game.Seed `json:"seed,omitzero"` // the one that was committed, unless it is lost or was told with the result
	NextAt  stamp     `json:"next_at"`
	Refunds []refund  `json:"refunds,omitempty"` // in the journal only
	Mine    *refunded `json:"mine,omitempty"`    // in the player's own form only
}

type refund struct {
	Player game.PlayerID `json:"player"`
	refunded
}

type refunded struct {
	Refund game.Money `json:"refund"`
}

func (*roundVoided) Type() string         { return "round.voided" }
func (e *roundVoided) Reveals() game.Seed { return e.Seed }

func (e *roundVoided) Postings() []game.Posting {
	moves := make([]game.Posting, len(e.Refunds))
	for i, r := range e.Refunds {
		moves[i] = e.post(game.Refund, r.Player, r.Refund)
	}
	return moves
}

func (e *roundVoided) Audience() []game.PlayerID {
	all := make([]game.PlayerID, len(e.Refunds))
	for i, r := range e.Refunds {
		all[i] = r.Player
	}
	return all
}

func (e *roundVoided) Public() any { return e.form(nil) }

func (e *roundVoided) For(who game.PlayerID) any {
	for i := range e.Refunds {
		if r := &e.Refunds[i]; r.Player == who {
			return e.form(&r.refunded)
		}
	}
	return e.form(nil)
}

func (e *roundVoided) form(mine *refunded) any {
	form := *e
	form.Refunds, form.Mine = nil, mine
	return form
}

// roomClosing: the round at hand is played to its end, and is the last.
type roomClosing struct {
	Reason string `json:"reason,omitempty"`
}

func (*roomClosing) Type() string { return "room.closing" }
