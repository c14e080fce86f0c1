package load

import (
	"encoding/json"
	"time"

	"github.com/pitboss-hub/pitboss/rooms/game"
)

// Game tells the engine what it has to know of a game: how its tables are opened, how simulated
// players bet at them, what their events mean, and what the rules pay. All fields are required,
// and all functions may be called at the same time. Package loadtest holds a Game to its
// game's rules; package round makes one for a game that is made of rooms/game/round.
type Game struct {
	Name     string     // by which tables are opened: game.Kind.Name
	SeatsMax int        // players of a table
	BetsMax  int        // bets of a player in a round
	StakeMax game.Money // the largest stake that Table.Bet returns

	// Table returns what the n-th table of the game in a run is like, counted from 0, when it takes
	// bets for betting in each round.
	Table func(n int, betting time.Duration) Table

	// AppendCommand appends the command that places the bet, as room.command carries it.
	AppendCommand func(dst []byte, b Bet) []byte

	// BetPlaced is the type of the event that a bet lies on the table, which comes far more often
	// than any other: each player of a table is told of every bet.
	BetPlaced string
	// OwnBet reads the data of a BetPlaced, without encoding/json. Of another player's bet nothing
	// is read and own is false.
	OwnBet func(data []byte) (round int64, b Bet, own bool, err error)
	// Event reads any other event.
	Event func(typ string, data json.RawMessage) (Event, error)
	// View reads the view that a player is shown who joins without a resume: a round's Commitment and
	// Since, and whether betting is open.
	View func(view json.RawMessage) (Event, error)

	// Outcome returns what the seed decides in the round, when first is the first of those that the seed
	// serves. The error means that the seed does not serve that round.
	Outcome func(seed game.Seed, first, round int64) (string, error)
}

// Table is one table that a run opens.
type Table struct {
	Settings json.RawMessage
	// Bet returns the next bet of a simulated player. It needs nothing of what a player was told.
	Bet func() Bet
	// Payout returns what the rules give back for a bet when the round has that outcome, the
	// stake included. The error means that there is no such position or outcome.
	Payout func(outcome string, b Bet) (game.Money, error)
}

// Bet is one stake.
type Bet struct {
	Position string // what it is on, in the game's words
	Amount   game.Money
}

// Event is what an event, or a view, says of a table. What it does not say is zero. One event may say
// several things: a game that reveals its seed in the event that pays the round returns Outcome, Seed and
// Settled.
type Event struct {
	Round      int64           // the round it belongs to
	Commitment game.Commitment // to the round's seed
	Since      int64           // with a Commitment: the earlier round that made it; 0: this one does
	Open       bool            // bets are taken from now on; otherwise they are not
	ClosesAt   time.Time       // when that ends; zero if that is not known yet
	Totals     *game.Money     // what lies on the table, when betting closes
	Outcome    string          // of the round
	Seed       game.Seed       // of the round, and of the earlier ones that it serves, made public
	Settled    *Settled
	Voided     *Voided
}

// Settled is a round that was paid. The event has the Outcome too.
type Settled struct {
	Staked, Paid game.Money // by and to all players
	Own          *Account   // of the player who is told; nil if it had no stakes
}

// Account is a player's part of a settled round.
type Account struct {
	Staked, Payout game.Money
	Bets           []Result // one a position
}

// Result is what became of a bet.
type Result struct {
	Bet
	Payout game.Money
}

// Voided is a round whose stakes were given back.
type Voided struct {
	Refund game.Money // of the player who is told
	Reason string
}
