package tenancy_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

func TestARetiredKeyLosesItsSecretAndKeepsItsName(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	made, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-x", "casino-x.localhost"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Tenants.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	old := s.Tenants.Keys(made.ID)[0].ID
	k, left, err := admin.RetireKey(t.Context(), "casino-x", old, "leaked")
	if err != nil || left != 0 || k.ID != old || k.State != "retired" || k.RetiredAt.IsZero() {
		t.Errorf("%+v, %d left, %v", k, left, err)
	}
	if n := storetest.Count(t, admin, `select count(*) from platform.tenant_key where secret is not null`); n != 0 {
		t.Error("the secret is still there")
	}
	if _, _, err := admin.RetireKey(t.Context(), "casino-x", old, "again"); !errors.Is(err, tenancy.ErrNoKey) {
		t.Errorf("again: %v", err)
	}
	if _, err := admin.AddKeySet(t.Context(), "casino-x", old, "https://casino.example/jwks", "r"); !errors.Is(err, tenancy.ErrKeyExists) {
		t.Errorf("its name for another: %v", err)
	}
	if err := s.Tenants.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if now, ok := s.Tenants.ByID(made.ID); !ok || now.OutOfOrder != "" || len(s.Tenants.Keys(made.ID)) != 0 || !s.Tenants.RetiredKey(made.ID, old) {
		t.Errorf("%+v", now)
	}
}

func TestACasinoWhoseKeyCannotBeReadIsMendedByANewOne(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	made, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-x", "casino-x.localhost"))
	if err != nil {
		t.Fatal(err)
	}
	storetest.Super(t, d, `update platform.tenant_key set secret = '\x00'; update platform.instance set directory_version = directory_version + 1`)
	reload := func() *tenancy.Tenant {
		t.Helper()
		if err := s.Tenants.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		now, _ := s.Tenants.ByID(made.ID)
		return now
	}
	if now := reload(); !strings.Contains(now.OutOfOrder, "cannot be read") {
		t.Fatalf("%q", now.OutOfOrder)
	}
	k, _, retired, err := admin.RotateKey(t.Context(), "casino-x", true, "damaged")
	if err != nil || len(retired) != 1 {
		t.Fatalf("%+v, %v", retired, err)
	}
	if now := reload(); now.OutOfOrder != "" || len(s.Tenants.Keys(made.ID)) != 1 || s.Tenants.Keys(made.ID)[0].ID != k.ID {
		t.Errorf("%+v", now)
	}
}

func TestKeysAddedAtOnceAreNotMoreThanThereMayBe(t *testing.T) {
	t.Parallel()
	_, admin := storetest.New(t)
	if _, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-x", "casino-x.localhost")); err != nil {
		t.Fatal(err)
	}
	var refused atomic.Int32
	var all sync.WaitGroup
	for i := range tenancy.KeysMax + 4 {
		all.Go(func() {
			_, err := admin.AddKeySet(t.Context(), "casino-x", fmt.Sprint("set-", i), "https://casino.example/jwks", "r")
			if errors.Is(err, tenancy.ErrTooManyKeys) {
				refused.Add(1)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	list, err := admin.ListKeys(t.Context(), "casino-x")
	if err != nil || len(list) != tenancy.KeysMax || refused.Load() != 5 {
		t.Errorf("%d keys, %d refused, %v", len(list), refused.Load(), err)
	}
}
