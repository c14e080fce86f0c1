package tenancy_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/localpg"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

// archiver writes archives of a database to a folder of the test's.
func archiver(t *testing.T, d storetest.Database) tenancy.Archiver {
	t.Helper()
	return tenancy.Archiver{Dir: t.TempDir(), Dump: func(ctx context.Context, schema string, out io.Writer) error {
		return localpg.Dump(ctx, d.AdminURL, schema, out)
	}}
}

func ignore(int64, int64) {}

// fundedRow is the row of a dump that says what was paid to alice.
var fundedRow = regexp.MustCompile(`(?m)^.*\talice\t.*\n`)

func TestAnArchivedTenantIsAFileThatWasRestoredAndCompared(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	ref := storetest.Table(t, s, admin)
	id := ref.Tenant
	slug := slugOf(t, admin, id)
	storetest.Fund(t, s, id, "alice", 5000)
	// Texts that COPY has to escape, and the name of the schema, which is data here.
	odd := rooms.Audit{Actor: "a\tb", Action: "x", Target: id.Schema(), Reason: "\\.\n\"" + id.Schema() + "\".event \\N \u00e9"}
	if err := s.Audit.Write(t.Context(), id, odd); err != nil {
		t.Fatal(err)
	}
	to := archiver(t, d)
	f, err := admin.Archive(t.Context(), slug, "the licence ended", to)
	if err != nil {
		t.Fatal(err)
	}
	if f.Rows < 5 || f.Bytes == 0 || !strings.HasPrefix(f.File, to.Dir) || f.VerifiedAt.IsZero() {
		t.Errorf("%+v", f)
	}
	if text, err := os.ReadFile(f.File); err != nil || fmt.Sprintf("%x", sha256.Sum256(text)) != f.SHA256 {
		t.Errorf("the file's sha256 is not %s, %v", f.SHA256, err)
	}
	if info, err := os.Stat(f.File); err != nil || info.Mode().Perm() != 0o600 || info.Size() != f.Bytes {
		t.Errorf("%v, %v", info, err)
	}
	if left, _ := os.ReadDir(to.Dir); len(left) != 1 {
		t.Errorf("%d files", len(left))
	}
	if n := storetest.Count(t, admin, `select count(*) from pg_namespace where nspname like 't\_%'`); n != 1 {
		t.Errorf("%d schemas: what was restored is still there", n)
	}
	now, err := admin.Tenant(t.Context(), slug)
	if err != nil || now.Status(time.Now()) != tenancy.Archived || now.OutOfOrder != "" {
		t.Fatalf("%+v, %v", now, err)
	}
	if err := storetest.Exec(t, s, id, `select 1`); !errors.Is(err, db.ErrNoTenant) {
		t.Errorf("a node may still enter the schema: %v", err)
	}
	if err := admin.Migrate(t.Context(), d.AppURL); err != nil {
		t.Fatal(err)
	}
	if err := storetest.Exec(t, s, id, `select 1`); !errors.Is(err, db.ErrNoTenant) {
		t.Errorf("migrating gave the right back: %v", err)
	}

	if err := admin.Resume(t.Context(), slug); err != nil {
		t.Fatal(err)
	}
	if err := s.Tenants.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	storetest.Sound(t, s, id)
	if n := storetest.Count(t, admin, `select count(*) from platform.room where state = 'open' and tenant = $1`, id.String()); n != 2 {
		t.Errorf("%d rooms are open again, want the table and the lobby", n)
	}
	if n := storetest.Count(t, admin, `select count(*) from platform.archive`); n != 0 {
		t.Error("what is not the whole tenant any more still counts as its archive")
	}
}

