package journal

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store/internal/db"
)

// KindCredit is the kind of approvals of credits.
const KindCredit = "credit"

// Approvals is where the ledger asks for a second person, in its transactions.
type Approvals interface {
	// QueueAsked queues a look at what was asked for before. Of each that was by its ID, it is said; with an error if
	// it was something else.
	QueueAsked(q *pgx.Batch, asks []db.Ask, say func(id string, err error))
	Ask(ctx context.Context, tx pgx.Tx, a db.Ask) error
}

// Credit describes money that people of the operator give to a player, or take back.
type Credit struct {
	Player       game.PlayerID
	Amount       game.Money  // below zero: taken back
	Reverses     string      // the command id of a credit to be reversed, which says Player and Amount; else ""
	Currency     string      // in which the amount was meant, and
	Exponent     int         // how many digits it was thought to have
	Reason       strict.Line // for the audit log
	Actor        string      // who gives or takes it
	CommandID    string      // a UUID; the same one has effect once
	rooms.Origin             // the actor's

	Existing bool // only to a player that has an account
	DryRun   bool // nothing is written
}

// Credited is what a Credit did; or would do, if it was a dry run.
type Credited struct {
	Player        game.PlayerID
	Amount        game.Money
	Before        game.Money // the player's balance
	Balance       game.Money // and after it
	Version       int64      // of the balance
	Created       bool       // the player had no account before
	NeedsApproval bool       // a second person has to agree; nothing is done yet
	Postings      []Posting  // none if it was done before
}

// Posting is one transfer of a credit: from Debit to Credit, each the house or a player.
type Posting struct {
	Debit, Credit string
	Amount        game.Money
	Kind          string
}

// creditRequest is what an approval of a credit says beside the player.
type creditRequest struct {
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
	Exponent int    `json:"exponent"`
	Reverses string `json:"reverses,omitempty"`
}

// creditResult is what an approval says that was done.
type creditResult struct {
	Balance int64 `json:"balance"`
	Version int64 `json:"version"`
	Created bool  `json:"created"`
}

// Credit does what Give does and returns the player's balance. It returns ErrNeedsApproval if a second person
// has to agree, for which it has asked.
func (l *Ledger) Credit(ctx context.Context, id tenant.ID, c Credit) (balance game.Money, version int64, err error) {
	out, err := l.Give(ctx, id, c)
	if err == nil && out.NeedsApproval {
		err = ErrNeedsApproval
	}
	return out.Balance, out.Version, err
}

// Give moves money between the house and a player, with an audit line. A command id has its effect once: when
// it comes again, Give changes nothing and returns the balance as it is. Above the tenant's limit, and if it
// lifts beyond that what the people behind its actor moved with this player in 24 hours without a second person, it
// moves nothing and asks for one: then the approval's id is the command's.
//
// It returns ErrInsufficientFunds if more is taken back than there is, ErrAmount, ErrCommandReused,
// ErrCurrencyChanged, ErrNoPlayer, ErrNoCredit, ErrReversal, ErrAlreadyReversed, approvals.ErrReused,
// approvals.ErrTooMany, store.ErrInvalid or store.ErrNoTenant.
func (l *Ledger) Give(ctx context.Context, id tenant.ID, c Credit) (out Credited, err error) {
	command, err := uuid.Parse(c.CommandID)
	if err != nil {
		return Credited{}, fmt.Errorf("%w: command id %q is no UUID", db.ErrInvalid, c.CommandID)
	}
	c.CommandID = command.String()
	if c.Reverses != "" {
		original, err := uuid.Parse(c.Reverses)
		switch {
		case err != nil:
			return Credited{}, ErrNoCredit
		case c.Player != "" || c.Amount != 0:
			return Credited{}, fmt.Errorf("%w: the credit that is reversed says player and amount", db.ErrInvalid)
		}
		c.Reverses = original.String()
	} else if c.Amount == 0 || c.Amount > MaxAmount || c.Amount < -MaxAmount {
		return Credited{}, ErrAmount
	} else if c.Player == "" {
		return Credited{}, fmt.Errorf("%w: a player is needed", db.ErrInvalid)
	}
	if c.Actor == "" || c.Currency == "" {
		return Credited{}, fmt.Errorf("%w: actor and currency are needed", db.ErrInvalid)
	}
	if err := db.CheckReason(c.Reason); err != nil {
		return Credited{}, err
	}
	g := &pending{asked: c}
	if err = l.run(ctx, id, g); err == nil {
		err = g.err
	}
	if err != nil {
		return Credited{}, fmt.Errorf("store: credit: %w", err)
	}
	return g.out, nil
}

// run gives a credit: with others that wait if it can be, and without a trace if it is a dry run.
func (l *Ledger) run(ctx context.Context, id tenant.ID, g *pending) error {
	if g.asked.DryRun {
		err := l.db.Tenant(id).Tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
			return cmp.Or(l.give(ctx, tx, id, []*pending{g}), errDryRun)
		})
		if errors.Is(err, errDryRun) {
			return nil
		}
		return err
	}
	if err := l.pending.Run(ctx, id, g); err != nil || !g.alone {
		return err
	}
	return l.db.Tenant(id).Tx(ctx, func(ctx context.Context, tx pgx.Tx) error { return l.give(ctx, tx, id, []*pending{g}) })
}

// errDryRun undoes the transaction of a dry run.
var errDryRun = errors.New("a dry run")

// Approved does a credit that a second person agreed to, and returns its result. It is the approvals.Execute of
// KindCredit, and returns the errors of Give.
func (l *Ledger) Approved(ctx context.Context, tx pgx.Tx, id tenant.ID, a db.Approved) (json.RawMessage, error) {
	var r creditRequest
	if err := strict.DecodeKnown(a.Request, &r); err != nil {
		return nil, err
	}
	c := Credit{
		Player: game.PlayerID(a.Target), Amount: game.Money(r.Amount), Reverses: r.Reverses, Currency: r.Currency, Exponent: r.Exponent,
		Reason: strict.Line(a.Reason), Actor: a.By.Actor(), Origin: a.By.Origin, CommandID: a.ID,
	}
	g := &pending{asked: c, agreed: &a}
	if err := cmp.Or(l.give(ctx, tx, id, []*pending{g}), g.err); err != nil {
		return nil, err
	}
	return json.Marshal(creditResult{int64(g.out.Balance), g.out.Version, g.out.Created})
}
