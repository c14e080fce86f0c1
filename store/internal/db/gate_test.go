package db_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/internal/db"
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

func TestATenantWhoseListsWaitPausesAfterEach(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ took, want time.Duration }{
		{10 * time.Millisecond, db.PauseFactor * 10 * time.Millisecond},
		{10 * time.Second, db.PauseMax},
	} {
		synctest.Test(t, func(t *testing.T) {
			others, lists := db.NewGate(1)
			enter := func(g db.Gate) {
				if err := g.Enter(t.Context()); err != nil {
					t.Error(err)
				}
			}
			paused := func(waits db.Gate) time.Duration {
				enter(lists)
				entered := make(chan time.Time, 1)
				go func() {
					enter(waits)
					entered <- time.Now()
				}()
				synctest.Wait()
				left := time.Now()
				lists.Leave(c.took)
				defer waits.Leave(0)
				return (<-entered).Sub(left)
			}
			if got := paused(lists); got != c.want {
				t.Errorf("after %v the next list waits %v, want %v", c.took, got, c.want)
			}
			if got := paused(others); got != 0 {
				t.Errorf("after %v another request waits %v though no list does", c.took, got)
			}
		})
	}
}
