package webhooks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/placement"
	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/seal"
)

const (
	// fanOutPortion is the largest number of deliveries that one transaction of FanOut makes.
	fanOutPortion = 1000
	// sweepPortion is the largest number of rows of a table that one transaction of Sweep deletes.
	sweepPortion = 1000
	// PauseAfter is how long every attempt at an endpoint fails before it is paused. It is less than the
	// attempts at one delivery take, so that nothing is given up for an endpoint that is away.
	PauseAfter = 72 * time.Hour
)

// actor is the actor of audit lines for what the deliverer does by itself.
const actor = "webhooks"

// ErrFenced means that another process delivers for the tenant: nothing was written.
var ErrFenced = errors.New("store: another process delivers for this tenant")

// Queue is what a process that delivers reads and writes. It may be used by many goroutines.
type Queue struct {
	db  *db.DB
	box *seal.Box
}

// NewQueue returns the deliveries of all tenants. box opens their endpoints' secrets.
func NewQueue(d *db.DB, box *seal.Box) *Queue { return &Queue{d, box} }

const (
	claim = `update webhook_deliverer set epoch = greatest(epoch + 1, $1) where one returning epoch`

	// fence holds up whoever claims, and returns nothing to who was fenced off.
	fence = `
select d.mark::text, pg_snapshot_xmin(s)::text, pg_snapshot_xmax(s)::text
from webhook_deliverer d, pg_current_snapshot() s where d.one and d.epoch = $1 for no key update of d`

	// fanOut makes deliveries as old as their facts, so that none outlives its fact. It looks deliveries up one by
	// one ("offset 0"): a table that has just grown is joined in ways that read it again and again.
	fanOut = `
with new as (
  select e.id as endpoint, f.seq, f.player, f.at from fact f cross join webhook_endpoint e
  where f.xact >= $1::text::xid8 and f.xact < $2::text::xid8 and f.type <> 'webhook.test'
    and e.state <> 'disabled' and f.seq >= $4 and f.seq > e.after_fact and (e.types = '{}' or f.type = any(e.types))
    and not exists (select from webhook_delivery d where d.endpoint = e.id and d.fact = f.seq offset 0)
  order by f.seq limit $3
)
insert into webhook_delivery (endpoint, fact, key, created_at, next_at)
select n.endpoint, n.seq, n.player, n.at, case when
    row_number() over (partition by n.endpoint, n.player order by n.seq) = 1 and not exists (
      select from webhook_delivery p
      where p.endpoint = n.endpoint and p.key = n.player and p.state = 'pending' and p.next_at is not null offset 0)
  then clock_timestamp() end
from new n returning fact`

	moveMark = `update webhook_deliverer set mark = $1::text::xid8 where one and mark <> $1::text::xid8`

	// selectBehind says too whether the database was restored on another server, which counts transactions anew.
	selectBehind = `
select d.epoch, d.mark > pg_snapshot_xmax(s) or exists (select from fact f where f.xact >= d.mark offset 0)
from webhook_deliverer d, pg_current_snapshot() s where d.one`

	selectActive = `
select id, url, secret, case when former_until > now() then former_secret end
from webhook_endpoint where state = 'active' order by created_at, id`

	selectDue = `
select e.id, d.fact, d.key, d.attempts, f.id, f.type, f.version, f.at, f.data
from webhook_endpoint e
cross join lateral (
  select d.fact, d.key, d.attempts, d.next_at from webhook_delivery d
  where d.endpoint = e.id and d.state = 'pending' and d.next_at is not null and d.next_at <= now()
  order by d.next_at, d.fact limit $1
) d
join fact f on f.seq = d.fact
where e.state = 'active'
order by d.next_at, d.fact`

	// recordResults gives nothing up for an endpoint that is paused: it waits until the endpoint is resumed. What failed
	// where an endpoint was is due where it is now.
	recordResults = `
update webhook_delivery d set state = u.state, next_at = case when u.state = 'pending' then clock_timestamp() + u.pause end,
  attempts = d.attempts + 1, status = u.status, error = u.error, took = u.took, attempted_at = clock_timestamp()
from (
  select r.endpoint, r.fact, r.status, r.error, r.took, case when r.ended = 'dropped' and (e.state = 'paused' or e.url <> r.url) then 'pending' else r.ended end as state,
    case when e.url = r.url then r.wait else '0' end as pause
  from unnest($1::uuid[], $2::bigint[], $3::text[], $4::interval[], $5::int[], $6::text[], $7::interval[], $8::text[])
    as r(endpoint, fact, ended, wait, status, error, took, url)
  join webhook_endpoint e on e.id = r.endpoint
) u
where d.endpoint = u.endpoint and d.fact = u.fact and d.state = 'pending'`

	recordHealth = `
update webhook_endpoint e set failing_since = case when u.ok then null else clock_timestamp() end
from unnest($1::uuid[], $2::boolean[]) as u(id, ok)
where e.id = u.id and (e.failing_since is null) <> u.ok`

	pauseFailing = `
update webhook_endpoint set state = 'paused', reason = $2, since = clock_timestamp()
where id = any($1::uuid[]) and state = 'active' and failing_since < clock_timestamp() - $3::interval
returning ` + endpointColumns

	disableGone = `
update webhook_endpoint set state = 'disabled', reason = $3, since = clock_timestamp()
where id = any($1::uuid[]) and (id, url) in (select u.id, u.url from unnest($1::uuid[], $2::text[]) as u (id, url)) and state <> 'disabled' returning ` + endpointColumns

	deleteDeliveries = `
delete from webhook_delivery where (endpoint, fact) in (
  select endpoint, fact from webhook_delivery where created_at < now() - $1::interval order by created_at limit $2)
returning endpoint, key, case when exists (select from webhook_endpoint e where e.id = webhook_delivery.endpoint) then state else 'of nobody' end`

	deleteFacts = `
delete from fact where seq in (select seq from fact where at < now() - $1::interval order by at limit $2)`
)

