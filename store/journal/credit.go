package journal

import (
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
	// Asked reports whether a was asked for before, and fails if something else was by its ID.
	Asked(ctx context.Context, tx pgx.Tx, a db.Ask) (bool, error)
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

const (
	openPlayer = `insert into account (kind, owner) values ('player', $1) on conflict do nothing`
	lockPlayer = `select id, balance, version from account where kind = 'player' and owner = $1 for no key update`
	lockHouse  = `select id, balance, version from account where kind = 'house' and owner = 'house' for no key update`

	// selectMoved returns a credit as the player sees it; $2 is the house's account.
	selectMoved = `
select t.player, case when t.credit = $2 then -t.amount else t.amount end, coalesce(c.created, false), coalesce(c.reverses::text, '')
from transfer t left join credit c on c.command = t.command where t.kind = 'credit' and t.command = $1`

	selectReversal = `select command::text from credit where reverses = $1`

	// selectGiven adds up what people, themselves or by API keys that they are behind, gave and took back within a
	// day without a second person. What has to be compared with a limit is far below the bound, beyond which the sum
	// would not be a bigint.
	selectGiven = `
select least(coalesce(sum(amount), 0), 1000000000000000000)::bigint from credit
where player = $1 and people && $2 and approval is null and at > clock_timestamp() - interval '24 hours'`

	insertTransfer = `
insert into transfer (debit, credit, amount, kind, ref, player, command, at)
values ($1, $2, $3, 'credit', $4, $5, $6, clock_timestamp())`

	insertCredit = `
insert into credit (command, player, giver, people, amount, created, approval, reverses, at)
values ($1, $2, $3, $4, $5, $6, $7, $8, clock_timestamp())`
)

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
// lifts beyond that what the people behind its actor moved with this player in 24 hours without a second person, it moves nothing
// and asks for one: then the approval's id is the command's.
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
	err = l.db.Tenant(id).Tx(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		out, err = l.give(ctx, tx, id, c, nil)
		if err == nil && c.DryRun {
			return errDryRun
		}
		return err
	})
	if err != nil && !errors.Is(err, errDryRun) {
		return Credited{}, fmt.Errorf("store: credit: %w", err)
	}
	return out, nil
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
	out, err := l.give(ctx, tx, id, c, &a)
	if err != nil {
		return nil, err
	}
	return json.Marshal(creditResult{int64(out.Balance), out.Version, out.Created})
}

