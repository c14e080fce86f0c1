package load

import (
	"fmt"
	"sync"
)

// The kinds of violations.
const (
	missingSeq   = "missing_seq"      // an event of the table was never told
	doubledSeq   = "doubled_seq"      // an event was told twice, or out of order
	wrongEvent   = "wrong_event"      // what was told contradicts itself, or what somebody else was told
	unanswered   = "unanswered_bet"   // nobody knows what became of a bet
	untoldBet    = "untold_bet"       // accepted, and not among the table's bets as answered
	unknownBet   = "unknown_bet"      // among the table's bets, and never accepted
	unsettled    = "unsettled_bet"    // its round came to no end
	settledTwice = "settled_twice"    // its round was settled before
	wrongStakes  = "wrong_stakes"     // settled with other stakes than were accepted
	wrongPayout  = "wrong_payout"     // not what the rules pay
	wrongOutcome = "wrong_outcome"    // it does not follow from the committed seed
	wrongCommit  = "wrong_commitment" // not that of the earlier round it is said to be of, or to a seed that was public
	untoldSeed   = "untold_seed"      // the table closed, and never told the seed of a settled round
	voidedRound  = "voided_round"     // stakes were given back
	wrongBalance = "wrong_balance"    // a player's or a till's money does not add up
	wrongBooks   = "unbalanced_book"  // the tenant's trial balance
)

// Violation is a promise that was not kept.
type Violation struct {
	Kind  string `json:"kind"`
	Where string `json:"where"` // whose eyes saw it: a table, a player, an account
	What  string `json:"what"`
}

// faultsKept is how many violations are kept word for word; all are counted.
const faultsKept = 100

// faults are the violations found so far.
type faults struct {
	mu    sync.Mutex // guards what follows
	list  []Violation
	count int
}

func (f *faults) add(kind, where, format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.count++; len(f.list) < faultsKept {
		f.list = append(f.list, Violation{kind, where, fmt.Sprintf(format, args...)})
	}
}

func (f *faults) found() ([]Violation, int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.list, f.count
}