// Claim makes the caller the only one that delivers for a tenant, and returns its epoch.
func (s *Queue) Claim(ctx context.Context, id tenant.ID) (epoch int64, err error) {
	err = s.db.Tenant(id).SettledTx(ctx, func(ctx context.Context, tx pgx.Tx, generation int64) error {
		return tx.QueryRow(ctx, claim, placement.FirstEpoch(generation)).Scan(&epoch)
	})
	if err != nil {
		return 0, fmt.Errorf("store: claim the webhooks of %s: %w", id, err)
	}
	return epoch, nil
}

// snapshot is what fence returns: xids, as text.
type snapshot struct{ mark, xmin, xmax string }

// fenced runs do in a transaction of the tenant that ends before another process can claim. It returns
// ErrFenced if one has.
func (s *Queue) fenced(ctx context.Context, id tenant.ID, epoch int64, do func(context.Context, pgx.Tx, snapshot) error) error {
	return s.db.Tenant(id).Tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		var now snapshot
		err := tx.QueryRow(ctx, fence, epoch).Scan(&now.mark, &now.xmin, &now.xmax)
		if errors.Is(err, pgx.ErrNoRows) {
			return ErrFenced
		}
		if err != nil {
			return err
		}
		return do(ctx, tx, now)
	})
}

// FanOut makes deliveries of the facts that have none. It returns ErrFenced.
func (s *Queue) FanOut(ctx context.Context, id tenant.ID, epoch int64) error {
	// Of several portions, all read what the first one could: what commits meanwhile, under a number that was
	// passed already, has a transaction that the next FanOut looks at.
	var first snapshot
	var after int64
	for more := true; more; {
		began, last := first, after
		err := s.fenced(ctx, id, epoch, func(ctx context.Context, tx pgx.Tx, now snapshot) error {
			if began, last = first, after; began.xmax == "" {
				began = now
			}
			low, high := began.mark, began.xmax
			if number(low) > number(high) { // the database was restored on another server, which counts anew
				low, high = "0", strconv.FormatUint(math.MaxUint64, 10)
			}
			var fact int64
			rows, _ := tx.Query(ctx, fanOut, low, high, fanOutPortion, last) // its error comes from ForEachRow
			tag, err := pgx.ForEachRow(rows, []any{&fact}, func() error { last = max(last, fact); return nil })
			if err != nil {
				return err
			}
			if more = tag.RowsAffected() == fanOutPortion; more {
				return nil
			}
			_, err = tx.Exec(ctx, moveMark, began.xmin)
			return err
		})
		if err != nil {
			return fmt.Errorf("store: new deliveries: %w", err)
		}
		first, after = began, last
	}
	return nil
}

