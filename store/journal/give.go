package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store/internal/db"
)

// groupMax bounds the credits of one transaction.
const groupMax = 64

const (
	lockHouse = `select id, balance, version from account where kind = 'house' and owner = 'house' for no key update`

	// lockPlayers locks accounts, after the house's, in the order of lockAccounts.
	lockPlayers = `
select owner, id, balance, version from account where kind = 'player' and owner = any($1) order by owner collate "C" for no key update`

	openPlayers = `
insert into account (kind, owner) select 'player', u.owner from unnest($1::text[]) as u(owner) order by u.owner
on conflict do nothing returning owner`

	// selectMoved returns credits by their commands, as players see them; $2 is the house's account.
	selectMoved = `
select t.command::text, t.player, case when t.credit = $2 then -t.amount else t.amount end, coalesce(c.created, false), coalesce(c.reverses::text, '')
from transfer t left join credit c on c.command = t.command
where t.kind = 'credit' and t.command = any($1::text[]::uuid[])`

	selectReversal = `select command::text from credit where reverses = $1`

	// selectGiven adds up what people, themselves or by API keys that they are behind, gave and took back within a
	// day without a second person. What has to be compared with a limit is far below the bound, beyond which the sum
	// would not be a bigint.
	selectGiven = `
select least(coalesce(sum(amount), 0), 1000000000000000000)::bigint from credit
where player = $1 and people && $2 and approval is null and at > clock_timestamp() - interval '24 hours'`

	insertMoved = `
insert into transfer (debit, credit, amount, kind, ref, player, command, at)
select u.debit, u.credit, u.amount, 'credit', u.ref, u.player, u.command::uuid, clock_timestamp()
from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[]) as u(debit, credit, amount, ref, player, command)`

	insertCredits = `
insert into credit (command, player, giver, people, amount, created, approval, reverses, at)
select u.command::uuid, u.player, u.giver, array(select json_array_elements_text(u.people)), u.amount, u.created, u.approval::uuid, u.reverses::uuid, clock_timestamp()
from unnest($1::text[], $2::text[], $3::text[], $4::json[], $5::bigint[], $6::boolean[], $7::text[], $8::text[])
  as u(command, player, giver, people, amount, created, approval, reverses)`
)

// pending is a Credit in progress.
type pending struct {
	asked  Credit
	agreed *db.Approved // a second person agreed to it; nil: nobody was needed so far
	attempt
}

// attempt is one attempt at a credit.
type attempt struct {
	Credit // as it was asked for, with player and amount of what it reverses

	// What was read.
	account account
	exists  bool // the account
	ask     db.Ask
	waits   bool  // a second person was asked before
	done    *past // what the command moved before
	given   int64 // by selectGiven

	out   Credited
	err   error // its own, which leaves others alone; nothing of it is written
	alone bool  // it needs a transaction of its own; nothing of it is written
}

// newPending returns where credits wait for a transaction: a tenant's come one after the other anyway. A transaction
// has one of each player and each command at most, and a reversal, which does not say whose money it is, has one of its own.
func newPending(l *Ledger) *db.Lanes[*pending] {
	return &db.Lanes[*pending]{
		DB: l.db, AtOnce: 1, Max: groupMax, Do: l.together,
		Keys: func(g *pending) []string {
			return []string{"player " + string(g.asked.Player), "command " + g.asked.CommandID}
		},
		Size: func(g *pending) int {
			if g.asked.Reverses != "" {
				return groupMax
			}
			return 1
		},
	}
}

// together gives credits in one transaction.
func (l *Ledger) together(ctx context.Context, id tenant.ID, credits []*pending) error {
	return l.db.Tenant(id).ForGroups().Tx(ctx, func(ctx context.Context, tx pgx.Tx) error { return l.give(ctx, tx, id, credits) })
}

// give gives credits, each with a result or an error of its own, or fails for all. It locks the house's account
// first: a tenant's credits come one after the other, so what is read here stays true until the end.
func (l *Ledger) give(ctx context.Context, tx pgx.Tx, id tenant.ID, credits []*pending) error {
	var house account
	if err := tx.QueryRow(ctx, lockHouse).Scan(&house.id, &house.balance, &house.version); err != nil {
		return err
	}
	for _, g := range credits {
		g.attempt = attempt{Credit: g.asked}
		g.ask.By = db.PersonOf(g.Actor, g.Origin)
	}
	terms, err := termsOf(ctx, tx, id, credits)
	if err != nil {
		return err
	}
	for _, g := range credits {
		if g.agreed != nil {
			g.ask.People = g.agreed.People
		}
		if g.Reverses != "" {
			if err := reverse(ctx, tx, house.id, &g.Credit); err != nil {
				return err
			}
		}
	}
	if err := l.look(ctx, tx, house.id, terms, credits); err != nil {
		return err
	}
	var due, moved []*pending
	for _, g := range credits {
		if g.known() {
			continue
		}
		if g.err = g.check(terms); g.err == nil {
			due = append(due, g)
		}
	}
	if err := open(ctx, tx, due); err != nil {
		return err
	}
	for _, g := range due {
		switch g.err = g.move(&house); {
		case g.err != nil:
		case !g.asks():
			moved = append(moved, g)
		case len(credits) > 1:
			g.alone = true
		default:
			return l.approvals.Ask(ctx, tx, g.ask)
		}
	}
	return write(ctx, tx, house, moved)
}

