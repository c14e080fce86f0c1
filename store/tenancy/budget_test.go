package tenancy_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

func TestNoTenantIsMadePastTheBudgetOfTheCatalogue(t *testing.T) {
	t.Parallel()
	_, admin := storetest.New(t)
	storetest.Tenant(t, admin)
	if n, err := admin.FillPool(t.Context(), 1); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	has, err := admin.Usage(t.Context())
	if err != nil || has.Relations < 100 || has.Roles < 3 || has.CatalogBytes < 1<<16 {
		t.Fatalf("%+v, %v", has, err)
	}
	create := func(slug string, without bool) error {
		_, err := admin.CreateTenant(t.Context(), tenancy.NewTenant{Slug: tenant.Slug(slug), Name: "X", Domains: []string{slug + ".example"}, Currency: "EUR", WithoutSchema: without})
		return err
	}
	for i, b := range []tenancy.Budget{{Relations: has.Relations}, {Roles: 1}} {
		admin.Budget = b
		ahead, reserved, refused := fmt.Sprint("ahead-", i), fmt.Sprint("reserved-", i), fmt.Sprint("refused-", i)
		if err := create(ahead, false); i == 0 && err != nil {
			t.Errorf("one that was made ahead makes nothing: %v", err)
		}
		if err := create(refused, false); !errors.Is(err, tenancy.ErrCatalogBudget) || !strings.Contains(err.Error(), " of ") {
			t.Errorf("%+v: %v", b, err)
		}
		if _, err := admin.Tenant(t.Context(), tenant.Slug(refused)); err == nil {
			t.Error("a refused tenant is there")
		}
		if err := create(reserved, true); err != nil {
			t.Error(err)
		}
		if _, err := admin.Provision(t.Context(), tenant.Slug(reserved)); !errors.Is(err, tenancy.ErrCatalogBudget) {
			t.Error(err)
		}
		if n, err := admin.FillPool(t.Context(), 3); n != 0 || !errors.Is(err, tenancy.ErrCatalogBudget) {
			t.Error(n, err)
		}
	}
	admin.Budget = tenancy.Budget{}
	if err := create("at-last", false); err != nil {
		t.Error(err)
	}
}
