package tenancy_test

import (
	"bytes"
	"encoding/hex"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms/placement"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/seal"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

// lines is a log that may be read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) count(part string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), part)
}

// reopen opens a database without migrating it.
func reopen(t *testing.T, d storetest.Database, log *slog.Logger) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{URL: d.AppURL, Box: d.Box, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func TestATenantThatCannotBeLoadedIsOutOfOrderByItself(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	first, admin := storetest.Open(t, d, store.Options{})
	good, err := admin.CreateTenant(t.Context(), storetest.Casino("good", "good.localhost"))
	if err != nil {
		t.Fatal(err)
	}
	other, err := seal.NewBox(bytes.Repeat([]byte{7}, seal.MasterKeySize))
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := other.Seal(good.ID, "signing key x", make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	breaks := map[tenant.Slug]string{
		"flipped":  `update platform.tenant_key set secret = set_byte(secret, 30, get_byte(secret, 30) # 1) where tenant = $1`,
		"rotated":  `update platform.tenant_key set secret = '\x` + hex.EncodeToString(foreign) + `' where tenant = $1`,
		"pem":      `update platform.tenant_key set secret = null, public_pem = 'no key', alg = 'RS256' where tenant = $1`,
		"currency": `update platform.tenant set currency = 'euro' where id = $1`,
		"frames":   `update platform.tenant set frame_ancestors = array['x;y', null] where id = $1`,
		"older":    `update platform.tenant set schema_version = 1 where id = $1`,
	}
	for slug, sql := range breaks {
		made, err := admin.CreateTenant(t.Context(), storetest.Casino(string(slug), string(slug)+".localhost"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := admin.Pool().Exec(t.Context(), strings.ReplaceAll(sql, "$1", "'"+made.ID.String()+"'")); err != nil {
			t.Fatal(err)
		}
	}
	first.Close()

	log := &lines{}
	s := reopen(t, d, slog.New(slog.NewTextHandler(log, nil)))
	changes := directory(t, s)
	for slug := range breaks {
		got, ok := s.Tenants.Lookup(string(slug) + ".localhost")
		if !ok || got.Status(time.Now()) != tenancy.OutOfOrder || got.OutOfOrder == "" {
			t.Errorf("%s: found %t, %+v", slug, ok, got)
		}
		if n := log.count("tenant=" + string(slug)); n != 1 {
			t.Errorf("%s: %d lines in the log, want 1", slug, n)
		}
	}
	if got, ok := s.Tenants.Lookup("good.localhost"); !ok || !got.Status(time.Now()).Served() || len(s.Tenants.Keys(good.ID)) != 1 {
		t.Errorf("the good tenant is %+v", got)
	}
	if err := s.Tenants.Health(); err != nil {
		t.Errorf("Health: %v", err)
	}
	list, err := admin.ListTenants(t.Context())
	if err != nil || len(list) != len(breaks)+1 {
		t.Fatalf("ListTenants: %d, %v", len(list), err)
	}
	for _, got := range list {
		if broken := got.OutOfOrder != ""; broken != (got.Slug != "good") {
			t.Errorf("ListTenants: %s is out of order: %q", got.Slug, got.OutOfOrder)
		}
	}

	if err := admin.Suspend(t.Context(), "good", "test"); err != nil {
		t.Fatal(err)
	}
	if got := within(t, changes, 2*time.Second); got[1].ID != good.ID || got[1].Status(time.Now()) != tenancy.Suspended {
		t.Errorf("after Suspend: %+v", got[1])
	}
	if _, err := admin.Pool().Exec(t.Context(), `update platform.tenant set currency = 'EUR' where slug = 'currency'`); err != nil {
		t.Fatal(err)
	}
	if got := within(t, changes, 10*time.Second); got[1].Slug != "currency" || !got[1].Status(time.Now()).Served() {
		t.Errorf("after it was mended: %+v", got[1])
	}
	if n := log.count("is in order again"); n != 1 {
		t.Errorf("%d lines say that it is in order again", n)
	}
}

func TestARowOfNoTenantsNameStopsNothing(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	first, admin := storetest.Open(t, d, store.Options{})
	storetest.Tenant(t, admin)
	first.Close()
	if _, err := admin.Pool().Exec(t.Context(), `
		insert into platform.tenant (id, slug, name, on_trial, currency, exponent) values ('Not an ID', 'odd', 'Odd', false, 'EUR', 2);
		insert into platform.domain values ('odd.localhost', 'Not an ID', true);
		insert into platform.room (tenant, room, state) values ('Not an ID', 'lobby', 'open');
		insert into platform.revocation (tenant, kind, subject, expires) values ('Not an ID', 'token', 'x', now() + '1 h')`); err != nil {
		t.Fatal(err)
	}
	s := reopen(t, d, nil)
	if got, ok := s.Tenants.Lookup("odd.localhost"); !ok || got.Status(time.Now()) != tenancy.OutOfOrder {
		t.Errorf("%+v", got)
	}
	if n := len(s.Tenants.All()); n != 1 {
		t.Errorf("%d tenants, want the one that can be named", n)
	}
	if floor, err := s.Leases.Assignments(t.Context(), placement.Mark{}); err != nil || len(floor.Assignments) != 1 {
		t.Errorf("Floor: %+v, %v", floor, err)
	}
}
