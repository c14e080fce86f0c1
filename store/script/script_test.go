package script_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/script"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

func TestAScriptIsSplitWhereItsStatementsEnd(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"select 1":                                       {"select 1"},
		" select 1 ; ; select 2;\n":                      {"select 1", "select 2"},
		"select ';', \"a;b\", 'it''s;'; x":               {"select ';', \"a;b\", 'it''s;'", "x"},
		`select E'\';', e'a\\'; y`:                       {`select E'\';', e'a\\'`, "y"},
		`select '\'; y`:                                  {`select '\'`, "y"},
		"select $$;$$, $a$ $$;$a$; z":                    {"select $$;$$, $a$ $$;$a$", "z"},
		"select a$b$; c":                                 {"select a$b$", "c"},
		"select 1 -- ; no\n, 2; q":                       {"select 1  \n, 2", "q"},
		"select 1 /* ; /* ; */ ; */ + 2; r":              {"select 1   + 2", "r"},
		"-- nothing\nselect 3":                           {"select 3"},
		"set local work_mem = '1MB'; do $$ begin end $$": {"set local work_mem = '1MB'", "do $$ begin end $$"},
	} {
		got, err := script.Parse(text)
		if err != nil || !slices.Equal(got.Statements(), want) {
			t.Errorf("%q: %q, %v; want %q", text, got.Statements(), err, want)
		}
	}
}

func TestAScriptThatCannotBeOneTransactionIsRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                     "no statement",
		" -- nothing":                          "no statement",
		"select 1;\ncommit":                    "line 2: commit is refused: a script is one transaction",
		"/* x */ ROLLBACK":                     "rollback is refused",
		"begin; select 1":                      "begin is refused",
		"set search_path = x":                  "set is refused: the scope sets the search_path",
		"set role x":                           "set is refused: the scope sets the role",
		"set jit = off":                        "set is refused: what it sets would outlive the transaction: use set local",
		"reset role":                           "reset is refused: a script changes nothing of its session",
		"prepare x as select 1":                "prepare is refused: a script changes nothing of its session",
		"Set /**/ Local\nRole t":               "the scope sets the role",
		"set local session authorization":      "the scope sets the session",
		"set local search_path = x":            "the scope sets the search_path",
		"set local\vsearch_path=x":             "the scope sets the search_path",
		"set local schema 'x'":                 "the scope sets the schema",
		"set local session_authorization = x":  "the scope sets the session_authorization",
		`set local "role" = x`:                 "without quotes",
		`set local "search_path" to x`:         "without quotes",
		`set local U&"r\006fle" = x`:           "without quotes",
		"\vcommit":                             "commit is refused",
		"discard all":                          "discard is refused",
		"copy room from stdin":                 "copy is refused",
		"listen x":                             "listen is refused",
		`\d room`:                              "commands of psql",
		"select 'a":                            "line 1: what begins there does not end",
		"select 1;\n/* /* */":                  "line 2: what begins there does not end",
		"select $a$ $$":                        "does not end",
		strings.Repeat("x;", 1001):             "1001 statements of 1000",
		strings.Repeat(" ", script.BytesMax+1): "more than 1048576 bytes",
	} {
		if _, err := script.Parse(text); !errors.Is(err, script.ErrScript) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", text, err, want)
		}
	}
}

// FuzzParse shows that a statement of a script, parsed again, is one statement.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"select 1; select 2", "select $a$;$a$", "select E'\\';'; x", "/*;*/ --;\n select ';'"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := script.Parse(text)
		if err != nil {
			return
		}
		for _, st := range got.Statements() {
			again, err := script.Parse(st)
			if err != nil || len(again.Statements()) != 1 {
				t.Errorf("%q of %q is %q, %v", st, text, again.Statements(), err)
			}
		}
	})
}

// run parses and runs a script.
func run(t *testing.T, s *store.Store, id tenant.ID, text string, o script.Options) ([]script.Result, error) {
	t.Helper()
	parsed, err := script.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if o.Timeout == 0 {
		o.Timeout = time.Minute
	}
	return parsed.Run(t.Context(), s.DB, id, o)
}

// TestTheErrorOfAStatementIsShownAsWhatItIs has statements fail by themselves, while the database is well.
func TestTheErrorOfAStatementIsShownAsWhatItIs(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	id := storetest.Tenant(t, admin)
	write := script.Options{Write: true, By: "cli:x", Name: "x.sql", Reason: "a test"}
	for _, c := range []struct {
		text, state string
		o           script.Options
		is          error
	}{
		{"update room set name = 'x'", "25006", script.Options{}, script.ErrReadOnly},
		{"select id from room for update", "25006", script.Options{}, script.ErrReadOnly},
		{"select pg_sleep(10)", "57014", script.Options{Timeout: 50 * time.Millisecond}, nil},
		{"select $1", "08P01", script.Options{}, nil},
		{"select 1 / 0", "22012", script.Options{}, nil},
		{"select nonsense", "42703", script.Options{}, nil},
		{"insert into room select * from room", "23505", write, nil},
	} {
		if c.o.Timeout == 0 {
			c.o.Timeout = time.Minute
		}
		_, err := run(t, s, id, c.text, c.o)
		if err == nil || errors.Is(err, db.ErrUnavailable) || !strings.Contains(err.Error(), "line 1: ") || !strings.Contains(err.Error(), c.state) || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: %v", c.text, err)
		}
	}
}

