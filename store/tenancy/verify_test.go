package tenancy_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

// resolver returns the resolver of the standard library, which asks a server of a test.
func resolver(server *storetest.NameServer) tenancy.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", server.Address)
	}}
}

// domains returns a casino's domains by name.
func domains(t *testing.T, admin *tenancy.Admin) map[string]tenancy.Domain {
	t.Helper()
	list, err := admin.Domains(t.Context(), "casino-x")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]tenancy.Domain{}
	for _, d := range list {
		out[d.Name] = d
	}
	return out
}

func TestADomainIsVerifiedByItsOwnChallengeInDNSUntilItIsRemoved(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	made, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-x", "x.localhost", "casino.example"))
	if err != nil {
		t.Fatal(err)
	}
	add := func(name string) {
		t.Helper()
		if _, err := admin.AddDomain(t.Context(), "casino-x", name, "a test"); err != nil {
			t.Fatal(err)
		}
	}
	add("*.casino.example")
	have := domains(t, admin)
	d, w := have["casino.example"], have["*.casino.example"]
	if len(d.Challenge) != 32 || d.Challenge == w.Challenge || !d.Verified.IsZero() || d.Record() != "_pitboss-challenge.casino.example" || w.Record() != d.Record() || have["x.localhost"].Record() != "" {
		t.Fatalf("%+v", have)
	}

	dns := storetest.NewNameServer(t)
	verify := func(name string) error { return admin.VerifyDomain(t.Context(), "casino-x", name, resolver(dns)) }
	refused := func(name string, want error, why string) {
		t.Helper()
		if err := verify(name); !errors.Is(err, want) || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v, want %q", name, err, why)
		}
	}
	refused("casino.example", tenancy.ErrUnverified, "DNS has no TXT record _pitboss-challenge.casino.example; set it to "+d.Challenge)
	dns.Set(d.Record(), w.Challenge, "v=spf1 -all")
	refused("casino.example", tenancy.ErrUnverified, `DNS has "`+w.Challenge+`", "v=spf1 -all"`)
	dns.Set("casino.example", d.Challenge) // of the name itself
	refused("casino.example", tenancy.ErrUnverified, "is not "+d.Challenge)
	refused("x.localhost", tenancy.ErrDomain, "needs no verification")
	refused("nowhere.example", tenancy.ErrDomain, "nowhere.example")
	if now := domains(t, admin); !now["casino.example"].Verified.IsZero() {
		t.Errorf("%+v", now)
	}

	dns.Set(d.Record(), "v=spf1 -all", w.Challenge, d.Challenge)
	for _, name := range []string{"Casino.Example.", "*.casino.example"} {
		if err := verify(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	now := domains(t, admin)
	if now["casino.example"].Verified.IsZero() || now["*.casino.example"].Verified.IsZero() {
		t.Errorf("%+v", now)
	}
	dns.Set(d.Record())
	refused("casino.example", tenancy.ErrUnverified, "no TXT record")
	if domains(t, admin)["casino.example"].Verified.IsZero() {
		t.Error("it is verified no more")
	}
	lines, err := storetest.LastLines(t.Context(), s, made.ID, 3)
	if err != nil || lines[0].Action != "domain.verify" || lines[0].Target != "casino.example" || lines[0].Reason != "DNS does not have the challenge" || lines[1].Reason != "DNS has the challenge" {
		t.Errorf("%+v, %v", lines, err)
	}

	if _, err := admin.RemoveDomain(t.Context(), "casino-x", "casino.example", "a test"); err != nil {
		t.Fatal(err)
	}
	add("casino.example")
	if again := domains(t, admin)["casino.example"]; !again.Verified.IsZero() || again.Challenge == d.Challenge {
		t.Errorf("%+v", again)
	}
}

// answering is a Resolver that answers with what it returns.
type answering func(ctx context.Context) ([]string, error)

func (f answering) LookupTXT(ctx context.Context, _ string) ([]string, error) { return f(ctx) }

func TestDNSThatFailsLingersOrFloodsVerifiesNothing(t *testing.T) {
	t.Parallel()
	_, admin := storetest.New(t)
	if _, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-x", "casino.example")); err != nil {
		t.Fatal(err)
	}
	challenge := domains(t, admin)["casino.example"].Challenge
	for name, c := range map[string]struct {
		dns answering
		why string
	}{
		"fails":  {func(context.Context) ([]string, error) { return nil, &net.DNSError{Err: "server misbehaving"} }, "did not answer, try again"},
		"floods": {func(context.Context) ([]string, error) { return append(make([]string, 64), challenge), nil }, "61 more and more, which were not looked at"},
		"lingers": {func(ctx context.Context) ([]string, error) {
			if at, ok := ctx.Deadline(); !ok || time.Until(at) > 10*time.Second {
				return []string{challenge}, nil
			}
			return nil, context.DeadlineExceeded
		}, "did not answer, try again"},
		"removed": {func(ctx context.Context) ([]string, error) {
			_, err := admin.Pool().Exec(ctx, `update platform.domain set challenge = 'another'`) // as removed and added again
			return []string{challenge}, err
		}, "casino.example"},
	} {
		err := admin.VerifyDomain(t.Context(), "casino-x", "casino.example", c.dns)
		if err == nil || !strings.Contains(err.Error(), c.why) || !domains(t, admin)["casino.example"].Verified.IsZero() {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := admin.Pool().Exec(t.Context(), `update platform.domain set challenge = $1`, challenge); err != nil {
			t.Fatal(err)
		}
	}
	silent := storetest.NewNameServer(t)
	silent.Silence()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := resolver(silent).LookupTXT(ctx, "_pitboss-challenge.casino.example."); err == nil {
		t.Error("a server that is silent answered")
	}
}

func TestOnlyVerifiedDomainsAreServedIfTheyHaveToBeVerified(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	open, admin := storetest.Open(t, d, store.Options{})
	strict, _ := storetest.Open(t, d, store.Options{VerifiedDomainsOnly: true})
	if _, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-x", "casino.example", "x.localhost")); err != nil {
		t.Fatal(err)
	}
	changes := directory(t, strict)
	within(t, changes, 2*time.Second)
	if err := open.Tenants.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string][2]bool{"casino.example": {true, false}, "x.localhost": {true, true}} {
		_, a := open.Tenants.Lookup(host)
		_, b := strict.Tenants.Lookup(host)
		if got := [2]bool{a, b}; got != want {
			t.Errorf("%s: %v, want %v", host, got, want)
		}
	}
	dns := storetest.NewNameServer(t)
	c := domains(t, admin)["casino.example"]
	dns.Set(c.Record(), c.Challenge)
	if err := admin.VerifyDomain(t.Context(), "casino-x", "casino.example", resolver(dns)); err != nil {
		t.Fatal(err)
	}
	got := within(t, changes, 2*time.Second)
	if _, ok := strict.Tenants.Lookup("casino.example"); !ok || !slices.Equal(got[1].Domains, []string{"casino.example", "x.localhost"}) {
		t.Errorf("it is verified and not served: %v", got[1].Domains)
	}
	if _, err := storetest.Connect(t, d.AppURL).Exec(t.Context(), `select challenge from platform.domain`); storetest.State(err) != "42501" {
		t.Errorf("a node's login reads challenges: %v", err)
	}
}
