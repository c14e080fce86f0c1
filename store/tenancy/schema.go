package tenancy

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store/internal/db"
)

// createSchema makes a tenant's role and schema, of the template's version, with all tables and rights. A
// migration does not move the template on before the transaction ends, so it finds the tenant.
func (a *Admin) createSchema(ctx context.Context, tx pgx.Tx, id tenant.ID, app string) error {
	_, err := tx.Exec(ctx, `select pg_advisory_xact_lock_shared($1), `+tenantLock(2), int64(migrateLock), id.String())
	if err != nil {
		return err
	}
	var platform, version int
	if err := tx.QueryRow(ctx, selectVersions).Scan(&platform, &version); err != nil {
		return err
	}
	if err := a.known.Check(platform, version); err != nil {
		return err
	}
	role := db.Quote(id.Role())
	member := `grant ` + role + ` to ` + db.Quote(app)
	if a.server >= grantOptionsServer {
		member += ` with inherit false, set true`
	}
	_, err = tx.Exec(ctx, fmt.Sprintf("create role %s nologin noinherit; %s; create schema %s; set local search_path = %s, pg_temp;\n%s;\n%s;\nset local search_path = pg_catalog, pg_temp",
		role, member, db.Quote(id.Schema()), db.Quote(id.Schema()), a.known.Tenant.Fresh(version), a.known.Tenant.GrantsFor(id.Schema(), id.Role(), version)))
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `update platform.tenant set schema_version = $2, rights = $3 where id = $1`, id.String(), version, a.known.Tenant.RightsOf(version))
	return err
}

// tenantLock is the SQL that takes the lock of the tenant whose ID is $n until the transaction ends. Whoever
// makes, migrates, renames or removes a tenant's schema holds it.
func tenantLock(n int) string {
	return fmt.Sprintf(`pg_advisory_xact_lock(%d, hashtext($%d::text))`, tenantLocks, n)
}

// tenantLocks is the first key of the advisory locks of tenants.
const tenantLocks = 0x7062_746d
