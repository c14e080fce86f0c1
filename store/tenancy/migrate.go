package tenancy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/migrations"
)

const (
	// nodeLockTimeout bounds how long a Contract step waits for the table of nodes: their leases wait behind it.
	nodeLockTimeout = 300 * time.Millisecond

	// migrateLock is the advisory lock that lets one process at a time migrate the platform.
	migrateLock = 0x7069_7462_6f73_7301

	template = "tpl"
)

// Migrate brings the database to this binary's version, as Roll does with its defaults.
func (a *Admin) Migrate(ctx context.Context, appURL string) error {
	_, err := a.Roll(ctx, appURL, Rollout{})
	return err
}

// Roll brings the database to this binary's version: the application's login (made from appURL's user and password
// if it is missing), the platform, the template, and every tenant, each version in a transaction of its own. It may
// be run at any time and by any number of processes, which share the work; what is done already is not done again.
// A database that was restored on another server gets the roles and rights that no dump has, and the login the
// password of appURL. A tenant that cannot be migrated keeps its version, the others go on, and the errors are
// joined; after too many of them the run stops. Contract steps wait until all tenants have the version before, and
// until no live node is older: what waits is returned.
// It returns migrations.ErrNewer if the database is newer, ErrAppLogin, ErrAppDatabase, ErrGrants, ErrRun or
// seal.ErrMasterKey.
func (a *Admin) Roll(ctx context.Context, appURL string, r Rollout) (waits []Waiting, err error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	if err := checkSlugs(ctx, a.pool, append(slices.Clone(r.Tenants), r.Canaries...)); err != nil && !isEmpty(err) {
		return nil, err // before anything is changed
	}
	if err := a.warnOfMight(ctx); err != nil {
		return nil, err
	}
	if err := a.checkOwner(ctx); err != nil {
		return nil, err
	}
	if _, err := a.advance(ctx, nil); err != nil { // also refuses a newer database before touching it
		return nil, err
	}
	role, err := a.ensureAppLogin(ctx, appURL)
	if err != nil {
		return nil, err
	}
	if err := a.checkApp(ctx, role, appURL); err != nil {
		return nil, err
	}
	if err := a.checkRights(ctx, role); err != nil {
		return nil, err
	}
	for before := -1; ; {
		got, err := a.advance(ctx, func(tx pgx.Tx) error { return a.settle(ctx, tx, role) })
		if err != nil {
			return nil, a.needsAdmin(ctx, role, err)
		}
		if got.tenants == before { // the tenants have it, and nothing came of that
			return got.waits, nil
		}
		if err := a.migrateTenants(ctx, role, got.tenants, r); err != nil {
			return got.waits, err
		}
		if before = got.tenants; before == a.known.Tenant.Last() {
			return got.waits, nil
		}
	}
}

const createLedger = `
create schema if not exists platform;
create table if not exists platform.migration (
  scope      text        not null check (scope in ('platform', 'tenant')), -- tenant: the template has it
  version    int         not null,
  name       text        not null,
  applied_at timestamptz not null default now(),
  phase      text        not null default '',
  primary key (scope, version)
);
do $$ begin -- of a database that was made before there were phases
  if not exists (select from pg_attribute where attrelid = 'platform.migration'::regclass and attname = 'phase') then
    alter table platform.migration add column phase text not null default '';
  end if;
end $$`

const selectVersions = `
select coalesce(max(version) filter (where scope = 'platform'), 0),
       coalesce(max(version) filter (where scope = 'tenant'), 0)
from platform.migration`

// Waiting is a step that is not applied yet, and the live nodes for which it waits.
type Waiting struct {
	Scope string   `json:"scope"` // platform or tenant
	Step  string   `json:"step"`
	Nodes []string `json:"nodes"`
}

// reached is what advance came to.
type reached struct {
	tenants int // the template's version
	waits   []Waiting
}

