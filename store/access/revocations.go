package access

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/pitboss-hub/pitboss/rooms/placement"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store/internal/db"
)

const (
	// RevocationsMax is the largest number of revocations of a tenant. Nodes hold them all in memory.
	RevocationsMax = 100_000
	// sweepEvery is how often a node deletes what has expired.
	sweepEvery = time.Minute
)

// ErrTooManyRevocations means that a tenant has RevocationsMax.
var ErrTooManyRevocations = errors.New("store: too many revocations: they end 30 days after they were made")

// Revocations holds the revoked tokens of all tenants, in memory. Run keeps them up to date: what is
// revoked on any node is known here within a second.
type Revocations struct {
	db *db.DB

	mu       sync.RWMutex // guards what follows
	tenants  map[tenant.ID]*revoked
	onChange []func([]tenant.ID)

	polling sync.Mutex // guards what follows; held while the database is asked
	mark    placement.Mark
}

var _ auth.Revocations = (*Revocations)(nil)

// NewRevocations returns revocations that are empty until Load.
func NewRevocations(d *db.DB) *Revocations {
	return &Revocations{db: d, tenants: map[tenant.ID]*revoked{}}
}

// revoked holds the revocations of one tenant. The times without another meaning are when entries expire.
type revoked struct {
	tokens  map[string]time.Time
	players map[string]kicked
	staff   map[string]kicked
}

type kicked struct{ before, expires time.Time }

// Revoked implements auth.Revocations.
func (r *Revocations) Revoked(p auth.Principal) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	t := r.tenants[p.Tenant]
	if t == nil {
		return false
	}
	if _, ok := t.tokens[p.TokenID]; ok && p.TokenID != "" {
		return true
	}
	k, ok := t.of(p.Role)[p.Subject]
	return ok && auth.IssuedBefore(p.IssuedAt, k.before)
}

// of returns the kicked people of a role. A player and one of the operator's people may have the same id.
func (t *revoked) of(r auth.Role) map[string]kicked {
	if r == auth.Player {
		return t.players
	}
	return t.staff
}

// OnChange makes Run, and whoever revokes here, call f after something of these tenants was
// revoked and is known. f must not block.
func (r *Revocations) OnChange(f func([]tenant.ID)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.onChange = append(r.onChange, f)
}

// Run keeps the revocations up to date until ctx ends, then returns nil. While the database
// does not answer nothing can be revoked, and what was revoked stays so.
func (r *Revocations) Run(ctx context.Context) error {
	swept := time.Now()
	return r.db.Poll(ctx, db.Poller{
		Failed: "revocations cannot be refreshed",
		Ask: func(ctx context.Context) error {
			err := r.poll(ctx)
			if err == nil && time.Since(swept) >= sweepEvery {
				swept = time.Now()
				err = r.sweep(ctx)
			}
			return err
		},
	})
}

const selectRevocations = `
select tenant, kind, subject, before, expires from platform.revocation where change >= $1`

// Load reads all that is revoked, before Run.
func (r *Revocations) Load(ctx context.Context) error { return r.poll(ctx) }

// poll reads what was revoked since the last poll, and calls the listeners.
func (r *Revocations) poll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, db.PollTimeout)
	defer cancel()
	r.polling.Lock()
	defer r.polling.Unlock()
	var found []revocation
	next, err := r.db.Changes(ctx, r.mark, r.db.Platform, func(q *pgx.Batch, since int64) {
		q.Queue(selectRevocations, since).Query(func(rows pgx.Rows) (err error) {
			found, err = pgx.CollectRows(rows, scanRevocation)
			return err
		})
	})
	if err != nil {
		return fmt.Errorf("store: revocations: %w", err)
	}
	whole := next.Generation != r.mark.Generation
	r.mark = next
	r.learn(found, whole)
	return nil
}

type revocation struct {
	tenant          tenant.ID
	kind, subject   string
	before, expires time.Time
}

func scanRevocation(row pgx.CollectableRow) (v revocation, err error) {
	var name string
	var before *time.Time
	if err = row.Scan(&name, &v.kind, &v.subject, &before, &v.expires); err != nil {
		return v, err
	}
	if before != nil {
		v.before = *before
	}
	v.tenant, _ = tenant.Parse(name) // zero: the tenant is out of order, and its tokens are refused anyway
	return v, nil
}

// learn adds what is new in found, and calls the listeners. If found is everything, it replaces what was
// known.
func (r *Revocations) learn(found []revocation, whole bool) {
	changed := map[tenant.ID]bool{}
	r.mu.Lock()
	if whole {
		clear(r.tenants)
	}
	for _, v := range found {
		t := r.tenants[v.tenant]
		if t == nil {
			t = &revoked{tokens: map[string]time.Time{}, players: map[string]kicked{}, staff: map[string]kicked{}}
			r.tenants[v.tenant] = t
		}
		switch v.kind {
		case kindRevokedToken:
			if _, known := t.tokens[v.subject]; !known {
				changed[v.tenant] = true
			}
			t.tokens[v.subject] = v.expires
		case kindRevokedPlayer, kindRevokedStaff:
			people := t.players
			if v.kind == kindRevokedStaff {
				people = t.staff
			}
			if v.before.After(people[v.subject].before) {
				changed[v.tenant] = true
				people[v.subject] = kicked{v.before, v.expires}
			}
		}
	}
	listeners := slices.Clone(r.onChange)
	r.mu.Unlock()
	if len(changed) == 0 {
		return
	}
	ids := slices.Collect(maps.Keys(changed))
	for _, f := range listeners {
		f(ids)
	}
}

const (
	deleteRevocations = `delete from platform.revocation where expires < clock_timestamp()`

	deleteTickets = `delete from platform.ticket_used where expires < clock_timestamp()`
)

