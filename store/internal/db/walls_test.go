package db_test

import (
	"context"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

// column returns the first column of a query of the superuser.
func column(t *testing.T, d storetest.Database, sql string) []string {
	t.Helper()
	rows, err := storetest.Connect(t, d.SuperURL).Query(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// ours is a condition on a namespace n: it is not one of PostgreSQL's own.
const ours = ` n.nspname not like 'pg\_%' and n.nspname <> 'information_schema' `

func TestThePathOfALoginEndsWithTemporaryTablesAndNeverHasPublic(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	id := storetest.Tenant(t, admin)
	const path = `select current_setting('search_path')`
	const want = `"$user", tpl, pg_temp`
	var outside string
	if err := s.Pool().QueryRow(t.Context(), path).Scan(&outside); err != nil || outside != want {
		t.Errorf("outside a scope it is %s, %v", outside, err)
	}
	err := s.Tenant(id).Tx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		var inside string
		var schemas []string
		if err := tx.QueryRow(ctx, path).Scan(&inside); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, `select current_schemas(true)::text[]`).Scan(&schemas); err != nil {
			return err
		}
		if inside != want || !slices.Equal(schemas, []string{"pg_catalog", id.Schema()}) {
			t.Errorf("in a scope it is %s, which is %v", inside, schemas)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestThePublicMayConnectAndNothingElse(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	_, admin := storetest.Open(t, d, store.Options{})
	storetest.Tenant(t, admin)
	got := column(t, d, `
		select 'database ' || a.privilege_type from pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba))) as a
		where datname = current_database() and a.grantee = 0
		union all
		select n.nspname || ' ' || a.privilege_type from pg_namespace n, aclexplode(coalesce(nspacl, acldefault('n', nspowner))) as a
		where a.grantee = 0 and`+ours+`
		union all
		select n.nspname || '.' || relname || ' ' || a.privilege_type from pg_class join pg_namespace n on n.oid = relnamespace,
			aclexplode(coalesce(relacl, acldefault(case relkind when 'S' then 's' else 'r' end::"char", relowner))) as a
		where a.grantee = 0 and`+ours+`
		union all
		select n.nspname || '.' || proname || ' ' || a.privilege_type from pg_proc join pg_namespace n on n.oid = pronamespace,
			aclexplode(coalesce(proacl, acldefault('f', proowner))) as a
		where prosecdef and a.grantee = 0 and`+ours)
	if !slices.Equal(got, []string{"database CONNECT"}) {
		t.Errorf("the public may %v", got)
	}
}

func TestEveryFunctionSaysWhereItsNamesAre(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	storetest.Open(t, d, store.Options{})
	all := column(t, d, `select proname::text from pg_proc join pg_namespace n on n.oid = pronamespace where prosecdef and`+ours)
	if !slices.Contains(all, "brand_changed") {
		t.Errorf("functions with their owner's rights: %v", all)
	}
	open := column(t, d, `select n.nspname || '.' || proname from pg_proc join pg_namespace n on n.oid = pronamespace
		where 'search_path=pg_catalog, pg_temp' <> all (coalesce(proconfig, '{}')) and`+ours)
	if len(open) > 0 {
		t.Errorf("functions whose caller decides what their names mean: %v", open)
	}
}

// TestATenantHasTablesOnly shows that no schema has types of its own, whose oids differ between tenants while a
// connection remembers one of them, nor functions, triggers or views, which run with somebody else's rights.
func TestATenantHasTablesOnly(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	_, admin := storetest.Open(t, d, store.Options{})
	storetest.Tenant(t, admin)
	const tenants = `(n.nspname = 'tpl' or n.nspname like 't\_%')`
	got := column(t, d, `
		select 'type ' || typname from pg_type join pg_namespace n on n.oid = typnamespace
		where typrelid = 0 and typelem = 0 and `+tenants+`
		union all
		select 'type ' || typname from pg_type join pg_namespace n on n.oid = typnamespace join pg_class c on c.oid = typrelid
		where c.relkind = 'c' and `+tenants+`
		union all
		select 'function ' || proname from pg_proc join pg_namespace n on n.oid = pronamespace where `+tenants+`
		union all
		select 'trigger ' || tgname from pg_trigger join pg_class c on c.oid = tgrelid join pg_namespace n on n.oid = relnamespace
		where not tgisinternal and `+tenants+`
		union all
		select 'relation ' || relname from pg_class join pg_namespace n on n.oid = relnamespace where relkind not in ('r', 'i', 'S') and `+tenants+`
		union all
		select 'column ' || relname || '.' || attname from pg_attribute join pg_class c on c.oid = attrelid join pg_namespace n on n.oid = relnamespace
			join pg_type y on y.oid = atttypid where relkind = 'r' and y.typnamespace <> 'pg_catalog'::regnamespace and `+tenants)
	if len(got) > 0 {
		t.Errorf("tenants' schemas have %v", got)
	}
}

func TestATenantSeesNoStatisticsAndNoQueriesOfAnother(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	a, b := storetest.Tenant(t, admin), storetest.Tenant(t, admin)
	storetest.Fund(t, s, b, "bob", 500)
	storetest.Super(t, d, `analyze `+b.Schema()+`.account; analyze `+a.Schema()+`.account`)
	err := s.Tenant(b).Tx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `select 'a secret'`); err != nil {
			return err
		}
		return s.Tenant(a).Tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
			for sql, want := range map[string]int{
				`select count(*) from pg_stats where schemaname = '` + a.Schema() + `' and tablename = 'account' and attname = 'kind'`: 1,
				`select count(*) from pg_stats where schemaname = '` + b.Schema() + `'`:                                                0,
				`select count(*) from pg_stat_activity where query like '%a secret%' and pid <> pg_backend_pid()`:                      0,
			} {
				var n int
				if err := tx.QueryRow(ctx, sql).Scan(&n); err != nil || n != want {
					t.Errorf("%s: %d, %v, want %d", sql, n, err, want)
				}
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestWhoLeavesItsRoleHasTheLoginsRightsWhichAreNone runs what only a program with a mistake would: statements that
// are no constants.
func TestWhoLeavesItsRoleHasTheLoginsRightsWhichAreNone(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{MaxConns: 1})
	a, b := storetest.Tenant(t, admin), storetest.Tenant(t, admin)
	for _, leave := range []string{
		`reset role`, `set local role none`, `set role none`, `select set_config('role', 'none', true)`, `set session authorization default`,
	} {
		for _, read := range []string{`select from account`, `select from ` + a.Schema() + `.account`, `select from ` + b.Schema() + `.account`} {
			err := s.Tenant(a).Tx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
				if _, err := tx.Exec(ctx, leave); err != nil {
					return err
				}
				var who string
				if err := tx.QueryRow(ctx, `select current_user`).Scan(&who); err != nil || who != "pitboss_app" {
					t.Errorf("%s: %s, %v", leave, who, err)
				}
				_, err := tx.Exec(ctx, read)
				return err
			})
			if storetest.State(err) != denied {
				t.Errorf("%s; %s: %v, want SQLSTATE %s", leave, read, err, denied)
			}
		}
	}
	for _, sql := range []string{`set local role pitboss_owner`, `set local role postgres`, `set session authorization postgres`, `set local role pg_read_all_data`} {
		if err := storetest.Exec(t, s, a, sql); storetest.State(err) != denied {
			t.Errorf("%s: %v, want SQLSTATE %s", sql, err, denied)
		}
	}
}

func TestASweepOfOneTenantHoldsUpNoOthers(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	a, b := storetest.Tenant(t, admin), storetest.Tenant(t, admin)
	alone := func(ctx context.Context, tx pgx.Tx) (is bool) {
		if err := tx.QueryRow(ctx, db.SweepAlone, "refusal").Scan(&is); err != nil {
			t.Error(err)
		}
		return is
	}
	err := s.Tenant(a).Tx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		if !alone(ctx, tx) {
			t.Error("the first is not alone")
		}
		for id, want := range map[tenant.ID]bool{a: false, b: true} {
			err := s.Tenant(id).Tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
				if is := alone(ctx, tx); is != want {
					t.Errorf("meanwhile %s may sweep: %v", id, is)
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
