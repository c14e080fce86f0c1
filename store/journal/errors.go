package journal

import (
	"errors"
	"slices"

	"github.com/pitboss-hub/pitboss/store/internal/db"
)

var (
	// ErrCurrencyChanged means that an amount is in a currency that is not the tenant's any more.
	ErrCurrencyChanged = errors.New("store: the tenant's currency has changed since")
	// ErrInsufficientFunds means that a player's balance does not cover an amount.
	ErrInsufficientFunds = errors.New("store: insufficient funds")
	// ErrAmount means that an amount is zero or beyond MaxAmount, or a balance beyond MaxBalance.
	ErrAmount = errors.New("store: an amount is not zero and at most 10^15 minor units")
	// ErrCommandReused means that the command id was used before for something else.
	ErrCommandReused = errors.New("store: this command id was used for something else")
	// ErrNeedsApproval means that a second person has to agree first.
	ErrNeedsApproval = errors.New("store: a second person has to agree")
	// ErrNoPlayer means that there is no such player.
	ErrNoPlayer = errors.New("store: no such player")
	// ErrNoCredit means that there is no such credit.
	ErrNoCredit = errors.New("store: no such credit")
	// ErrAlreadyReversed means that a credit was reversed before.
	ErrAlreadyReversed = errors.New("store: the credit was reversed before")
	// ErrReversal means that what is to be reversed is a reversal itself.
	ErrReversal = errors.New("store: a reversal is not reversed")
	// ErrTooLong means that what was asked for is larger than may be read at once.
	ErrTooLong = errors.New("store: too long to be read at once")
)

// unwritable reports whether the batch is to blame for an error: invalid data, a constraint, a limit of the
// server (classes 22, 23, 54), or a batch that no room should have made.
func unwritable(err error) bool {
	if errors.Is(err, db.ErrNoTenant) || answeredMeanwhile(err) {
		return false
	}
	return errors.Is(err, db.ErrInvalid) || errors.Is(err, ErrAmount) || slices.Contains([]string{"22", "23", "54"}, db.Class(db.SQLState(err)))
}
