package main

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

func TestTheLinkOfDevHasTheKeyOfTheStartBeforeAsLongAsThatIsGood(t *testing.T) {
	f := newCasino(t)
	p := &program{
		ctx: t.Context(), streams: streams{io.Discard, io.Discard}, log: slog.New(slog.DiscardHandler),
		globals: &globals{Database: f.appURL, Admin: f.adminURL, MasterKey: f.masterKey, Dir: t.TempDir()},
	}
	next := func() string {
		t.Helper()
		key, err := platformKey(p)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	first := next()
	if again := next(); again != first {
		t.Error("the second start has another key")
	}
	if at, err := os.Stat(filepath.Join(p.Dir, keyFile)); err != nil || at.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", at, err)
	}
	k, err := auth.ParseAPIKey(first)
	if err != nil {
		t.Fatal(err)
	}
	f.mustCLI("key", "api", "revoke", "--platform", k.ID(), "--reason", "a test")
	second := next()
	if second == first {
		t.Error("a key that was revoked is in the link")
	}
	admin, err := p.openAdmin()
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	list, err := admin.ListAPIKeys(t.Context(), tenancy.Platform)
	if err != nil || len(list) != 2 || len(list[0].Addresses) != 2 || len(list[0].Scopes) != len(auth.PlatformScopes()) {
		t.Errorf("%+v, %v", list, err)
	}
}
