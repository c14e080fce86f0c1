package tenancy_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/placement"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/journal"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

// played makes two tenants at whose tables money was staked, and closes the store.
func played(t *testing.T, d storetest.Database) (refs []rooms.Ref, books []journal.TrialBalance) {
	t.Helper()
	s, admin := storetest.Open(t, d, store.Options{})
	for range 2 {
		ref := storetest.Table(t, s, admin)
		storetest.Fund(t, s, ref.Tenant, "alice", 1000)
		storetest.Claim(t, s, ref, "node-1")
		stake(t, s, ref, 1, 0)
		refs, books = append(refs, ref), append(books, storetest.Sound(t, s, ref.Tenant))
	}
	s.Close()
	admin.Close()
	return refs, books
}

func stake(t *testing.T, s *store.Store, ref rooms.Ref, epoch, seq int64) {
	t.Helper()
	b := rooms.Batch{Epoch: epoch, Seq: seq, Entries: []rooms.Entry{storetest.Bet(epoch, seq+1, "alice", 300)}, Status: rooms.Open}
	if _, err := s.Journal.Append(t.Context(), ref, b); err != nil {
		t.Fatal(err)
	}
}

// plays checks that what was played is there and that the tenants go on.
func plays(t *testing.T, d storetest.Database, refs []rooms.Ref, books []journal.TrialBalance) {
	t.Helper()
	s := reopen(t, d, nil)
	if err := s.Tenants.Health(); err != nil {
		t.Error(err)
	}
	for i, ref := range refs {
		if got, ok := s.Tenants.ByID(ref.Tenant); !ok || got.OutOfOrder != "" || len(s.Tenants.Keys(ref.Tenant)) != 1 {
			t.Errorf("%s: %t, %+v", ref, ok, got)
		}
		if diff := cmp.Diff(books[i], storetest.Sound(t, s, ref.Tenant)); diff != "" {
			t.Errorf("%s: the books are not those of the backup: %s", ref, diff)
		}
		saved := storetest.Claim(t, s, ref, "node-2")
		if saved.Epoch != placement.FirstEpoch(1) || saved.Seq != 1 {
			t.Errorf("%s: epoch %d, seq %d", ref, saved.Epoch, saved.Seq)
		}
		stake(t, s, ref, saved.Epoch, 1)
		if got := storetest.Balance(t, s, ref.Tenant, "alice"); got != 400 {
			t.Errorf("%s: alice has %d", ref, got)
		}
		if err := storetest.Exec(t, s, ref.Tenant, `select * from `+refs[1-i].Tenant.Schema()+`.event`); storetest.State(err) != "42501" {
			t.Errorf("%s reads the other's tables: %v", ref, err)
		}
	}
}

// migrate runs Migrate as pitboss does, and returns its error and what it logged.
func migrate(t *testing.T, d storetest.Database) (said string, err error) {
	t.Helper()
	admin, err := tenancy.OpenAdmin(t.Context(), d.AdminURL, d.Box)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	log := &lines{}
	admin.Log = slog.New(slog.NewTextHandler(log, nil))
	err = admin.Migrate(t.Context(), d.AppURL)
	return log.text.String(), err
}

// run runs one of PostgreSQL's programs.
func run(t *testing.T, s storetest.Server, program string, args ...string) []byte {
	t.Helper()
	out, err := s.Run(t, program, args...)
	if err != nil {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
	return out
}

func TestABackupIsRestoredOnAnotherServer(t *testing.T) {
	t.Parallel()
	for name, bin := range map[string]string{"the same version": storetest.Installed(t), "the newest": storetest.Newest(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := storetest.Empty(t)
			refs, books := played(t, d)
			server := storetest.StartServer(t, bin)
			dump := filepath.Join(t.TempDir(), "pitboss.dump")
			run(t, server, "pg_dump", "--format=custom", "--file="+dump, d.AdminURL)

			restored := server.Database(t, "pitboss", d.Box)
			run(t, server, "pg_restore", "--exit-on-error", "--no-owner", "--no-privileges", "--dbname="+restored.AdminURL, dump)
			server.Super(t, "postgres", `create role before login noinherit`)
			early := strings.Replace(restored.AppURL, "pitboss_app:", "before:", 1)
			if _, err := store.Open(t.Context(), store.Options{URL: early, Box: d.Box}); !errors.Is(err, tenancy.ErrOlderSchema) {
				t.Errorf("a node that starts before migrate: %v", err)
			}

			said, err := migrate(t, restored)
			if err != nil {
				t.Fatal(err)
			}
			for _, ref := range refs {
				if !strings.Contains(said, `"made the role that was missing" tenant=`+ref.Tenant.String()) {
					t.Errorf("migrate does not say that it made the role of %s: %s", ref.Tenant, said)
				}
			}
			plays(t, restored, refs, books)
			if said, err := migrate(t, restored); err != nil || said != "" {
				t.Errorf("the second time: %q, %v", said, err)
			}
		})
	}
}

func TestANodeWhoseCasinosAllLackTheirRolesIsNotReadyAndSaysWhy(t *testing.T) {
	t.Parallel()
	server := storetest.StartServer(t, storetest.Installed(t))
	d := server.Database(t, "pitboss", nil)
	refs, _ := played(t, d)
	for _, ref := range refs {
		server.Super(t, d.Name, `drop owned by `+ref.Tenant.Role()+`; drop role `+ref.Tenant.Role())
	}
	if err := reopen(t, d, nil).Tenants.Health(); err == nil || !strings.Contains(err.Error(), "its role is missing: run pitboss migrate") {
		t.Errorf("Health: %v", err)
	}
	if _, err := migrate(t, d); err != nil {
		t.Fatal(err)
	}
	if err := reopen(t, d, nil).Tenants.Health(); err != nil {
		t.Errorf("Health after migrate: %v", err)
	}
}

