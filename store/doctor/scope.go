package doctor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store/internal/db"
)

const (
	selectAccount = `select from account limit 1`
	selectAudit   = `select from audit_log limit 1`
	selectRoom    = `select from room limit 1`
	// sessionChecks bounds how often a connection is asked what was left on it.
	sessionChecks = 16
)

// tried are queries of tables that every tenant has.
var tried = []string{selectAccount, selectAudit, selectRoom}

// within runs fn in a tenant's scope as nodes do, and rolls it back.
//
//pitboss:sql the role is a tenant.ID, quoted
func (d *Doctor) within(ctx context.Context, id tenant.ID, fn func(tx pgx.Tx) error) error {
	return d.rolledBack(ctx, `begin; set local role `+db.Quote(id.Role()), fn)
}

// outside runs fn in a transaction of the application's login, and rolls it back.
func (d *Doctor) outside(ctx context.Context, fn func(tx pgx.Tx) error) error {
	return d.rolledBack(ctx, `begin`, fn)
}

func (d *Doctor) rolledBack(ctx context.Context, begin string, fn func(tx pgx.Tx) error) error {
	err := pgx.BeginTxFunc(ctx, d.app, pgx.TxOptions{BeginQuery: begin}, func(tx pgx.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return errUndo
	})
	if errors.Is(err, errUndo) {
		return nil
	}
	return err
}

// attempt executes a statement in a savepoint that is rolled back, and returns its SQLSTATE; "" if it succeeded. It is
// not prepared by a name: pgbouncer (1.24) remembers the name also if that failed, and ends the client's connection when it
// is prepared again.
func attempt(ctx context.Context, tx pgx.Tx, sql string) (state string, err error) {
	sub, err := tx.Begin(ctx)
	if err != nil {
		return "", err
	}
	rows, err := sub.Query(ctx, sql, pgx.QueryExecModeExec)
	if err == nil {
		rows.Close()
		err = rows.Err()
	}
	if state = db.SQLState(err); err != nil && state == "" {
		return "", err // nothing answers
	}
	return state, sub.Rollback(ctx)
}

// refuses adds to a finding unless a statement is refused with a SQLSTATE.
func (f *finding) refuses(ctx context.Context, tx pgx.Tx, who, sql, want string) error {
	state, err := attempt(ctx, tx, sql)
	switch {
	case err != nil:
		return err
	case state == "":
		f.fail("%s: %s succeeds, and must fail with SQLSTATE %s", who, sql, want)
	case state != want:
		f.fail("%s: %s fails with SQLSTATE %s, and must with %s", who, sql, state, want)
	}
	return nil
}

func unscoped(ctx context.Context, d *Doctor) (f finding, err error) {
	err = d.outside(ctx, func(tx pgx.Tx) error {
		for _, sql := range tried {
			if err := f.refuses(ctx, tx, d.login, sql, db.StateDenied); err != nil {
				return err
			}
		}
		return nil
	})
	if f.status == "" {
		f.say("%d tables were tried: SQLSTATE %s", len(tried), db.StateDenied)
	}
	return f, err
}

//pitboss:sql the path is of an ID that no tenant has, quoted
func missing(ctx context.Context, d *Doctor) (f finding, err error) {
	nobody := tenant.New()
	err = d.outside(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `set local search_path = `+db.Quote(nobody.Schema())+`, pg_temp`); err != nil {
			return err
		}
		for _, sql := range tried {
			if err := f.refuses(ctx, tx, "in "+nobody.Schema(), sql, db.StateNoTable); err != nil {
				return err
			}
		}
		return nil
	})
	return f, err
}

func temporary(ctx context.Context, d *Doctor) (f finding, err error) {
	const sql = `create temporary table pitboss_doctor ()`
	err = d.outside(ctx, func(tx pgx.Tx) error { return f.refuses(ctx, tx, d.login, sql, db.StateDenied) })
	if err != nil || len(d.sample) == 0 {
		return f, err
	}
	of := d.sample[0]
	return f, d.within(ctx, of.id, func(tx pgx.Tx) error { return f.refuses(ctx, tx, of.slug, sql, db.StateDenied) })
}

const selectSession = `select pg_backend_pid(), current_user = session_user, current_setting('role'), current_setting('search_path')`

