package tenancy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/placement"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/migrations"
	"github.com/pitboss-hub/pitboss/store/seal"
)

const (
	// minServer is the oldest PostgreSQL version that is tested, as server_version_num.
	minServer = 150000
	// grantOptionsServer is the first PostgreSQL whose GRANT of a role says by itself that
	// nothing is inherited.
	grantOptionsServer = 160000

	adminConns = MaxWorkers + 2

	// appLockTimeout and the others are the limits of the application's login, so that a node that hangs or vanished in the middle of a
	// transaction does not hold its locks for long, and so that a room, which waits 10 seconds for an
	// append, is told by the server that it waited in vain.
	appLockTimeout      = 3 * time.Second
	appStatementTimeout = 7 * time.Second
	appIdleTimeout      = placement.LeaseTTL
)

// The purposes for which texts of the platform and of tenants are sealed.
const (
	purposeCheck      = "master key check"
	purposeSigningKey = "signing key " // and the key's id
)

// Admin is the database as its owner sees it: it migrates and makes tenants. It is not part
// of a serving node. The owner's login owns the database and may create roles; it need not
// be a superuser.
type Admin struct {
	// Actor is the actor of audit lines. It defaults to "platform".
	Actor string
	// Origin is theirs too. The command line has none.
	Origin rooms.Origin

	job uuid.UUID // that is done; zero: none
	// Log receives what Migrate made because it was missing. If it is nil, nothing is logged.
	Log *slog.Logger
	// OwnHosts are no tenant's domains: AddDomain and CreateTenant refuse them.
	OwnHosts OwnHosts
	// Budget bounds the catalogue: no tenant's schema is made past it. A limit of 0 is that of DefaultBudget.
	Budget Budget

	pool   *pgxpool.Pool
	box    *seal.Box
	known  migrations.Schemas
	server int                // server_version_num
	kill   func(point string) // of tests: called at the named points of a migration; nil: nothing is
}

// at is called at the points of a migration, or of what else is done to a tenant, at which tests kill the process.
func (a *Admin) at(point string) {
	if a.kill != nil {
		a.kill(point)
	}
}

// OpenAdmin connects as the database's owner. box seals the keys of new tenants. It returns
// ErrEncoding or seal.ErrMasterKey.
func OpenAdmin(ctx context.Context, url string, box *seal.Box) (*Admin, error) {
	if box == nil {
		return nil, fmt.Errorf("%w: none was given", seal.ErrMasterKey)
	}
	// Migrations change tables under the statements: nothing is remembered of them.
	pool, err := db.OpenPool(ctx, url, "pitboss admin", pgx.QueryExecModeDescribeExec, adminConns)
	if err != nil {
		return nil, err
	}
	a := &Admin{pool: pool, box: box, known: migrations.Embedded}
	var encoding string
	err = pool.QueryRow(ctx, `select current_setting('server_version_num')::int, current_setting('server_encoding')`).Scan(&a.server, &encoding)
	if err == nil && a.server < minServer {
		err = fmt.Errorf("store: PostgreSQL %d is too old: %d or newer is needed", a.server/10000, minServer/10000)
	}
	if err == nil {
		err = checkEncoding(encoding)
	}
	if err != nil {
		pool.Close()
		return nil, err
	}
	return a, nil
}

// checkEncoding returns ErrEncoding unless a database can keep every text.
func checkEncoding(encoding string) error {
	if encoding != "UTF8" {
		return fmt.Errorf("%w: it is %s", ErrEncoding, encoding)
	}
	return nil
}

// actor returns the actor of audit lines.
func (a *Admin) actor() string {
	if a.Actor == "" {
		return platformActor
	}
	return a.Actor
}

// As returns the same Admin under another actor of audit lines.
func (a *Admin) As(actor string, from rooms.Origin) *Admin {
	b := *a
	b.Actor, b.Origin = actor, from
	return &b
}

// applied notes, in the transaction of a change of a tenant, that the job's change is committed with it: a process that
// begins the job again does not change it twice.
func (a *Admin) applied(ctx context.Context, tx pgx.Tx) error {
	if a.job == uuid.Nil {
		return nil
	}
	_, err := tx.Exec(ctx, `update platform.job set applied = true where id = $1`, a.job)
	return err
}

// Close closes all connections.
func (a *Admin) Close() { a.pool.Close() }

const selectRole = `
select rolsuper or rolbypassrls or pg_has_role(oid, current_user, 'member'), rolinherit or not rolcanlogin
from pg_roles where rolname = $1`

