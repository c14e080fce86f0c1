package journal_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

func TestTablesThatAreOpenedAtOnceAreNotMoreThanThePlanAllows(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	x, y := storetest.Tenant(t, admin), storetest.Tenant(t, admin)
	if err := s.Tenants.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	made, _ := s.Tenants.ByID(x)
	if _, err := admin.SetPlan(t.Context(), "small", func(p *tenancy.TenantPlan) error { p.Rooms = 3; return nil }, "a test"); err != nil {
		t.Fatal(err)
	}
	small := "small"
	if _, err := admin.SetTenant(t.Context(), made.Slug, tenancy.Settings{Plan: &small}, "a test"); err != nil {
		t.Fatal(err)
	}
	open := func(ref rooms.Ref) error {
		return s.Rooms.Open(t.Context(), ref.Tenant, rooms.Config{Room: ref.Room, Game: "roulette", Name: ref.Room}, "test", rooms.Origin{})
	}
	const many = 12
	errs := make([]error, many)
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() { errs[i] = open(rooms.Ref{Tenant: x, Room: fmt.Sprint("roulette-", i)}) })
	}
	all.Wait()
	var opened []rooms.Ref
	for i, err := range errs {
		var full *rooms.PlanError
		switch {
		case err == nil:
			opened = append(opened, rooms.Ref{Tenant: x, Room: fmt.Sprint("roulette-", i)})
		case !errors.As(err, &full) || *full != (rooms.PlanError{Limit: "rooms", Value: 3}):
			t.Errorf("%d: %v", i, err)
		}
	}
	if len(opened) != 3 {
		t.Fatalf("%d tables were opened", len(opened))
	}
	for i := range 4 {
		if err := open(rooms.Ref{Tenant: y, Room: fmt.Sprint("roulette-", i)}); err != nil {
			t.Errorf("the other casino: %v", err)
		}
	}
	if n := storetest.Count(t, admin, `select count(*) from platform.room where tenant = $1 and room <> 'lobby'`, x.String()); n != 3 {
		t.Errorf("the index has %d", n)
	}
	if got := storetest.Metric(t, s, "pitboss_store_limit_hits_total"); got != many-3 {
		t.Errorf("%v hits", got)
	}
}

func TestATableThatDoesNotOpenTakesNoPlaceOfThePlan(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	x := storetest.Tenant(t, admin)
	if err := s.Tenants.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	made, _ := s.Tenants.ByID(x)
	if _, err := admin.SetPlan(t.Context(), "small", func(p *tenancy.TenantPlan) error { p.Rooms = 2; return nil }, "a test"); err != nil {
		t.Fatal(err)
	}
	small := "small"
	if _, err := admin.SetTenant(t.Context(), made.Slug, tenancy.Settings{Plan: &small}, "a test"); err != nil {
		t.Fatal(err)
	}
	open := func(room string) error {
		return s.Rooms.Open(t.Context(), x, rooms.Config{Room: room, Game: "roulette", Name: room}, "test", rooms.Origin{})
	}
	indexed := func() int {
		return storetest.Count(t, admin, `select count(*) from platform.room where tenant = $1 and room <> 'lobby'`, x.String())
	}
	schema := x.Schema()
	storetest.Super(t, d, fmt.Sprintf("alter table %s.room add constraint broken check (id not like 'broken%%')", schema))
	for i := range 5 {
		if err := open(fmt.Sprint("broken-", i)); err == nil {
			t.Fatal("it opened")
		}
	}
	if n := indexed(); n != 0 {
		t.Errorf("%d tables are in the index that are not there", n)
	}
	// What a process that was killed left in the index, in a version that wrote the two one after the other.
	storetest.Super(t, d, fmt.Sprintf("insert into platform.room (tenant, room, state) values ('%[1]s', 'left-1', 'open'), ('%[1]s', 'left-2', 'open')", x))
	for _, room := range []string{"roulette-1", "left-1"} {
		if err := open(room); err != nil {
			t.Errorf("%s: %v", room, err)
		}
	}
	var full *rooms.PlanError
	if err := open("roulette-2"); !errors.As(err, &full) || *full != (rooms.PlanError{Limit: "rooms", Value: 2}) {
		t.Errorf("the third: %v", err)
	}
	if err := open("roulette-1"); !errors.Is(err, rooms.ErrExists) {
		t.Errorf("again: %v", err)
	}
	if n := indexed(); n != 3 { // both, and left-2
		t.Errorf("the index has %d", n)
	}
}
