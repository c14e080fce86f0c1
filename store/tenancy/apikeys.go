package tenancy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store/internal/db"
)

// Platform stands for the platform itself where API keys are a tenant's or the platform's. No tenant has the slug.
const Platform tenant.Slug = "*"

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

// The owner of a key is its tenant, or "": the platform.
const (
	insertAPIKey = `
insert into platform.api_key (id, tenant, name, hash, scopes, addresses, created_by, people, expires_at)
values ($1, nullif($2, ''), $3, $4, $5, $6, $7, $8, $9)`

	// countAPIKeys comes after an insert, which locked the owner.
	countAPIKeys = `
select count(*) from platform.api_key where coalesce(tenant, '') = $1 and ends_at > clock_timestamp() - $2::interval`

	columnsOfAPIKey = `
select k.id, k.name, k.scopes, k.addresses, k.created_at, k.created_by, k.people, k.expires_at, u.at, k.revoked_at, coalesce(k.replaced_by, ''), k.valid_until,
  clock_timestamp()
from platform.api_key k left join platform.api_key_used u on u.key = k.id `

	listAPIKeys = columnsOfAPIKey + `
where coalesce(k.tenant, '') = $1 and k.ends_at > clock_timestamp() - $2::interval order by k.created_at desc, k.id`

	selectAPIKey = columnsOfAPIKey + `where k.id = $1`

	selectPeople = `select people from platform.api_key where id = $1 and coalesce(tenant, '') = $2`

	lockAPIKey = `select from platform.api_key where id = $1 and coalesce(tenant, '') = $2 for update`

	replaceAPIKey = `
update platform.api_key set replaced_by = $2, valid_until = clock_timestamp() + $3::interval where id = $1`

	revokeAPIKey = `
update platform.api_key set revoked_at = clock_timestamp() where id = $1 and revoked_at is null`

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

// apiKeyTx makes and changes the API keys of an owner in a transaction.
type apiKeyTx struct {
	pgx.Tx
	owner tenant.ID // zero: the platform
	by    APIKeyChange
	line  rooms.Audit // for the audit log
}

// create makes a key.
func (t *apiKeyTx) create(ctx context.Context, n NewAPIKey) (k APIKeyInfo, text auth.APIKeyText, err error) {
	scopes, addresses, err := n.check(t.owner, time.Now())
	if err == nil {
		err = t.by.may(scopes)
	}
	if err == nil {
		k, text, err = t.insert(ctx, string(n.Name), scopes, addresses, nil, n.ExpiresAt)
	}
	if err != nil {
		return k, text, err
	}
	return k, text, t.note("api_key.create", k.ID, nil, k)
}

// rotate makes a key that does what another does, which is valid for overlap after that. A key that expires is
// replaced by one that lives as long.
func (t *apiKeyTx) rotate(ctx context.Context, id string, overlap time.Duration) (k APIKeyInfo, text auth.APIKeyText, err error) {
	if overlap < 0 || overlap > APIKeyOverlapMax {
		return k, text, &APIKeyError{"overlap", fmt.Sprintf("want 0 to %d days", APIKeyOverlapMax/(24*time.Hour)), overlap > APIKeyOverlapMax}
	}
	before, err := t.lock(ctx, id)
	if err == nil {
		err = t.by.may(before.Scopes)
	}
	if err == nil && before.State != APIKeyActive {
		err = fmt.Errorf("%w: %s", ErrAPIKeyEnded, id)
	}
	if err != nil {
		return k, text, err
	}
	expires := before.ExpiresAt.Time
	if !expires.IsZero() {
		expires = time.Now().Add(before.ExpiresAt.Sub(before.CreatedAt.Time))
	}
	if k, text, err = t.insert(ctx, before.Name, before.Scopes, before.Addresses, before.People, expires); err != nil {
		return k, text, err
	}
	if _, err := t.Exec(ctx, replaceAPIKey, id, k.ID, overlap); err != nil {
		return k, text, err
	}
	return k, text, t.note("api_key.rotate", id, before, k)
}

// revoke ends a key at once.
func (t *apiKeyTx) revoke(ctx context.Context, id string) (k APIKeyInfo, err error) {
	before, err := t.lock(ctx, id)
	if err == nil {
		_, err = t.Exec(ctx, revokeAPIKey, id)
	}
	if err == nil {
		k, err = t.read(ctx, id)
	}
	if err != nil {
		return k, err
	}
	return k, t.note("api_key.revoke", id, before, k)
}

// insert adds a key, within the owner's limit. The people behind it are those before, and who changes the keys.
func (t *apiKeyTx) insert(ctx context.Context, name string, scopes []auth.Scope, addresses []netip.Prefix, before []string, expires time.Time) (k APIKeyInfo, text auth.APIKeyText, err error) {
	if text, err = auth.NewAPIKeyText(); err != nil {
		return k, text, err
	}
	people, err := t.people(ctx)
	if err != nil {
		return k, text, err
	}
	people = slices.Compact(slices.Sorted(slices.Values(append(people, before...))))
	hash := text.Hash()
	if _, err = t.Exec(ctx, insertAPIKey, text.ID(), t.owner.String(), name, hash[:], scopes, addresses, t.by.Actor, people, orNull(expires)); err != nil {
		return k, text, err
	}
	var have int
	if err := t.QueryRow(ctx, countAPIKeys, t.owner.String(), apiKeyKept).Scan(&have); err != nil {
		return k, text, err
	}
	if have > APIKeysMax {
		return k, text, ErrTooManyAPIKeys
	}
	k, err = t.read(ctx, text.ID())
	return k, text, err
}

// people returns the subjects of the people behind who changes the keys.
func (t *apiKeyTx) people(ctx context.Context) (people []string, err error) {
	by := db.PersonOf(t.by.Actor, t.by.Origin)
	if by.Key() == "" {
		return []string{by.Subject}, nil
	}
	err = t.QueryRow(ctx, selectPeople, by.Key(), t.owner.String()).Scan(&people)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("%w: %s", ErrNoAPIKey, by.Key())
	}
	return people, err
}

