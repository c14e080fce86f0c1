package tenancy_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

// snapshot runs a Store's directory, and returns what OnChange was told.
func directory(t *testing.T, s *store.Store) (changes <-chan [2]*tenancy.Tenant) {
	t.Helper()
	c := make(chan [2]*tenancy.Tenant, 64)
	s.Tenants.OnChange(func(old, new *tenancy.Tenant) { c <- [2]*tenancy.Tenant{old, new} })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Tenants.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return c
}

func within(t *testing.T, c <-chan [2]*tenancy.Tenant, d time.Duration) [2]*tenancy.Tenant {
	t.Helper()
	select {
	case got := <-c:
		return got
	case <-time.After(d):
		t.Fatalf("nothing changed within %s", d)
		return [2]*tenancy.Tenant{}
	}
}

func TestDirectoryShowsChangesWithinASecond(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	changes := directory(t, s)

	made, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-x", "casino-x.localhost", "www.casino-x.localhost"))
	if err != nil {
		t.Fatal(err)
	}
	if got := within(t, changes, time.Second); got[0] != nil || got[1].ID != made.ID {
		t.Fatalf("after create: %+v", got)
	}
	for _, host := range []string{
		"casino-x.localhost", "casino-x.localhost:8080", "CASINO-X.localhost.", "Casino-X.LOCALHOST.:80", "www.casino-x.localhost",
	} {
		if got, ok := s.Tenants.Lookup(host); !ok || got.ID != made.ID {
			t.Errorf("Lookup(%q): %v, %t", host, got, ok)
		}
	}
	for _, host := range []string{"", ":80", "x.localhost", "casino-x.localhost.evil.example", "casino-x.localhost/", "[::1]:80", "a:b:c", "\x00", "*"} {
		if got, ok := s.Tenants.Lookup(host); ok {
			t.Errorf("Lookup(%q): %v", host, got)
		}
	}
	if got, ok := s.Tenants.BySlug("casino-x"); !ok || got.ID != made.ID {
		t.Error("not found by its slug")
	}
	if got, ok := s.Tenants.ByID(made.ID); !ok || got.ID != made.ID || len(s.Tenants.All()) != 1 {
		t.Error("not found by its id")
	}
	keys := s.Tenants.Keys(made.ID)
	if len(keys) != 1 || keys[0].Alg != "HS256" || len(keys[0].Secret) != 32 || keys[0].ID == "" {
		t.Errorf("%d keys", len(keys))
	}

	if err := admin.Suspend(t.Context(), "casino-x", "licence withdrawn"); err != nil {
		t.Fatal(err)
	}
	got := within(t, changes, time.Second)
	if got[0].Status(time.Now()) != tenancy.Active || got[1].Status(time.Now()) != tenancy.Suspended || got[1].StatusReason != "licence withdrawn" {
		t.Errorf("after Suspend: %+v", got)
	}
	if now, _ := s.Tenants.Lookup("casino-x.localhost"); now != got[1] {
		t.Error("the directory does not show what was told")
	}
	if err := admin.Resume(t.Context(), "casino-x"); err != nil {
		t.Fatal(err)
	}
	if got := within(t, changes, time.Second); got[1].Status(time.Now()) != tenancy.Active || got[1].StatusReason != "" {
		t.Errorf("after Resume: %+v", got[1])
	}
	if diff := cmp.Diff(keys, s.Tenants.Keys(made.ID)); diff != "" {
		t.Error(diff)
	}
	lines, err := storetest.LastLines(t.Context(), s, made.ID, 2)
	if err != nil || len(lines) != 2 || lines[0].Action != "tenant.resume" || lines[1].Action != "tenant.suspend" || lines[1].Reason != "licence withdrawn" {
		t.Errorf("audit: %+v, %v", lines, err)
	}
	if err := admin.Suspend(t.Context(), "nobody", "x"); !errors.Is(err, db.ErrNoTenant) {
		t.Errorf("Suspend of nobody: %v", err)
	}
}

func TestDirectoryTellsWhenTimeAloneChangesATenant(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	n := storetest.Casino("casino-x", "x.localhost")
	n.PaidUntil = ptr(time.Now().Add(-tenancy.GracePeriod + 2*time.Second))
	if _, err := admin.CreateTenant(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	if err := s.Tenants.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	changes := directory(t, s)
	got := within(t, changes, 10*time.Second)
	if got[0] != got[1] || got[1].Status(time.Now()) != tenancy.Unpaid {
		t.Errorf("told %+v", got)
	}
}

func TestDirectoryOutlivesADatabaseThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	changes := directory(t, s)
	if _, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-x", "x.localhost")); err != nil {
		t.Fatal(err)
	}
	within(t, changes, time.Second)
	storetest.Super(t, storetest.Database{Name: "postgres"}, `alter database `+d.Name+` allow_connections false;
		select pg_terminate_backend(pid) from pg_stat_activity where datname = '`+d.Name+`'`)
	if err := s.Ping(t.Context()); err == nil {
		t.Fatal("the database answers")
	}
	if _, ok := s.Tenants.Lookup("x.localhost"); !ok {
		t.Error("the tenant is forgotten")
	}
}

