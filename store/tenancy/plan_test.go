package tenancy_test

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/baccarat"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/roulette"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

func TestAPlanIsFollowedWithinASecondByItsTenantsOnly(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	for _, slug := range []string{"casino-x", "casino-y"} {
		if _, err := admin.CreateTenant(t.Context(), storetest.Casino(slug, slug+".localhost")); err != nil {
			t.Fatal(err)
		}
	}
	changes := directory(t, s)
	within(t, changes, time.Second)
	within(t, changes, time.Second)

	set := func(p *tenancy.TenantPlan) error { p.Rooms, p.Games = 3, []string{"roulette"}; return nil }
	if p, err := admin.SetPlan(t.Context(), "small", set, "price list 2031"); err != nil || p.Name != "small" || p.Rooms != 3 || p.Sockets != 0 {
		t.Fatalf("%+v, %v", p, err)
	}
	if got, err := admin.SetTenant(t.Context(), "casino-x", tenancy.Settings{Plan: ptr("small")}, "contract"); err != nil || got.Plan.Rooms != 3 {
		t.Fatalf("%+v, %v", got, err)
	}
	if told := within(t, changes, time.Second); told[1].Slug != "casino-x" || told[1].Plan.Rooms != 3 || !told[1].Deals("roulette") || told[1].Deals("baccarat") {
		t.Errorf("told %+v", told[1])
	}
	if _, err := admin.SetPlan(t.Context(), "small", func(p *tenancy.TenantPlan) error { p.Sockets = 9; return nil }, "more"); err != nil {
		t.Fatal(err)
	}
	if told := within(t, changes, time.Second); told[1].Slug != "casino-x" || told[1].Plan.Rooms != 3 || told[1].Plan.Sockets != 9 {
		t.Errorf("told %+v", told[1])
	}
	if y, _ := s.Tenants.BySlug("casino-y"); y.Plan.Name != "" || !y.Deals("baccarat") {
		t.Errorf("the other tenant has %+v", y.Plan)
	}
	if err := admin.RemovePlan(t.Context(), "small", "x"); !errors.Is(err, tenancy.ErrInUse) || !strings.Contains(err.Error(), "casino-x") {
		t.Errorf("remove while it is in use: %v", err)
	}
	if _, err := admin.SetTenant(t.Context(), "casino-x", tenancy.Settings{Plan: ptr("")}, "contract ended"); err != nil {
		t.Fatal(err)
	}
	if err := admin.RemovePlan(t.Context(), "small", "unused"); err != nil {
		t.Error(err)
	}
	if plans, err := admin.Plans(t.Context()); err != nil || len(plans) != 0 {
		t.Errorf("%v, %v", plans, err)
	}
}