// TestNobodyWritesInATenantThatIsBeingArchived has two transactions under way when a tenant is shut: one that wrote, which
// is waited for, and one that only entered the tenant's scope, which is refused when it writes.
func TestNobodyWritesInATenantThatIsBeingArchived(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	id := storetest.Tenant(t, admin)
	slug := slugOf(t, admin, id)
	line := func(ctx context.Context, tx pgx.Tx, action string) error {
		_, err := tx.Exec(ctx, `insert into audit_log (actor, action, target, reason, address) values ('a', $1, 'b', '', '')`, action)
		return err
	}
	entered, wrote, end := make(chan struct{}), make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	var late, early error
	all.Go(func() {
		late = s.Tenant(id).Tx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
			if err := tx.QueryRow(ctx, `select 1`).Scan(new(int)); err != nil {
				return err
			}
			close(entered)
			<-end
			return line(ctx, tx, "late")
		})
	})
	all.Go(func() {
		<-entered
		early = s.Tenant(id).Tx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
			err := line(ctx, tx, "early")
			close(wrote)
			if err == nil { // until the archive waits for it
				storetest.Eventually(t, "the archive waits", func() bool {
					return storetest.Count(t, admin, `select count(*) from pg_locks l join pg_class c on c.oid = l.relation where not l.granted and c.relname = 'audit_log'`) > 0
				})
			}
			return err
		})
	})
	<-wrote
	_, err := admin.Archive(t.Context(), slug, "a test", archiver(t, d))
	close(end)
	all.Wait()
	if err != nil || early != nil {
		t.Errorf("archived: %v; who had written: %v", err, early)
	}
	if late == nil {
		t.Error("who had entered wrote in an archived tenant")
	}
	if n := storetest.Count(t, admin, `select count(*) from `+id.Schema()+`.audit_log where action in ('early', 'late')`); n != 1 {
		t.Errorf("%d lines", n)
	}
	if err := admin.Resume(t.Context(), slug); err != nil {
		t.Fatal(err)
	}
	if err := s.Tenants.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	storetest.Sound(t, s, id)
	if drift, err := admin.Drift(t.Context()); err != nil || len(drift.Drifted) != 0 {
		t.Errorf("it came back with other rights: %+v, %v", drift, err)
	}
}

func slugOf(t *testing.T, admin *tenancy.Admin, id tenant.ID) tenant.Slug {
	t.Helper()
	all, err := admin.ListTenants(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if a.ID == id {
			return a.Slug
		}
	}
	t.Fatal("no such tenant")
	return ""
}

// TestAnInterruptedArchiveIsCompletedByTheNext fails at every point at which an archive can.
func TestAnInterruptedArchiveIsCompletedByTheNext(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	id := storetest.Tenant(t, admin)
	slug := slugOf(t, admin, id)
	storetest.Fund(t, s, id, "alice", 5000)
	good := archiver(t, d)
	broken := errors.New("the disk is full")
	change := func(f func([]byte) []byte) func(context.Context, string, io.Writer) error {
		return func(ctx context.Context, schema string, out io.Writer) error {
			var b bytes.Buffer
			if err := good.Dump(ctx, schema, &b); err != nil {
				return err
			}
			_, err := out.Write(f(b.Bytes()))
			return err
		}
	}
	for name, dump := range map[string]func(context.Context, string, io.Writer) error{
		"not written": func(context.Context, string, io.Writer) error { return broken },
		"cut off":     change(func(b []byte) []byte { return b[:len(b)/2] }),
		"a row less":  change(func(b []byte) []byte { return fundedRow.ReplaceAll(b, nil) }),
		"a column more": change(func(b []byte) []byte {
			return bytes.Replace(b, []byte("\"version\" integer"), []byte("\"more\" integer, \"version\" integer"), 1)
		}),
		"nothing but spaces": change(func([]byte) []byte { return []byte("  \n") }),
	} {
		if _, err := admin.Archive(t.Context(), slug, "a test", tenancy.Archiver{Dir: good.Dir, Dump: dump}); err == nil {
			t.Errorf("%s: it passes for an archive", name)
		} else if name != "not written" && !errors.Is(err, tenancy.ErrArchive) {
			t.Errorf("%s: %v", name, err)
		}
		if err := admin.Purge(t.Context(), slug, string(slug), "a test", ignore); !errors.Is(err, tenancy.ErrPurgeEarly) {
			t.Errorf("%s: purged without an archive: %v", name, err)
		}
		if left, _ := os.ReadDir(good.Dir); len(left) != 0 {
			t.Errorf("%s: %d files are left", name, len(left))
		}
	}
	if _, err := admin.Archive(t.Context(), slug, "a test", good); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Archive(t.Context(), slug, "again", good); err != nil {
		t.Errorf("archived again: %v", err)
	}
}

