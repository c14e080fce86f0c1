package tenancy

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store/internal/db"
)

// createSchema makes a tenant's role and schema, of the template's version, with all tables and rights. A
// migration does not move the template on before the transaction ends, so it finds the tenant. The comments of role and
// schema name the installation: roles belong to a whole server, and their names say nothing.
//
//pitboss:sql DDL of embedded files; names are a tenant.ID and the login, quoted
func (a *Admin) createSchema(ctx context.Context, tx pgx.Tx, id tenant.ID, in instance) error {
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
	member := `grant ` + role + ` to ` + db.Quote(in.appRole)
	if a.server >= grantOptionsServer {
		member += ` with inherit false, set true`
	}
	_, err = tx.Exec(ctx, fmt.Sprintf("create role %[1]s nologin noinherit; comment on role %[1]s is '%[7]s'; %[2]s; create schema %[3]s; comment on schema %[3]s is '%[7]s'; set local search_path = %[4]s, pg_temp;\n%[5]s;\n%[6]s;\nset local search_path = pg_catalog, pg_temp",
		role, member, db.Quote(id.Schema()), db.Quote(id.Schema()), a.known.Tenant.Fresh(version), a.known.Tenant.GrantsFor(id.Schema(), id.Role(), version), in.mark()))
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `update platform.tenant set schema_version = $2, rights = $3 where id = $1`, id.String(), version, a.known.Tenant.RightsOf(version))
	return err
}

// tenantLock is the SQL that takes the lock of the tenant whose ID is $n until the transaction ends. Whoever
// makes or migrates a tenant's schema holds it; who archives or purges the tenant locks its row, as a migration does.
func tenantLock(n int) string {
	return fmt.Sprintf(`pg_advisory_xact_lock(%d, hashtext($%d::text))`, tenantLocks, n)
}

// tenantLocks is the first key of the advisory locks of tenants.
const tenantLocks = 0x7062_746d
