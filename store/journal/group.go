package journal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store/internal/db"
)

const (
	// groupEntries is the number of entries from which on a transaction takes no further append.
	groupEntries = 512
	// groupsAtOnce is the number of transactions of appends that one tenant may have under way: one would
	// leave the database idle while the next is put together and the log is flushed, and more than
	// two would make the groups smaller. (BenchmarkAppendTogether; docs/benchmarks.)
	groupsAtOnce = 2
)

// newLanes returns where appends wait for a transaction, which has at most one of each room.
func newLanes(j *Journal) *db.Lanes[*plan] {
	return &db.Lanes[*plan]{
		DB: j.db, AtOnce: groupsAtOnce, Max: groupEntries, Do: j.try,
		Keys: func(p *plan) []string { return []string{p.ref.Room} },
		Size: func(p *plan) int { return len(p.b.Entries) },
	}
}

// commit returns the answers to p when it is written, or an error when it is not or ctx ends: then whether it was
// written shows in the next Claim.
func (j *Journal) commit(ctx context.Context, p *plan) ([]rooms.Answer, error) {
	if err := j.lanes.Run(ctx, p.ref.Tenant, p); err != nil {
		return nil, err
	}
	return p.answers, p.err
}

// try commits the plans in one transaction, and tries again if other transactions were in its way. It sets
// the error of a plan that fails by itself, and returns the error that all plans have in common.
//
// It first presumes the usual case: nobody is fenced off, every stake is covered, no command comes a second
// time. Then rooms and balances can be changed without reading them before, which halves the work of the
// database for a bet. If it is not so nothing is written, and the plans are computed one by one from what
// was read under locks.
func (j *Journal) try(ctx context.Context, id tenant.ID, plans []*plan) error {
	scope := j.db.Tenant(id).ForAppends()
	err := scope.TwoTrips(ctx, func() (*pgx.Batch, func(*pgx.Batch) error) {
		g := newGroup(plans)
		return g.presume(), g.confirm
	})
	if !unusual(err) {
		return err
	}
	for attempt := 1; ; attempt++ {
		err := scope.TwoTrips(ctx, func() (*pgx.Batch, func(*pgx.Batch) error) {
			g := newGroup(plans)
			return g.load(), g.write
		})
		var missing *missingAccounts
		switch {
		case attempt == db.MaxAttempts:
		case errors.As(err, &missing):
			if err := openAccounts(ctx, scope, missing); err != nil {
				return fmt.Errorf("%w: %w", rooms.ErrNotWritten, err)
			}
			continue
		case answeredMeanwhile(err):
			continue // by another transaction: now it is seen
		}
		return err
	}
}

// group is one attempt at a transaction: what was read, and what the plans change.
type group struct {
	plans    []*plan // in the order in which their rooms are locked
	there    map[string]bool
	known    map[commandHere]answered // commands that were answered before
	used     map[commandKey]bool      // and all their ids, with those of this transaction
	accounts map[game.PlayerID]*account
	tills    map[string]*account
}

// newGroup returns a group of the plans, in the order of their rooms.
func newGroup(plans []*plan) *group {
	plans = slices.Clone(plans)
	slices.SortFunc(plans, func(a, b *plan) int { return cmp.Compare(a.ref.Room, b.ref.Room) })
	for _, p := range plans {
		p.err = nil
	}
	return &group{
		plans: plans, there: map[string]bool{}, known: map[commandHere]answered{}, used: map[commandKey]bool{},
		accounts: map[game.PlayerID]*account{}, tills: map[string]*account{},
	}
}

// player returns a player's account; an empty one if there is none.
func (g *group) player(who game.PlayerID) *account {
	a := g.accounts[who]
	if a == nil {
		a = &account{}
		g.accounts[who] = a
	}
	return a
}

// till returns a room's account.
func (g *group) till(room string) *account {
	a := g.tills[room]
	if a == nil {
		a = &account{}
		g.tills[room] = a
	}
	return a
}