// session looks at what is left on connections after transactions, of its own and of whoever had them before.
func session(ctx context.Context, d *Doctor) (f finding, err error) {
	want := settingOf(d.o.Settings, "search_path")
	backends := map[int]bool{}
	for i := range sessionChecks {
		if len(d.sample) > 0 {
			if err := d.within(ctx, d.sample[i%len(d.sample)].id, func(tx pgx.Tx) error { _, err := attempt(ctx, tx, selectAccount); return err }); err != nil {
				return f, err
			}
		}
		var pid int
		var same bool
		var role, path string
		if err := d.app.QueryRow(ctx, selectSession).Scan(&pid, &same, &role, &path); err != nil {
			return f, err
		}
		if backends[pid] {
			continue
		}
		backends[pid] = true
		if !same || role != "none" {
			f.fail("the server's process %d has the role %s outside of any transaction", pid, role)
		}
		if path != want {
			f.fail("the server's process %d has the search_path %s outside of any transaction, and not %s", pid, path, want)
		}
	}
	if f.status == "" {
		f.say("%d of the server's processes were asked %d times", len(backends), sessionChecks)
	}
	return f, nil
}

// pooler tells whether there is one: the process that a pooler says a client has is none of PostgreSQL's.
func pooler(ctx context.Context, d *Doctor) (f finding, err error) {
	conn, err := d.app.Acquire(ctx)
	if err != nil {
		return f, err
	}
	defer conn.Release()
	said := conn.Conn().PgConn().PID()
	var pid uint32
	if err := conn.QueryRow(ctx, `select pg_backend_pid()::int8`).Scan(&pid); err != nil {
		return f, err
	}
	if pid == said {
		return skip("there is no pooler at the URL of nodes"), nil
	}
	// The transaction is one server's, whoever else asks meanwhile.
	tx, err := conn.Begin(ctx)
	if err != nil {
		return f, err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	first := uint32(0)
	for range sessionChecks {
		if err := tx.QueryRow(ctx, `select pg_backend_pid()::int8`).Scan(&pid); err != nil {
			return f, err
		}
		if first == 0 {
			first = pid
		}
		if pid != first {
			f.fail("one transaction was executed by the server's processes %d and %d: the pooler lends connections for a statement", first, pid)
		}
	}
	if f.status == "" {
		f.status = Skipped
		f.say("there is a pooler, which lends one connection for a transaction; how it is configured is told to its administrators only: track_extra_parameters must not have search_path")
	}
	return f, nil
}

// scope tries tenants in a ring: each its own tables, the next one's, the template's and the platform's.
//
//pitboss:sql schemas are tenants' or the template, quoted
func scope(ctx context.Context, d *Doctor) (f finding, err error) {
	if len(d.sample) == 0 {
		return skip("there is no tenant to try"), nil
	}
	for i, of := range d.sample {
		foreign := []string{`select from platform.tenant limit 1`, qualified("tpl")}
		if next := d.sample[(i+1)%len(d.sample)]; next.id != of.id {
			foreign = append(foreign, qualified(next.id.Schema()))
		}
		err := d.within(ctx, of.id, func(tx pgx.Tx) error {
			var user string
			var path []string
			if err := tx.QueryRow(ctx, `select current_user, current_schemas(true)::text[]`).Scan(&user, &path); err != nil {
				return err
			}
			if user != of.id.Role() || !slices.Equal(path, []string{"pg_catalog", of.id.Schema()}) {
				f.fail("%s: the role is %s and the path %v, and must lead to %s alone", of.slug, user, path, of.id)
			}
			for _, sql := range tried {
				if state, err := attempt(ctx, tx, sql); err != nil || state != "" {
					f.fail("%s: %s fails with SQLSTATE %s in the tenant's own scope", of.slug, sql, state)
					if err != nil {
						return err
					}
				}
			}
			for _, sql := range foreign {
				if err := f.refuses(ctx, tx, of.slug, sql, db.StateDenied); err != nil {
					return err
				}
			}
			return nil
		})
		if db.SQLState(err) != "" { // others may be well
			f.fail("%s: %v", of.slug, err)
			continue
		}
		if err != nil {
			return f, err
		}
	}
	if f.status == "" {
		f.say("%d tenants were tried", len(d.sample))
	}
	return f, nil
}

// qualified returns the query of a table in a schema.
//
//pitboss:sql the schema is a tenant's or the template, quoted
func qualified(schema string) string { return `select from ` + db.Quote(schema) + `.account limit 1` }

// leaving does what a statement could that is no constant. That it can is why the program has no such statements
// (make vet): from one tenant's role to another's there is no wall but that.
//
//pitboss:sql roles and schemas are of the catalogue, quoted
func leaving(ctx context.Context, d *Doctor) (f finding, err error) {
	if len(d.sample) == 0 {
		return skip("there is no tenant to try"), nil
	}
	var owner string
	if err := d.ask(ctx, func(tx pgx.Tx) error { return tx.QueryRow(ctx, `select current_user`).Scan(&owner) }); err != nil {
		return f, err
	}
	of := d.sample[0]
	for _, leave := range []string{`reset role`, `set local role none`, `select set_config('role', 'none', true)`, `set session authorization default`} {
		err := d.within(ctx, of.id, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, leave); err != nil {
				return err
			}
			for _, sql := range []string{selectAccount, qualified(of.id.Schema()), `set local role ` + db.Quote(owner), `set local role pg_read_all_data`} {
				if err := f.refuses(ctx, tx, "after "+leave, sql, db.StateDenied); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return f, err
		}
	}
	if f.status == "" {
		f.say("the login has no rights of its own; that no statement changes the role rests on their being constants, which make vet checks")
	}
	return f, nil
}

//pitboss:sql the role is a tenant.ID, quoted
func savepoint(ctx context.Context, d *Doctor) (f finding, err error) {
	if len(d.sample) < 2 {
		return skip("there are no two tenants to try"), nil
	}
	a, b := d.sample[0], d.sample[1]
	return f, d.within(ctx, a.id, func(tx pgx.Tx) error {
		sub, err := tx.Begin(ctx)
		if err != nil {
			return err
		}
		if _, err := sub.Exec(ctx, `set local role `+db.Quote(b.id.Role())); err != nil {
			return err
		}
		if err := sub.Rollback(ctx); err != nil {
			return err
		}
		var user string
		if err := tx.QueryRow(ctx, `select current_user`).Scan(&user); err != nil {
			return err
		}
		if user != a.id.Role() {
			f.fail("after a rollback to a savepoint the role is %s, and not %s", user, a.id)
		}
		return f.refuses(ctx, tx, a.slug, qualified(b.id.Schema()), db.StateDenied)
	})
}

// prepared executes one statement in turns for two tenants, more often than a plan is made anew (5 times).
func prepared(ctx context.Context, d *Doctor) (f finding, err error) {
	if len(d.sample) < 2 {
		return skip("there are no two tenants to try"), nil
	}
	const where = `select n.nspname::text from _meta m join pg_class c on c.oid = m.tableoid join pg_namespace n on n.oid = c.relnamespace`
	wrong := map[string]bool{}
	for i := range 16 {
		of := d.sample[i%2]
		err := d.within(ctx, of.id, func(tx pgx.Tx) error {
			var in string
			if err := tx.QueryRow(ctx, where).Scan(&in); err != nil {
				return fmt.Errorf("%s: %w", of.slug, err)
			}
			if in != of.id.Schema() {
				wrong[fmt.Sprintf("%s reads the tables of %s", of.slug, in)] = true
			}
			return nil
		})
		if err != nil {
			return f, err
		}
	}
	for _, w := range slices.Sorted(maps.Keys(wrong)) {
		f.fail("%s", w)
	}
	if f.status == "" {
		f.say("one statement was executed 16 times in turns for %s and %s, by %s", d.sample[0].slug, d.sample[1].slug, d.app.Config().ConnConfig.DefaultQueryExecMode)
	}
	return f, nil
}

// selectLocks finds advisory locks of the login's connections of which no transaction is under way.
const selectLocks = `
select format('the server''s process %s (%s) holds the advisory lock %s, %s and is idle', l.pid, a.application_name, l.classid, l.objid)
from pg_locks l join pg_stat_activity a on a.pid = l.pid
where l.locktype = 'advisory' and l.granted and l.database = (select oid from pg_database where datname = current_database()) and a.state = 'idle'
order by 1`

// locks asks as the application's login, which is shown what its other connections do.
func locks(ctx context.Context, d *Doctor) (f finding, err error) {
	rows, _ := d.control.Query(ctx, selectLocks) // its error comes from CollectRows
	if f.evidence, err = pgx.CollectRows(rows, pgx.RowTo[string]); len(f.evidence) > 0 {
		f.status = Fail
	}
	return f, err
}
