package tenancy

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/jwks"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/store/internal/db"
)

const (
	// KeysMax is the largest number of keys and key sets of a tenant that are active at once.
	KeysMax = 16
	// maxURL bounds the URL of a key set.
	maxURL = 2000
)

var (
	// ErrKeyExists means that a tenant has, or had, a key of this ID.
	ErrKeyExists = errors.New("store: a key of this id exists, or was retired: choose another")
	// ErrNoKey means that a tenant has no active key of this ID.
	ErrNoKey = errors.New("store: no such key is active")
	// ErrTooManyKeys means that a tenant has KeysMax.
	ErrTooManyKeys = fmt.Errorf("store: %d keys are active: retire one before", KeysMax)
	// ErrKey means that what was given cannot be a key; its text says why.
	ErrKey = errors.New("store: not a key")
)

var _ jwks.Directory = (*Directory)(nil)

// Keys returns the stored keys that verify a tenant's tokens, the newest first, which is the one
// to sign with; nil if there is no such tenant.
func (d *Directory) Keys(id tenant.ID) []auth.Key {
	t, ok := d.ByID(id)
	if !ok {
		return nil
	}
	return slices.Clone(t.keys.active)
}

// KeySets implements jwks.Directory.
func (d *Directory) KeySets(id tenant.ID) []jwks.Source {
	t, ok := d.ByID(id)
	if !ok || len(t.keys.sets) == 0 {
		return nil
	}
	return t.keySets()
}

// AllKeySets implements jwks.Directory.
func (d *Directory) AllKeySets() []jwks.Source {
	var out []jwks.Source
	for _, t := range d.now.Load().all {
		if len(t.keys.sets) > 0 {
			out = append(out, t.keySets()...)
		}
	}
	return out
}

func (t *Tenant) keySets() []jwks.Source {
	sets := slices.Clone(t.keys.sets)
	for i := range sets {
		sets[i].Tenant = t.ID
	}
	return sets
}

// RetiredKey implements jwks.Directory.
func (d *Directory) RetiredKey(id tenant.ID, kid string) bool {
	t, ok := d.ByID(id)
	return ok && t.keys.retired[kid]
}

// KeyInfo describes a key without its secret.
type KeyInfo struct {
	ID        string    `json:"kid"`
	Alg       string    `json:"alg"` // JWKS: a set, whose keys have algorithms and ids of their own
	URL       string    `json:"url,omitempty"`
	State     string    `json:"state"` // active, retired
	CreatedAt time.Time `json:"created_at"`
	RetiredAt time.Time `json:"retired_at,omitzero"`
}

// The algorithms of rows of platform.tenant_key whose keys are elsewhere.
const (
	algSet     = "JWKS"
	algUnknown = "" // of a set's key that was retired by its name
)

const (
	listKeys = `
select kid, alg, coalesce(jwks_url, ''), state, created_at, retired_at from platform.tenant_key where tenant = $1
order by state, created_at desc, kid`

	countKeys = `select count(*) from platform.tenant_key where tenant = $1 and state = 'active'`

	insertAnyKey = `
insert into platform.tenant_key (tenant, kid, alg, secret, public_pem, jwks_url, created_at) values ($1, $2, $3, $4, $5, $6, clock_timestamp())`

	retireKey = `
update platform.tenant_key set state = 'retired', retired_at = clock_timestamp(), secret = null
where tenant = $1 and kid = $2 and state = 'active'
returning kid, alg, coalesce(jwks_url, ''), state, created_at, retired_at`

	retireSecrets = `
update platform.tenant_key set state = 'retired', retired_at = clock_timestamp(), secret = null
where tenant = $1 and kid <> $2 and alg = 'HS256' and state = 'active'
returning kid, alg, coalesce(jwks_url, ''), state, created_at, retired_at`

	// retireFromSet retires a key of a set by its name.
	retireFromSet = `
insert into platform.tenant_key (tenant, kid, alg, state, created_at, retired_at)
select $1, $2, '', 'retired', clock_timestamp(), clock_timestamp()
where exists (select from platform.tenant_key where tenant = $1 and alg = 'JWKS' and state = 'active')
on conflict do nothing
returning kid, alg, '', state, created_at, retired_at`
)

