package store

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
	// groupEntries is from how many entries on a transaction takes no further append.
	groupEntries = 512
	// groupsAtOnce is how many transactions of appends of one tenant may be under way: one would
	// leave the database idle while the next is put together and the log is flushed, more than
	// two make the groups smaller. (BenchmarkAppendTogether; docs/benchmarks.)
	groupsAtOnce = 2
	// groupWithin bounds a transaction of appends, which outlives the callers' contexts. It is less
	// than a room waits, so that what is known of it is heard.
	groupWithin = 8 * time.Second
)

// lanes are the appends that wait, by tenant. While a tenant's transaction is under way, what
// comes waits and goes into the next one together: many rooms share a commit, nobody waits for
// a timer, and the busier the database is, the fewer transactions it is given.
type lanes struct {
	mu      sync.Mutex
	waiting map[tenant.ID]*lane // there is an entry while somebody commits
}

// lane is one tenant's.
type lane struct {
	plans []*plan
	busy  int // transactions that are under way
}

// commit returns when p is done, or ctx ended.
func (j *Journal) commit(ctx context.Context, p *plan) ([]rooms.Answer, error) {
	l, id := &j.lanes, p.ref.Tenant
	l.mu.Lock()
	mine := l.waiting[id]
	if mine == nil {
		mine = &lane{}
		l.waiting[id] = mine
	}
	mine.plans = append(mine.plans, p)
	more := mine.busy < groupsAtOnce
	if more {
		mine.busy++
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

// withdraw reports whether p still waited, and makes sure that it is not written.
func (l *lanes) withdraw(p *plan) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	mine := l.waiting[p.ref.Tenant]
	if mine == nil {
		return false
	}
	i := slices.Index(mine.plans, p)
	if i < 0 {
		return false
	}
	mine.plans = slices.Delete(mine.plans, i, i+1)
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

// next takes the appends of the next transaction, of each room at most one.
func (l *lanes) next(id tenant.ID) []*plan {
	l.mu.Lock()
	defer l.mu.Unlock()
	mine := l.waiting[id]
	if len(mine.plans) == 0 {
		if mine.busy--; mine.busy == 0 {
			delete(l.waiting, id)
		}
		return nil
	}
	var now, later []*plan
	entries, taken := 0, map[string]bool{}
	for _, p := range mine.plans {
		if entries >= groupEntries || taken[p.ref.Room] {
			later = append(later, p)
			continue
		}
		taken[p.ref.Room] = true
		entries += len(p.b.Entries)
		now = append(now, p)
	}
	mine.plans = later
	return now
}

// together commits the plans in one transaction, and tells each what came of it. If the server
// refuses the whole for what may be one room's fault, each room gets a transaction of its own.
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

// errPanic is a bug of ours, which ends no more than the appends that it was met in: their rooms
// are rebuilt from what was written.
var errPanic = errors.New("store: panic in an append")

func (j *Journal) tried(ctx context.Context, id tenant.ID, plans []*plan) (err error) {
	defer func() {
		if x := recover(); x != nil {
			err = fmt.Errorf("%w: %v", errPanic, x)
			j.db.Log.ErrorContext(ctx, "an append panicked", "tenant", id.String(), "panic", x, "stack", string(debug.Stack()))
		}
	}()
	return j.try(ctx, id, plans)
}

// try is a transaction, and again if other transactions were in its way. A plan's own error
// is set in it; the error of all is returned.
//
// It first presumes that all is as usual: nobody is fenced off, every stake is covered, no
// command comes a second time. Then rooms and balances can be moved without looking at them
// before, which halves what the database has to do for a bet. If it was not so nothing is
// written, and the plans are gone through one by one.
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

// group is one attempt at a transaction: what the database has, and what the plans make of it.
type group struct {
	plans    []*plan // in the order in which their rooms are locked
	there    map[string]bool
	known    map[commandHere]answered // commands that were answered before
	used     map[commandKey]bool      // and all their ids, with those of this transaction
	accounts map[game.PlayerID]*account
	tills    map[string]*account
}

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

// player is a player's account; one that is not there is empty.
func (g *group) player(who game.PlayerID) *account {
	a := g.accounts[who]
	if a == nil {
		a = &account{}
		g.accounts[who] = a
	}
	return a
}

// till is a room's account.
func (g *group) till(room string) *account {
	a := g.tills[room]
	if a == nil {
		a = &account{}
		g.tills[room] = a
	}
	return a
}

const (
	// lockRooms locks the rooms that are where their writers believe. A writer that has been
	// fenced off gets no row.
	lockRooms = `
select r.id from unnest($1::text[], $2::bigint[], $3::bigint[]) as k(id, epoch, seq)
join room r on r.id = k.id and r.epoch = k.epoch and r.seq = k.seq
order by r.id for no key update of r`

	// selectCommands has what was accepted last, so that it counts: a node of the version before
	// refusals had a table does not look there.
	selectCommands = `
select player, id, room, body, answer from (
  select c.player, c.id, c.room, coalesce(c.body, 0), c.answer, true
  from unnest($1::text[], $2::text[]) as k(player, id) join command c on c.player = k.player and c.id = k.id::uuid
  union all
  select r.player, r.id, r.room, coalesce(r.body, 0), r.answer, false
  from unnest($1::text[], $2::text[]) as k(player, id) join refusal r on r.player = k.player and r.id = k.id::uuid
) as x(player, id, room, body, answer, accepted) order by accepted`

	// lockAccounts locks in one order for everybody: players by name, then tills. It leaves
	// room for those who only look whether an account is there.
	lockAccounts = `
select kind, owner, id, balance, version from account
where (kind = 'player' and owner = any($1)) or (kind = 'till' and owner = any($2))
order by kind, owner for no key update`
)

// load queues the locks and what the plans depend on. From then on nobody else changes it.
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

// compute lets each plan that may go on go on, in order, and returns those that can be
// written. A plan that can not has its error, and hurts no other. The error of all is
// *missingAccounts.
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