// number returns an xid8. PostgreSQL wrote it.
func number(xid string) uint64 {
	n, _ := strconv.ParseUint(xid, 10, 64)
	return n
}

// Target is an endpoint that is active.
type Target struct {
	ID      uuid.UUID
	URL     string
	Secrets [][]byte // the newest first; each signs
}

// Due is a delivery to be made now.
type Due struct {
	Endpoint uuid.UUID
	Fact     int64
	Key      string
	Attempts int // before this one

	WebhookID uuid.UUID
	Type      string
	Version   int
	At        time.Time
	Data      json.RawMessage
}

// Work is what there is to do for a tenant.
type Work struct {
	Targets []Target // all that are active
	Due     []Due    // of each key the first that is pending
	Behind  bool     // there may be facts that have no deliveries: FanOut makes them
	Errs    []error  // one for each endpoint whose secret cannot be opened
}

// Work returns what there is to do for a tenant, with at most limit deliveries to each endpoint. It writes nothing.
// It returns ErrFenced.
func (s *Queue) Work(ctx context.Context, id tenant.ID, epoch int64, limit int) (w Work, err error) {
	err = s.db.Tenant(id).ReadTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		w = Work{}
		var now int64
		var t Target
		var secret, former []byte
		q := &pgx.Batch{}
		q.Queue(selectBehind).QueryRow(func(row pgx.Row) error { return row.Scan(&now, &w.Behind) })
		q.Queue(selectActive).Query(func(rows pgx.Rows) error {
			_, err := pgx.ForEachRow(rows, []any{(*[16]byte)(&t.ID), &t.URL, &secret, &former}, func() error {
				t.Secrets = nil
				for _, sealed := range [][]byte{secret, former} {
					if sealed == nil {
						continue
					}
					plain, err := s.box.Open(id, purposeSecret+t.ID.String(), sealed)
					if err != nil {
						w.Errs = append(w.Errs, fmt.Errorf("endpoint %s: %w", t.ID, err))
						return nil
					}
					t.Secrets = append(t.Secrets, plain)
				}
				w.Targets = append(w.Targets, t)
				return nil
			})
			return err
		})
		q.Queue(selectDue, limit).Query(func(rows pgx.Rows) (err error) {
			w.Due, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (d Due, err error) {
				err = row.Scan((*[16]byte)(&d.Endpoint), &d.Fact, &d.Key, &d.Attempts, (*[16]byte)(&d.WebhookID), &d.Type, &d.Version, &d.At, (*[]byte)(&d.Data))
				d.At = d.At.UTC()
				return d, err
			})
			return err
		})
		if err := tx.SendBatch(ctx, q).Close(); err != nil {
			return err
		}
		if now != epoch {
			return ErrFenced
		}
		return nil
	})
	if err != nil {
		return Work{}, fmt.Errorf("store: due deliveries: %w", err)
	}
	return w, nil
}

// Result is how an attempt at a delivery ended.
type Result struct {
	Endpoint uuid.UUID
	URL      string // to which it was sent
	Fact     int64
	Key      string
	OK       bool
	Gone     bool          // the receiver wants no more
	Drop     bool          // it failed, and is not tried again
	Wait     time.Duration // until the next attempt, if there is one
	Status   int           // 0: there was no answer
	Error    string
	Took     time.Duration
}

func (r Result) state() string {
	switch {
	case r.OK:
		return "delivered"
	case r.Gone || r.Drop:
		return "dropped"
	}
	return "pending"
}