// lock returns a key of the owner's, which nobody else changes meanwhile.
func (t *apiKeyTx) lock(ctx context.Context, id string) (APIKeyInfo, error) {
	if !auth.ValidAPIKeyID(id) {
		return APIKeyInfo{}, fmt.Errorf("%w: %q", ErrNoAPIKey, id)
	}
	tag, err := t.Exec(ctx, lockAPIKey, id, t.owner.String())
	if err != nil {
		return APIKeyInfo{}, err
	}
	if tag.RowsAffected() == 0 {
		return APIKeyInfo{}, fmt.Errorf("%w: %s", ErrNoAPIKey, id)
	}
	return t.read(ctx, id)
}

func (t *apiKeyTx) read(ctx context.Context, id string) (APIKeyInfo, error) {
	rows, _ := t.Query(ctx, selectAPIKey, id) // its error comes from CollectExactlyOneRow
	return pgx.CollectExactlyOneRow(rows, scanAPIKey)
}

// note makes the line of the audit log.
func (t *apiKeyTx) note(action, target string, before, after any) (err error) {
	t.line = rooms.Audit{Actor: t.by.Actor, Action: action, Target: target, Reason: string(t.by.Reason), Origin: t.by.Origin}
	if t.line.Before, err = jsonOf(before); err != nil {
		return err
	}
	t.line.After, err = jsonOf(after)
	return err
}

func scanAPIKey(row pgx.CollectableRow) (k APIKeyInfo, err error) {
	var expires, used, revoked, until *time.Time
	var now time.Time
	err = row.Scan(&k.ID, &k.Name, &k.Scopes, &k.Addresses, &k.CreatedAt.Time, &k.CreatedBy, &k.People, &expires, &used, &revoked, &k.ReplacedBy, &until, &now)
	for to, from := range map[*Moment]*time.Time{&k.ExpiresAt: expires, &k.LastUsedAt: used, &k.RevokedAt: revoked, &k.ValidUntil: until} {
		if from != nil {
			*to = Moment{from.UTC()}
		}
	}
	k.CreatedAt = Moment{k.CreatedAt.UTC()}
	k.setState(now)
	return k, err
}

