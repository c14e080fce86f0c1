package tenancy

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
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

const (
	// insertBare adds a tenant that has no name yet, and no schema.
	insertBare = `
insert into platform.tenant (id, slug, status, name, on_trial, currency, exponent, created_on)
values ($1, $1, 'provisioning', '', false, '', 0, $2)`

	// takeReady picks a tenant whose schema was made ahead, the oldest; another process that looks meanwhile gets the next.
	takeReady = `
select id from platform.tenant where status = 'provisioning' and slug = id and schema_version = $1 and rights = $2
order by created_on, id limit 1 for update skip locked`

	countReady = `select count(*) from platform.tenant where status = 'provisioning' and slug = id and schema_version = $1 and rights = $2`

	nameTenant = `
update platform.tenant set slug = $2, name = $3, on_trial = $4, paid_until = $5, currency = $6, exponent = $7, frame_ancestors = $8, created_on = $9,
  status = $10, changed_at = clock_timestamp()
where id = $1`

	// insertDomains inserts the domains in one order, whatever the caller's: two tenants that want each other's at
	// the same time would wait for one another.
	insertDomains = `
insert into platform.domain (domain, tenant, is_primary)
select d, $2, n = 1 from unnest($1::text[]) with ordinality as wanted (d, n) order by d`

	bumpTenant = `
with v as (update platform.instance set directory_version = directory_version + 1 returning directory_version)
update platform.tenant set version = v.directory_version from v where id = $1 returning version`
)

// CreateTenant makes a tenant, whole or not at all: role, schema, tables, rights, signing key, domains and the lobby; or
// gives its name to one that FillPool made ahead, which needs no DDL. With WithoutSchema it reserves the slug and the
// domains, and Provision does the rest. It returns ErrSlugTaken, ErrDomainTaken, ErrTenant, ErrDomain, tenant.ErrSlug,
// ErrCatalogBudget, migrations.ErrNewer, ErrOlderSchema, or ErrOlderNode WithoutSchema.
func (a *Admin) CreateTenant(ctx context.Context, n NewTenant) (Tenant, error) {
	domains, err := n.valid()
	if err == nil {
		err = a.OwnHosts.Check(domains...)
	}
	if err != nil {
		return Tenant{}, err
	}
	exponent, err := currencyDigits(n.Currency)
	if err != nil {
		return Tenant{}, err
	}
	if n.FrameAncestors == nil {
		n.FrameAncestors = []string{}
	}
	var made Tenant
	err = a.inTx(ctx, func(tx pgx.Tx) error {
		in, err := a.ready(ctx, tx)
		if err == nil && n.WithoutSchema {
			err = checkNodes(ctx, tx)
		}
		if err != nil {
			return err
		}
		id, ahead, err := a.bare(ctx, tx, !n.WithoutSchema)
		if err != nil {
			return err
		}
		// The names first: whoever creates the same tenant at the same time waits here and
		// then finds them taken, before it made anything.
		status := Active
		if n.WithoutSchema {
			status = Provisioning
		}
		now := time.Now().UTC().Truncate(time.Millisecond)
		q := &pgx.Batch{}
		q.Queue(insertSlug, string(n.Slug), id.String())
		q.Queue(insertDomains, domains, id.String())
		q.Queue(nameTenant, id.String(), string(n.Slug), string(n.Name), n.OnTrial, n.PaidUntil, n.Currency, exponent, n.FrameAncestors, now, string(status))
		if err := tx.SendBatch(ctx, q).Close(); err != nil {
			return err
		}
		a.at("named")
		made = Tenant{
			ID: id, Slug: n.Slug, Name: string(n.Name), Domains: domains, OnTrial: n.OnTrial, CreatedOn: now,
			Currency: n.Currency, Exponent: exponent, FrameAncestors: n.FrameAncestors, Set: status,
		}
		if n.PaidUntil != nil {
			made.PaidUntil = n.PaidUntil.UTC()
		}
		line := a.line("tenant.create", id.String(), "")
		if line.After, err = jsonOf(slugLine{n.Slug}); err != nil {
			return err
		}
		switch {
		case n.WithoutSchema:
			err = a.writePlatformAudit(ctx, tx, line)
		case !ahead:
			err = a.furnish(ctx, tx, in, id)
			fallthrough
		default:
			if err == nil {
				err = a.writeAudit(ctx, tx, id, line)
			}
		}
		if err != nil {
			return err
		}
		a.at("furnished")
		if err := a.applied(ctx, tx); err != nil {
			return err
		}
		return tx.QueryRow(ctx, bumpTenant, id.String()).Scan(&made.Version)
	})
	slices.Sort(made.Domains[min(1, len(made.Domains)):])
	switch {
	case db.Violates(err, "slug_name"):
		return Tenant{}, fmt.Errorf("%w: %s", ErrSlugTaken, n.Slug)
	case db.Violates(err, "domain_name"):
		return Tenant{}, a.domainTaken(ctx, domains...)
	case err != nil:
		return Tenant{}, fmt.Errorf("store: create tenant %s: %w", n.Slug, err)
	}
	return made, nil
}

