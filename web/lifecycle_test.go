package web_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/store/localpg"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

// socketsThatMayNotBeHere has one node serve several casinos, one for each test: what happens to one
// is noticed at none of the others.
func socketsThatMayNotBeHere(t *testing.T, c *webtest.Casino) {
	bystander := c.Dial("bystander", c.Player("bystander", 100))
	for slug, test := range map[string]func(*testing.T, *webtest.Casino){
		"suspended-and-resumed": suspendedAndResumed,
		"loses-a-domain":        losesADomain,
		"retires-its-key":       retiresItsKey,
		"does-not-pay":          doesNotPay,
		"in-maintenance":        inMaintenance,
		"trial-ends":            trialEnds,
		"pays-late":             paysLate,
		"renamed":               renamed,
		"archived":              archived,
		"comes-by-a-wildcard":   comesByAWildcard,
		"page-in-maintenance":   pageInMaintenance,
		"closed-in-words":       closedInWords,
	} {
		other := c.Another(slug)
		t.Run(slug, func(t *testing.T) {
			test(t, other.In(t))
		})
	}
	bystander.Call(wire.MethodPing, struct{}{}, nil)
}

func suspendedAndResumed(t *testing.T, c *webtest.Casino) {
	token := c.Player("alice", 100)
	alice := c.Dial("alice", token)
	alice.Await(wire.PushWalletBalance)
	if err := c.Admin.Suspend(t.Context(), c.Tenant.Slug, "a test"); err != nil {
		t.Fatal(err)
	}
	alice.Closed(wire.CloseSuspended)
	c.Get(token, "/v1/session").Want(http.StatusForbidden, "tenant_suspended")
	c.Get("", "/play").Want(http.StatusForbidden, "tenant_suspended")
	c.DialRefused(http.StatusForbidden, wire.BearerPrefix+token)
	if err := c.Admin.Resume(t.Context(), c.Tenant.Slug); err != nil {
		t.Fatal(err)
	}
	storetest.Eventually(t, "it is served again", func() bool { return c.Get(token, "/v1/session").Status == http.StatusOK })
	c.Dial("alice", token).Await(wire.PushWalletBalance)
}

func doesNotPay(t *testing.T, c *webtest.Casino) {
	token := c.Player("alice", 100)
	alice := c.Dial("alice", token)
	alice.Await(wire.PushWalletBalance)
	pay := func(until time.Time) {
		t.Helper()
		if _, err := c.Admin.SetTenant(t.Context(), c.Tenant.Slug, tenancy.Settings{PaidUntil: &until}, "a test"); err != nil {
			t.Fatal(err)
		}
	}
	pay(time.Now().Add(-time.Hour)) // in its days of grace it is served
	alice.Call(wire.MethodPing, struct{}{}, nil)
	c.Get(token, "/v1/session").Want(http.StatusOK, "")
	pay(time.Now().Add(-tenancy.GracePeriod - time.Hour))
	alice.Closed(wire.CloseSuspended)
	c.Get(token, "/v1/session").Want(http.StatusForbidden, "tenant_unpaid")
	c.DialRefused(http.StatusForbidden, wire.BearerPrefix+token)
}

func losesADomain(t *testing.T, c *webtest.Casino) {
	token := c.Player("alice", 100)
	slug := c.Tenant.Slug
	there := c.At("second.localhost")
	there.Get("", "/play").Want(http.StatusNotFound, "unknown_host")
	if _, err := c.Admin.AddDomain(t.Context(), slug, "second.localhost", "a test"); err != nil {
		t.Fatal(err)
	}
	storetest.Eventually(t, "it is served at its second domain", func() bool { return there.Get("", "/play").Status == http.StatusOK })
	alice := there.Dial("alice", token)
	alice.Await(wire.PushWalletBalance)
	bob := c.Dial("bob", c.Player("bob", 100))
	if _, err := c.Admin.RemoveDomain(t.Context(), slug, "second.localhost", "a test"); err != nil {
		t.Fatal(err)
	}
	alice.Closed(wire.CloseOverloaded) // it may come back by the domain that is left
	bob.Call(wire.MethodPing, struct{}{}, nil)
	there.DialRefused(http.StatusNotFound, wire.BearerPrefix+token)
	c.Dial("alice", token)
}

func retiresItsKey(t *testing.T, c *webtest.Casino) {
	token := c.Player("alice", 100)
	alice := c.Dial("alice", token)
	alice.Await(wire.PushWalletBalance)
	if _, _, _, err := c.Admin.RotateKey(t.Context(), c.Tenant.Slug, true, "a test"); err != nil {
		t.Fatal(err)
	}
	alice.Closed(wire.CloseRevoked)
	c.Get(token, "/v1/session").Want(http.StatusUnauthorized, "token_kid")
	c.Get(c.Player("alice", 100), "/v1/session").Want(http.StatusOK, "") // by the new one
}