// look locks the players' accounts and reads what else the credits depend on.
func (l *Ledger) look(ctx context.Context, tx pgx.Tx, house int64, t terms, credits []*pending) error {
	q := &pgx.Batch{}
	queueLocks(q, credits)
	of, commands, asks := map[string]*pending{}, make([]string, len(credits)), make([]db.Ask, 0, len(credits))
	for i, g := range credits {
		request, err := json.Marshal(creditRequest{int64(g.Amount), g.Currency, g.Exponent, g.Reverses})
		if err != nil {
			return err
		}
		g.ask = db.Ask{ID: g.CommandID, Kind: KindCredit, Target: string(g.Player), Request: request, Reason: string(g.Reason), By: g.ask.By, People: g.ask.People}
		of[g.CommandID], commands[i] = g, g.CommandID
		if g.agreed == nil {
			asks = append(asks, g.ask)
		}
		if t.above != nil {
			q.Queue(selectGiven, string(g.Player), g.ask.People).QueryRow(func(row pgx.Row) error { return row.Scan(&g.given) })
		}
	}
	l.approvals.QueueAsked(q, asks, func(id string, err error) { of[id].waits, of[id].err = err == nil, err })
	q.Queue(selectMoved, commands, house).Query(func(rows pgx.Rows) error {
		done, err := pgx.CollectRows(rows, scanMoved)
		for _, p := range done {
			of[p.command].done = &p
		}
		return err
	})
	return tx.SendBatch(ctx, q).Close()
}

// queueLocks queues a statement that locks and reads the accounts of the credits' players.
func queueLocks(q *pgx.Batch, credits []*pending) {
	owners, of := make([]string, len(credits)), map[string]*pending{}
	for i, g := range credits {
		owners[i], of[string(g.Player)] = string(g.Player), g
	}
	q.Queue(lockPlayers, owners).Query(func(rows pgx.Rows) error {
		var owner string
		var a account
		_, err := pgx.ForEachRow(rows, []any{&owner, &a.id, &a.balance, &a.version}, func() error {
			of[owner].account, of[owner].exists = a, true
			return nil
		})
		return err
	})
}

// known reports whether the credit was asked for before, and sets its result or its error then.
func (g *pending) known() bool {
	g.out = Credited{
		Player: g.Player, Amount: g.Amount, Before: game.Money(g.account.balance), Balance: game.Money(g.account.balance), Version: g.account.version,
		NeedsApproval: g.waits,
	}
	switch {
	case g.err != nil || g.waits:
	case g.done == nil:
		return false
	case g.done.Player != g.Player || g.done.Amount != g.Amount || g.done.reverses != g.Reverses:
		g.err = ErrCommandReused
	default:
		g.out.Created = g.done.Created
	}
	return true
}

// check returns an error if there is no player, no API key or another currency, and finds out whether a second person
// is needed: beyond the limit by itself or with what the same people moved with the player in 24 hours without one.
// Both directions add up.
func (g *pending) check(t terms) error {
	switch {
	case !g.exists && g.Existing:
		return ErrNoPlayer
	case t.currency != g.Currency || t.exponent != g.Exponent:
		return fmt.Errorf("%w: %s with %d digits, and the amount is in %s with %d", ErrCurrencyChanged, t.currency, t.exponent, g.Currency, g.Exponent)
	case len(g.ask.People) == 0:
		return fmt.Errorf("%w: there is no API key %s", db.ErrInvalid, g.ask.By.Subject)
	}
	size := max(int64(g.Amount), -int64(g.Amount))
	g.out.NeedsApproval = g.agreed == nil && t.above != nil && (size > *t.above || g.given > *t.above-size)
	g.out.Created = !g.exists
	return nil
}

// asks reports whether a second person is to be asked before anything is written.
func (g *pending) asks() bool { return g.out.NeedsApproval && !g.DryRun }