func scanKey(row pgx.CollectableRow) (k KeyInfo, err error) {
	var retired *time.Time
	err = row.Scan(&k.ID, &k.Alg, &k.URL, &k.State, &k.CreatedAt, &retired)
	k.CreatedAt = k.CreatedAt.UTC()
	if retired != nil {
		k.RetiredAt = retired.UTC()
	}
	return k, err
}

// ListKeys returns a tenant's keys and key sets, those that are active first. It returns store.ErrNoTenant.
func (a *Admin) ListKeys(ctx context.Context, slug tenant.Slug) ([]KeyInfo, error) {
	var out []KeyInfo
	err := a.inTx(ctx, func(tx pgx.Tx) error {
		var id string
		if err := tx.QueryRow(ctx, `select id from platform.tenant where slug = $1`, string(slug)).Scan(&id); err != nil {
			return err
		}
		rows, _ := tx.Query(ctx, listKeys, id) // its error comes from CollectRows
		var err error
		out, err = pgx.CollectRows(rows, scanKey)
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("%w: %s", db.ErrNoTenant, slug)
	}
	if err != nil {
		return nil, fmt.Errorf("store: list keys: %w", err)
	}
	return out, nil
}

// AddPublicKey adds a public key in PEM that verifies tokens. If kid is empty one is chosen. It
// returns ErrKey, ErrKeyExists, ErrTooManyKeys, store.ErrNoTenant or store.ErrInvalid.
func (a *Admin) AddPublicKey(ctx context.Context, slug tenant.Slug, kid, pem string, reason strict.Line) (KeyInfo, error) {
	public, err := auth.ParsePublicPEM(pem)
	if err != nil {
		return KeyInfo{}, fmt.Errorf("%w: %w", ErrKey, err)
	}
	alg, err := auth.AlgOf(public)
	if err != nil {
		return KeyInfo{}, fmt.Errorf("%w: %w", ErrKey, err)
	}
	k := KeyInfo{ID: kid, Alg: alg}
	return k, a.addKey(ctx, slug, &k, pem, reason)
}

// AddKeySet adds a URL that publishes keys that verify tokens. Nodes read it (see auth/jwks). It returns the errors of AddPublicKey.
func (a *Admin) AddKeySet(ctx context.Context, slug tenant.Slug, kid, at string, reason strict.Line) (KeyInfo, error) {
	if err := checkURL(at); err != nil {
		return KeyInfo{}, err
	}
	k := KeyInfo{ID: kid, Alg: algSet, URL: at}
	return k, a.addKey(ctx, slug, &k, "", reason)
}

// checkURL returns ErrKey unless a set of keys may be published there. The addresses that the host's name
// has are checked by those who read it.
func checkURL(at string) error {
	u, err := url.Parse(at)
	switch {
	case err != nil || len(at) > maxURL || strict.CheckLine(at) != nil:
		return fmt.Errorf("%w: not a URL of at most %d bytes", ErrKey, maxURL)
	case u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "":
		return fmt.Errorf("%w: a key set has a URL as https://casino.example/jwks.json, not %q", ErrKey, at)
	case u.User != nil:
		return fmt.Errorf("%w: a key set is public: its URL has no password", ErrKey)
	case u.Fragment != "":
		return fmt.Errorf("%w: the URL of a key set has no fragment: %q", ErrKey, at)
	}
	return nil
}

func (a *Admin) addKey(ctx context.Context, slug tenant.Slug, k *KeyInfo, pem string, reason strict.Line) error {
	if k.ID == "" {
		id, err := newKeyID()
		if err != nil {
			return err
		}
		k.ID = id
	}
	if !auth.ValidTokenID(k.ID) {
		return fmt.Errorf("%w: a key's id is 1 to 200 printable bytes", ErrKey)
	}
	k.State, k.CreatedAt = "active", time.Now().UTC().Truncate(time.Millisecond)
	return a.changeKeys(ctx, slug, "key.add", k.ID, reason, func(tx pgx.Tx, id tenant.ID) (before, after any, err error) {
		if err := roomForKey(ctx, tx, id); err != nil {
			return nil, nil, err
		}
		_, err = tx.Exec(ctx, insertAnyKey, id.String(), k.ID, k.Alg, nil, textOrNull(pem), textOrNull(k.URL))
		return nil, k, err
	})
}

// RotateKey makes a new secret, with which tokens are signed from now on, and returns it, which nothing
// does again. The secrets before it stay valid until they are retired, which it does if retire is set. It
// returns ErrTooManyKeys, store.ErrNoTenant or store.ErrInvalid.
func (a *Admin) RotateKey(ctx context.Context, slug tenant.Slug, retire bool, reason strict.Line) (k KeyInfo, secret []byte, retired []KeyInfo, err error) {
	k = KeyInfo{Alg: auth.HS256, State: "active", CreatedAt: time.Now().UTC().Truncate(time.Millisecond)}
	if k.ID, err = newKeyID(); err != nil {
		return k, nil, nil, err
	}
	secret = make([]byte, signingKeySize)
	if _, err := rand.Read(secret); err != nil {
		return k, nil, nil, fmt.Errorf("store: no randomness: %w", err)
	}
	err = a.changeKeys(ctx, slug, "key.rotate", k.ID, reason, func(tx pgx.Tx, id tenant.ID) (before, after any, err error) {
		if retire {
			rows, _ := tx.Query(ctx, retireSecrets, id.String(), k.ID) // its error comes from CollectRows
			if retired, err = pgx.CollectRows(rows, scanKey); err != nil {
				return nil, nil, err
			}
		}
		if err := roomForKey(ctx, tx, id); err != nil {
			return nil, nil, err
		}
		sealed, err := a.box.Seal(id, purposeSigningKey+k.ID, secret)
		if err != nil {
			return nil, nil, err
		}
		_, err = tx.Exec(ctx, insertAnyKey, id.String(), k.ID, k.Alg, sealed, nil, nil)
		if len(retired) == 0 {
			return nil, k, err
		}
		return retired, k, err
	})
	return k, secret, retired, err
}

// RetireKey retires a key or a key set for good: on every node, within a second, its tokens are refused, its
// tickets are not redeemed, and the sockets that it let in are closed. A key of a set stays retired by its
// name, whatever the set publishes later. left is the number of keys that are active then. It returns ErrNoKey, store.ErrNoTenant or store.ErrInvalid.
func (a *Admin) RetireKey(ctx context.Context, slug tenant.Slug, kid string, reason strict.Line) (k KeyInfo, left int, err error) {
	if !auth.ValidTokenID(kid) {
		return k, 0, fmt.Errorf("%w: %q", ErrNoKey, kid)
	}
	err = a.changeKeys(ctx, slug, "key.retire", kid, reason, func(tx pgx.Tx, id tenant.ID) (before, after any, err error) {
		for _, sql := range []string{retireKey, retireFromSet} {
			rows, _ := tx.Query(ctx, sql, id.String(), kid) // its error comes from CollectOneRow
			if k, err = pgx.CollectOneRow(rows, scanKey); !errors.Is(err, pgx.ErrNoRows) {
				break
			}
		}
		if errors.Is(err, pgx.ErrNoRows) {
			return nil, nil, fmt.Errorf("%w: %q", ErrNoKey, kid)
		}
		if err != nil {
			return nil, nil, err
		}
		return nil, k, tx.QueryRow(ctx, countKeys, id.String()).Scan(&left)
	})
	return k, left, err
}

func (a *Admin) changeKeys(ctx context.Context, slug tenant.Slug, action, kid string, reason strict.Line, change func(pgx.Tx, tenant.ID) (before, after any, err error)) error {
	if err := db.CheckReason(reason); err != nil {
		return err
	}
	err := a.changeIf(ctx, Status.open, slug, action, kid, reason, change)
	if db.Violates(err, "tenant_key_pkey") {
		return fmt.Errorf("%w: %s", ErrKeyExists, kid)
	}
	return err
}

// roomForKey returns ErrTooManyKeys if a tenant may have no more keys.
func roomForKey(ctx context.Context, tx pgx.Tx, id tenant.ID) error {
	var have int
	if err := tx.QueryRow(ctx, countKeys, id.String()).Scan(&have); err != nil {
		return err
	}
	if have >= KeysMax {
		return ErrTooManyKeys
	}
	return nil
}

func newKeyID() (string, error) {
	b := make([]byte, keyIDBytes)
	if _, err := rand.Read(b); err != nil {
		return "", fmt.Errorf("store: no randomness: %w", err)
	}
	return hex.EncodeToString(b), nil
}

// textOrNull returns a text as a parameter of a statement, which is null if the text is empty.
func textOrNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
