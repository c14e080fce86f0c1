package tenancy

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store/internal/db"
)

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

	// selectPeople finds a key of the tenant's, or of the platform's.
	selectPeople = `select people from platform.api_key where id = $1 and coalesce(tenant, $2) = $2`

	lockAPIKey = `select from platform.api_key where id = $1 and coalesce(tenant, '') = $2 for update`

	replaceAPIKey = `
update platform.api_key set replaced_by = $2, valid_until = clock_timestamp() + $3::interval where id = $1`

	revokeAPIKey = `
update platform.api_key set revoked_at = clock_timestamp() where id = $1 and revoked_at is null`
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
