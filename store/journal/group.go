package journal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

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
	// groupWithin bounds a transaction of appends, which outlives the callers' contexts. It is less
	// than a room waits, so that the room gets an answer.
	groupWithin = 8 * time.Second
)

// lanes holds the appends that wait, by tenant. Appends that come while a tenant's transactions are under
// way go into the next one together: many rooms share a commit, nobody waits for a timer, and the busier
// the database is, the fewer transactions it gets.
type lanes struct {
	mu      sync.Mutex
	waiting map[tenant.ID]*lane // there is an entry while somebody commits
}

// lane holds the appends of one tenant.
type lane struct {
	plans []*plan
	busy  int // transactions that are under way
}

// commit returns the answers to p when it is written, or an error when it is not or ctx ends.
func (j *Journal) commit(ctx context.Context, p *plan) ([]rooms.Answer, error) {
	l, id := &j.lanes, p.ref.Tenant
	l.mu.Lock()
	own := l.waiting[id]
	if own == nil {
		own = &lane{}
		l.waiting[id] = own
	}
	own.plans = append(own.plans, p)
	more := own.busy < groupsAtOnce
	if more {
		own.busy++
	}
	l.mu.Unlock()
	if more {
		go j.serve(context.WithoutCancel(ctx), id)
	}
	select {
	case <-p.done:
		return p.answers, p.err
	case <-ctx.Done():
		if l.withdraw(p) {
			return nil, fmt.Errorf("%w: %w", rooms.ErrNotWritten, ctx.Err())
		}
		return nil, ctx.Err() // the transaction goes on: whether it was written shows in the next Claim
	}
}

// withdraw reports whether p was still waiting, and makes sure that it is not written.
func (l *lanes) withdraw(p *plan) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	own := l.waiting[p.ref.Tenant]
	if own == nil {
		return false
	}
	i := slices.Index(own.plans, p)
	if i < 0 {
		return false
	}
	own.plans = slices.Delete(own.plans, i, i+1)
	return true
}

// serve commits a tenant's appends until none waits.
func (j *Journal) serve(ctx context.Context, id tenant.ID) {
	for {
		plans := j.lanes.next(id)
		if plans == nil {
			return
		}
		j.together(ctx, id, plans)
	}
}

// next removes and returns the appends of the next transaction, at most one of each room.
func (l *lanes) next(id tenant.ID) []*plan {
	l.mu.Lock()
	defer l.mu.Unlock()
	own := l.waiting[id]
	if len(own.plans) == 0 {
		if own.busy--; own.busy == 0 {
			delete(l.waiting, id)
		}
		return nil
	}
	var now, later []*plan
	entries, taken := 0, map[string]bool{}
	for _, p := range own.plans {
		if entries >= groupEntries || taken[p.ref.Room] {
			later = append(later, p)
			continue
		}
		taken[p.ref.Room] = true
		entries += len(p.b.Entries)
		now = append(now, p)
	}
	own.plans = later
	return now
}

// together commits the plans in one transaction, and sets their answers and errors. If the server refuses
// the transaction for what may be the fault of one room, each room gets a transaction of its own.
func (j *Journal) together(ctx context.Context, id tenant.ID, plans []*plan) {
	err := j.tried(ctx, id, plans)
	var refused *pgconn.PgError
	if len(plans) > 1 && (errors.Is(err, errPanic) || errors.As(err, &refused) && !db.Transient(refused.Code)) {
		for _, p := range plans {
			j.together(ctx, id, []*plan{p})
		}
		return
	}
	for _, p := range plans {
		if err != nil && p.err == nil {
			p.err = err
		}
		close(p.done)
	}
}

// errPanic means that there is a bug in this package. It ends no more than the appends of the transaction,
// whose rooms are rebuilt from what was written.
var errPanic = errors.New("store: panic in an append")

// tried calls try, and turns a panic into errPanic.
func (j *Journal) tried(ctx context.Context, id tenant.ID, plans []*plan) (err error) {
	defer func() {
		if x := recover(); x != nil {
			err = fmt.Errorf("%w: %v", errPanic, x)
			j.db.Log.ErrorContext(ctx, "an append panicked", "tenant", id.String(), "panic", x, "stack", string(debug.Stack()))
		}
	}()
	return j.try(ctx, id, plans)
}

// try commits the plans in one transaction, and tries again if other transactions were in its way. It sets
// the error of a plan that fails by itself, and returns the error that all plans have in common.
//
// It first presumes the usual case: nobody is fenced off, every stake is covered, no command comes a second
// time. Then rooms and balances can be changed without reading them before, which halves the work of the
// database for a bet. If it is not so nothing is written, and the plans are computed one by one from what
// was read under locks.
func (j *Journal) try(ctx context.Context, id tenant.ID, plans []*plan) error {
	ctx, cancel := context.WithTimeout(ctx, groupWithin)
	defer cancel()
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

	// lockAccounts locks accounts in one order for everybody: players by name, then tills. It does not
	// block those who only check whether an account exists.
	lockAccounts = `
select kind, owner, id, balance, version from account
where (kind = 'player' and owner = any($1)) or (kind = 'till' and owner = any($2))
order by kind, owner for no key update`
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