// give runs the transaction of Give, or of what was agreed to. It locks the house's account first: a tenant's
// credits come one after the other, so what is read here stays true until the end.
func (l *Ledger) give(ctx context.Context, tx pgx.Tx, id tenant.ID, c Credit, agreed *db.Approved) (Credited, error) {
	var house, player account
	if err := tx.QueryRow(ctx, lockHouse).Scan(&house.id, &house.balance, &house.version); err != nil {
		return Credited{}, err
	}
	if c.Reverses != "" {
		if err := reverse(ctx, tx, house.id, &c); err != nil {
			return Credited{}, err
		}
	}
	exists, err := lock(ctx, tx, c.Player, &player)
	if err != nil {
		return Credited{}, err
	}
	out := Credited{Player: c.Player, Amount: c.Amount, Before: game.Money(player.balance), Balance: game.Money(player.balance), Version: player.version}
	request, err := json.Marshal(creditRequest{int64(c.Amount), c.Currency, c.Exponent, c.Reverses})
	if err != nil {
		return Credited{}, err
	}
	ask := db.Ask{ID: c.CommandID, Kind: KindCredit, Target: string(c.Player), Request: request, Reason: string(c.Reason), By: db.PersonOf(c.Actor, c.Origin)}
	if agreed == nil {
		if out.NeedsApproval, err = l.approvals.Asked(ctx, tx, ask); err != nil || out.NeedsApproval {
			return out, err
		}
	}
	done, err := moved(ctx, tx, house.id, c.CommandID)
	switch {
	case err != nil:
		return Credited{}, err
	case done != nil && (done.Player != c.Player || done.Amount != c.Amount || done.reverses != c.Reverses):
		return Credited{}, ErrCommandReused
	case done != nil:
		out.Created = done.Created
		return out, nil
	case !exists && c.Existing:
		return Credited{}, ErrNoPlayer
	}
	var above *int64
	if above, ask.People, err = limitOf(ctx, tx, id, c, ask.By); err != nil {
		return Credited{}, err
	}
	switch {
	case agreed != nil:
		ask.People = agreed.People
	case len(ask.People) == 0:
		return Credited{}, fmt.Errorf("%w: there is no API key %s", db.ErrInvalid, ask.By.Subject)
	}
	if out.NeedsApproval, err = beyond(ctx, tx, c, ask.People, above); err != nil {
		return Credited{}, err
	}
	out.NeedsApproval = out.NeedsApproval && agreed == nil
	out.Created = !exists
	if write := !out.NeedsApproval || c.DryRun; write && !exists {
		tag, err := tx.Exec(ctx, openPlayer, string(c.Player))
		if err != nil {
			return Credited{}, err
		}
		out.Created = tag.RowsAffected() == 1 // else a room just opened it
		if _, err := lock(ctx, tx, c.Player, &player); err != nil {
			return Credited{}, err
		}
		out.Before = game.Money(player.balance)
	}
	debit, credit, size := &house, &player, int64(c.Amount)
	posting := Posting{kindHouse, string(c.Player), game.Money(size), KindCredit}
	if size < 0 {
		debit, credit, size = &player, &house, -size
		posting = Posting{string(c.Player), kindHouse, game.Money(size), KindCredit}
	}
	if err := move(debit, credit, &player, size); err != nil {
		return Credited{}, err
	}
	if player.balance > MaxBalance && credit == &player {
		return Credited{}, fmt.Errorf("%w: the balance would pass %d", ErrAmount, MaxBalance)
	}
	if out.NeedsApproval && !c.DryRun {
		return out, l.approvals.Ask(ctx, tx, ask)
	}
	out.Balance, out.Version, out.Postings = game.Money(player.balance), player.version, []Posting{posting}
	line, err := auditLine(c, out, agreed)
	if err != nil {
		return Credited{}, err
	}
	var approval, reverses *string
	if agreed != nil {
		approval = &agreed.ID
	}
	if c.Reverses != "" {
		reverses = &c.Reverses
	}
	q := &pgx.Batch{}
	q.Queue(insertTransfer, debit.id, credit.id, size, string(c.Reason), string(c.Player), c.CommandID)
	q.Queue(insertCredit, c.CommandID, string(c.Player), ask.By.Subject, ask.People, size, out.Created, approval, reverses)
	q.Queue(updateAccounts, []int64{player.id, house.id}, []int64{player.balance, house.balance}, []int64{player.version, house.version})
	if !c.DryRun { // a line that is undone would use an id up, which others would miss
		db.QueueAudit(q, line)
		fact := db.Fact{Type: db.FactPlayerCredited, Player: string(c.Player), Data: map[string]any{
			"player": c.Player, "amount": c.Amount, "balance": player.balance, "command_id": c.CommandID, "reason": c.Reason, "actor": c.Actor,
		}}
		if err := db.QueueFacts(q, fact); err != nil {
			return Credited{}, err
		}
	}
	return out, tx.SendBatch(ctx, q).Close()
}

