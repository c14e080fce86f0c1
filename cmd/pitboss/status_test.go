package main

import (
	"strings"
	"testing"
)

// TestACasinoWithoutASchemaThatMayBeUsedIsRefusedInWords asks for what needs the schema of one that was not provisioned, and of
// one that is archived; and for days until which nobody pays.
func TestACasinoWithoutASchemaThatMayBeUsedIsRefusedInWords(t *testing.T) {
	f := newCasino(t)
	f.mustCLI("tenant", "create", "--slug", "reserved", "--name", "Reserved", "--domain", "reserved.localhost", "--no-schema")
	f.mustCLI("tenant", "create", "--slug", "ended", "--name", "Ended", "--domain", "ended.localhost")
	f.mustCLI("tenant", "archive", "ended", "--archives", t.TempDir(), "--reason", "a test")
	file := sqlFile(t, "select 1;")
	for slug, why := range map[string]string{
		"reserved": "reserved has no schema yet: pitboss tenant provision reserved", "ended": "ended is archived: resume it first",
	} {
		for _, args := range [][]string{
			{"room", "list", "--tenant", slug},
			{"export", "players", "--tenant", slug},
			{"tenant", "brand", slug},
			{"tenant", "trial-balance", slug},
			{"tenant", "fund", "--tenant", slug, "--player", "zoe", "--amount", "1.00"},
			{"key", "api", "create", "--tenant", slug, "--name", "ops", "--scope", "rooms:read", "--reason", "a test"},
			{"key", "rotate", "--tenant", slug, "--reason", "a test"},
			{"tenant", "exec", "--tenant", slug, "--file", file},
		} {
			if out, err := f.cli(args...); err == nil || !strings.Contains(err.Error(), why) {
				t.Errorf("%v: %v %s", args, err, out)
			}
		}
	}
	if out := f.mustCLI("tenant", "list"); !strings.Contains(out, "provisioning") || !strings.Contains(out, "archived") {
		t.Errorf("%s", out)
	}
	if out := f.mustCLI("tenant", "set", "reserved", "--name", "Another", "--reason", "a test"); !strings.Contains(out, "provisioning") || !strings.Contains(out, "Another") {
		t.Errorf("%s", out)
	}
	if out := f.mustCLI("domain", "list", "--tenant", "reserved"); !strings.Contains(out, "reserved.localhost") {
		t.Errorf("%s", out)
	}
	for _, args := range [][]string{
		{"tenant", "create", "--slug", "zero", "--name", "Zero", "--domain", "zero.localhost", "--paid-until", "0001-01-01"},
		{"tenant", "set", f.slug, "--paid-until", "0001-01-01", "--reason", "a test"},
	} {
		if out, err := f.cli(args...); err == nil || !strings.Contains(err.Error(), "before 2000") {
			t.Errorf("%v: %v %s", args, err, out)
		}
	}
	if out := f.mustCLI("tenant", "create", "--slug", "paid", "--name", "Paid", "--domain", "paid.localhost", "--paid-until", "2031-02-03", "--json"); !strings.Contains(out, "2031-02-03") {
		t.Errorf("%s", out)
	}
	if _, err := f.exec(t.Context(), "--status", "archived", "--all", "--file", file); err == nil {
		t.Error("a file was run for one that is archived")
	}
}