// TestATenantWithARoundUnderWayIsNotArchived has a table that a node runs, and one whose node died: it may be in the middle of
// a round.
func TestATenantWithARoundUnderWayIsNotArchived(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	for _, lives := range []string{"1 hour", "-1 hour"} {
		ref := storetest.Table(t, s, admin)
		slug := slugOf(t, admin, ref.Tenant)
		if _, err := storetest.Owner(t, admin).Exec(t.Context(), `insert into platform.node (node, incarnation, expires, platform_version, versions_by) select 'node' || $1::text, id, now() + $1::interval, 15, id from gen_random_uuid() id`, lives); err != nil {
			t.Fatal(err)
		}
		if _, err := storetest.Owner(t, admin).Exec(t.Context(), `update platform.room set node = 'node' || $3::text where tenant = $1 and room = $2`, ref.Tenant.String(), ref.Room, lives); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		to := archiver(t, d)
		to.Progress = func(string, int64, int64) { cancel() } // it is told of rounds first, as it waits for them
		_, err := admin.Archive(ctx, slug, "a test", to)
		cancel()
		if !errors.Is(err, tenancy.ErrRoundsOpen) || !strings.Contains(err.Error(), ref.Room) || strings.Contains(err.Error(), "a node has to run") {
			t.Errorf("the lease ends in %s: %v", lives, err)
		}
		now, err := admin.Tenant(t.Context(), slug)
		if err != nil || now.Status(time.Now()) != tenancy.Suspended {
			t.Errorf("%+v, %v", now, err)
		}
	}
}

func TestATenantIsPurgedOnlyLongAfterItsArchiveAndByName(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	made, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-x", "x.localhost"))
	if err != nil {
		t.Fatal(err)
	}
	other, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-y", "y.localhost"))
	if err != nil {
		t.Fatal(err)
	}
	purge := func(typed string) error { return admin.Purge(t.Context(), "casino-x", typed, "a test", ignore) }
	if err := purge("casino-x"); !errors.Is(err, tenancy.ErrStatus) {
		t.Errorf("an open casino: %v", err)
	}
	f, err := admin.Archive(t.Context(), "casino-x", "a test", archiver(t, d))
	if err != nil {
		t.Fatal(err)
	}
	if err := purge("casino-y"); !errors.Is(err, tenancy.ErrConfirm) {
		t.Errorf("another slug was typed: %v", err)
	}
	if err := purge("casino-x"); !errors.Is(err, tenancy.ErrPurgeEarly) {
		t.Errorf("at once: %v", err)
	}
	if _, err := storetest.Owner(t, admin).Exec(t.Context(), `update platform.archive set verified_at = now() - $1::interval`, tenancy.PurgeAfter+time.Hour); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(f.File)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/2] ^= 1
	for name, wrong := range map[string]func() error{
		"changed": func() error { return os.WriteFile(f.File, flipped, 0o600) },
		"gone":    func() error { return os.Remove(f.File) },
	} {
		if err := wrong(); err != nil {
			t.Fatal(err)
		}
		if err := purge("casino-x"); !errors.Is(err, tenancy.ErrArchive) {
			t.Errorf("the archive is %s: %v", name, err)
		}
		if err := os.WriteFile(f.File, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// Killed after each of its steps: the next one does what is left.
	ctx, cancel := context.WithCancel(t.Context())
	err = admin.Purge(ctx, "casino-x", "casino-x", "a test", func(int64, int64) { cancel() })
	if err == nil {
		t.Error("a purge whose context ended returned nil")
	}
	if err := s.Tenants.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, ok := s.Tenants.Lookup("x.localhost"); ok {
		t.Error("what is half deleted is routable")
	}
	if err := purge("casino-x"); err != nil {
		t.Fatal(err)
	}
	if err := purge("casino-x"); err != nil {
		t.Errorf("again: %v", err)
	}
	for _, sql := range []string{
		`select count(*) from pg_namespace where nspname = '` + made.ID.Schema() + `'`, `select count(*) from pg_roles where rolname = '` + made.ID.Role() + `'`,
		`select count(*) from platform.domain where domain = 'x.localhost'`, `select count(*) from platform.tenant_key where tenant = '` + made.ID.String() + `'`,
		`select count(*) from platform.room where tenant = '` + made.ID.String() + `'`,
	} {
		if n := storetest.Count(t, admin, sql); n != 0 {
			t.Errorf("%s: %d", sql, n)
		}
	}
	if _, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-x", "z.localhost")); !errors.Is(err, tenancy.ErrSlugTaken) {
		t.Errorf("its slug is given again: %v", err)
	}
	if err := admin.Resume(t.Context(), "casino-x"); !errors.Is(err, tenancy.ErrStatus) && !errors.Is(err, db.ErrNoTenant) {
		t.Errorf("it comes back: %v", err)
	}
	storetest.Sound(t, s, other.ID)
}

