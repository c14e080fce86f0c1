package tenancy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/migrations"
)

const (
	// migrateLock is the advisory lock that lets one process at a time migrate the platform.
	migrateLock = 0x7069_7462_6f73_7301
	// lockTimeout bounds how long a step waits for a table that players are using: those who
	// come after it wait too.
	lockTimeout = 300 * time.Millisecond
	// lockAttempts is how often a step tries before its tenant is given up.
	lockAttempts = 10
	// lockPause is the unit of the random pause between attempts.
	lockPause = 100 * time.Millisecond

	template = "tpl"
)

// Migrate brings the database to this binary's version: the application's login (made from
// appURL's user and password if it is missing), the platform, the template, and every
// tenant, each in a transaction of its own. It may be run at any time and by any number of
// processes; what is done already is not done again. A database that was restored on another
// server gets the roles and rights that no dump has, and the login the password of appURL. A
// tenant that cannot be migrated keeps its version, the others go on, and the errors are joined.
// It returns migrations.ErrNewer if the database is newer, ErrAppLogin, ErrAppDatabase, ErrGrants or
// seal.ErrMasterKey.
func (a *Admin) Migrate(ctx context.Context, appURL string) error {
	if err := a.warnOfMight(ctx); err != nil {
		return err
	}
	if err := a.checkOwner(ctx); err != nil {
		return err
	}
	if err := a.migratePlatform(ctx, nil); err != nil { // also refuses a newer database before touching it
		return err
	}
	role, err := a.ensureAppLogin(ctx, appURL)
	if err != nil {
		return err
	}
	if err := a.checkApp(ctx, role, appURL); err != nil {
		return err
	}
	if err := a.checkRights(ctx, role); err != nil {
		return err
	}
	err = a.migratePlatform(ctx, func(tx pgx.Tx) error { return a.settle(ctx, tx, role) })
	if err != nil {
		return a.needsAdmin(ctx, role, err)
	}
	return a.migrateTenants(ctx, role)
}

const createLedger = `
create schema if not exists platform;
create table if not exists platform.migration (
  scope      text        not null check (scope in ('platform', 'tenant')), -- tenant: the template has it
  version    int         not null,
  name       text        not null,
  applied_at timestamptz not null default now(),
  primary key (scope, version)
)`

const selectVersions = `
select coalesce(max(version) filter (where scope = 'platform'), 0),
       coalesce(max(version) filter (where scope = 'tenant'), 0)
from platform.migration`