func TestAScriptReadsItsTenantAndWritesOnlyWhenItMay(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	direct, admin := storetest.Open(t, d, store.Options{})
	pooled, err := store.Open(t.Context(), store.Options{URL: storetest.Pooler{Prepared: 200}.Start(t, d), ControlURL: d.AppURL, Box: d.Box})
	if err != nil {
		t.Fatal(err)
	}
	defer pooled.Close()
	a, b := storetest.Tenant(t, admin), storetest.Tenant(t, admin)
	storetest.Fund(t, direct, a, "ann", 500)
	write := script.Options{Write: true, Rows: 10, By: "cli:x", Name: "x.sql", Reason: "a test", Digest: "00"}
	for _, s := range []*store.Store{direct, pooled} {
		got, err := run(t, s, a, "select kind, balance, null from account order by 1 desc;\nselect n from generate_series(1, 5) as n", script.Options{Rows: 2})
		if err != nil || len(got) != 2 {
			t.Fatal(got, err)
		}
		if r := got[1]; len(r.Rows) != 2 || r.More != 3 || r.Line != 2 || *r.Rows[1][0] != "2" {
			t.Errorf("%+v", r)
		}
		if r := got[0]; !slices.Equal(r.Columns, []string{"kind", "balance", "?column?"}) || r.Rows[0][2] != nil {
			t.Errorf("%+v", r)
		}
		for _, text := range []string{
			"update room set name = 'x'", "select set_config('transaction_read_only', 'off', true); update room set name = 'x'",
			"set local transaction_read_only = off; update room set name = 'x'",
		} {
			if _, err := run(t, s, a, text, script.Options{}); err == nil {
				t.Errorf("%s was done by a script that only reads", text)
			}
		}
		for text, state := range map[string]string{
			"select 1 from " + b.Schema() + ".room":               "42501",
			"delete from event":                                   "42501",
			"create table x ()":                                   "42501",
			"do $$ begin commit; end $$":                          "2D000",
			"update room set name = 'half'; select 1/0":           "22012",
			"select set_config('role', 'none', true); select 1":   "",
			"select set_config('role', '" + b.Role() + "', true)": "",
			"select set_config('search_path', 'tpl', true)":       "",
			"select set_config('role', 'none', true); select set_config('role', '" + a.Role() + "', true)": "",
			"do $$ begin reset role; end $$; select set_config('role', '" + a.Role() + "', true)":          "",
		} {
			_, err := run(t, s, a, text, write)
			if storetest.State(err) != state || state == "" && !errors.Is(err, script.ErrLeft) {
				t.Errorf("%s: %v, want SQLSTATE %q", text, err, state)
			}
		}
		got, err = run(t, s, a, "update room set name = name where id = 'lobby' returning id;\ninsert into audit_log (actor, action, target, reason, address) values ('x', 'x', '', '', '')", write)
		if err != nil || got[0].Tag != "UPDATE 1" || *got[0].Rows[0][0] != "lobby" || got[1].Tag != "INSERT 0 1" {
			t.Errorf("%+v, %v", got, err)
		}
	}
	err = direct.Tenant(a).ReadTx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		var n, half int
		var after string
		err := tx.QueryRow(ctx, `select (select count(*) from audit_log where action = 'tenant.exec' and actor = 'cli:x' and target = 'x.sql' and reason = 'a test'),
			(select max(after::text) from audit_log where action = 'tenant.exec'), (select count(*) from room where name = 'half')`).Scan(&n, &after, &half)
		if n != 2 || half != 0 || after != `{"sha256":"00","statements":2,"tags":["UPDATE 1","INSERT 0 1"]}` {
			t.Errorf("%d lines, %s, %d halves", n, after, half)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := run(t, direct, tenant.New(), "select 1", script.Options{}); !errors.Is(err, store.ErrNoTenant) {
		t.Error(err)
	}
	if _, err := run(t, direct, a, "select 1", script.Options{Write: true}); !errors.Is(err, store.ErrInvalid) {
		t.Error(err)
	}
	if _, err := run(t, direct, a, "select pg_sleep(60)", script.Options{Timeout: 20 * time.Millisecond}); err == nil || !strings.Contains(err.Error(), "57014") {
		t.Error(err)
	}
}

func TestWhatAScriptLeavesOnItsConnectionIsLeftToNobody(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{MaxConns: 1})
	a, b := storetest.Tenant(t, admin), storetest.Tenant(t, admin)
	const leave = `select set_config('test.left', 'x', false), set_config('statement_timeout', '1h', false), pg_advisory_lock(4711)`
	if _, err := run(t, s, a, leave, script.Options{}); err != nil {
		t.Fatal(err)
	}
	// The server lets go of a lock after the client has closed its socket: the next one waits for that.
	got, err := run(t, s, b, `select pg_advisory_lock(4711); select current_setting('test.left', true)`, script.Options{Rows: 1})
	if err != nil || got[1].Rows[0][0] != nil {
		t.Errorf("%+v, %v", got, err)
	}
	err = s.Tenant(b).ReadTx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		var left *string
		err := tx.QueryRow(ctx, `select current_setting('test.left', true)`).Scan(&left)
		if left != nil {
			t.Errorf("the pool's connection has %q", *left)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	pooled, err := store.Open(t.Context(), store.Options{URL: storetest.Pooler{Prepared: 200}.Start(t, d), Box: d.Box})
	if err != nil {
		t.Fatal(err)
	}
	defer pooled.Close()
	if _, err := run(t, pooled, a, `select 1`, script.Options{}); !errors.Is(err, store.ErrPooled) {
		t.Error("through a pooler:", err)
	}
}

func TestAValueThatIsLongIsCut(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	got, err := run(t, s, storetest.Tenant(t, admin), "select repeat('ä', 5000)", script.Options{Rows: 1})
	if err != nil {
		t.Fatal(err)
	}
	if text := *got[0].Rows[0][0]; len(text) > 4200 || !strings.HasSuffix(text, "ä…") {
		t.Errorf("%d bytes", len(text))
	}
}
