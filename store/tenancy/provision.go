package tenancy

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store/internal/db"
)

const (
	signingKeySize = 32 // bytes of an HS256 secret
	keyIDBytes     = 8
	// platformActor is the actor of audit lines for what the platform's people did.
	platformActor = "platform"
	lobbyName     = "Lobby"
)

const insertTenant = `
insert into platform.tenant (id, slug, name, on_trial, paid_until, currency, exponent, frame_ancestors, created_on)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`

const bumpTenant = `
with v as (update platform.instance set directory_version = directory_version + 1 returning directory_version)
update platform.tenant set version = v.directory_version from v where id = $1`

// CreateTenant makes a tenant, whole or not at all: role, schema, tables, rights, signing
// key, domains and the lobby. It returns ErrSlugTaken, ErrDomainTaken, ErrTenant, ErrDomain,
// tenant.ErrSlug, migrations.ErrNewer or ErrOlderSchema.
func (a *Admin) CreateTenant(ctx context.Context, n NewTenant) (Tenant, error) {
	domains, err := n.valid()
	if err != nil {
		return Tenant{}, err
	}
	exponent, err := currencyDigits(n.Currency)
	if err != nil {
		return Tenant{}, err
	}
	id, err := tenant.New(n.Slug)
	if err != nil {
		return Tenant{}, err
	}
	if n.FrameAncestors == nil {
		n.FrameAncestors = []string{}
	}
	err = a.inTx(ctx, func(tx pgx.Tx) error {
		role, err := a.ready(ctx, tx)
		if err != nil {
			return err
		}
		// The names first: whoever creates the same tenant at the same time waits here and
		// then finds them taken, before it made anything.
		_, err = tx.Exec(ctx, insertTenant, id.String(), string(n.Slug), string(n.Name), n.OnTrial, orNull(n.PaidUntil),
			n.Currency, exponent, n.FrameAncestors, time.Now().UTC().Truncate(time.Millisecond))
		if err != nil {
			return err
		}
		for i, d := range domains {
			_, err := tx.Exec(ctx, `insert into platform.domain (domain, tenant, is_primary) values ($1, $2, $3)`, d, id.String(), i == 0)
			if err != nil {
				return err
			}
		}
		if err := a.createSchema(ctx, tx, id, role); err != nil {
			return err
		}
		if err := a.furnish(ctx, tx, id); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, bumpTenant, id.String())
		return err
	})
	switch {
	case db.Violates(err, "tenant_slug"):
		return Tenant{}, fmt.Errorf("%w: %s", ErrSlugTaken, n.Slug)
	case db.Violates(err, "domain_name"):
		return Tenant{}, a.domainTaken(ctx, domains...)
	case err != nil:
		return Tenant{}, fmt.Errorf("store: create tenant %s: %w", n.Slug, err)
	}
	return a.Tenant(ctx, n.Slug)
}

// ready returns the application's login if the database is of this binary's version.
func (a *Admin) ready(ctx context.Context, tx pgx.Tx) (role string, err error) {
	var platform, tenants int
	err = tx.QueryRow(ctx, selectVersions).Scan(&platform, &tenants)
	if state := db.SQLState(err); state == db.StateNoTable || state == db.StateNoSchema {
		return "", ErrOlderSchema
	}
	if err != nil {
		return "", err
	}
	if err := a.known.Check(platform, tenants); err != nil {
		return "", err
	}
	if platform < a.known.Platform.Needs() || tenants < a.known.Tenant.Needs() {
		return "", ErrOlderSchema
	}
	var check []byte
	err = tx.QueryRow(ctx, `select app_role, master_check from platform.instance`).Scan(&role, &check)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", ErrOlderSchema
	}
	if err != nil {
		return "", err
	}
	return role, checkMaster(a.box, check)
}

const (
	insertKey = `insert into platform.tenant_key (tenant, kid, alg, secret) values ($1, $2, 'HS256', $3)`
)

