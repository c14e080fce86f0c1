package doctor_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/doctor"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

var logins atomic.Int64

// ward is a deployment that a test breaks.
type ward struct {
	t     testing.TB
	d     storetest.Database
	login string // nodes' own: a test may change it, since no other database has it
	s     *store.Store
	admin *tenancy.Admin
	a, b  tenant.ID
	slug  tenant.Slug // of a
	o     doctor.Options
}

// newWard makes a sound deployment with two tenants, money in one of them, and a node.
func newWard(t testing.TB) *ward {
	t.Helper()
	w := &ward{t: t, d: storetest.Empty(t), login: fmt.Sprintf("doctor_%d", logins.Add(1))}
	u, err := url.Parse(w.d.AppURL)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(w.login, w.login)
	w.d.AppURL = u.String()
	w.s, w.admin = storetest.Open(t, w.d, store.Options{})
	w.a, w.b = storetest.Tenant(t, w.admin), storetest.Tenant(t, w.admin)
	storetest.Fund(t, w.s, w.a, "ann", 500)
	list, err := w.admin.ListTenants(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range list {
		if x.ID == w.a {
			w.slug = x.Slug
		}
	}
	w.o = doctor.Options{
		OwnerURL: w.d.AdminURL, URL: w.d.AppURL, Settings: tenancy.LoginSettings(), Relations: 1_000_000, Roles: 1_000_000, Realm: "00ff",
		Drift: func(ctx context.Context) (lines []string, compared int, err error) {
			d, err := w.admin.Drift(ctx)
			for _, x := range d.Drifted {
				lines = append(lines, x.Tenant+" "+strings.Join(x.Diff, "; "))
			}
			return lines, d.Checked, err
		},
		Broken: func(ctx context.Context) (lines []string, err error) {
			list, err := w.admin.ListTenants(ctx)
			for _, x := range list {
				if x.OutOfOrder != "" {
					lines = append(lines, x.OutOfOrder)
				}
			}
			return lines, err
		},
		Balance: func(ctx context.Context, id tenant.ID) (string, error) {
			b, err := w.s.Ledger.TrialBalance(ctx, id)
			if err != nil || b.OK {
				return "", err
			}
			return fmt.Sprint("the sum is ", b.Sum), nil
		},
	}
	return w
}

// super runs SQL as the superuser. $a and $b are the tenants, $slug the slug of $a, $app the login.
func (w *ward) super(sql string) { w.t.Helper(); storetest.Super(w.t, w.d, w.text(sql)) }

func (w *ward) text(s string) string {
	return strings.NewReplacer("$app", w.login, "$slug", string(w.slug), "$a", w.a.String(), "$b", w.b.String()).Replace(s)
}

// examine makes all checks, and returns the results by name.
func (w *ward) examine() map[string]doctor.Result {
	w.t.Helper()
	d, err := doctor.Open(w.t.Context(), w.o)
	if err != nil {
		w.t.Fatal(err)
	}
	defer d.Close()
	out := map[string]doctor.Result{}
	if err := d.Run(w.t.Context(), func(r doctor.Result) { out[r.Check] = r }); err != nil {
		w.t.Fatal(err)
	}
	return out
}
