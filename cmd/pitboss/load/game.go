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
	StakeMax game.Money // the largest stake that Bet returns

	// Table returns what the n-th table of a run is like, counted from 0, when it takes bets for
	// betting in each round.
	Table func(n int, betting time.Duration) Table

	// Bet returns the next bet of a simulated player.
	Bet func() Bet
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
	// View reads the view that a player is shown who joins without a resume: a round's Commitment
	// and whether betting is open.
	View func(view json.RawMessage) (Event, error)

	// Outcome returns what the seed decides in the round.
	Outcome func(seed game.Seed, round int64) string
}

// Table is one table that a run opens.
type Table struct {
	Settings json.RawMessage
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
// several things: a game that reveals its seed in the event that pays the round returns both Revealed and
// Settled, and the engine reads Revealed first.
type Event struct {
	Round      int64           // the round it belongs to
	Commitment game.Commitment // to the seed, of the round that it opens
	Open       bool            // bets are taken from now on; otherwise they are not
	ClosesAt   time.Time       // when that ends; zero if that is not known yet
	Totals     *game.Money     // what lies on the table, when betting closes
	Revealed   *Revealed
	Settled    *Settled
	Voided     *Voided
}

// Revealed is the outcome of a round, and the seed that it follows from.
type Revealed struct {
	Seed    game.Seed
	Outcome string
}

// Settled is a round that was paid.
type Settled struct {
	Outcome      string
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
