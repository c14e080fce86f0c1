package main

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/pitboss-hub/pitboss/store"
)

func TestACasinosCacheIsFlushedOnTheCommandLine(t *testing.T) {
	f := newCasino(t)
	before, _ := f.store.Tenants.Epoch(f.tenant.ID)
	if out := f.mustCLI("cache", "flush", f.slug, "--reason", "a test"); !strings.HasPrefix(out, f.slug+": ") {
		t.Error(out)
	}
	var flushed struct {
		Tenant string
		Epoch  int64
	}
	if err := json.Unmarshal([]byte(f.mustCLI("cache", "flush", f.slug, "--reason", "a test", "--json")), &flushed); err != nil {
		t.Fatal(err)
	}
	if err := f.store.Tenants.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if now, _ := f.store.Tenants.Epoch(f.tenant.ID); flushed.Tenant != f.slug || now != flushed.Epoch || now != before+2 {
		t.Errorf("%+v, and the epochs are %d and %d", flushed, before, now)
	}
	if _, err := f.cli("cache", "flush", "nowhere", "--reason", "a test"); !errors.Is(err, store.ErrNoTenant) {
		t.Error(err)
	}
	if _, err := f.cli("cache", "flush", f.slug, "--reason", " "); !errors.Is(err, store.ErrInvalid) {
		t.Error(err)
	}
	if _, err := f.cli("cache", "flush", f.slug); err == nil {
		t.Error("nobody was asked why")
	}
}