func readAPIKeys(ctx context.Context, tx pgx.Tx, owner tenant.ID) ([]APIKeyInfo, error) {
	rows, _ := tx.Query(ctx, listAPIKeys, owner.String(), apiKeyKept) // its error comes from CollectRows
	return pgx.CollectRows(rows, scanAPIKey)
}

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

// CreateAPIKey makes a key of a tenant's, or of the platform's if slug is Platform, with an audit line, and returns
// its text, which nothing does again. It returns the errors of APIKeys.Create.
func (a *Admin) CreateAPIKey(ctx context.Context, slug tenant.Slug, n NewAPIKey, reason strict.Line) (k APIKeyInfo, text auth.APIKeyText, err error) {
	err = a.changeAPIKey(ctx, slug, reason, func(t *apiKeyTx) error { k, text, err = t.create(ctx, n); return err })
	return k, text, err
}

// RotateAPIKey makes a key that replaces another, as APIKeys.Rotate does.
func (a *Admin) RotateAPIKey(ctx context.Context, slug tenant.Slug, key string, overlap time.Duration, reason strict.Line) (k APIKeyInfo, text auth.APIKeyText, err error) {
	err = a.changeAPIKey(ctx, slug, reason, func(t *apiKeyTx) error { k, text, err = t.rotate(ctx, key, overlap); return err })
	return k, text, err
}

// RevokeAPIKey ends a key at once, as APIKeys.Revoke does.
func (a *Admin) RevokeAPIKey(ctx context.Context, slug tenant.Slug, key string, reason strict.Line) (k APIKeyInfo, err error) {
	err = a.changeAPIKey(ctx, slug, reason, func(t *apiKeyTx) error { k, err = t.revoke(ctx, key); return err })
	return k, err
}

// ListAPIKeys returns the keys of a tenant, or of the platform if slug is Platform, as APIKeys.List does.
func (a *Admin) ListAPIKeys(ctx context.Context, slug tenant.Slug) (list []APIKeyInfo, err error) {
	err = a.inTx(ctx, func(tx pgx.Tx) error {
		owner, err := ownerOf(ctx, tx, slug)
		if err != nil {
			return err
		}
		list, err = readAPIKeys(ctx, tx, owner)
		return err
	})
	return list, err
}

// changeAPIKey runs change and adds its audit line, in one transaction: to the tenant's audit log, or to the
// platform's.
func (a *Admin) changeAPIKey(ctx context.Context, slug tenant.Slug, reason strict.Line, change func(*apiKeyTx) error) error {
	if err := db.CheckReason(reason); err != nil {
		return err
	}
	err := a.inTx(ctx, func(tx pgx.Tx) error {
		if _, err := a.ready(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, fmt.Sprintf(`set local lock_timeout = %d`, appLockTimeout.Milliseconds())); err != nil {
			return err
		}
		owner, err := ownerOf(ctx, tx, slug)
		if err != nil {
			return err
		}
		t := &apiKeyTx{Tx: tx, owner: owner, by: APIKeyChange{Actor: a.actor(), Reason: reason}}
		if err := change(t); err != nil {
			return err
		}
		write := func() error { return db.WriteAudit(ctx, tx, t.line) }
		if !owner.IsZero() {
			return a.inSchema(ctx, tx, owner, write)
		}
		if _, err := tx.Exec(ctx, `set local search_path = platform, pg_temp`); err != nil {
			return err
		}
		return write()
	})
	if db.SQLState(err) == db.StateLockTimeout {
		return fmt.Errorf("%w: somebody else holds what is to be changed: %w", db.ErrUnavailable, err)
	}
	return err
}

// ownerOf returns the owner of API keys: a tenant, or zero if slug is Platform.
func ownerOf(ctx context.Context, tx pgx.Tx, slug tenant.Slug) (tenant.ID, error) {
	if slug == Platform {
		return tenant.ID{}, nil
	}
	var name string
	err := tx.QueryRow(ctx, `select id from platform.tenant where slug = $1`, string(slug)).Scan(&name)
	if errors.Is(err, pgx.ErrNoRows) {
		return tenant.ID{}, fmt.Errorf("%w: %s", db.ErrNoTenant, slug)
	}
	if err != nil {
		return tenant.ID{}, err
	}
	return tenant.Parse(name)
}
