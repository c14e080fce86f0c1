package tenancy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store/internal/db"
)

// usedEvery is how often a node writes which API keys were used.
const usedEvery = time.Minute

// APIKeys makes, replaces, revokes and lists the API keys of tenants, as the application's login, and writes when
// keys were used. It may be used by many goroutines. The platform's own keys are Admin's.
type APIKeys struct {
	db      *db.DB
	tenants *Directory

	mu   sync.Mutex // guards what follows
	used map[string]time.Time
}

// NewAPIKeys returns the API keys of all tenants. A change is in the directory when it is done.
func NewAPIKeys(d *db.DB, tenants *Directory) *APIKeys {
	return &APIKeys{db: d, tenants: tenants, used: map[string]time.Time{}}
}

// NewEndedAPIKeys returns what deletes the API keys, of all tenants and of the platform, that are in no list any more.
func NewEndedAPIKeys(d *db.DB) *db.Sweeper {
	return &db.Sweeper{DB: d, Table: "platform.api_key", Delete: deleteEnded, Life: apiKeyKept}
}

const (
	selectAPIKeys = `
select id, coalesce(tenant, ''), name, hash, scopes, addresses, created_at, revoked_at is not null,
  case when isfinite(ends_at) then ends_at end
from platform.api_key where ends_at > clock_timestamp() - $1::interval`

	// deleteEnded leaves a key that replaced another as long as that one is there.
	deleteEnded = `
delete from platform.api_key where id in (
  select k.id from platform.api_key k
  where k.ends_at < clock_timestamp() - $1::interval and not exists (select from platform.api_key p where p.replaced_by = k.id)
  order by k.ends_at limit $2)`

	// upsertUsed leaves out keys that are not there: the database may have gone back.
	upsertUsed = `
insert into platform.api_key_used as u (key, at)
select k, at from unnest($1::text[], $2::timestamptz[]) as x (k, at) where exists (select from platform.api_key where id = k) order by k
on conflict (key) do update set at = greatest(u.at, excluded.at)`
)

// loadAPIKeys returns the keys of all owners for a node's memory. What a key may not have is left out of its
// scopes.
func loadAPIKeys(ctx context.Context, tx pgx.Tx) (map[string]auth.StoredAPIKey, error) {
	out := map[string]auth.StoredAPIKey{}
	rows, _ := tx.Query(ctx, selectAPIKeys, apiKeyKept) // its error comes from Err
	defer rows.Close()
	for rows.Next() {
		var k auth.StoredAPIKey
		var owner string
		var hash []byte
		var ends *time.Time
		if err := rows.Scan(&k.ID, &owner, &k.Name, &hash, &k.Scopes, &k.Addresses, &k.CreatedAt, &k.Revoked, &ends); err != nil {
			return nil, err
		}
		if owner != "" {
			id, err := tenant.Parse(owner)
			if err != nil {
				continue // the tenant is out of order
			}
			k.Tenant = id
		}
		if ends != nil {
			k.EndsAt = *ends
		}
		copy(k.Hash[:], hash)
		k.Scopes = slices.DeleteFunc(k.Scopes, func(s auth.Scope) bool { return !slices.Contains(scopesFor(k.Tenant), s) })
		out[k.ID] = k
	}
	return out, rows.Err()
}

var _ auth.APIKeySource = (*Directory)(nil)

// APIKey implements auth.APIKeySource.
func (d *Directory) APIKey(id string) (auth.StoredAPIKey, bool) {
	k, ok := d.now.Load().apiKeys[id]
	return k, ok
}

// Create makes a key of a tenant's, with an audit line, and returns its text, which nothing does again. It
// returns an APIKeyError, ErrAPIKeyScope, ErrTooManyAPIKeys, store.ErrNoTenant or store.ErrInvalid.
func (a *APIKeys) Create(ctx context.Context, id tenant.ID, n NewAPIKey, by APIKeyChange) (k APIKeyInfo, text auth.APIKeyText, err error) {
	err = a.change(ctx, id, by, func(t *apiKeyTx) error { k, text, err = t.create(ctx, n); return err })
	return k, text, err
}