// furnish gives a new tenant its signing key, its lobby and its first audit line.
func (a *Admin) furnish(ctx context.Context, tx pgx.Tx, id tenant.ID) error {
	name, err := newKeyID()
	if err != nil {
		return err
	}
	secret := make([]byte, signingKeySize)
	if _, err := rand.Read(secret); err != nil {
		return err
	}
	sealed, err := a.box.Seal(id, purposeSigningKey+name, secret)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, insertKey, id.String(), name, sealed); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, db.InsertIndex, id.String(), rooms.LobbyID); err != nil {
		return err
	}
	return a.inSchema(ctx, tx, id, func() error {
		if _, err := tx.Exec(ctx, db.InsertRoom, rooms.LobbyID, rooms.LobbyID, lobbyName, "{}"); err != nil {
			return err
		}
		return db.WriteAudit(ctx, tx, rooms.Audit{Actor: a.actor(), Action: "tenant.create", Target: id.String()})
	})
}

// inSchema runs fn with the tenant's schema as the path, as the owner.
func (a *Admin) inSchema(ctx context.Context, tx pgx.Tx, id tenant.ID, fn func() error) error {
	if _, err := tx.Exec(ctx, `set local search_path = `+db.Quote(id.Schema())+`, pg_temp`); err != nil {
		return err
	}
	if err := fn(); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `set local search_path = pg_catalog, pg_temp`)
	return err
}

// Suspend shuts a tenant out, with a reason that its people are shown: every node refuses
// it within a second. Suspending again replaces the reason. It returns store.ErrNoTenant or store.ErrInvalid.
func (a *Admin) Suspend(ctx context.Context, slug tenant.Slug, reason strict.Line) error {
	if err := db.CheckReason(reason); err != nil {
		return err
	}
	return a.setStatus(ctx, slug, "suspended", "tenant.suspend", reason)
}

// Resume lets a suspended tenant in again. It returns store.ErrNoTenant.
func (a *Admin) Resume(ctx context.Context, slug tenant.Slug) error {
	return a.setStatus(ctx, slug, "active", "tenant.resume", "")
}

func (a *Admin) setStatus(ctx context.Context, slug tenant.Slug, status, action string, reason strict.Line) error {
	err := a.inTx(ctx, func(tx pgx.Tx) error {
		var name string
		err := tx.QueryRow(ctx, `update platform.tenant set status = $2, suspended_for = $3 where slug = $1 returning id`,
			string(slug), status, string(reason)).Scan(&name)
		if err != nil {
			return err
		}
		id, err := tenant.Parse(name)
		if err != nil {
			return err
		}
		err = a.inSchema(ctx, tx, id, func() error {
			return db.WriteAudit(ctx, tx, rooms.Audit{Actor: a.actor(), Action: action, Target: name, Reason: string(reason)})
		})
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, bumpTenant, name)
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("%w: %s", db.ErrNoTenant, slug)
	}
	if err != nil {
		return fmt.Errorf("store: %s %s: %w", action, slug, err)
	}
	return nil
}

// ListTenants returns every tenant, by slug, also those that are out of order.
func (a *Admin) ListTenants(ctx context.Context) ([]Tenant, error) {
	var out []Tenant
	err := a.inTx(ctx, func(tx pgx.Tx) error {
		list, err := loadTenants(ctx, tx, a.box, false)
		out = list
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store: list tenants: %w", err)
	}
	return out, nil
}

// Tenant returns one tenant, or store.ErrNoTenant.
func (a *Admin) Tenant(ctx context.Context, slug tenant.Slug) (Tenant, error) {
	all, err := a.ListTenants(ctx)
	if err != nil {
		return Tenant{}, err
	}
	for _, t := range all {
		if t.Slug == slug {
			return t, nil
		}
	}
	return Tenant{}, fmt.Errorf("%w: %s", db.ErrNoTenant, slug)
}

// orNull returns a time as a parameter of a statement, which is null if the time is zero.
func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
