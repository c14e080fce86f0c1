package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/rooms/placement"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/access"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

// TestWhatTheDatabaseLostIsNotBelievedAndNewNumbersAreNoticed loses a suspension and kicks, and then
// makes others under the same numbers.
func TestWhatTheDatabaseLostIsNotBelievedAndNewNumbersAreNoticed(t *testing.T) {
	t.Parallel()
	for how, backup := range map[string]func(storetest.Server, testing.TB) (goBack func()){
		"a replica that lagged": storetest.Server.Backup, "a snapshot of the disk": storetest.Server.Snapshot,
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			loseAndMakeAnew(t, backup)
		})
	}
}

// noticed is why somebody is kicked.
var noticed = access.Revoke{Reason: "test", Actor: "op"}

// kept runs what keeps a copy up to date until the test ends.
func kept(t *testing.T, run func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func loseAndMakeAnew(t *testing.T, backup func(storetest.Server, testing.TB) (goBack func())) {
	t.Helper()
	server := storetest.StartServer(t, storetest.Installed(t))
	d := server.Database(t, "casinos", nil)
	s, admin := storetest.Open(t, d, store.Options{})
	a, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-a", "casino-a.localhost"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = admin.CreateTenant(t.Context(), storetest.Casino("casino-b", "casino-b.localhost"))
	if err != nil {
		t.Fatal(err)
	}
	realm := s.Realm()
	kept(t, s.Tenants.Run)
	kept(t, s.Revocations.Run)
	goBack := backup(server, t)

	status := func(host string) tenancy.Status {
		tenant, ok := s.Tenants.Lookup(host)
		if !ok {
			return ""
		}
		return tenant.Status(time.Now())
	}
	issued := time.Now().Add(-time.Minute)
	revoked := func(who string) bool {
		return s.Revocations.Revoked(auth.Principal{Tenant: a.ID, Subject: who, Role: auth.Player, IssuedAt: issued})
	}
	again(t, func() error { return admin.Suspend(t.Context(), "casino-a", "lost") })
	for i := range 20 {
		again(t, func() error {
			return s.Revocations.Kick(t.Context(), a.ID, game.PlayerID(fmt.Sprint("player-", i)), noticed)
		})
	}
	again(t, func() error { return s.Revocations.Kick(t.Context(), a.ID, "alice", noticed) })
	storetest.Eventually(t, "casino-a is suspended and alice kicked", func() bool {
		return status("casino-a.localhost") == tenancy.Suspended && revoked("alice")
	})

	goBack()
	storetest.Eventually(t, "what was lost is not believed", func() bool {
		return status("casino-a.localhost") == tenancy.Active && !revoked("alice")
	})
	again(t, func() error { return admin.Suspend(t.Context(), "casino-b", "kept") })
	again(t, func() error { return s.Revocations.Kick(t.Context(), a.ID, "bob", noticed) })
	storetest.Eventually(t, "casino-b is suspended and bob kicked", func() bool {
		return status("casino-b.localhost") == tenancy.Suspended && revoked("bob")
	})
	if status("casino-a.localhost") != tenancy.Active || revoked("alice") {
		t.Error("what was lost came back")
	}

	later, _ := storetest.Open(t, d, store.Options{})
	if later.Realm() != realm {
		t.Error("the replica is another realm")
	}
}

// again repeats what a connection that died may have failed.
func again(t *testing.T, do func() error) {
	t.Helper()
	storetest.Eventually(t, "the database does it", func() bool { return do() == nil })
}

func TestADatabaseThatDidNotGoBackKeepsItsGeneration(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	id := storetest.Tenant(t, admin)
	ref := rooms.Ref{Tenant: id, Room: rooms.LobbyID}
	for want := range int64(3) {
		other, _ := storetest.Open(t, d, store.Options{})
		saved, err := other.Journal.Claim(t.Context(), ref, "node-1", want)
		if err != nil || saved.Epoch != want+1 {
			t.Errorf("epoch %d, %v", saved.Epoch, err)
		}
		if other.Realm() != s.Realm() {
			t.Error("one database is two realms")
		}
	}
	elsewhere, _ := storetest.New(t)
	if elsewhere.Realm() == s.Realm() {
		t.Error("two databases are one realm")
	}
}

// TestADumpThatIsRestoredIsAnotherHistoryAndAnotherRealm restores a dump beside its origin.
func TestADumpThatIsRestoredIsAnotherHistoryAndAnotherRealm(t *testing.T) {
	t.Parallel()
	server := storetest.StartServer(t, storetest.Installed(t))
	d := server.Database(t, "origin", nil)
	s, admin := storetest.Open(t, d, store.Options{})
	ref := rooms.Ref{Tenant: storetest.Tenant(t, admin), Room: rooms.LobbyID}
	claimed, err := s.Journal.Claim(t.Context(), ref, "node-1", 0)
	if err != nil {
		t.Fatal(err)
	}
	copied := server.Database(t, "copied", d.Box)
	file := t.TempDir() + "/dump"
	for _, args := range [][]string{
		{"pg_dump", "-Fc", "-f", file, "-d", d.SuperURL},
		{"pg_restore", "--exit-on-error", "-d", copied.SuperURL, file},
	} {
		if out, err := server.Run(t, args[0], args[1:]...); err != nil {
			t.Fatalf("%v: %v: %s", args, err, out)
		}
	}
	restored, _ := storetest.Open(t, copied, store.Options{})
	if restored.Realm() == s.Realm() {
		t.Error("the copy is the same realm")
	}
	saved, err := restored.Journal.Claim(t.Context(), ref, "node-1", claimed.Epoch)
	if err != nil || saved.Epoch != placement.FirstEpoch(1) {
		t.Errorf("epoch %d, %v", saved.Epoch, err)
	}
	if saved, err = s.Journal.Claim(t.Context(), ref, "node-1", claimed.Epoch); err != nil || saved.Epoch != 2 {
		t.Errorf("the origin: epoch %d, %v", saved.Epoch, err)
	}
}
