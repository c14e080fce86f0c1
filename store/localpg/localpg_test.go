package localpg

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// newDir returns a folder for a cluster. Its data may be elsewhere, and are removed too.
func newDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Cleanup(func() {
		if err := Reset(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func start(t *testing.T, o Options) *Cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	c, err := Start(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Stop() })
	return c
}

// ask runs SQL that answers one text.
func ask(t *testing.T, url, sql string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	var out string
	if err := conn.QueryRow(ctx, sql).Scan(&out); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return out
}

func keepSomething(t *testing.T, c *Cluster) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.AdminURL())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, `create table kept as select 'here' as x`); err != nil {
		t.Fatal(err)
	}
}

func mustBeKept(t *testing.T, c *Cluster) {
	t.Helper()
	if got := ask(t, c.AdminURL(), `select x from kept`); got != "here" {
		t.Fatalf("kept: %q", got)
	}
}

func TestSecondStartFindsTheDataAndPasswordsOfTheFirst(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	c := start(t, Options{Dir: dir, Fsync: true})
	keepSomething(t, c)
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := c.Stop(); err != nil {
		t.Fatalf("a second stop: %v", err)
	}
	again := start(t, Options{Dir: dir, Fsync: true})
	mustBeKept(t, again)
	if again.secrets != c.secrets {
		t.Fatal("the passwords changed")
	}
}

func TestTheLoginsHaveNoMorePowerThanTheyNeed(t *testing.T) {
	t.Parallel()
	c := start(t, Options{})
	const powers = `select concat_ws(' ', rolname, case when rolsuper then 'superuser' end, case when rolcreaterole then 'createrole' end,
		case when rolcreatedb then 'createdb' end, case when rolinherit then 'inherit' end, case when rolbypassrls then 'bypassrls' end)
		from pg_roles where rolname = current_user`
	got := []string{ask(t, c.AdminURL(), powers), ask(t, c.AppURL(), powers)}
	if diff := cmp.Diff([]string{"pitboss_owner createrole inherit", "pitboss_app"}, got); diff != "" {
		t.Fatal(diff)
	}
	if got := ask(t, c.AdminURL(), `select pg_get_userbyid(datdba)::text from pg_database where datname = current_database()`); got != owner {
		t.Fatalf("the database is %s's", got)
	}
}