// TestARoomThatWasClosingWhenItsTenantWasArchivedIsClosingWhenItIsResumed has one that is open, one that is closing and one that
// is closed.
func TestARoomThatWasClosingWhenItsTenantWasArchivedIsClosingWhenItIsResumed(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	open := storetest.Table(t, s, admin)
	closing, closed := rooms.Ref{Tenant: open.Tenant, Room: "closing"}, rooms.Ref{Tenant: open.Tenant, Room: "closed"}
	for _, ref := range []rooms.Ref{closing, closed} {
		storetest.OpenRoom(t, s, ref)
		if err := s.Rooms.Close(t.Context(), ref, "op", "a test", rooms.Origin{}); err != nil {
			t.Fatal(err)
		}
	}
	storetest.Claim(t, s, closed, "n")
	last := rooms.Batch{Epoch: 1, Entries: []rooms.Entry{{Records: []rooms.Record{storetest.Record(1, 1, game.TypeClosed, `{}`)}}}, Status: rooms.Closed}
	if _, err := s.Journal.Append(t.Context(), closed, last); err != nil {
		t.Fatal(err)
	}
	states := func() (out map[string]string) {
		out = map[string]string{}
		rows, err := storetest.Owner(t, admin).Query(t.Context(), `select p.room, p.state || ' ' || r.status || ' ' || p.reason || p.node from platform.room p join `+open.Tenant.Schema()+`.room r on r.id = p.room where p.tenant = $1`, open.Tenant.String())
		if err != nil {
			t.Fatal(err)
		}
		var room, state string
		if _, err := pgx.ForEachRow(rows, []any{&room, &state}, func() error { out[room] = state; return nil }); err != nil {
			t.Fatal(err)
		}
		return out
	}
	before := states()
	slug := slugOf(t, admin, open.Tenant)
	if _, err := admin.Archive(t.Context(), slug, "a test", archiver(t, d)); err != nil {
		t.Fatal(err)
	}
	if err := admin.Resume(t.Context(), slug); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{rooms.LobbyID: "open open ", open.Room: "open open ", closing.Room: "closing closing a test", closed.Room: "closed closed a testn"}
	if after := states(); !maps.Equal(before, want) || !maps.Equal(after, want) {
		t.Errorf("before: %v; after: %v; want %v", before, after, want)
	}
}
