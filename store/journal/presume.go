package journal

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store/internal/db"
)

const (
	// moveAccounts needs no lock before it: if one stake is not covered, the constraint account_funds
	// makes it fail for all.
	moveAccounts = `
update account a set balance = a.balance + u.delta, version = a.version + u.moves
from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) as u(kind, owner, delta, moves)
where a.kind = u.kind and a.owner = u.owner
returning a.kind, a.owner, a.id, a.balance - u.delta, a.version - u.moves`

	selectAccounts = `select kind, owner, id, balance, version from account where kind = 'player' and owner = any($1)`
)

// errUnusual means that what was presumed is wrong.
var errUnusual = errors.New("store: not as presumed")

// owner identifies an account.
type owner struct{ kind, name string }

// presume queues the changes of rooms and accounts that follow if every plan can be written.
func (g *group) presume() *pgx.Batch {
	q := &pgx.Batch{}
	queueRooms(q, g.plans).Query(func(rows pgx.Rows) error {
		var id string
		_, err := pgx.ForEachRow(rows, []any{&id}, func() error { g.there[id] = true; return nil })
		return err
	})
	type sum struct{ delta, moves int64 }
	sums, order := map[owner]sum{}, []owner(nil)
	add := func(who owner, amount int64) {
		s, ok := sums[who]
		if !ok {
			order = append(order, who)
		}
		sums[who] = sum{s.delta + amount, s.moves + 1}
	}
	for _, p := range g.plans {
		for _, e := range p.b.Entries {
			for _, m := range e.Moves {
				amount := int64(m.Amount)
				if m.Kind == game.Stake {
					amount = -amount
				}
				add(owner{kindPlayer, string(m.Player)}, amount)
				add(owner{kindTill, p.ref.Room}, -amount)
			}
		}
	}
	if len(order) > 0 {
		slices.SortFunc(order, func(a, b owner) int { // so that two transactions seldom meet
			return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.name, b.name))
		})
		n := len(order)
		kinds, names, deltas, moves := make([]string, n), make([]string, n), make([]int64, n), make([]int64, n)
		for i, who := range order {
			kinds[i], names[i], deltas[i], moves[i] = who.kind, who.name, sums[who].delta, sums[who].moves
		}
		q.Queue(moveAccounts, kinds, names, deltas, moves).Query(g.found)
	}
	var others []string // players who need a balance for an answer, and whose money did not move
	for _, p := range g.plans {
		for _, who := range p.owners {
			if _, ok := sums[owner{kindPlayer, string(who)}]; !ok {
				others = append(others, string(who))
			}
		}
	}
	if len(others) > 0 {
		q.Queue(selectAccounts, others).Query(g.found)
	}
	return q
}

// found records the accounts as they were before the transaction.
func (g *group) found(rows pgx.Rows) error {
	var kind, name string
	var a account
	_, err := pgx.ForEachRow(rows, []any{&kind, &name, &a.id, &a.balance, &a.version}, func() error {
		if kind == kindTill {
			*g.till(name) = a
		} else {
			*g.player(game.PlayerID(name)) = a
		}
		return nil
	})
	return err
}

// confirm computes what was presumed from the accounts that were read, and queues the rest. It returns
// errUnusual.
func (g *group) confirm(q *pgx.Batch) error {
	plans, err := g.compute()
	if err != nil || len(plans) != len(g.plans) {
		return fmt.Errorf("%w (%w)", errUnusual, err)
	}
	return g.queueRest(q, plans)
}

// unusual reports whether err says that what was presumed is wrong. The errors of the plans mean nothing
// then.
func unusual(err error) bool {
	return errors.Is(err, errUnusual) || db.Violates(err, "account_funds") || answeredMeanwhile(err)
}

// answeredMeanwhile reports whether another transaction has answered a command of this one.
func answeredMeanwhile(err error) bool {
	var pg *pgconn.PgError
	return db.Violates(err, "command_once") || db.Violates(err, "refusal_once") ||
		errors.As(err, &pg) && pg.Code == db.StateNotNull && pg.ColumnName == "answer" // see insertCommands
}