// open opens the accounts into which credits put money and that are not there yet.
func open(ctx context.Context, tx pgx.Tx, credits []*pending) error {
	var fresh []*pending
	var owners []string
	for _, g := range credits {
		if !g.exists && !g.asks() && g.Amount > 0 {
			fresh, owners = append(fresh, g), append(owners, string(g.Player))
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	q := &pgx.Batch{}
	q.Queue(openPlayers, owners).Query(func(rows pgx.Rows) error {
		opened, err := pgx.CollectRows(rows, pgx.RowTo[string])
		for _, g := range fresh {
			g.out.Created = slices.Contains(opened, string(g.Player)) // else a room just opened it
		}
		return err
	})
	queueLocks(q, fresh)
	return tx.SendBatch(ctx, q).Close()
}

// move moves the credit's money between the accounts as they were read; if it asks, only to see whether it could.
func (g *pending) move(house *account) error {
	bank, player := *house, g.account
	debit, credit, size := &bank, &player, int64(g.Amount)
	posting := Posting{kindHouse, string(g.Player), game.Money(size), KindCredit}
	if size < 0 {
		debit, credit, size = &player, &bank, -size
		posting = Posting{string(g.Player), kindHouse, game.Money(size), KindCredit}
	}
	g.out.Before = game.Money(player.balance)
	if err := move(debit, credit, &player, size); err != nil {
		return err
	}
	if player.balance > MaxBalance && credit == &player {
		return fmt.Errorf("%w: the balance would pass %d", ErrAmount, MaxBalance)
	}
	if !g.asks() {
		*house, g.account = bank, player
		g.out.Balance, g.out.Version, g.out.Postings = game.Money(player.balance), player.version, []Posting{posting}
	}
	return nil
}

// write writes credits that were moved, one statement a table.
func write(ctx context.Context, tx pgx.Tx, house account, credits []*pending) error {
	n := len(credits)
	if n == 0 {
		return nil
	}
	q := &pgx.Batch{}
	from, to, sizes := make([]int64, n), make([]int64, n), make([]int64, n)
	reasons, players, commands, givers := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	people := make([]json.RawMessage, n)
	created, approvals, reverses := make([]bool, n), make([]*string, n), make([]*string, n)
	ids, balances, versions := []int64{house.id}, []int64{house.balance}, []int64{house.version}
	var lines []rooms.Audit
	var facts []db.Fact
	for i, g := range credits {
		from[i], to[i], sizes[i] = house.id, g.account.id, int64(g.Amount)
		if g.Amount < 0 {
			from[i], to[i], sizes[i] = g.account.id, house.id, -int64(g.Amount)
		}
		reasons[i], players[i], commands[i], givers[i], created[i] = string(g.Reason), string(g.Player), g.CommandID, g.ask.By.Subject, g.out.Created
		var err error
		if people[i], err = json.Marshal(g.ask.People); err != nil {
			return err
		}
		if g.agreed != nil {
			approvals[i] = &g.agreed.ID
		}
		if g.Reverses != "" {
			reverses[i] = &g.Reverses
		}
		ids, balances, versions = append(ids, g.account.id), append(balances, g.account.balance), append(versions, g.account.version)
		if g.DryRun {
			continue // an audit line that is undone would use an id up, which others would miss
		}
		line, err := g.auditLine()
		if err != nil {
			return err
		}
		lines = append(lines, line)
		facts = append(facts, db.Fact{Type: db.FactPlayerCredited, Player: string(g.Player), Data: map[string]any{
			"player": g.Player, "amount": g.Amount, "balance": g.account.balance, "command_id": g.CommandID, "reason": g.Reason, "actor": g.Actor,
		}})
	}
	q.Queue(insertMoved, from, to, sizes, reasons, players, commands)
	q.Queue(insertCredits, commands, players, givers, people, sizes, created, approvals, reverses)
	q.Queue(updateAccounts, ids, balances, versions).Exec(all(len(ids), "balances"))
	db.QueueAudit(q, lines...)
	if err := db.QueueFacts(q, facts...); err != nil {
		return err
	}
	return tx.SendBatch(ctx, q).Close()
}

// past is a credit that was done.
type past struct {
	Credited
	command, reverses string
}

// scanMoved reads a row of selectMoved.
func scanMoved(row pgx.CollectableRow) (p past, err error) {
	err = row.Scan(&p.command, (*string)(&p.Player), (*int64)(&p.Amount), &p.Created, &p.reverses)
	return p, err
}

// reverse sets the player and the amount of c, which reverses another credit. It returns ErrNoCredit,
// ErrReversal or ErrAlreadyReversed.
func reverse(ctx context.Context, tx pgx.Tx, house int64, c *Credit) error {
	rows, _ := tx.Query(ctx, selectMoved, []string{c.Reverses}, house) // its error comes from CollectOneRow
	original, err := pgx.CollectOneRow(rows, scanMoved)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return ErrNoCredit
	case err != nil:
		return err
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

// auditLine returns the line of a credit. Its actor is who asked for it; who agreed stands beside the amount.
func (g *pending) auditLine() (rooms.Audit, error) {
	line := rooms.Audit{Actor: g.Actor, Action: "player.credit", Target: string(g.Player), Reason: string(g.Reason), Origin: g.Origin}
	after := map[string]any{"balance": g.out.Balance, "amount": g.Amount}
	if g.Reverses != "" {
		line.Action, after["reverses"] = "player.credit.reverse", g.Reverses
	}
	if a := g.agreed; a != nil {
		after["approval"], after["approved_by"], after["approved_from"] = a.ID, a.Approver.Actor(), a.Approver.Address
		after["approved_with"], after["approved_in"] = a.Approver.Credential, a.Approver.Request
	}
	var err error
	if line.Before, err = json.Marshal(map[string]game.Money{"balance": g.out.Before}); err != nil {
		return line, err
	}
	line.After, err = json.Marshal(after)
	return line, err
}