// sweep deletes what has expired, in the database and here.
func (r *Revocations) sweep(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, db.PollTimeout)
	defer cancel()
	var now time.Time
	q := &pgx.Batch{}
	q.Queue(deleteRevocations)
	q.Queue(deleteTickets)
	q.Queue(`select clock_timestamp()`).QueryRow(func(row pgx.Row) error { return row.Scan(&now) })
	if err := r.db.Platform(ctx, func(conn *pgxpool.Conn) error { return conn.SendBatch(ctx, q).Close() }); err != nil {
		return fmt.Errorf("store: delete what has expired: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, t := range r.tenants {
		maps.DeleteFunc(t.tokens, func(_ string, expires time.Time) bool { return expires.Before(now) })
		for _, people := range []map[string]kicked{t.players, t.staff} {
			maps.DeleteFunc(people, func(_ string, k kicked) bool { return k.expires.Before(now) })
		}
		if len(t.tokens) == 0 && len(t.players) == 0 && len(t.staff) == 0 {
			delete(r.tenants, id)
		}
	}
	return nil
}

// The kinds of revocations: of one token, by its jti, or of all tokens of a player, or of one of the
// operator's people, that were issued until then.
const (
	kindRevokedToken  = "token"
	kindRevokedPlayer = "player"
	kindRevokedStaff  = "staff"
)

// Revoke holds, for the audit log, who revokes tokens, and why.
type Revoke struct {
	Reason strict.Line
	Actor  string
	rooms.Origin
}

// RevokeToken revokes one token, by its jti: it is refused from then on, and its sockets are closed on
// every node within a second. Revoking it again changes nothing, and adds an audit line. It returns
// store.ErrInvalid, ErrTooManyRevocations or store.ErrNoTenant.
func (r *Revocations) RevokeToken(ctx context.Context, id tenant.ID, jti string, by Revoke) error {
	if !auth.ValidTokenID(jti) {
		return fmt.Errorf("%w: a token's id is 1 to 200 printable bytes", db.ErrInvalid)
	}
	return r.revoke(ctx, id, kindRevokedToken, jti, "token.revoke", by)
}

// Kick closes a player's sockets on every node within a second, and revokes all of its tokens that were
// issued until now. It returns the errors of RevokeToken.
func (r *Revocations) Kick(ctx context.Context, id tenant.ID, player game.PlayerID, by Revoke) error {
	if !auth.ValidSubject(string(player)) {
		return fmt.Errorf("%w: a player's id is 1 to 64 printable bytes without spaces", db.ErrInvalid)
	}
	return r.revoke(ctx, id, kindRevokedPlayer, string(player), "player.kick", by)
}

// KickStaff does what Kick does to one of the operator's people, in every role but the player's.
func (r *Revocations) KickStaff(ctx context.Context, id tenant.ID, subject string, by Revoke) error {
	if !auth.ValidSubject(subject) {
		return fmt.Errorf("%w: an id is 1 to 64 printable bytes without spaces", db.ErrInvalid)
	}
	return r.revoke(ctx, id, kindRevokedStaff, subject, "staff.kick", by)
}

const (
	countRevocations = `select count(*) from platform.revocation where tenant = $1`

	insertRevocation = `
insert into platform.revocation as r (tenant, kind, subject, before, expires)
values ($1, $2, $3, case when $2 <> 'token' then clock_timestamp() end, clock_timestamp() + $4::interval)
on conflict (tenant, kind, subject) do update set
  before = greatest(r.before, excluded.before), expires = excluded.expires, change = excluded.change`
)

func (r *Revocations) revoke(ctx context.Context, id tenant.ID, kind, subject, action string, by Revoke) error {
	if by.Actor == "" {
		return fmt.Errorf("%w: an actor is needed", db.ErrInvalid)
	}
	if err := db.CheckReason(by.Reason); err != nil {
		return err
	}
	var have int
	err := r.db.Platform(ctx, func(conn *pgxpool.Conn) error { return conn.QueryRow(ctx, countRevocations, id.String()).Scan(&have) })
	if err != nil {
		return fmt.Errorf("store: %s: %w", action, err)
	}
	if have >= RevocationsMax {
		return ErrTooManyRevocations
	}
	// The platform's row as the login, then the tenant's line as the tenant: one transaction, on a
	// connection of the tenant's share.
	write := func(tx pgx.Tx) error {
		q := &pgx.Batch{}
		q.Queue(insertRevocation, id.String(), kind, subject, auth.RevocationLife)
		q.Queue(db.EnterScope, id.Role())
		db.QueueAudit(q, rooms.Audit{
			Actor: by.Actor, Action: action, Target: subject, Reason: string(by.Reason), Origin: by.Origin,
		})
		if kind == kindRevokedPlayer {
			err := db.QueueFacts(q, db.Fact{Type: db.FactPlayerKicked, Player: subject, Data: map[string]any{
				"player": subject, "reason": by.Reason, "actor": by.Actor,
			}})
			if err != nil {
				return err
			}
		}
		return tx.SendBatch(ctx, q).Close()
	}
	err = r.db.Tenant(id).LoginTx(ctx, write)
	if state := db.SQLState(err); state == db.StateForeignKey || state == db.StateNoSuchSetting || state == db.StateDenied {
		return fmt.Errorf("%w (%w)", db.ErrNoTenant, err)
	}
	if err != nil {
		return fmt.Errorf("store: %s: %w", action, err)
	}
	// It is committed; an error here only delays this node's knowledge of it.
	if err := r.poll(ctx); err != nil {
		r.db.Log.WarnContext(ctx, "this node knows of a revocation a moment later", "error", err)
	}
	return nil
}