func TestStatusFollowsTheCalendar(t *testing.T) {
	t.Parallel()
	paid := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		t      tenancy.Tenant
		at     time.Time
		want   tenancy.Status
		served bool
	}{
		"no end":            {tenancy.Tenant{Set: tenancy.Active}, paid, tenancy.Active, true},
		"paid":              {tenancy.Tenant{Set: tenancy.Active, PaidUntil: paid}, paid.Add(-1), tenancy.Active, true},
		"trial":             {tenancy.Tenant{Set: tenancy.Active, PaidUntil: paid, OnTrial: true}, paid.Add(-1), tenancy.Trial, true},
		"just over":         {tenancy.Tenant{Set: tenancy.Active, PaidUntil: paid}, paid, tenancy.Grace, true},
		"last of the grace": {tenancy.Tenant{Set: tenancy.Active, PaidUntil: paid}, paid.Add(tenancy.GracePeriod - 1), tenancy.Grace, true},
		"grace over":        {tenancy.Tenant{Set: tenancy.Active, PaidUntil: paid}, paid.Add(tenancy.GracePeriod), tenancy.Unpaid, false},
		"trial over":        {tenancy.Tenant{Set: tenancy.Active, PaidUntil: paid, OnTrial: true}, paid, tenancy.Unpaid, false},
		"suspended":         {tenancy.Tenant{Set: tenancy.Suspended, PaidUntil: paid}, paid.Add(-1), tenancy.Suspended, false},
	} {
		if got := c.t.Status(c.at); got != c.want || got.Served() != c.served {
			t.Errorf("%s: %s, served %t", name, got, got.Served())
		}
	}
}

func TestAWildcardIsEveryNameOfOneMorePartThatNobodyHas(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	for slug, domains := range map[string][]string{"casino-x": {"x.localhost", "*.casino.example", "*.deep.casino.example"}, "casino-y": {"taken.casino.example", "casino.example"}} {
		if _, err := admin.CreateTenant(t.Context(), storetest.Casino(slug, domains[0])); err != nil {
			t.Fatal(err)
		}
		for _, d := range domains[1:] {
			if _, err := admin.AddDomain(t.Context(), tenant.Slug(slug), d, "a test"); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Tenants.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("a", 63)
	for host, want := range map[string]string{
		"play.casino.example": "casino-x", "Play.CASINO.example.:443": "casino-x", "a-b.casino.example": "casino-x", "1.casino.example": "casino-x", long + ".casino.example": "casino-x",
		"bücher.casino.example": "casino-x", "xn--bcher-kva.casino.example": "casino-x", "deep.casino.example": "casino-x", "a.deep.casino.example": "casino-x",
		"taken.casino.example": "casino-y", "TAKEN.casino.example:80": "casino-y", "casino.example": "casino-y", // exact ones come first, whosever they are
		"a.b.casino.example": "", "a.taken.casino.example": "", ".casino.example": "", "*.casino.example": "", "-a.casino.example": "", "a-.casino.example": "", "a_b.casino.example": "",
		"a--b.casino.example": "casino-x", "ab--c.casino.example": "", "xn--a.casino.example": "", "a b.casino.example": "", "a\x00.casino.example": "", "a/.casino.example": "", "casino-example": "",
		long + "a.casino.example": "", "evilcasino.example": "", "play.casino.example.evil.test": "", "[play.casino.example]": "", strings.Repeat("ü", 2000) + ".casino.example": "",
	} {
		got, ok := s.Tenants.Lookup(host)
		if ok != (want != "") || ok && string(got.Slug) != want {
			t.Errorf("Lookup(%.60q): %v, want %q", host, got, want)
		}
	}
}

func TestAWildcardComesAndGoesOnEveryNodeWithinASecond(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	a, admin := storetest.Open(t, d, store.Options{})
	b, _ := storetest.Open(t, d, store.Options{})
	if _, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-x", "x.localhost")); err != nil {
		t.Fatal(err)
	}
	nodes := map[*store.Store]<-chan [2]*tenancy.Tenant{a: directory(t, a), b: directory(t, b)}
	for _, changes := range nodes {
		within(t, changes, 2*time.Second)
	}
	for _, c := range []struct {
		change func(context.Context, tenant.Slug, string, strict.Line) (tenancy.Tenant, error)
		served bool
	}{{admin.AddDomain, true}, {admin.RemoveDomain, false}} {
		if _, err := c.change(t.Context(), "casino-x", "*.casino.example", "a test"); err != nil {
			t.Fatal(err)
		}
		for s, changes := range nodes {
			within(t, changes, time.Second)
			if _, ok := s.Tenants.Lookup("play.casino.example"); ok != c.served {
				t.Errorf("a node serves it: %t, want %t", ok, c.served)
			}
		}
	}
}

// BenchmarkLookup measures look-ups among 10,000 casinos: none allocates.
func BenchmarkLookup(b *testing.B) {
	const casinos = 10_000
	d := tenancy.DirectoryOf(casinos)
	for name, c := range map[string]struct {
		host  string
		found bool
	}{
		"exact":    {"casino-5000.example:8080", true},
		"wildcard": {"play.casino-5000.example:8080", true},
		"unknown":  {"play.nowhere.example:8080", false},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := d.Lookup(c.host); ok != c.found {
					b.Fatalf("%s: %t", c.host, ok)
				}
			}
		})
	}
}

func TestALookUpAllocatesNothing(t *testing.T) {
	d := tenancy.DirectoryOf(10)
	for _, host := range []string{"casino-5.example", "casino-5.example:8080", "play.casino-5.example", "play.casino-5.example:443", "nowhere.example", "a.b.c.nowhere.example:80", "10.0.0.1:8080"} {
		if n := testing.AllocsPerRun(100, func() { d.Lookup(host) }); n != 0 {
			t.Errorf("%s: %v allocations", host, n)
		}
	}
}
