package tenancy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store/internal/db"
)

var (
	// ErrGrants means that the owner's login lacks rights that only a superuser can give it; the
	// text has the statements.
	ErrGrants = errors.New("store: the owner's login lacks rights; a superuser has to run")
	// ErrAppDatabase means that the application's URL does not lead to the owner's database.
	ErrAppDatabase = errors.New("store: the application's database URL does not lead to the database that is migrated")
)

// Roles belong to a whole server and are in no dump of a database: what follows finds out what a
// restored database lacks.

// memberRight returns the SQL of whether app is a member of role as it must be: able to act as it, and
// inheriting nothing. Before PostgreSQL 16 the login's NOINHERIT says so.
func (a *Admin) memberRight() string {
	if a.server < grantOptionsServer {
		return `exists (select from pg_auth_members m where m.roleid = r.oid and m.member = app.oid)`
	}
	return `(exists (select from pg_auth_members m where m.roleid = r.oid and m.member = app.oid and m.set_option)
		and not exists (select from pg_auth_members m where m.roleid = r.oid and m.member = app.oid and m.inherit_option))`
}

// hasSchema is the condition that a tenant t has a schema that nodes may use, or will: it is not archived or purged, nor
// reserved without one.
const hasSchema = `t.status not in ('archived', 'purged') and not (t.status = 'provisioning' and t.slug <> t.id)`