// lock locks a player's account, and reports whether there is one.
func lock(ctx context.Context, tx pgx.Tx, player game.PlayerID, a *account) (bool, error) {
	err := tx.QueryRow(ctx, lockPlayer, string(player)).Scan(&a.id, &a.balance, &a.version)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// past is a credit that was done.
type past struct {
	Credited
	reverses string
}

// moved returns what a command moved before; nil if it moved nothing.
func moved(ctx context.Context, tx pgx.Tx, house int64, command string) (*past, error) {
	p := &past{}
	err := tx.QueryRow(ctx, selectMoved, command, house).Scan((*string)(&p.Player), (*int64)(&p.Amount), &p.Created, &p.reverses)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return p, err
}

// reverse sets the player and the amount of c, which reverses another credit. It returns ErrNoCredit,
// ErrReversal or ErrAlreadyReversed.
func reverse(ctx context.Context, tx pgx.Tx, house int64, c *Credit) error {
	original, err := moved(ctx, tx, house, c.Reverses)
	switch {
	case err != nil:
		return err
	case original == nil:
		return ErrNoCredit
	case original.reverses != "":
		return ErrReversal
	}
	var by string
	err = tx.QueryRow(ctx, selectReversal, c.Reverses).Scan(&by)
	switch {
	case err == nil && by != c.CommandID:
		return ErrAlreadyReversed
	case err != nil && !errors.Is(err, pgx.ErrNoRows):
		return err
	}
	c.Player, c.Amount = original.Player, -original.Amount
	return nil
}

// beyond reports whether a credit passes the limit above which a second person is needed, by itself or with what
// the same people moved with the player in 24 hours without one. Both directions add up.
func beyond(ctx context.Context, tx pgx.Tx, c Credit, people []string, above *int64) (bool, error) {
	size := max(int64(c.Amount), -int64(c.Amount))
	if above == nil || size > *above {
		return above != nil, nil
	}
	var given int64
	err := tx.QueryRow(ctx, selectGiven, string(c.Player), people).Scan(&given)
	return given > *above-size, err
}

// auditLine returns the line of a credit. Its actor is who asked for it; who agreed stands beside the amount.
func auditLine(c Credit, out Credited, agreed *db.Approved) (rooms.Audit, error) {
	line := rooms.Audit{Actor: c.Actor, Action: "player.credit", Target: string(c.Player), Reason: string(c.Reason), Origin: c.Origin}
	after := map[string]any{"balance": out.Balance, "amount": c.Amount}
	if c.Reverses != "" {
		line.Action, after["reverses"] = "player.credit.reverse", c.Reverses
	}
	if agreed != nil {
		after["approval"], after["approved_by"], after["approved_from"] = agreed.ID, agreed.Approver.Actor(), agreed.Approver.Address
		after["approved_with"], after["approved_in"] = agreed.Approver.Credential, agreed.Approver.Request
	}
	var err error
	if line.Before, err = json.Marshal(map[string]game.Money{"balance": out.Before}); err != nil {
		return line, err
	}
	line.After, err = json.Marshal(after)
	return line, err
}

const (
	selectLimit = `
select currency, exponent, credit_approval_above,
  case when $2 = '' then array[$3]::text[] else (select people from platform.api_key where id = $2 and tenant = $1) end
from platform.tenant where id = $1`
	leaveScope = `select set_config('role', 'none', true)`
)

// limitOf returns the amount above which a tenant's credits need a second person, nil if none does, and the subjects
// of the people behind who gives; none if that is an API key that is not there. It returns ErrCurrencyChanged if the
// amount is meant in another currency than the tenant's. The tenant's role cannot see the platform's rows, so tx, which
// has locked the house's account, becomes the login's for a moment.
func limitOf(ctx context.Context, tx pgx.Tx, id tenant.ID, c Credit, by db.Person) (above *int64, people []string, err error) {
	var has string
	var digits int
	if _, err := tx.Exec(ctx, leaveScope); err != nil { // one by one: a batch is prepared as the role that it begins with
		return nil, nil, err
	}
	if err := tx.QueryRow(ctx, selectLimit, id.String(), by.Key(), by.Subject).Scan(&has, &digits, &above, &people); err != nil {
		return nil, nil, err
	}
	if _, err := tx.Exec(ctx, db.EnterScope, id.Role()); err != nil {
		return nil, nil, err
	}
	if has != c.Currency || digits != c.Exponent {
		return nil, nil, fmt.Errorf("%w: %s with %d digits, and the amount is in %s with %d", ErrCurrencyChanged, has, digits, c.Currency, c.Exponent)
	}
	return above, people, nil
}