// statements are those of an ErrGrants.
func statements(err error) (sql string) {
	for _, line := range strings.Split(err.Error(), "\n") {
		if strings.HasPrefix(line, "GRANT ") {
			sql += line
		}
	}
	return sql
}

func TestAWholeServerRestoredOnTheNewestIsMigratedWithTheGrantsThatAreNamed(t *testing.T) {
	t.Parallel()
	old := storetest.StartServer(t, storetest.Installed(t))
	d := old.Database(t, "pitboss", nil)
	refs, books := played(t, d)
	// The newest's pg_dumpall restores the memberships; the old one's names a grantor that the newest
	// does not accept.
	for name, bin := range map[string]string{"dumped by the newest": storetest.Newest(t), "dumped by itself": storetest.Installed(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dump := filepath.Join(t.TempDir(), "all.sql")
			run(t, old.With(bin), "pg_dumpall", "--file="+dump, "--dbname="+old.SuperURL("postgres"))
			newest := storetest.StartServer(t, storetest.Newest(t))
			run(t, newest, "psql", "--quiet", "--file="+dump, newest.SuperURL("postgres"))

			restored := newest.Find(t, "pitboss", d.Box)
			_, err := migrate(t, restored)
			if errors.Is(err, tenancy.ErrGrants) {
				t.Logf("%v", err)
				for _, ref := range refs {
					if want := `GRANT "` + ref.Tenant.Role() + `" TO "pitboss_owner" WITH ADMIN TRUE`; !strings.Contains(err.Error(), want) {
						t.Errorf("%v, without %s", err, want)
					}
				}
				newest.Super(t, "postgres", statements(err))
				_, err = migrate(t, restored)
			} else if bin != storetest.Newest(t) && old.Major(t) < 16 {
				t.Error("nothing was missing")
			}
			if err != nil {
				t.Fatal(err)
			}
			plays(t, restored, refs, books)
		})
	}
}

func TestMigrateNamesTheGrantForALoginThatASuperuserMade(t *testing.T) {
	t.Parallel()
	server := storetest.StartServer(t, storetest.Newest(t))
	d := server.Database(t, "pitboss", nil)
	server.Super(t, "postgres", `create role pitboss_app login noinherit`)
	_, err := migrate(t, d)
	want := `GRANT "pitboss_app" TO "pitboss_owner" WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;`
	if !errors.Is(err, tenancy.ErrGrants) || statements(err) != want {
		t.Fatalf("got %v", err)
	}
	server.Super(t, "postgres", want)
	if _, err := migrate(t, d); err != nil {
		t.Fatal(err)
	}
	server.Super(t, "postgres", `revoke pitboss_app from pitboss_owner`)
	if _, err := migrate(t, d); err != nil { // nothing has to be changed of the login
		t.Errorf("without the grant, which is not needed any more: %v", err)
	}
	server.Super(t, "postgres", `grant pg_execute_server_program to pitboss_owner`)
	if said, err := migrate(t, d); err != nil || !strings.Contains(said, "may run programs on the database's server") {
		t.Errorf("an owner that may run programs: %q, %v", said, err)
	}
}

func TestMigrateMakesTheAppsPasswordThatOfItsURLAndRefusesAnotherDatabase(t *testing.T) {
	t.Parallel()
	server := storetest.StartServer(t, storetest.Installed(t))
	d := server.Database(t, "pitboss", nil)
	server.Database(t, "other", nil)
	server.AskPasswords(t)
	for n := range 2 {
		u, err := url.Parse(d.AppURL)
		if err != nil {
			t.Fatal(err)
		}
		u.User = url.UserPassword(u.User.Username(), fmt.Sprintf("pass'word %d", n))
		d.AppURL = u.String()
		if _, err := migrate(t, d); err != nil {
			t.Fatal(err)
		}
		reopen(t, d, nil)
	}
	right := d.AppURL
	for name, wrong := range map[string]string{
		"another database": strings.Replace(right, "/pitboss?", "/other?", 1),
		"none":             strings.Replace(right, "/pitboss?", "/none?", 1),
		"another server":   storetest.Empty(t).AppURL,
	} {
		d.AppURL = wrong
		if _, err := migrate(t, d); !errors.Is(err, tenancy.ErrAppDatabase) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMigrateSaysThatARestoreBySomebodyElseIsNotTheOwners(t *testing.T) {
	t.Parallel()
	server := storetest.StartServer(t, storetest.Installed(t))
	d := server.Database(t, "pitboss", nil)
	refs, _ := played(t, d)
	dump := filepath.Join(t.TempDir(), "pitboss.dump")
	run(t, server, "pg_dump", "--format=custom", "--file="+dump, d.AdminURL)
	restored := server.Database(t, "restored", d.Box)
	run(t, server, "pg_restore", "--exit-on-error", "--no-owner", "--no-privileges", "--dbname="+restored.SuperURL, dump)
	_, err := migrate(t, restored)
	for _, want := range []string{`ALTER SCHEMA "platform" OWNER TO "pitboss_owner";`, `ALTER SCHEMA "` + refs[0].Tenant.Schema() + `" OWNER`, `belong to "postgres"`} {
		if !errors.Is(err, tenancy.ErrGrants) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, without %s", err, want)
		}
	}
}
