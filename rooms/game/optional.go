package game

import "time"

// The interfaces below are optional for a game, a command or an event. The room's loop and the web check
// for them, so that neither knows a game, a command or an event by name.

// Timed is a game with phases that have a duration and end by a Tick. When a Shift is decided, all that the
// game waits for is due that much later.
type Timed interface {
	// Lasts returns how long the current phase lasts, from when it began to Wake; 0 if it does not end by
	// itself. Wake is never further away than that, unless a clock was wrong.
	Lasts() time.Duration
}

// Paused is a game with rounds.
type Paused interface {
	// BetweenRounds reports whether no round is under way: the last one is over, or nobody has a stake in
	// the next.
	BetweenRounds() bool
}

// Totaler is a game with sums that everybody may see and that change too often to be events: the room
// publishes the latest now and then. They are part of the View too.
type Totaler interface {
	// Totals returns the current sums, ready for JSON.
	Totals() any
}

// Briefer is a game of whose table the lobby shows something: whether bets are open, the last results.
type Briefer interface {
	// Brief returns what everybody may know of the table without being at it, ready for JSON: an object of
	// at most BriefMax bytes. The less often it changes, the less the lobby is sent.
	Brief() any
}

// BriefMax bounds the bytes of JSON of a Brief: the lobby is sent those of all tables that changed.
const BriefMax = 512

// Configured is a game whose settings have defaults.
type Configured interface {
	// Settings returns all settings in force, ready for JSON and for Kind.New.
	Settings() any
}

// StaffViewer is a game of which an operator may see more than any player.
type StaffViewer interface {
	// StaffView returns what operators see, ready for JSON.
	StaffView() any
}

// Targeted is a command of an operator that is about something other than the room.
type Targeted interface {
	// Target returns the target that the command's audit line names.
	Target() string
}

// Reasoned is a command of an operator that has a reason.
type Reasoned interface {
	// Why returns the reason for the audit log.
	Why() string
}

// Mover is an event that moves money.
type Mover interface {
	Postings() []Posting
}

// Redactor is an event of which not everyone may see everything. Everyone sees the
// Public form; each player of the Audience is sent the form For them instead.
type Redactor interface {
	Public() any
	Audience() []PlayerID
	For(PlayerID) any
}

// StakeFormMax bounds the bytes of JSON of the Public form of an event that a player's command caused and
// that moves this player's stake: everybody in the room is sent one for every bet. The player's own form,
// and Totals, have what it leaves out.
const StakeFormMax = 64

// InRound is an event that belongs to a round, so that the round can be looked up.
type InRound interface {
	RoundNo() int64
}

// The types of the events by which the rounds of every game begin and end, so that a round can be summed up
// without what happened in between: a Committer is TypeRoundOpened, a RoundEnder one of the others.
const (
	TypeRoundOpened  = "round.opened"
	TypeRoundSettled = "round.settled"
	TypeRoundVoided  = "round.voided"
)

// RoundEnder is an event after which a round is over: no money of it moves any more. What may follow in the
// round is the event that reveals its seed.
type RoundEnder interface {
	InRound
	EndsRound()
}

// Committer is an event that begins a round, before the first bet, under the commitment to the seed that
// decides it.
type Committer interface {
	InRound
	// Commits returns the commitment. fresh reports whether the seed is the Tick's fresh one, which it
	// commits the game to; otherwise it is the open one, which an earlier round committed to.
	Commits() (c Commitment, fresh bool)
}

// Revealer is an event that makes the open seed public; from then on it is not secret, and the game can
// commit to another one. A zero Seed means that it reveals none.
type Revealer interface {
	Reveals() Seed
}

// Pushed is an event that sockets are sent under a method of its own instead of room.event.
type Pushed interface {
	// Method returns the method's name in pitboss.v1.
	Method() string
}

// Urgent is an event with an urgency of its own. Others have UrgencyResult if they reveal a seed or pay
// somebody, else UrgencyState.
type Urgent interface {
	Urgency() Urgency
}

// Urgency determines the order in which a socket is sent what waits for it.
type Urgency uint8

// Urgencies, the most urgent first.
const (
	UrgencyResult    Urgency = iota // how a round ended, and money
	UrgencyState                    // what goes on at the table
	UrgencyPromotion                // what can wait for all of that
)

// UrgencyOf returns the urgency of ev.
func UrgencyOf(ev Event) Urgency {
	if u, ok := ev.(Urgent); ok {
		return u.Urgency()
	}
	if _, ok := ev.(Revealer); ok {
		return UrgencyResult
	}
	for _, p := range Postings(ev) {
		if p.Kind == Payout {
			return UrgencyResult
		}
	}
	return UrgencyState
}