// migratePlatform applies the missing steps of the platform and of the template in one transaction, and
// runs then at its end.
//
//pitboss:sql steps are embedded files
func (a *Admin) migratePlatform(ctx context.Context, then func(pgx.Tx) error) error {
	return a.inTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock($1)`, int64(migrateLock)); err != nil {
			return fmt.Errorf("store: migrate: %w", err)
		}
		if _, err := tx.Exec(ctx, createLedger); err != nil {
			return fmt.Errorf("store: migrate: %w", err)
		}
		var platform, tenants int
		if err := tx.QueryRow(ctx, selectVersions).Scan(&platform, &tenants); err != nil {
			return fmt.Errorf("store: migrate: %w", err)
		}
		if err := a.known.Check(platform, tenants); err != nil {
			return err
		}
		for _, m := range a.known.Platform.Steps[platform:] {
			if err := a.step(ctx, tx, "platform", m, m.SQL); err != nil {
				return err
			}
		}
		if tenants == 0 {
			if _, err := tx.Exec(ctx, `create schema `+template); err != nil {
				return fmt.Errorf("store: migrate: %w", err)
			}
		}
		for _, m := range a.known.Tenant.Steps[tenants:] {
			if err := a.step(ctx, tx, "tenant", m, inSchema(template, m)); err != nil {
				return err
			}
		}
		if then == nil {
			return nil
		}
		return then(tx)
	})
}

// step applies a step and records it.
func (a *Admin) step(ctx context.Context, tx pgx.Tx, scope string, m migrations.Step, sql string) error {
	if _, err := tx.Exec(ctx, sql); err != nil {
		return fmt.Errorf("store: %s migration %d %s: %w", scope, m.Version, m.Name, err)
	}
	_, err := tx.Exec(ctx, `insert into platform.migration (scope, version, name) values ($1, $2, $3)`, scope, m.Version, m.Name)
	if err != nil {
		return fmt.Errorf("store: %s migration %d %s: %w", scope, m.Version, m.Name, err)
	}
	return nil
}

// inSchema returns a step's SQL for the schema of a tenant, or for the template.
func inSchema(schema string, m migrations.Step) string {
	return fmt.Sprintf("set local search_path = %s, pg_temp;\n%s;\nupdate _meta set version = %d;\nset local search_path = pg_catalog, pg_temp",
		db.Quote(schema), m.SQL, m.Version)
}

// settle records the application's login and the master key, and grants the login its rights.
//
//pitboss:sql grants are an embedded file; the role is quoted
func (a *Admin) settle(ctx context.Context, tx pgx.Tx, role string) error {
	var check []byte
	err := tx.QueryRow(ctx, `select master_check from platform.instance`).Scan(&check)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("store: migrate: %w", err)
	}
	if err := checkMaster(a.box, check); err != nil {
		return err
	}
	if check == nil {
		if check, err = a.box.Seal(tenant.ID{}, purposeCheck, []byte("pitboss")); err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, `insert into platform.instance (app_role, master_check) values ($1, $2)
		on conflict (one) do update set app_role = $1, master_check = $2`, role, check)
	if err != nil {
		return fmt.Errorf("store: migrate: %w", err)
	}
	grants := a.known.Platform.GrantsFor("platform", role) + `; grant usage on schema ` + template + ` to ` + db.Quote(role)
	if _, err := tx.Exec(ctx, grants); err != nil {
		return fmt.Errorf("store: rights of login %q: %w", role, err)
	}
	if err := bindLogin(ctx, tx, role); err != nil {
		return fmt.Errorf("store: rights of login %q: %w", role, err)
	}
	return nil
}

// migrateTenants migrates the tenants that need anything, which one query finds. The others are not touched.
func (a *Admin) migrateTenants(ctx context.Context, role string) error {
	names, err := a.lacking(ctx)
	if err != nil {
		return err
	}
	var failed []error
	for _, name := range names {
		if err := a.migrateTenant(ctx, name, role); err != nil {
			failed = append(failed, fmt.Errorf("store: migrate %s: %w", name, err))
		}
	}
	return errors.Join(failed...)
}

func (a *Admin) migrateTenant(ctx context.Context, name, role string) error {
	id, err := tenant.Parse(name)
	if err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		err := a.inTx(ctx, func(tx pgx.Tx) error {
			var version int
			err := tx.QueryRow(ctx, `select schema_version from platform.tenant where id = $1 for update`, name).Scan(&version)
			if err != nil {
				return err
			}
			if err := a.known.Check(0, version); err != nil {
				return err
			}
			return a.applyTenant(ctx, tx, id, role, version)
		})
		if db.SQLState(err) != db.StateLockTimeout || attempt == lockAttempts {
			return err
		}
		if err := db.Pause(ctx, attempt, lockPause); err != nil {
			return err
		}
	}
}

// applyTenant brings an existing schema from a version to the last one, with all grants.
//
//pitboss:sql steps and grants are embedded files; the schema and the role are quoted
func (a *Admin) applyTenant(ctx context.Context, tx pgx.Tx, id tenant.ID, role string, from int) error {
	if _, err := tx.Exec(ctx, fmt.Sprintf(`set local lock_timeout = %d`, lockTimeout.Milliseconds())); err != nil {
		return err
	}
	if err := a.ensureRole(ctx, tx, id, role); err != nil {
		return fmt.Errorf("role: %w", err)
	}
	for _, m := range a.known.Tenant.Steps[from:] {
		if _, err := tx.Exec(ctx, inSchema(id.Schema(), m)); err != nil {
			return fmt.Errorf("migration %d %s: %w", m.Version, m.Name, err)
		}
	}
	if _, err := tx.Exec(ctx, a.known.Tenant.GrantsFor(id.Schema(), id.Role())); err != nil {
		return fmt.Errorf("grants: %w", err)
	}
	_, err := tx.Exec(ctx, `update platform.tenant set schema_version = $2 where id = $1`, id.String(), a.known.Tenant.Last())
	return err
}