// Record writes how attempts ended. It returns the endpoints that it paused because all attempts have failed
// for PauseAfter, and disabled because their receivers want no more; or ErrFenced.
func (s *Queue) Record(ctx context.Context, id tenant.ID, epoch int64, results []Result) (stopped []Endpoint, err error) {
	n := len(results)
	endpoints, facts, keys, states := make([]string, n), make([]int64, n), make([]string, n), make([]string, n)
	waits, statuses, texts, tooks := make([]time.Duration, n), make([]int, n), make([]string, n), make([]time.Duration, n)
	urls := make([]string, n)
	health := map[string]bool{}
	var gone, goneURLs []string
	for i, r := range results {
		endpoints[i], facts[i], keys[i], states[i] = r.Endpoint.String(), r.Fact, r.Key, r.state()
		urls[i] = r.URL
		waits[i], statuses[i], texts[i], tooks[i] = r.Wait, r.Status, r.Error, r.Took
		health[endpoints[i]] = health[endpoints[i]] || r.OK
		if r.Gone {
			gone, goneURLs = append(gone, endpoints[i]), append(goneURLs, r.URL)
		}
	}
	var ids []string
	var oks []bool
	for e, ok := range health {
		ids, oks = append(ids, e), append(oks, ok)
	}
	err = s.fenced(ctx, id, epoch, func(ctx context.Context, tx pgx.Tx, _ snapshot) error {
		stopped = nil
		q := &pgx.Batch{}
		q.Queue(recordHealth, ids, oks)
		collect := func(rows pgx.Rows) error {
			list, err := pgx.CollectRows(rows, scanEndpoint)
			stopped = append(stopped, list...)
			return err
		}
		q.Queue(disableGone, gone, goneURLs, "the receiver answered 410 Gone").Query(collect)
		q.Queue(pauseFailing, ids, fmt.Sprintf("every attempt failed for %d hours", int(PauseAfter.Hours())), PauseAfter).Query(collect)
		q.Queue(recordResults, endpoints, facts, states, waits, statuses, texts, tooks, urls)
		q.Queue(promote, endpoints, keys)
		if err := tx.SendBatch(ctx, q).Close(); err != nil {
			return err
		}
		for _, e := range stopped {
			raw, err := lineOf(e)
			if err != nil {
				return err
			}
			action := map[State]string{Paused: "webhook.pause", Disabled: "webhook.disable"}[e.State]
			if err := db.WriteAudit(ctx, tx, rooms.Audit{Actor: actor, Action: action, Target: e.ID.String(), Reason: e.Reason, After: raw}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("store: record deliveries: %w", err)
	}
	return stopped, nil
}

// Sweep deletes what is older than KeepFor, a portion at a time, and returns how many deliveries were still
// pending. It returns ErrFenced.
func (s *Queue) Sweep(ctx context.Context, id tenant.ID, epoch int64) (lost int, err error) {
	for more := true; more; {
		var pending int
		err := s.fenced(ctx, id, epoch, func(ctx context.Context, tx pgx.Tx, _ snapshot) error {
			more, pending = false, 0
			var endpoints, keys []string
			var endpoint uuid.UUID
			var key, state string
			rows, _ := tx.Query(ctx, deleteDeliveries, KeepFor, sweepPortion) // its error comes from ForEachRow
			tag, err := pgx.ForEachRow(rows, []any{(*[16]byte)(&endpoint), &key, &state}, func() error {
				if state == "pending" {
					pending++
					endpoints, keys = append(endpoints, endpoint.String()), append(keys, key)
				}
				return nil
			})
			if err != nil {
				return err
			}
			more = tag.RowsAffected() == sweepPortion
			if _, err := tx.Exec(ctx, promote, endpoints, keys); err != nil {
				return err
			}
			// A day later: no delivery of a fact may be left.
			tag, err = tx.Exec(ctx, deleteFacts, KeepFor+24*time.Hour, sweepPortion)
			more = more || tag.RowsAffected() == sweepPortion
			return err
		})
		if err != nil {
			return lost, fmt.Errorf("store: old deliveries: %w", err)
		}
		lost += pending
	}
	return lost, nil
}