// lacking returns the tenants that lack anything: migrations up to a version, their role, a membership, or rights.
// A database that was not migrated yet has no column for the rights.
//
//pitboss:sql conditions are constants
func (a *Admin) lacking(ctx context.Context, q querier, version int) ([]lack, error) {
	rows, _ := q.Query(ctx, `
select t.id, t.slug, t.schema_version from platform.tenant t
left join pg_roles r on r.rolname = t.id
left join pg_namespace n on n.nspname = t.id
left join pg_class c on c.relnamespace = n.oid and c.relname = 'room'
left join pg_roles app on app.rolname = (select app_role::name from platform.instance)
where `+hasSchema+` and (t.schema_version < $1 or t.schema_version = $1 and to_jsonb(t) ->> 'rights' is distinct from $2 or r.oid is null or n.oid is null or c.oid is null
  or not has_schema_privilege(r.oid, n.oid, 'USAGE') or not has_table_privilege(r.oid, c.oid, 'UPDATE')
  or not `+a.memberRight()+`)
order by t.id`, version, a.known.Tenant.RightsOf(version))
	var l lack
	var out []lack
	_, err := pgx.ForEachRow(rows, []any{&l.name, &l.slug, &l.version}, func() error {
		out = append(out, l)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("store: migrate tenants: %w", err)
	}
	return out, nil
}

// checkRights returns ErrGrants with what a superuser has to run before the owner can migrate: since
// PostgreSQL 16, CREATEROLE alone changes and grants no role that somebody else made, as those that
// pg_dumpall restores.
//
//pitboss:sql conditions are constants
func (a *Admin) checkRights(ctx context.Context, app string) error {
	if a.server < grantOptionsServer {
		return nil
	}
	var role, owner string
	var missing []string
	rows, _ := a.pool.Query(ctx, `
select r.rolname, current_user from platform.tenant t
join pg_roles r on r.rolname = t.id
left join pg_roles app on app.rolname = $1
where not `+a.memberRight()+` and not pg_has_role(r.oid, 'MEMBER WITH ADMIN OPTION')
order by r.rolname`, app)
	_, err := pgx.ForEachRow(rows, []any{&role, &owner}, func() error {
		missing = append(missing, grantAdmin(role, owner))
		return nil
	})
	if err != nil {
		return fmt.Errorf("store: rights of the owner's login: %w", err)
	}
	if len(missing) > 0 {
		return fmt.Errorf("%w:\n%s", ErrGrants, strings.Join(missing, "\n"))
	}
	return nil
}

// grantAdmin returns the statement by which a superuser lets the owner grant and change a role.
func grantAdmin(role, owner string) string {
	return fmt.Sprintf("GRANT %s TO %s WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;", db.Quote(role), db.Quote(owner))
}

// checkOwner returns ErrGrants if schemas of ours belong to somebody else, as after a restore by a
// superuser.
func (a *Admin) checkOwner(ctx context.Context) error {
	var schema, who, owner string
	var missing []string
	rows, _ := a.pool.Query(ctx, `
select n.nspname, r.rolname, current_user from pg_namespace n join pg_roles r on r.oid = n.nspowner
where (n.nspname in ('platform', $1) or n.nspname ~ '^t_([a-z2-7]{16}|[a-z0-9_]+_[a-z2-7]{6})$') and not pg_has_role(r.oid, 'USAGE')
order by n.nspname`, template)
	_, err := pgx.ForEachRow(rows, []any{&schema, &who, &owner}, func() error {
		missing = append(missing, fmt.Sprintf("ALTER SCHEMA %s OWNER TO %s;", db.Quote(schema), db.Quote(owner)))
		return nil
	})
	if err != nil {
		return fmt.Errorf("store: owners of schemas: %w", err)
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("%w the following, and the same for the tables in these schemas, which belong to %s; or restore again with pg_restore --no-owner --no-privileges as %s:\n%s",
		ErrGrants, db.Quote(who), db.Quote(owner), strings.Join(missing, "\n"))
}

// ensureRole makes a tenant's role if it is missing, and the login a member of it.
//
//pitboss:sql DDL; names are quoted
func (a *Admin) ensureRole(ctx context.Context, tx pgx.Tx, id tenant.ID, app string) error {
	var exists, schema, member bool
	err := tx.QueryRow(ctx, `
select r.oid is not null, n.oid is not null, coalesce(`+a.memberRight()+`, false)
from (select $1::name as name, $2::name as app) x
left join pg_roles r on r.rolname = x.name left join pg_namespace n on n.nspname = x.name left join pg_roles app on app.rolname = x.app`,
		id.Role(), app).Scan(&exists, &schema, &member)
	if err != nil {
		return err
	}
	if !schema {
		return fmt.Errorf("its schema %s is missing: restore it from a backup", id.Schema())
	}
	if !exists {
		if _, err := tx.Exec(ctx, `create role `+db.Quote(id.Role())+` nologin noinherit`); err != nil {
			return err
		}
		a.log().InfoContext(ctx, "made the role that was missing", "tenant", id)
	}
	if member {
		return nil
	}
	grant := `grant ` + db.Quote(id.Role()) + ` to ` + db.Quote(app)
	if a.server >= grantOptionsServer {
		grant += ` with inherit false, set true`
	}
	if _, err := tx.Exec(ctx, grant); err != nil {
		return err
	}
	a.log().InfoContext(ctx, "the app's login may act as the tenant's role", "tenant", id, "login", app)
	return nil
}

func (a *Admin) log() *slog.Logger {
	if a.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return a.Log
}

const selectPlace = `select (select system_identifier from pg_control_system()), (select oid::bigint from pg_database where datname = current_database())`

// checkApp makes sure that the application's URL works and leads to this database: a password that is
// refused becomes the login's. A server that does not answer, such as a pooler that is started later, is
// logged and is no error.
func (a *Admin) checkApp(ctx context.Context, role, appURL string) error {
	conn, err := pgx.Connect(ctx, appURL)
	if state := db.SQLState(err); state == db.StateWrongPassword || state == db.StateNoAuthorization {
		if err := a.setPassword(ctx, role, appURL); err != nil {
			return err
		}
		conn, err = pgx.Connect(ctx, appURL)
	}
	switch state := db.SQLState(err); {
	case state == db.StateDenied: // to connect: that right is granted below
		return nil
	case state != "":
		return fmt.Errorf("%w: %w", ErrAppDatabase, err)
	case err != nil && ctx.Err() == nil:
		a.log().WarnContext(ctx, "the app's database URL could not be tried: nothing answers there", "error", err)
		return nil
	case err != nil:
		return fmt.Errorf("store: the application's database URL: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var owner, app [2]int64
	if err := a.pool.QueryRow(ctx, selectPlace).Scan(&owner[0], &owner[1]); err != nil {
		return fmt.Errorf("store: identify the database: %w", err)
	}
	if err := conn.QueryRow(ctx, selectPlace).Scan(&app[0], &app[1]); err != nil {
		return fmt.Errorf("store: identify the application's database: %w", err)
	}
	switch {
	case owner[0] != app[0]:
		return fmt.Errorf("%w: it is on another server", ErrAppDatabase)
	case owner[1] != app[1]:
		return fmt.Errorf("%w: it is another database of the same server", ErrAppDatabase)
	}
	return nil
}

// setPassword makes the application's URL's password that of its login.
//
//pitboss:sql DDL; the server quotes the name and the password
func (a *Admin) setPassword(ctx context.Context, role, appURL string) error {
	c, err := pgx.ParseConfig(appURL)
	if err != nil {
		return fmt.Errorf("store: the application's database URL: %w", err)
	}
	var sql string
	if err := a.pool.QueryRow(ctx, `select format('alter role %I password %L', $1::text, $2::text)`, role, c.Password).Scan(&sql); err != nil {
		return fmt.Errorf("store: password of login %q: %w", role, err)
	}
	if _, err := a.pool.Exec(ctx, sql); err != nil {
		return a.needsAdmin(ctx, role, fmt.Errorf("store: password of login %q: %w", role, err))
	}
	a.log().InfoContext(ctx, "the app's login has the password of its database URL now", "login", role)
	return nil
}

// needsAdmin returns err with the grant that is missing if err is that the owner may not change a role.
func (a *Admin) needsAdmin(ctx context.Context, role string, err error) error {
	if db.SQLState(err) != db.StateDenied || a.server < grantOptionsServer {
		return err
	}
	var owner string
	if a.pool.QueryRow(ctx, `select current_user`).Scan(&owner) != nil {
		return err
	}
	return fmt.Errorf("%w:\n%s\n(%w)", ErrGrants, grantAdmin(role, owner), err)
}

// warnOfMight logs a warning if the owner's login can do more than it needs.
func (a *Admin) warnOfMight(ctx context.Context) error {
	var super, programs bool
	err := a.pool.QueryRow(ctx, `select rolsuper, pg_has_role('pg_execute_server_program', 'MEMBER') from pg_roles where rolname = current_user`).Scan(&super, &programs)
	if err != nil {
		return fmt.Errorf("store: rights of the owner's login: %w", err)
	}
	if super || programs {
		a.log().WarnContext(ctx, "the owner's login is a superuser or may run programs on the database's server: it needs CREATEROLE and its database, no more", "superuser", super)
	}
	return nil
}
