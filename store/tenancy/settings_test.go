package tenancy_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/journal"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

func ptr[T any](v T) *T { return &v }

func TestACurrencyHasTheDigitsOfISO4217AndAnUnknownOneIsRefused(t *testing.T) {
	t.Parallel()
	_, admin := storetest.New(t)
	for code, digits := range map[string]int{"EUR": 2, "JPY": 0, "KWD": 3, "IQD": 3, "ISK": 0, "HUF": 2} {
		n := storetest.Casino("casino-"+strings.ToLower(code), strings.ToLower(code)+".localhost")
		n.Currency = code
		if got, err := admin.CreateTenant(t.Context(), n); err != nil || got.Exponent != digits || got.Currency != code {
			t.Errorf("%s: %d digits, %v", code, got.Exponent, err)
		}
	}
	for code, hint := range map[string]string{"eur": "write EUR", "XBT": "ISO 4217", "USDT": "ISO 4217", "DEM": "ISO 4217", "XXX": "ISO 4217", "": "ISO 4217", "€": "ISO 4217"} {
		n := storetest.Casino("casino-z", "z.localhost")
		n.Currency = code
		if _, err := admin.CreateTenant(t.Context(), n); !errors.Is(err, tenancy.ErrTenant) || !strings.Contains(err.Error(), hint) {
			t.Errorf("%q: %v", code, err)
		}
	}
}

func TestADatabaseThatIsNotUTF8IsRefused(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	storetest.Super(t, storetest.Database{Name: "postgres"}, `drop database `+d.Name)
	storetest.Super(t, storetest.Database{Name: "postgres"}, `create database `+d.Name+` owner pitboss_owner encoding 'LATIN1' locale 'C' template template0`)
	if _, err := tenancy.OpenAdmin(t.Context(), d.AdminURL, d.Box); !errors.Is(err, tenancy.ErrEncoding) || !strings.Contains(err.Error(), "LATIN1") {
		t.Errorf("the owner: %v", err)
	}

	// One that was set up by an earlier version, which did not look.
	storetest.Super(t, d, `create schema platform; create table platform.migration (scope text, version int, phase text);
		create table platform.instance (master_check bytea); insert into platform.instance values (null);
		grant usage on schema platform to pitboss_app; grant select on all tables in schema platform to pitboss_app`)
	if _, err := store.Open(t.Context(), store.Options{URL: d.AppURL, Box: d.Box}); !errors.Is(err, tenancy.ErrEncoding) {
		t.Errorf("a node: %v", err)
	}
}