func TestNobodyEntersWithoutThePassword(t *testing.T) {
	t.Parallel()
	c := start(t, Options{})
	for _, login := range []string{superuser, owner, app} {
		conn, err := pgx.Connect(t.Context(), c.url(login, "guess", database))
		if err == nil {
			_ = conn.Close(t.Context())
			t.Fatalf("%s entered with a wrong password", login)
		}
		if !strings.Contains(err.Error(), "password authentication failed") {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(filepath.Join(c.at.root, secretsFile))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Fatalf("the passwords can be read by others: %v", info.Mode())
	}
}

func TestAServerThatWasKilledRecovers(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	c := start(t, Options{Dir: dir})
	keepSomething(t, c)
	if err := syscall.Kill(c.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-c.Ended()
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	mustBeKept(t, start(t, Options{Dir: dir}))
}

func TestAServerInUseIsLeftAlone(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	c := start(t, Options{Dir: dir})
	keepSomething(t, c)
	if _, err := Start(t.Context(), Options{Dir: dir}); !errors.Is(err, ErrInUse) {
		t.Fatalf("a second start: %v", err)
	}
	if err := Reset(dir); !errors.Is(err, ErrInUse) {
		t.Fatalf("a reset: %v", err)
	}
	mustBeKept(t, c)
}

func TestAFolderIsFreeAlsoWhileAChildThatIsJustStartedHasItsLock(t *testing.T) {
	t.Parallel()
	at := location{root: t.TempDir()}
	lock, err := at.lock()
	if err != nil {
		t.Fatal(err)
	}
	childs, err := syscall.Dup(int(lock.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Close(childs) }()
	if _, err := at.lock(); !errors.Is(err, ErrInUse) {
		t.Errorf("it can be had twice: %v", err)
	}
	unlock(lock)
	again, err := at.lock()
	if err != nil {
		t.Fatal(err)
	}
	unlock(again)
}

func TestAServerThatWasLeftBehindIsStoppedAndItsDataAreUsed(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	left := start(t, Options{Dir: dir})
	keepSomething(t, left)
	// What the operating system does when the program that started it is killed.
	unlock(left.lock)
	c := start(t, Options{Dir: dir})
	<-left.Ended()
	mustBeKept(t, c)
}

func TestAStaleFileThatNamesAnotherProcessIsNoServer(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	c := start(t, Options{Dir: dir})
	keepSomething(t, c)
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	// After a reboot, the number in the file may be anybody's. PostgreSQL forgives its
	// own parents only; a server on other data is the hardest case.
	other := start(t, Options{})
	stale := strconv.Itoa(other.PID()) + "\n" + c.at.data + "\n"
	if err := os.WriteFile(filepath.Join(c.at.data, "postmaster.pid"), []byte(stale), 0o600); err != nil {
		t.Fatal(err)
	}
	mustBeKept(t, start(t, Options{Dir: dir}))
	if got := ask(t, other.AdminURL(), `select 'alive'`); got != "alive" {
		t.Fatal("the other server was stopped")
	}
}

func TestDataOfAnotherVersionAreLeftAlone(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	c := start(t, Options{Dir: dir})
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	version := filepath.Join(c.at.data, "PG_VERSION")
	for _, other := range []string{"9", "99", "soon"} {
		if err := os.WriteFile(version, []byte(other+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Start(t.Context(), Options{Dir: dir}); !errors.Is(err, ErrVersion) {
			t.Fatalf("version %s: %v", other, err)
		}
		if got, err := os.ReadFile(version); err != nil || string(got) != other+"\n" {
			t.Fatalf("the data were touched: %q, %v", got, err)
		}
	}
}

func TestAFolderOfSomebodyElsesIsLeftAlone(t *testing.T) {
	t.Parallel()
	dir, err := temporaryDir()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	theirs := filepath.Join(dir, "postgres", "notes.txt")
	if err := os.MkdirAll(filepath.Dir(theirs), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(theirs, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), Options{Dir: dir}); !errors.Is(err, ErrNotOurs) {
		t.Fatalf("start: %v", err)
	}
	if err := Reset(dir); !errors.Is(err, ErrNotOurs) {
		t.Fatalf("reset: %v", err)
	}
	if _, err := os.Stat(theirs); err != nil {
		t.Fatal(err)
	}
}

func TestResetRemovesTheDatabaseAndNothingElse(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	neighbour := filepath.Join(dir, "env")
	if err := os.WriteFile(neighbour, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := start(t, Options{Dir: dir})
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time there is nothing left to do
		if err := Reset(dir); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(c.at.root); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("%s is still there: %v", c.at.root, err)
	}
	if _, err := os.Stat(neighbour); err != nil {
		t.Fatal(err)
	}
}

func TestATemporaryClusterLeavesNothing(t *testing.T) {
	t.Parallel()
	c := start(t, Options{})
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{c.at.root, c.temporary} {
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("%s is still there: %v", dir, err)
		}
	}
}

func TestAPortThatIsTakenIsSaidSo(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, err = Start(t.Context(), Options{Port: l.Addr().(*net.TCPAddr).Port})
	if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), "choose another port") {
		t.Fatal(err)
	}
}

func TestAFullDiskIsSaidSo(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		&os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC},
		errors.New(`initdb: error: could not write file "x": No space left on device`),
	} {
		if got := advise(err); !errors.Is(got, err) || !strings.Contains(got.Error(), "free some space") {
			t.Fatal(got)
		}
	}
}

// It sets the environment, so it is not parallel.
func TestProgramsThatAreNotThereAreSaidSo(t *testing.T) {
	t.Setenv("PITBOSS_PG_BIN", t.TempDir())
	_, err := Start(t.Context(), Options{})
	if err == nil || !strings.Contains(err.Error(), "PITBOSS_PG_BIN") {
		t.Fatal(err)
	}
}