const (
	// lockRooms locks the rooms that are at the position that their writers know. A writer that has been
	// fenced off gets no row.
	lockRooms = `
select r.id from unnest($1::text[], $2::bigint[], $3::bigint[]) as k(id, epoch, seq)
join room r on r.id = k.id and r.epoch = k.epoch and r.seq = k.seq
order by r.id for no key update of r`

	// selectCommands returns accepted commands last, so that they win: a node of the version before
	// refusals had a table does not look there.
	selectCommands = `
select player, id, room, body, answer from (
  select c.player, c.id, c.room, coalesce(c.body, 0), c.answer, true
  from unnest($1::text[], $2::text[]) as k(player, id) join command c on c.player = k.player and c.id = k.id::uuid
  union all
  select r.player, r.id, r.room, coalesce(r.body, 0), r.answer, false
  from unnest($1::text[], $2::text[]) as k(player, id) join refusal r on r.player = k.player and r.id = k.id::uuid
) as x(player, id, room, body, answer, accepted) order by accepted`

	// lockAccounts locks accounts in one order for everybody: players by the bytes of their names, as presume does
	// whatever the database's collation, then tills. It does not block those who only check whether an account exists.
	lockAccounts = `
select kind, owner, id, balance, version from account
where (kind = 'player' and owner = any($1)) or (kind = 'till' and owner = any($2))
order by kind, owner collate "C" for no key update`
)

// load queues the statements that lock and read what the plans depend on.
func (g *group) load() *pgx.Batch {
	q := &pgx.Batch{}
	var roomIDs, owners []string
	var commands keys
	var epochs, seqs []int64
	needed := map[game.PlayerID]bool{}
	for _, p := range g.plans {
		roomIDs, epochs, seqs = append(roomIDs, p.ref.Room), append(epochs, p.b.Epoch), append(seqs, p.b.Seq)
		commands.join(p.keys.accepted)
		commands.join(p.keys.refused)
		for _, who := range p.owners {
			if !needed[who] {
				needed[who] = true
				owners = append(owners, string(who))
			}
		}
	}
	q.Queue(lockRooms, roomIDs, epochs, seqs).Query(func(rows pgx.Rows) error {
		var id string
		_, err := pgx.ForEachRow(rows, []any{&id}, func() error { g.there[id] = true; return nil })
		return err
	})
	if len(commands.ids) > 0 {
		q.Queue(selectCommands, commands.players, commands.ids).Query(func(rows pgx.Rows) error {
			var k commandHere
			var a answered
			_, err := pgx.ForEachRow(rows, []any{(*string)(&k.player), (*[16]byte)(&k.id), &k.room, &a.digest, (*[]byte)(&a.answer)}, func() error {
				g.known[k], g.used[k.commandKey] = a, true
				return nil
			})
			return err
		})
	}
	if len(owners) > 0 {
		q.Queue(lockAccounts, owners, roomIDs).Query(func(rows pgx.Rows) error {
			var kind, owner string
			var a account
			_, err := pgx.ForEachRow(rows, []any{&kind, &owner, &a.id, &a.balance, &a.version}, func() error {
				if kind == kindTill {
					*g.till(owner) = a
				} else {
					*g.player(game.PlayerID(owner)) = a
				}
				return nil
			})
			return err
		})
	}
	return q
}

// compute computes the plans in order, and returns those that can be written. It sets the error of a plan
// that cannot be written, which does not affect the others. The error that it returns is *missingAccounts.
func (g *group) compute() ([]*plan, error) {
	var good []*plan
	for _, p := range g.plans {
		if !g.there[p.ref.Room] {
			p.err = rooms.ErrFenced
			continue
		}
		if p.err = p.compute(g); p.err != nil {
			if !errors.As(p.err, new(*rooms.Conflict)) {
				p.err = fmt.Errorf("%w: %w", rooms.ErrNotWritten, p.err)
			}
			continue
		}
		good = append(good, p)
		for i, e := range p.b.Entries { // for a later plan that uses the id again
			if e.Command != nil {
				g.used[commandKey{e.Command.Player, p.ids[i]}] = true
			}
		}
	}
	return good, g.missing()
}

// missing returns *missingAccounts if money goes to or from an account that is not there.
func (g *group) missing() error {
	m := &missingAccounts{}
	for who, a := range g.accounts {
		if a.changed && a.id == 0 {
			m.players = append(m.players, string(who))
		}
	}
	for room, a := range g.tills {
		if a.changed && a.id == 0 {
			m.tills = append(m.tills, room)
		}
	}
	if len(m.tills)+len(m.players) > 0 {
		return m
	}
	return nil
}