func TestSettingsOfATenantAreChangedWithAnAuditLineAndToldWithinASecond(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	admin.Actor = "cli:olivia"
	if _, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-x", "casino-x.localhost")); err != nil {
		t.Fatal(err)
	}
	changes := directory(t, s)
	within(t, changes, time.Second)
	until := time.Date(2031, 2, 3, 0, 0, 0, 0, time.UTC)
	got, err := admin.SetTenant(t.Context(), "casino-x", tenancy.Settings{
		Name: ptr(strict.Line(" Grand Casino ")), OnTrial: ptr(true), PaidUntil: &until, FrameAncestors: &[]string{"https://portal.example"}, Currency: ptr("JPY"),
	}, "contract 17")
	if err != nil || got.Name != "Grand Casino" || !got.OnTrial || !got.PaidUntil.Equal(until) || got.Currency != "JPY" || got.Exponent != 0 || len(got.FrameAncestors) != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	if told := within(t, changes, time.Second); told[1].Name != "Grand Casino" || told[1].Exponent != 0 {
		t.Errorf("told %+v", told[1])
	}
	lines, err := storetest.LastLines(t.Context(), s, got.ID, 1)
	if err != nil || lines[0].Action != "tenant.set" || lines[0].Actor != "cli:olivia" || lines[0].Reason != "contract 17" ||
		!strings.Contains(string(lines[0].Before), `"currency":"EUR","exponent":2`) || !strings.Contains(string(lines[0].After), `"paid_until":"2031-02-03T00:00:00Z"`) {
		t.Errorf("audit: %+v, %v", lines, err)
	}
	got, err = admin.SetTenant(t.Context(), "casino-x", tenancy.Settings{NoEnd: true, FrameAncestors: &[]string{}}, "contract 18")
	if err != nil || got.Name != "Grand Casino" || !got.PaidUntil.IsZero() || len(got.FrameAncestors) != 0 || got.Currency != "JPY" {
		t.Errorf("%+v, %v", got, err)
	}
	for name, c := range map[string]struct {
		slug   tenant.Slug
		to     tenancy.Settings
		reason strict.Line
		want   error
	}{
		"nobody":           {"casino-y", tenancy.Settings{NoEnd: true}, "r", db.ErrNoTenant},
		"nothing":          {"casino-x", tenancy.Settings{}, "r", db.ErrInvalid},
		"zero time":        {"casino-x", tenancy.Settings{PaidUntil: &time.Time{}}, "r", tenancy.ErrTenant},
		"1999":             {"casino-x", tenancy.Settings{PaidUntil: ptr(time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC))}, "r", tenancy.ErrTenant},
		"an end, and none": {"casino-x", tenancy.Settings{PaidUntil: &until, NoEnd: true}, "r", tenancy.ErrTenant},
		"below none":       {"casino-x", tenancy.Settings{CreditApprovalAbove: ptr(int64(-2))}, "r", tenancy.ErrTenant},
		"no plan":          {"casino-x", tenancy.Settings{Plan: ptr("large")}, "r", tenancy.ErrNoPlan},
		"no reason":        {"casino-x", tenancy.Settings{}, " ", db.ErrInvalid},
		"name":             {"casino-x", tenancy.Settings{Name: ptr(strict.Line(" "))}, "r", tenancy.ErrTenant},
		"currency":         {"casino-x", tenancy.Settings{Currency: ptr("XBT")}, "r", tenancy.ErrTenant},
		"ancestor":         {"casino-x", tenancy.Settings{FrameAncestors: &[]string{"*"}}, "r", tenancy.ErrTenant},
	} {
		if _, err := admin.SetTenant(t.Context(), c.slug, c.to, c.reason); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	n := storetest.Casino("casino-z", "casino-z.localhost")
	n.PaidUntil = &time.Time{}
	if _, err := admin.CreateTenant(t.Context(), n); !errors.Is(err, tenancy.ErrTenant) || !strings.Contains(err.Error(), "before 2000") {
		t.Errorf("made with a zero time: %v", err)
	}
}

func TestNoneIsNoPlanAndNoJurisdictionAndNoneIsCalledSo(t *testing.T) {
	t.Parallel()
	_, admin := storetest.New(t)
	if _, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-x", "casino-x.localhost")); err != nil {
		t.Fatal(err)
	}
	as := func(*tenancy.TenantPlan) error { return nil }
	if _, err := admin.SetPlan(t.Context(), "small", as, "a test"); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.SetJurisdiction(t.Context(), tenancy.Jurisdiction{Name: "island"}, "a test"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"none", ""} {
		got, err := admin.SetTenant(t.Context(), "casino-x", tenancy.Settings{Plan: ptr("small"), Jurisdiction: ptr("island")}, "a test")
		if err != nil || got.Plan.Name != "small" || got.Jurisdiction.Name != "island" {
			t.Fatal(got, err)
		}
		got, err = admin.SetTenant(t.Context(), "casino-x", tenancy.Settings{Plan: &name, Jurisdiction: &name}, "a test")
		if err != nil || got.Plan.Name != "" || got.Jurisdiction.Name != "" {
			t.Errorf("%q: %+v, %v", name, got, err)
		}
	}
	if _, err := admin.SetPlan(t.Context(), "none", as, "a test"); !errors.Is(err, tenancy.ErrPlan) {
		t.Errorf("a plan: %v", err)
	}
	if _, err := admin.SetJurisdiction(t.Context(), tenancy.Jurisdiction{Name: "none"}, "a test"); !errors.Is(err, tenancy.ErrJurisdiction) {
		t.Errorf("a jurisdiction: %v", err)
	}
}

func TestACurrencyStaysOnceMoneyWasMoved(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	made, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-x", "casino-x.localhost"))
	if err != nil {
		t.Fatal(err)
	}
	storetest.Fund(t, s, made.ID, "alice", 100)
	storetest.Fund(t, s, made.ID, "alice", -100) // nobody has any, and it was moved all the same
	if _, err := admin.SetTenant(t.Context(), "casino-x", tenancy.Settings{Currency: ptr("JPY")}, "r"); !errors.Is(err, tenancy.ErrStaked) {
		t.Errorf("%v", err)
	}
	if got, err := admin.SetTenant(t.Context(), "casino-x", tenancy.Settings{Currency: ptr("EUR"), Name: ptr(strict.Line("Same"))}, "r"); err != nil || got.Name != "Same" {
		t.Errorf("the same currency: %v", err)
	}
}