// bare returns a tenant without a name: one that was made ahead if there is one and it may be, or a new one without a
// schema.
func (a *Admin) bare(ctx context.Context, tx pgx.Tx, mayBeAhead bool) (id tenant.ID, ahead bool, err error) {
	// Before any row of the tenants', as a migration does that locks the table.
	if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock_shared($1)`, int64(migrateLock)); err != nil {
		return id, false, err
	}
	if mayBeAhead {
		id, err := scanID(tx.QueryRow(ctx, takeReady, a.known.Tenant.Last(), a.known.Tenant.RightsOf(a.known.Tenant.Last())))
		if !errors.Is(err, pgx.ErrNoRows) {
			return id, true, err
		}
	}
	id = tenant.New()
	_, err = tx.Exec(ctx, insertBare, id.String(), time.Now().UTC())
	return id, false, err
}

// Provision makes the schema of a tenant that was created without one. It returns store.ErrNoTenant, ErrStatus or
// ErrCatalogBudget.
func (a *Admin) Provision(ctx context.Context, slug tenant.Slug) (Tenant, error) {
	err := a.inTx(ctx, func(tx pgx.Tx) error {
		in, err := a.ready(ctx, tx)
		if err != nil {
			return err
		}
		var status Status
		id, err := scanID(tx.QueryRow(ctx, `select id, status from platform.tenant where slug = $1 for update`, string(slug)), &status)
		if err != nil {
			return err
		}
		if status != Provisioning {
			return fmt.Errorf("%w: it is %s, and has a schema", ErrStatus, status)
		}
		if err := a.furnish(ctx, tx, in, id); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, updateStatus, id.String(), string(Active), "", nil); err != nil {
			return err
		}
		line := a.line("tenant.provision", id.String(), "")
		if line.After, err = jsonOf(slugLine{slug}); err != nil {
			return err
		}
		if err := a.writeAudit(ctx, tx, id, line); err != nil {
			return err
		}
		if err := a.applied(ctx, tx); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, bumpTenant, id.String())
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return Tenant{}, fmt.Errorf("%w: %s", db.ErrNoTenant, slug)
	}
	if err != nil {
		return Tenant{}, fmt.Errorf("store: provision %s: %w", slug, err)
	}
	return a.Tenant(ctx, slug)
}

// FillPool makes tenants ahead until there are n without a name, one after the other, each in a transaction of its own, and
// returns how many it made. Processes that fill the pool at the same time may make some too many. It returns ErrCatalogBudget
// or ErrOlderNode.
func (a *Admin) FillPool(ctx context.Context, n int) (made int, err error) {
	for {
		full := false
		err := a.inTx(ctx, func(tx pgx.Tx) error {
			in, err := a.ready(ctx, tx)
			if err != nil {
				return err
			}
			var ready int
			if err := tx.QueryRow(ctx, countReady, a.known.Tenant.Last(), a.known.Tenant.RightsOf(a.known.Tenant.Last())).Scan(&ready); err != nil {
				return err
			}
			if full = ready >= n; full {
				return nil
			}
			if err := checkNodes(ctx, tx); err != nil {
				return err
			}
			id, _, err := a.bare(ctx, tx, false)
			if err != nil {
				return err
			}
			if err := a.furnish(ctx, tx, in, id); err != nil {
				return err
			}
			a.at("made ahead")
			return nil
		})
		if err != nil {
			return made, fmt.Errorf("store: make a tenant ahead: %w", err)
		}
		if full {
			return made, nil
		}
		made++
	}
}

// instance is what the whole installation shares.
type instance struct {
	appRole    string // the application's login
	deployment string // a UUID
}

// mark returns the comment of tenants' roles and schemas.
func (in instance) mark() string { return "pitboss " + in.deployment }

// ready returns the instance if the database is of this binary's version.
func (a *Admin) ready(ctx context.Context, tx pgx.Tx) (in instance, err error) {
	var platform, tenants int
	err = tx.QueryRow(ctx, selectVersions).Scan(&platform, &tenants)
	if state := db.SQLState(err); state == db.StateNoTable || state == db.StateNoSchema {
		return in, ErrOlderSchema
	}
	if err != nil {
		return in, err
	}
	if err := a.known.Check(platform, tenants); err != nil {
		return in, err
	}
	if platform < a.known.Platform.Needs() || tenants < a.known.Tenant.Needs() {
		return in, ErrOlderSchema
	}
	var check []byte
	err = tx.QueryRow(ctx, `select app_role, deployment::text, master_check from platform.instance`).Scan(&in.appRole, &in.deployment, &check)
	if errors.Is(err, pgx.ErrNoRows) {
		return in, ErrOlderSchema
	}
	if err != nil {
		return in, err
	}
	return in, checkMaster(a.box, check)
}

const (
	insertKey = `insert into platform.tenant_key (tenant, kid, alg, secret) values ($1, $2, 'HS256', $3)`
)

// furnish makes a tenant's role and schema with all that is in them, its signing key and its lobby. It returns
// ErrCatalogBudget.
func (a *Admin) furnish(ctx context.Context, tx pgx.Tx, in instance, id tenant.ID) error {
	if err := a.checkBudget(ctx, tx); err != nil {
		return err
	}
	if err := a.createSchema(ctx, tx, id, in); err != nil {
		return err
	}
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
		_, err := tx.Exec(ctx, db.InsertRoom, rooms.LobbyID, rooms.LobbyID, lobbyName, "{}")
		return err
	})
}

// inSchema runs fn with the tenant's schema as the path, as the owner.
//
//pitboss:sql the schema is a tenant.ID, quoted
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

// ListTenants returns every tenant, by slug, also those that are out of order or have no schema yet.
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

// scanID returns the tenant's ID in the first column of a row, and scans the other columns.
func scanID(row pgx.Row, others ...any) (tenant.ID, error) {
	var name string
	if err := row.Scan(append([]any{&name}, others...)...); err != nil {
		return tenant.ID{}, err
	}
	return tenant.Parse(name)
}

// orNull returns a time as a parameter of a statement, which is null if the time is zero.
func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
