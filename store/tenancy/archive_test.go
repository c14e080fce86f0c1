package tenancy_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
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
		if _, err := storetest.Owner(t, admin).Exec(t.Context(), `insert into platform.node (node, incarnation, expires) values ('node' || $1::text, gen_random_uuid(), now() + $1::interval)`, lives); err != nil {
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
		if !errors.Is(err, tenancy.ErrRoundsOpen) || !strings.Contains(err.Error(), ref.Room) {
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

// TestATenantThatWasNeverServedIsPurgedAtOnceByName reserves a tenant that nobody provisions, and one that is provisioned
// while it is purged.
func TestATenantThatWasNeverServedIsPurgedAtOnceByName(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	n := storetest.Casino("casino-x", "x.localhost")
	n.WithoutSchema = true
	made, err := admin.CreateTenant(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	// What a process may have left that made the schema by itself.
	for _, sql := range []string{`create role ` + made.ID.Role(), `create schema ` + made.ID.Schema(), `create table ` + made.ID.Schema() + `.half (n int)`} {
		if _, err := storetest.Owner(t, admin).Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	if err := admin.Purge(t.Context(), "casino-x", "casino-y", "a test", ignore); !errors.Is(err, tenancy.ErrConfirm) {
		t.Errorf("another slug was typed: %v", err)
	}
	for range 2 { // again does no harm
		if err := admin.Purge(t.Context(), "casino-x", "casino-x", "a test", ignore); err != nil {
			t.Fatal(err)
		}
	}
	if n := storetest.Count(t, admin, `select (select count(*) from pg_namespace where nspname = $1) + (select count(*) from pg_roles where rolname = $1)
		+ (select count(*) from platform.domain where tenant = $1)`, made.ID.String()); n != 0 {
		t.Errorf("%d of its schema, its role and its domains are left", n)
	}
	if n := storetest.Count(t, admin, `select count(*) from platform.audit_log where action = 'tenant.purge' and before->>'status' = 'provisioning'`); n != 1 {
		t.Errorf("%d audit lines", n)
	}
	if _, err := admin.Provision(t.Context(), "casino-x"); !errors.Is(err, tenancy.ErrStatus) {
		t.Errorf("it is provisioned: %v", err)
	}
	if _, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-x", "z.localhost")); !errors.Is(err, tenancy.ErrSlugTaken) {
		t.Errorf("its slug is given again: %v", err)
	}
	if _, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-z", "x.localhost")); err != nil {
		t.Errorf("its domain is not free: %v", err)
	}
	// Nobody purges what was made ahead.
	if _, err := admin.FillPool(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	var ahead string
	if err := storetest.Owner(t, admin).QueryRow(t.Context(), `select id from platform.tenant where slug = id`).Scan(&ahead); err != nil {
		t.Fatal(err)
	}
	if err := admin.Purge(t.Context(), tenant.Slug(ahead), ahead, "a test", ignore); !errors.Is(err, db.ErrNoTenant) {
		t.Errorf("what was made ahead: %v", err)
	}
	// Provisioned while it is purged: it stays.
	n.Slug, n.Domains = "casino-p", []string{"p.localhost"}
	late, err := admin.CreateTenant(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := storetest.Owner(t, admin).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `select from platform.tenant where id = $1 for update`, late.ID.String()); err != nil {
		t.Fatal(err)
	}
	purged := make(chan error, 1)
	waiting := func() int {
		return storetest.Count(t, admin, `select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%platform.tenant%for update%'`)
	}
	go func() { purged <- admin.Purge(t.Context(), "casino-p", "casino-p", "a test", ignore) }()
	storetest.Eventually(t, "the purge waits", func() bool { return waiting() == 1 })
	if _, err := tx.Exec(t.Context(), `update platform.tenant set status = 'active' where id = $1`, late.ID.String()); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-purged; !errors.Is(err, tenancy.ErrStatus) {
		t.Errorf("one that is served meanwhile: %v", err)
	}
	if err := s.Tenants.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
}
