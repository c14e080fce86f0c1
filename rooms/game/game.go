package game

import (
	"encoding/json"
	"time"
)

// PlayerID is the operator's own name for a player: a token's subject. It is opaque,
// and unique within a tenant.
type PlayerID string

// Rules is one game in progress. A Rules value also marshals to JSON and back
// (encoding/json on its pointer): that is its snapshot. It is used by one goroutine.
type Rules interface {
	// Decide returns the events that cmd causes. It changes nothing. Its error is a *Refusal, which is
	// shown to the player; a game that does nothing at a Tick returns no events and no error.
	Decide(cmd Command) ([]Event, error)

	// Apply applies ev to the state. It never fails: what could go wrong was refused by Decide.
	Apply(ev Event)

	// Wake returns when the game wants a Tick. The zero time means that it is not waiting; a time in the
	// past means now.
	Wake() time.Time

	// View returns what this seat may see of the game, ready for JSON. The empty PlayerID sees what
	// everyone may see.
	View(who PlayerID) any
}

// Kind is one sort of game: how it is made, and how its commands and events are decoded.
type Kind struct {
	// Name is the game's stable name in settings, journal and API: "roulette".
	Name string

	// Settings describes the settings of the game's tables, in the order in which people should be
	// asked for them; nil if it has none.
	Settings []Setting

	// New returns a game with a room's settings, a JSON object whose missing fields take the game's
	// defaults. The error names the setting that is wrong and why. Unknown fields are wrong.
	New func(settings json.RawMessage) (Rules, error)

	// Command decodes a player's command of this type. The error is a *Refusal of code invalid_command.
	Command func(typ string, body json.RawMessage) (any, error)

	// Event returns a pointer to a zero event of this type, to be decoded into and applied; nil if the game
	// has no such event.
	Event func(typ string) Event
}

// Command is a request to a game, at a moment.
type Command struct {
	At   time.Time // when the room received it, UTC, to the millisecond
	By   Actor     // who gave it; zero for the room itself
	Body any       // a Tick, a Close, a Shift, a Void, or a struct that Kind.Command made
}

// Actor is who gave a command.
type Actor struct {
	Player PlayerID
	Name   string // as it may be shown to others, already masked if it must be
	Staff  bool   // an operator: such a command is written to the audit log
}

// Tick is what the room gives the game at the time of Wake. It lends the rules the two seeds that they may
// need; neither may be kept in the game's state.
type Tick struct {
	// Fresh was never used. A Committer with Fresh's commitment makes the room store it, sealed, in
	// the transaction that stores the event. Zero if there is no randomness now: then no event may
	// commit to it.
	Fresh Seed
	// Open is the seed to which the game last committed and that it has not revealed
	// yet: a room has one at most. Zero if there is none, or it is lost: then it is lost for good, and is
	// lent no more but to be revealed.
	Open Seed
}

// Close asks a game to end: stakes are settled or refunded by the game's own rules, no new round begins,
// and the last event is a Closed, before which the open seed is revealed. It may take several Ticks.
type Close struct {
	Reason string
	// Open has the meaning that it has in a Tick.
	Open Seed
}

// Shift is given by the room when the clock that it tells the time by was set: what a Timed game waits for
// is due By later, so that a phase lasts as long as it should. The game confirms it by an event, if it
// waits.
type Shift struct{ By time.Duration }

// Void is an operator's request to end the current round without a result: every stake is given back, by
// one event, which reveals the seed. A game without rounds, or with nothing at stake, refuses it.
//
// The room itself, with no Actor, gives one when it cannot rely any more on nobody knowing the open seed. Then
// nothing is decided by that seed any more: a round ends in which nobody has a stake too, and between rounds
// the seed is revealed. What was revealed before is done; a game that has nothing to do returns no events.
type Void struct {
	Reason string
	// Open has the meaning that it has in a Tick.
	Open Seed
}

// Why implements Reasoned.
func (v Void) Why() string { return v.Reason }

// Event is something that happened. Its exported fields are JSON and are all that is stored. Events
// implement the interfaces in optional.go where they apply.
type Event interface {
	// Type returns the event's stable name in the journal and on the wire: "bet.placed".
	Type() string
}

// Closed is the last event of a room, of any game.
type Closed struct {
	Reason string `json:"reason,omitempty"`
}

// TypeClosed is the type of Closed.
const TypeClosed = "room.closed"

// Type implements Event.
func (*Closed) Type() string { return TypeClosed }

// Refusal is the rules' refusal of a command, for the player to read. The same command might be accepted in
// another situation; this one is answered.
type Refusal struct {
	Code    string  `json:"code"`    // stable: betting_closed, insufficient_funds, limit_reached …
	Message string  `json:"message"` // a sentence in English
	Params  *Params `json:"params,omitempty"`
}

// Params tell a client which limit a command does not keep, and where, so that it can say it in words of its own.
type Params struct {
	Limit    string `json:"limit"`              // the name of a setting of the game, or of a limit that every table has
	Value    int64  `json:"value"`              // of the limit; amounts are in minor units
	Position string `json:"position,omitempty"` // on which the limit is, as commands name it
	Has      int64  `json:"has,omitempty"`      // what the player has there, or in the round, already
}

// Refuse returns a Refusal.
func Refuse(code, message string) *Refusal { return &Refusal{Code: code, Message: message} }

// Error implements error.
func (r *Refusal) Error() string { return r.Code + ": " + r.Message }

// Codes of refusals that every game shares.
const (
	CodeInvalidCommand    = "invalid_command"    // the command cannot be decoded, or is of no known type
	CodeInsufficientFunds = "insufficient_funds" // the stake is more than the balance
	CodeLimitReached      = "limit_reached"      // a limit of the table or of the player
	CodeBettingClosed     = "betting_closed"     // too late, or too early, for this
	CodeRoomClosed        = "room_closed"        // the room takes no more rounds
	CodeForbidden         = "forbidden"          // not for this role
	CodeNothingToVoid     = "nothing_to_void"    // no round with stakes is under way
)