// Rotate makes a key that replaces another of the tenant's, which is valid for overlap after that. It returns
// ErrNoAPIKey, ErrAPIKeyEnded or the errors of Create.
func (a *APIKeys) Rotate(ctx context.Context, id tenant.ID, key string, overlap time.Duration, by APIKeyChange) (k APIKeyInfo, text auth.APIKeyText, err error) {
	err = a.change(ctx, id, by, func(t *apiKeyTx) error { k, text, err = t.rotate(ctx, key, overlap); return err })
	return k, text, err
}

// Revoke ends a key of a tenant's: every node refuses it within a second. Revoking it again changes nothing, and
// adds an audit line. It returns ErrNoAPIKey, store.ErrNoTenant or store.ErrInvalid.
func (a *APIKeys) Revoke(ctx context.Context, id tenant.ID, key string, by APIKeyChange) (k APIKeyInfo, err error) {
	err = a.change(ctx, id, by, func(t *apiKeyTx) error { k, err = t.revoke(ctx, key); return err })
	return k, err
}

// List returns a tenant's keys, the newest first, without those that ended long ago.
func (a *APIKeys) List(ctx context.Context, id tenant.ID) (list []APIKeyInfo, err error) {
	err = a.db.Tenant(id).LoginTx(ctx, func(tx pgx.Tx) error {
		list, err = readAPIKeys(ctx, tx, id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store: API keys: %w", err)
	}
	return list, nil
}

// change runs change and adds its audit line, in one transaction.
func (a *APIKeys) change(ctx context.Context, id tenant.ID, by APIKeyChange, change func(*apiKeyTx) error) error {
	if by.Actor == "" {
		return fmt.Errorf("%w: an actor is needed", db.ErrInvalid)
	}
	if err := db.CheckReason(by.Reason); err != nil {
		return err
	}
	err := a.db.Tenant(id).LoginTx(ctx, func(tx pgx.Tx) error {
		t := &apiKeyTx{Tx: tx, owner: id, by: by}
		if err := change(t); err != nil {
			return err
		}
		q := &pgx.Batch{}
		q.Queue(db.EnterScope, id.Role())
		db.QueueAudit(q, t.line)
		return tx.SendBatch(ctx, q).Close()
	})
	var refused *APIKeyError
	switch state := db.SQLState(err); {
	case state == db.StateForeignKey || state == db.StateNoSuchSetting || state == db.StateDenied:
		return fmt.Errorf("%w (%w)", db.ErrNoTenant, err)
	case errors.As(err, &refused):
		return refused
	case err != nil:
		return fmt.Errorf("store: API key: %w", err)
	}
	// It is committed; an error here only delays this node's knowledge of it.
	if err := a.tenants.Reload(ctx); err != nil {
		a.db.Log.WarnContext(ctx, "this node knows of an API key a moment later", "error", err)
	}
	return nil
}

// Used notes that a key was used. Run writes it; what a node that ends has not written is lost.
func (a *APIKeys) Used(key string, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.used[key] = now
}

// Run writes once a minute which keys were used, until ctx ends, then returns nil.
func (a *APIKeys) Run(ctx context.Context) error {
	tick := time.NewTicker(usedEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := a.writeUsed(ctx); err != nil && ctx.Err() == nil {
			a.db.Log.WarnContext(ctx, "it is not written which API keys were used in the last minute", "error", err)
		}
	}
}

// writeUsed writes which keys were used since it was called last, and forgets them whether it succeeds or not.
func (a *APIKeys) writeUsed(ctx context.Context) error {
	a.mu.Lock()
	used := a.used
	a.used = map[string]time.Time{}
	a.mu.Unlock()
	if len(used) == 0 {
		return nil
	}
	keys := slices.Sorted(maps.Keys(used))
	at := make([]time.Time, len(keys))
	for i, k := range keys {
		at[i] = used[k]
	}
	ctx, cancel := context.WithTimeout(ctx, db.PollTimeout)
	defer cancel()
	return a.db.Platform(ctx, func(conn *pgxpool.Conn) error {
		_, err := conn.Exec(ctx, upsertUsed, keys, at)
		return err
	})
}