func inMaintenance(t *testing.T, c *webtest.Casino) {
	token := c.Player("alice", 100)
	staff, service, support := c.Staff()
	alice, olivia := c.Dial("alice", token), c.Dial("olivia", staff)
	alice.Await(wire.PushWalletBalance)
	if err := c.Admin.Maintain(t.Context(), c.Tenant.Slug, time.Now().Add(2*time.Minute), "a test"); err != nil {
		t.Fatal(err)
	}
	alice.Closed(wire.CloseMaintenance)
	var closing wire.Closing
	if err := json.Unmarshal(alice.Told(wire.PushClosing)[0], &closing); err != nil || closing.RetryAfterMS < 100_000 || closing.RetryAfterMS > 120_000 {
		t.Errorf("told to come back in %d ms, %v", closing.RetryAfterMS, err)
	}
	got := c.Get(token, "/v1/session").Want(http.StatusServiceUnavailable, "tenant_maintenance")
	if after, err := strconv.Atoi(got.Header.Get("Retry-After")); err != nil || after < 100 || after > 120 {
		t.Errorf("Retry-After: %q", got.Header.Get("Retry-After"))
	}
	c.DialRefused(http.StatusServiceUnavailable, wire.BearerPrefix+token)
	olivia.Call(wire.MethodPing, struct{}{}, nil)
	for _, who := range []string{staff, service, support} {
		c.Get(who, "/v1/session").Want(http.StatusOK, "")
	}
	c.Dial("sam", support)
	if err := c.Admin.Resume(t.Context(), c.Tenant.Slug); err != nil {
		t.Fatal(err)
	}
	storetest.Eventually(t, "it is served again", func() bool { return c.Get(token, "/v1/session").Status == http.StatusOK })
	c.Dial("alice", token).Await(wire.PushWalletBalance)
}

func trialEnds(t *testing.T, c *webtest.Casino) {
	token := c.Player("alice", 100)
	yes, until := true, time.Now().Add(3*time.Second)
	if _, err := c.Admin.SetTenant(t.Context(), c.Tenant.Slug, tenancy.Settings{OnTrial: &yes, PaidUntil: &until}, "a test"); err != nil {
		t.Fatal(err)
	}
	alice := c.Dial("alice", token)
	alice.Await(wire.PushWalletBalance)
	alice.Closed(wire.CloseSuspended) // by time alone
	if late := time.Since(until); late > time.Second {
		t.Errorf("the socket was closed %s after the end of the trial", late)
	}
	c.Get(token, "/v1/session").Want(http.StatusForbidden, "tenant_unpaid")
}

// paysLate turns the clock over the day until which a casino paid, its grace, and what it pays in the end.
func paysLate(t *testing.T, c *webtest.Casino) {
	token := c.Player("alice", 100)
	until := time.Now().Add(40 * 24 * time.Hour)
	if _, err := c.Admin.SetTenant(t.Context(), c.Tenant.Slug, tenancy.Settings{PaidUntil: &until}, "a test"); err != nil {
		t.Fatal(err)
	}
	status := func() tenancy.Status {
		now, _ := c.Store.Tenants.ByID(c.Tenant.ID)
		return now.Status(c.Store.Tenants.Now())
	}
	storetest.Eventually(t, "the node knows", func() bool { now, _ := c.Store.Tenants.ByID(c.Tenant.ID); return !now.PaidUntil.IsZero() })
	alice := c.Dial("alice", token)
	alice.Await(wire.PushWalletBalance)
	turn := func(to time.Time) (turned time.Time) {
		by := time.Until(to)
		c.Store.Tenants.SetClock(func() time.Time { return time.Now().Add(by) })
		return time.Now()
	}
	defer c.Store.Tenants.SetClock(time.Now)
	turn(until.Add(time.Second))
	if status() != tenancy.Grace {
		t.Errorf("it is %s", status())
	}
	alice.Call(wire.MethodPing, struct{}{}, nil)
	turned := turn(until.Add(tenancy.GracePeriod + time.Second))
	alice.Closed(wire.CloseSuspended)
	if late := time.Since(turned); late > time.Second || status() != tenancy.Unpaid {
		t.Errorf("the socket was closed after %s; it is %s", late, status())
	}
	more := until.Add(365 * 24 * time.Hour)
	if _, err := c.Admin.SetTenant(t.Context(), c.Tenant.Slug, tenancy.Settings{PaidUntil: &more}, "a test"); err != nil {
		t.Fatal(err)
	}
	storetest.Eventually(t, "it is served again", func() bool { return status() == tenancy.Active })
}

func renamed(t *testing.T, c *webtest.Casino) {
	token := c.Player("alice", 100) // names the former slug
	alice := c.Dial("alice", token)
	alice.Await(wire.PushWalletBalance)
	if _, err := c.Admin.Rename(t.Context(), c.Tenant.Slug, "renamed-again", "a test"); err != nil {
		t.Fatal(err)
	}
	storetest.Eventually(t, "the node knows the new slug", func() bool {
		now, ok := c.Store.Tenants.ByID(c.Tenant.ID)
		return ok && now.Slug == "renamed-again"
	})
	alice.Call(wire.MethodPing, struct{}{}, nil)
	c.Get(token, "/v1/session").Want(http.StatusOK, "")
	c.Dial("alice", token).Await(wire.PushWalletBalance)
}

func archived(t *testing.T, c *webtest.Casino) {
	token := c.Player("alice", 100)
	alice := c.Dial("alice", token)
	alice.Await(wire.PushWalletBalance)
	owner := storetest.Owner(t, c.Admin).Config().ConnString()
	to := tenancy.Archiver{Dir: t.TempDir(), Dump: func(ctx context.Context, schema string, out io.Writer) error {
		return localpg.Dump(ctx, owner, schema, out)
	}}
	if _, err := c.Admin.Archive(t.Context(), c.Tenant.Slug, "a test", to); err != nil {
		t.Fatal(err)
	}
	alice.Closed(wire.CloseSuspended)
	storetest.Eventually(t, "it says that it is archived", func() bool { return c.Get("", "/play").Code == "tenant_archived" })
	c.Get(token, "/v1/session").Want(http.StatusForbidden, "tenant_archived")
	if err := c.Admin.Resume(t.Context(), c.Tenant.Slug); err != nil {
		t.Fatal(err)
	}
	storetest.Eventually(t, "it is served again", func() bool { return c.Get(token, "/v1/session").Status == http.StatusOK })
}