func TestWhatIsNoPlanOrJurisdictionIsRefused(t *testing.T) {
	t.Parallel()
	_, admin := storetest.New(t)
	if _, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-x", "x.localhost")); err != nil {
		t.Fatal(err)
	}
	ctx, none := t.Context(), func(*tenancy.TenantPlan) error { return nil }
	for name, change := range map[string]func(*tenancy.TenantPlan) error{
		"": none, "Big": none, "a b": none,
		"negative": func(p *tenancy.TenantPlan) error { p.Rooms = -1; return nil },
		"game":     func(p *tenancy.TenantPlan) error { p.Games = []string{"a b"}; return nil },
	} {
		if _, err := admin.SetPlan(ctx, name, change, "why"); !errors.Is(err, tenancy.ErrPlan) {
			t.Errorf("plan %q: %v", name, err)
		}
	}
	rule := func(b tenancy.Bounds) map[string]map[string]tenancy.Bounds {
		return map[string]map[string]tenancy.Bounds{"roulette": {"max_bet": b}}
	}
	for _, j := range []tenancy.Jurisdiction{
		{Name: "A"}, {Name: "a", Games: []string{"X"}}, {Name: "a", Rules: rule(tenancy.Bounds{})},
		{Name: "a", Rules: rule(tenancy.Bounds{Min: ptr(int64(2)), Max: ptr(int64(1))})}, {Name: "a", Rules: rule(tenancy.Bounds{Min: ptr(int64(2)), Is: ptr(true)})},
	} {
		if _, err := admin.SetJurisdiction(ctx, j, "why"); !errors.Is(err, tenancy.ErrJurisdiction) {
			t.Errorf("%+v: %v", j, err)
		}
	}
	for what, err := range map[string]error{
		"plan": third(admin.SetTenant(ctx, "casino-x", tenancy.Settings{Plan: ptr("none-such")}, "why")), "removal": admin.RemovePlan(ctx, "none-such", "why"),
	} {
		if !errors.Is(err, tenancy.ErrNoPlan) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, err := range map[string]error{
		"jurisdiction": third(admin.SetTenant(ctx, "casino-x", tenancy.Settings{Jurisdiction: ptr("none-such")}, "why")), "removal": admin.RemoveJurisdiction(ctx, "none-such", "why"),
	} {
		if !errors.Is(err, tenancy.ErrNoJurisdiction) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func third(_ tenancy.Tenant, err error) error { return err }

func TestAJurisdictionBoundsTheSettingsOfTables(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	made, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-x", "x.localhost"))
	if err != nil {
		t.Fatal(err)
	}
	var rules tenancy.Jurisdiction
	text := `{"name": "island", "games": ["roulette"], "rules": {"roulette": {"max_bet": {"max": 100000}, "min_bet": {"min": 5}, "la_partage": {"is": true},
		"max_by_kind": {"max": 50000}, "betting_ms": {"max": 20000}}}}`
	if err := strict.Decode([]byte(text), &rules); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.SetJurisdiction(t.Context(), rules, "licence"); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.SetTenant(t.Context(), "casino-x", tenancy.Settings{Jurisdiction: ptr("island")}, "licence"); err != nil {
		t.Fatal(err)
	}
	if err := s.Tenants.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	x, _ := s.Tenants.ByID(made.ID)
	kinds := rooms.InForce(map[string]game.Kind{"roulette": roulette.Kind, "baccarat": baccarat.Kind})
	for settings, says := range map[string]string{
		`{"max_bet": 50000, "min_bet": 5, "la_partage": true}`:                       "",
		`{"max_bet": 50000, "la_partage": true}`:                                     "", // min_bet is 100 by default
		`{"max_bet": 50000, "min_bet": 4, "la_partage": true}`:                       "min_bet is 4 and must be at least 5",
		`{"max_bet": 50000, "la_partage": false}`:                                    "la_partage must be true",
		`{"max_bet": 50000}`:                                                         "la_partage must be true", // it is not, by default
		`{"max_bet": 100001, "la_partage": true}`:                                    "max_bet is 100001 and must be at most 100000",
		`{"max_bet": 50000, "la_partage": true, "max_by_kind": {"straight": 500}}`:   "",
		`{"max_bet": 60000, "la_partage": true, "max_by_kind": {"straight": 60000}}`: "max_by_kind is 60000 for",
		`{"max_bet": 60000, "la_partage": true, "max_by_kind": {"straight": 500}}`:   "max_by_kind is 60000 for",  // by another kind
		`{"la_partage": true}`:                                                       "max_by_kind is 100000 for", // max_bet is, by default
		`{"la_partage": true, "max_bet": 50000, "betting_ms": 20001}`:                "betting_ms is 20001",
		`{"max_bet": "x"}`: "cannot be read",
		``:                 "la_partage must be true",
	} {
		err := x.CheckTable(rooms.Config{Game: "roulette", Settings: json.RawMessage(settings)}, kinds)
		if says == "" && err != nil || says != "" && (!errors.Is(err, tenancy.ErrTable) || !strings.Contains(err.Error(), says)) {
			t.Errorf("%s: %v", settings, err)
		}
	}
	if err := x.CheckTable(rooms.Config{Game: "baccarat"}, kinds); !errors.Is(err, tenancy.ErrTable) {
		t.Errorf("another game: %v", err)
	}
	if err := x.CheckTable(rooms.Config{Game: rooms.LobbyID}, kinds); err != nil {
		t.Errorf("the lobby: %v", err)
	}

	// What cannot be read is no freedom from rules.
	storetest.Super(t, d, `update platform.jurisdiction set rules = '{"roulette": 7}'; update platform.instance set directory_version = directory_version + 1`)
	if err := s.Tenants.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if x, _ = s.Tenants.ByID(made.ID); x.Status(time.Now()) != tenancy.OutOfOrder || !strings.Contains(x.OutOfOrder, "island") {
		t.Errorf("%s: %q", x.Status(time.Now()), x.OutOfOrder)
	}
}

func TestTheLimitOfConnectionsIsThatOfTheNewestDirectory(t *testing.T) {
	t.Parallel()
	s, admin := storetest.Open(t, storetest.Empty(t), store.Options{MaxConns: 20})
	x := storetest.Tenant(t, admin)
	if err := s.Tenants.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 500 {
		before := s.Tenants.Version()
		var all sync.WaitGroup
		for later := range int64(4) { // loaded at once, they may come in any order
			all.Go(func() { s.Tenants.PublishConnections(t.Context(), before+1+later, 1+later) })
		}
		all.Wait()
		if v, conns := s.Tenants.Version(), s.Tenant(x).Conns(); v != before+4 || conns != 4 {
			t.Fatalf("version %d of %d gives %d connections of 4", v-before, 4, conns)
		}
		s.Tenants.PublishConnections(t.Context(), before+5, 1)
	}
}