// advance applies the missing steps of the platform and of the template in one transaction, up to the first that
// has to wait, and runs then at its end.
//
//pitboss:sql steps are embedded files
func (a *Admin) advance(ctx context.Context, then func(pgx.Tx) error) (reached, error) {
	var out reached
	err := a.inTx(ctx, func(tx pgx.Tx) error {
		out = reached{}
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
			if wait, err := a.mustWait(ctx, tx, "platform", m); err != nil {
				return err
			} else if wait != nil {
				out.waits = append(out.waits, *wait)
				break
			}
			if err := a.step(ctx, tx, "platform", m, m.SQL); err != nil {
				return err
			}
		}
		if tenants == 0 {
			if _, err := tx.Exec(ctx, `create schema `+template); err != nil {
				return fmt.Errorf("store: migrate: %w", err)
			}
		}
		out.tenants = tenants
		for _, m := range a.known.Tenant.Steps[tenants:] {
			if m.Phase == migrations.Contract {
				var behind bool
				err := tx.QueryRow(ctx, `select exists (select from platform.tenant t where `+hasSchema+` and schema_version < $1)`, out.tenants).Scan(&behind)
				if err != nil {
					return fmt.Errorf("store: migrate: %w", err)
				}
				if behind {
					break
				}
			}
			if wait, err := a.mustWait(ctx, tx, "tenant", m); err != nil {
				return err
			} else if wait != nil {
				out.waits = append(out.waits, *wait)
				break
			}
			if err := a.step(ctx, tx, "tenant", m, inSchema(template, m)); err != nil {
				return err
			}
			out.tenants = m.Version
		}
		if then == nil {
			return nil
		}
		return then(tx)
	})
	return out, err
}

// mustWait returns for whom a step has to wait. A node that comes, or comes back, after that gets no lease if it
// is older: it would have to write the table that is locked here.
//
//pitboss:sql the number is a constant
func (a *Admin) mustWait(ctx context.Context, tx pgx.Tx, scope string, m migrations.Step) (*Waiting, error) {
	if m.Phase != migrations.Contract {
		return nil, nil
	}
	lock := fmt.Sprintf(`set local lock_timeout = %d; lock table platform.node in share mode; set local lock_timeout = 0`, nodeLockTimeout.Milliseconds())
	if _, err := tx.Exec(ctx, lock); err != nil {
		return nil, fmt.Errorf("store: migrate: %w", err)
	}
	rows, _ := tx.Query(ctx, `select node from platform.node
		where expires > clock_timestamp() and coalesce(case when versions_by <> incarnation then 0 when $1::text = 'platform' then platform_version else tenant_version end, 0) < $2
		order by node`, scope, m.Version)
	nodes, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("store: migrate: %w", err)
	}
	if len(nodes) == 0 {
		return nil, nil
	}
	return &Waiting{Scope: scope, Step: fmt.Sprintf("%04d_%s", m.Version, m.Name), Nodes: nodes}, nil
}

// step applies a step and records it.
func (a *Admin) step(ctx context.Context, tx pgx.Tx, scope string, m migrations.Step, sql string) error {
	if _, err := tx.Exec(ctx, sql); err != nil {
		return fmt.Errorf("store: %s migration %d %s: %w", scope, m.Version, m.Name, err)
	}
	_, err := tx.Exec(ctx, `insert into platform.migration (scope, version, name, phase) values ($1, $2, $3, $4)`, scope, m.Version, m.Name, string(m.Phase))
	if err != nil {
		return fmt.Errorf("store: %s migration %d %s: %w", scope, m.Version, m.Name, err)
	}
	return nil
}

// inSchema returns a step's SQL for the schema of a tenant, or for the template, which is empty but for single rows:
// a backfill finds nothing there.
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
	var platform, tenants int
	if err := tx.QueryRow(ctx, selectVersions).Scan(&platform, &tenants); err != nil {
		return fmt.Errorf("store: migrate: %w", err)
	}
	_, err = tx.Exec(ctx, `insert into platform.instance (app_role, master_check) values ($1, $2)
		on conflict (one) do update set app_role = $1, master_check = $2`, role, check)
	if err != nil {
		return fmt.Errorf("store: migrate: %w", err)
	}
	grants := a.known.Platform.GrantsFor("platform", role, platform) + `; grant usage on schema ` + template + ` to ` + db.Quote(role)
	if _, err := tx.Exec(ctx, grants); err != nil {
		return fmt.Errorf("store: rights of login %q: %w", role, err)
	}
	if err := bindLogin(ctx, tx, role); err != nil {
		return fmt.Errorf("store: rights of login %q: %w", role, err)
	}
	return nil
}
