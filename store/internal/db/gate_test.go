package db_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

// TestTheControlLaneHasAnAddressOfItsOwn gives it one that a pooler before the others would not
// have.
func TestTheControlLaneHasAnAddressOfItsOwn(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	storetest.Open(t, d, store.Options{})
	named := func(url, name string) string { return url + "&application_name=" + name }
	s, err := store.Open(t.Context(), store.Options{URL: named(d.AppURL, "scopes"), ControlURL: named(d.AppURL, "control"), Box: d.Box})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	who := func(query func(context.Context, string, ...any) pgx.Row) (name string) {
		if err := query(t.Context(), `select current_setting('application_name')`).Scan(&name); err != nil {
			t.Fatal(err)
		}
		return name
	}
	if scopes, control := who(s.Pool().QueryRow), who(s.ControlPool().QueryRow); scopes != "scopes" || control != "control" {
		t.Errorf("scopes go by %q and the control lane by %q", scopes, control)
	}
	if _, err := store.Open(t.Context(), store.Options{URL: d.AppURL, ControlURL: d.AdminURL, Box: d.Box}); err == nil {
		t.Error("another login is taken for the control lane")
	}
}