func TestACreditWaitsForTheChangeOfItsCurrencyAndIsRefused(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	made, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-x", "casino-x.localhost"))
	if err != nil {
		t.Fatal(err)
	}
	super, err := pgx.Connect(t.Context(), d.SuperURL) // who sees what others wait for
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = super.Close(t.Context()) }()
	// The change, up to its commit.
	tx, err := admin.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	for _, sql := range []string{
		`select 1 from ` + pgx.Identifier{made.ID.Schema()}.Sanitize() + `.account where kind = 'house' for update`,
		`update platform.tenant set currency = 'JPY', exponent = 0 where slug = 'casino-x'`,
	} {
		if _, err := tx.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan error, 1)
	go func() {
		_, _, err := s.Ledger.Credit(t.Context(), made.ID, journal.Credit{
			Player: "alice", Amount: 1000, Currency: "EUR", Exponent: 2, Reason: "r", Actor: "op", CommandID: uuid.NewString(),
		})
		done <- err
	}()
	for waiting, deadline := false, time.Now().Add(10*time.Second); !waiting; {
		err := super.QueryRow(t.Context(), `select exists (select from pg_stat_activity
			where datname = current_database() and usename = 'pitboss_app' and wait_event_type = 'Lock')`).Scan(&waiting)
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("the credit does not wait: %v", err)
		}
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, journal.ErrCurrencyChanged) {
		t.Errorf("%v", err)
	}
	if got := storetest.Balance(t, s, made.ID, "alice"); got != 0 {
		t.Errorf("alice has %d", got)
	}
}

func TestOfACreditAndAChangeOfCurrencyAtOnceOneIsRefused(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	for i := range 8 {
		slug := tenant.Slug(fmt.Sprintf("casino-%c", 'a'+i))
		made, err := admin.CreateTenant(t.Context(), storetest.Casino(string(slug), string(slug)+".localhost"))
		if err != nil {
			t.Fatal(err)
		}
		var credited, set error
		var both sync.WaitGroup
		both.Go(func() {
			_, _, credited = s.Ledger.Credit(t.Context(), made.ID, journal.Credit{
				Player: "alice", Amount: 1000, Currency: "EUR", Exponent: 2, Reason: "r", Actor: "op", CommandID: uuid.NewString(),
			})
		})
		both.Go(func() {
			_, set = admin.SetTenant(t.Context(), slug, tenancy.Settings{Currency: ptr("JPY")}, "r")
		})
		both.Wait()
		has := storetest.Balance(t, s, made.ID, "alice")
		switch {
		case credited == nil && errors.Is(set, tenancy.ErrStaked) && has == game.Money(1000):
		case set == nil && errors.Is(credited, journal.ErrCurrencyChanged) && has == 0:
		default:
			t.Errorf("the credit: %v; the change: %v; alice has %d", credited, set, has)
		}
	}
}

func TestTheLimitAboveWhichCreditsNeedASecondPersonIsSetShownAndTakenAway(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	made, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-x", "casino-x.localhost"))
	if err != nil || made.CreditApprovalAbove != nil {
		t.Fatalf("%+v, %v", made, err)
	}
	for _, step := range []struct {
		to   int64
		want *int64
		err  error
	}{{100_000, ptr(int64(100_000)), nil}, {-2, nil, tenancy.ErrTenant}, {0, ptr(int64(0)), nil}, {tenancy.NoApproval, nil, nil}} {
		set, err := admin.SetTenant(t.Context(), "casino-x", tenancy.Settings{CreditApprovalAbove: &step.to}, "r")
		if !errors.Is(err, step.err) {
			t.Errorf("%d: %v", step.to, err)
		}
		if step.err != nil {
			continue
		}
		if err := s.Tenants.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		known, _ := s.Tenants.ByID(made.ID)
		for _, got := range []*int64{set.CreditApprovalAbove, known.CreditApprovalAbove} {
			if (got == nil) != (step.want == nil) || got != nil && *got != *step.want {
				t.Errorf("%d: it is shown as %v", step.to, got)
			}
		}
	}
	lines, err := storetest.LastLines(t.Context(), s, made.ID, 3)
	if err != nil || len(lines) != 3 || !strings.Contains(string(lines[2].After), `"credit_approval_above":100000`) || !strings.Contains(string(lines[0].After), `"credit_approval_above":null`) {
		t.Errorf("the audit log has %+v, %v", lines, err)
	}
}