// ensureAppLogin makes the application's login if it is missing, and makes sure that it neither has nor
// inherits rights: the isolation of tenants depends on that.
//
//pitboss:sql DDL; names are quoted
func (a *Admin) ensureAppLogin(ctx context.Context, appURL string) (role string, err error) {
	c, err := pgx.ParseConfig(appURL)
	if err != nil {
		return "", fmt.Errorf("store: the application's database URL: %w", err)
	}
	role = c.User
	var owner string
	if err := a.pool.QueryRow(ctx, `select current_user`).Scan(&owner); err != nil {
		return "", fmt.Errorf("store: %w", err)
	}
	if role == owner {
		return "", fmt.Errorf("%w: both are %q", ErrAppLogin, role)
	}
	var tooMighty, wrong bool
	err = a.pool.QueryRow(ctx, selectRole, role).Scan(&tooMighty, &wrong)
	if errors.Is(err, pgx.ErrNoRows) {
		if err := a.createLogin(ctx, role, c.Password); err != nil {
			return "", err
		}
		tooMighty, wrong, err = false, false, nil
	}
	switch {
	case err != nil:
		return "", fmt.Errorf("store: look up login %q: %w", role, err)
	case tooMighty:
		return "", fmt.Errorf("%w: %q is a superuser or a member of %q", ErrAppLogin, role, owner)
	case wrong:
		if _, err := a.pool.Exec(ctx, `alter role `+db.Quote(role)+` login noinherit`); err != nil {
			return "", a.needsAdmin(ctx, role, fmt.Errorf("store: login %q: %w", role, err))
		}
	}
	return role, nil
}

// loginPath is the login's search_path. In a scope "$user" is the tenant's role, and so the
// tenant's schema, which has the same name; outside it is nobody's.
const loginPath = `"$user", ` + template + `, pg_temp`

// A prepared statement keeps the plan that was made when its tables were small, or empty, until
// they are analyzed: the login's plans go by indexes from the start.

// loginSettings are the settings of the login in this database.
var loginSettings = [][2]string{
	{"search_path", loginPath},
	{"enable_seqscan", "off"},
	{"jit", "off"}, // a plan that must read a table from end to end counts as dear enough to be compiled
	{"lock_timeout", fmt.Sprint(appLockTimeout.Milliseconds())},
	{"statement_timeout", fmt.Sprint(appStatementTimeout.Milliseconds())},
	{"idle_in_transaction_session_timeout", fmt.Sprint(appIdleTimeout.Milliseconds())},
}

// LoginSettings returns the settings of the application's login in its database, as PostgreSQL stores them.
func LoginSettings() (out []string) {
	for _, s := range loginSettings {
		out = append(out, s[0]+"="+s[1])
	}
	return out
}

// bindLogin gives the login its settings in this database, and revokes rights of the public that nobody
// needs. Processes that migrate do this one after the other.
//
//pitboss:sql DDL; names are quoted, settings are constants
func bindLogin(ctx context.Context, tx pgx.Tx, role string) error {
	var database string
	if err := tx.QueryRow(ctx, `select current_database()`).Scan(&database); err != nil {
		return err
	}
	// A login that a superuser made cannot be changed by the owner, and need not be if it is as it
	// has to be.
	var has []string
	err := tx.QueryRow(ctx, `select coalesce((select setconfig from pg_db_role_setting s
		join pg_database d on d.oid = s.setdatabase join pg_roles r on r.oid = s.setrole
		where d.datname = current_database() and r.rolname = $1), '{}')`, role).Scan(&has)
	if err != nil {
		return err
	}
	for _, s := range loginSettings {
		if slices.Contains(has, s[0]+"="+s[1]) {
			continue
		}
		if _, err := tx.Exec(ctx, `alter role `+db.Quote(role)+` in database `+db.Quote(database)+` set `+s[0]+` = `+s[1]); err != nil {
			return err
		}
	}
	for _, sql := range []string{
		`grant connect on database ` + db.Quote(database) + ` to ` + db.Quote(role),
		`revoke temporary on database ` + db.Quote(database) + ` from public`,
		`revoke all on schema public from public`,
	} {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// createLogin creates the login; another process may do the same at the same time, since
// logins belong to the whole cluster.
//
//pitboss:sql DDL; the server quotes the name and the password
func (a *Admin) createLogin(ctx context.Context, role, password string) error {
	var sql string
	err := a.pool.QueryRow(ctx, `select format('create role %I login noinherit password %L', $1::text, $2::text)`,
		role, password).Scan(&sql)
	if err != nil {
		return fmt.Errorf("store: create login %q: %w", role, err)
	}
	_, err = a.pool.Exec(ctx, sql)
	if state := db.SQLState(err); err == nil || state == db.StateDuplicateObject || state == db.StateUnique {
		return nil
	}
	return fmt.Errorf("store: create login %q: %w", role, err)
}

// inTx runs fn in a transaction of the owner's.
func (a *Admin) inTx(ctx context.Context, fn func(tx pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, a.pool, fn)
}
