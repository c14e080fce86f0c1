package web_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/membus"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store/cache"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

// buy gives a casino a plan, and waits until its node goes by it.
func buy(t testing.TB, c *webtest.Casino, change func(*tenancy.TenantPlan)) {
	t.Helper()
	set := func(p *tenancy.TenantPlan) error { *p = tenancy.TenantPlan{}; change(p); return nil }
	if _, err := c.Admin.SetPlan(t.Context(), string(c.Tenant.Slug), set, "a test"); err != nil {
		t.Fatal(err)
	}
	name := string(c.Tenant.Slug)
	made, err := c.Admin.SetTenant(t.Context(), c.Tenant.Slug, tenancy.Settings{Plan: &name}, "a test")
	if err != nil {
		t.Fatal(err)
	}
	known(t, c, made)
}

// govern puts a casino under a jurisdiction, and waits until its node goes by it.
func govern(t *testing.T, c *webtest.Casino, j tenancy.Jurisdiction) {
	t.Helper()
	j.Name = string(c.Tenant.Slug)
	if _, err := c.Admin.SetJurisdiction(t.Context(), j, "a test"); err != nil {
		t.Fatal(err)
	}
	made, err := c.Admin.SetTenant(t.Context(), c.Tenant.Slug, tenancy.Settings{Jurisdiction: &j.Name}, "a test")
	if err != nil {
		t.Fatal(err)
	}
	known(t, c, made)
}

func known(t testing.TB, c *webtest.Casino, made tenancy.Tenant) {
	t.Helper()
	storetest.Eventually(t, "the node knows of it", func() bool {
		now, ok := c.Store.Tenants.ByID(c.Tenant.ID)
		return ok && now.Version >= made.Version
	})
}

// limitOf returns the parameters of an answer's error.
func limitOf(a webtest.Answer) game.Params {
	var body struct{ Params game.Params }
	_ = json.Unmarshal(a.Body, &body) // no parameters, if it is none
	return body.Params
}

func TestALimitOfAPlanHoldsForItsTenantAndNoOther(t *testing.T) {
	t.Parallel()
	x := webtest.New(t)
	y := x.Another("casino-y")
	operator, _, _ := x.Staff()
	others, _, _ := y.Staff()
	const another = `{"room":"roulette-8","game":"roulette"}`

	t.Run("rooms", func(t *testing.T) {
		x, y := x.In(t), y.In(t)
		buy(t, x, func(p *tenancy.TenantPlan) { p.Rooms = 1 })
		if got := limitOf(x.Post(operator, "/v1/rooms", another).Want(http.StatusConflict, "limit_reached")); got != (game.Params{Limit: "rooms", Value: 1}) {
			t.Errorf("%+v", got)
		}
		y.Post(others, "/v1/rooms", another).Want(http.StatusCreated, "")
		buy(t, x, func(p *tenancy.TenantPlan) { p.Rooms = 2 })
		x.Post(operator, "/v1/rooms", another).Want(http.StatusCreated, "")
		x.Post(operator, "/v1/rooms", `{"room":"roulette-9","game":"roulette"}`).Want(http.StatusConflict, "limit_reached")
	})

	t.Run("storage", func(t *testing.T) {
		x, y := x.In(t), y.In(t)
		bettor := x.Dial("bettor", x.Player("bettor", 1000))
		bettor.Join(webtest.Table)
		bettor.Bet(webtest.Table, "red", 100)
		buy(t, x, func(p *tenancy.TenantPlan) { p.StorageBytes = 1 })
		if err := x.Store.Storage.Measure(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := limitOf(x.Post(operator, "/v1/rooms", `{"room":"roulette-9","game":"roulette"}`).Want(http.StatusConflict, "limit_reached")); got != (game.Params{Limit: "storage_bytes", Value: 1}) {
			t.Errorf("%+v", got)
		}
		x.Dial("olivia", x.Token("olivia", auth.Operator))
		y.Post(others, "/v1/rooms", `{"room":"roulette-9","game":"roulette"}`).Want(http.StatusCreated, "")
		bettor.Event(webtest.Table, "round.settled") // what was staked before is played and paid
		bettor = x.Dial("bettor again", x.Token("bettor", auth.Player))
		bettor.Join(webtest.Table)
		bettor.BetRefused("limit_reached", webtest.Table, "red", 100)
		late := x.Dial("late", x.Player("late", 100)) // the operator's credit is taken
		late.Join(webtest.Table)

		buy(t, x, func(p *tenancy.TenantPlan) { p.StorageBytes = 1 << 40 })
		late.Bet(webtest.Table, "red", 100)
		late.Event(webtest.Table, "round.settled")
	})

	t.Run("sockets", func(t *testing.T) {
		x, y := x.In(t), y.In(t)
		storetest.Eventually(t, "the players of before have left", func() bool { return x.Hub.Online(x.Tenant.ID) == 0 })
		buy(t, x, func(p *tenancy.TenantPlan) { p.Sockets = 1 })
		ann, bob := x.Player("ann", 100), x.Player("bob", 100)
		x.Dial("ann", ann)
		x.DialRefused(http.StatusTooManyRequests, wire.BearerPrefix+bob)
		met := func(c *webtest.Casino, token string) game.Params {
			var session struct {
				LimitReached game.Params `json:"limit_reached"`
			}
			c.Get(token, "/v1/session").Want(http.StatusOK, "").Into(&session)
			return session.LimitReached
		}
		for token, want := range map[string]game.Params{bob: {Limit: "plan_sockets", Value: 1}, ann: {}, operator: {}} {
			if got := met(x, token); got != want {
				t.Errorf("the session tells of %+v, want %+v", got, want)
			}
		}
		theirs := y.Player("bob", 100)
		y.Dial("bob", theirs)
		if got := met(y, theirs); got != (game.Params{}) {
			t.Errorf("the other casino's session tells of %+v", got)
		}
		var issued struct{ Ticket string }
		x.Post(bob, "/v1/tickets", "").Want(http.StatusCreated, "").Into(&issued)
		x.DialRefused(http.StatusTooManyRequests, wire.TicketPrefix+issued.Ticket)
		buy(t, x, func(p *tenancy.TenantPlan) { p.Sockets = 2 })
		x.DialByTicket("bob", issued.Ticket) // which the refusal left good
		x.DialRefused(http.StatusUnauthorized, wire.TicketPrefix+issued.Ticket)
	})

	t.Run("commands", func(t *testing.T) {
		x, y := x.In(t), y.In(t)
		buy(t, x, func(p *tenancy.TenantPlan) { p.CommandsPerSecond = 1 })
		greedy, modest := x.Dial("greedy", x.Player("greedy", 100)), y.Dial("modest", y.Player("modest", 100))
		greedy.Call(wire.MethodRoomList, struct{}{}, nil) // counts as 10: as much as one player may send at once
		greedy.Refused(wire.CodeRateLimited, wire.MethodRoomList, struct{}{})
		for range 5 {
			modest.Call(wire.MethodRoomList, struct{}{}, nil)
		}
		buy(t, x, func(*tenancy.TenantPlan) {})
	})
}

func TestANodeThatDoesNotKnowHowManyPlayersAnotherHasIsNotReadyForSomeSeconds(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	log := slog.New(slog.DiscardHandler)
	another := web.New(web.Options{ // on a bus without the other
		Node: "another", Log: log, Tenants: c.Store.Tenants, Store: c.Store, Rooms: c.Rooms, Hub: hub.New(hub.Options{Node: "another", Bus: membus.New(), Log: log}),
		Verifier: auth.NewVerifier(c.Store.Tenants, c.Store.Revocations), Registerer: prometheus.NewRegistry(), Edge: web.Edge{AddressRequests: -1},
		Cache: cache.New(cache.Options{Bytes: cache.MemoryBytes, Epoch: c.Store.Tenants.Epoch, History: c.Store.History}),
	})
	ready := func() string {
		w := httptest.NewRecorder()
		another.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
		return w.Body.String()
	}
	if got := ready(); got != "presence: node node-1 has not said yet how many players it has\n" {
		t.Errorf("%q", got)
	}
	storetest.Eventually(t, "it does not wait for good", func() bool { return ready() == "ready\n" })
}

func TestATableThatMayNotBeDealtRestsAndIsNotOpenedOrListed(t *testing.T) {
	t.Parallel()
	x := webtest.New(t)
	y := x.Another("casino-y")
	operator, _, _ := x.Staff()
	player, theirs := x.Player("ann", 1000), y.Player("ann", 1000)
	ann, bob := x.Dial("ann", player), y.Dial("ann", theirs)
	ann.Join(webtest.Table)
	bob.Join(webtest.Table)
	tables := func(c *webtest.Casino, token string) (names []string) {
		var body struct{ Rooms []struct{ Room string } }
		c.Get(token, "/v1/rooms").Want(http.StatusOK, "").Into(&body)
		for _, r := range body.Rooms {
			names = append(names, r.Room)
		}
		return names
	}
	games := func() (names []string) {
		var body struct{ Games []struct{ Name string } }
		x.Get(operator, "/v1/games").Want(http.StatusOK, "").Into(&body)
		for _, g := range body.Games {
			names = append(names, g.Name)
		}
		return names
	}
	if got := games(); !slices.Equal(got, []string{"baccarat", "roulette"}) {
		t.Fatalf("%v", got)
	}
	ann.Bet(webtest.Table, "red", 100)

	govern(t, x, tenancy.Jurisdiction{Games: []string{"baccarat"}})
	ann.Event(webtest.Table, "round.settled") // the round at hand is played
	const resting = `select count(*) from platform.room where tenant = $1 and room = $2 and coalesce(node, '') = ''`
	storetest.Eventually(t, "the table rests", func() bool { return storetest.Count(t, x.Admin, resting, x.Tenant.ID.String(), webtest.Table) == 1 })
	if got := games(); !slices.Equal(got, []string{"baccarat"}) {
		t.Errorf("games are %v", got)
	}
	if got := tables(x, player); len(got) != 0 {
		t.Errorf("a player is shown %v", got)
	}
	if got := tables(x, operator); !slices.Contains(got, webtest.Table) {
		t.Errorf("staff is shown %v", got)
	}
	ann.Await(wire.PushLobbyRooms, webtest.Table, "closed")
	ann.Refused(wire.CodeUnavailable, wire.MethodRoomJoin, wire.RoomJoin{Room: webtest.Table})
	x.Post(operator, "/v1/rooms", `{"room":"roulette-8","game":"roulette"}`).Want(http.StatusConflict, "table_not_allowed")
	bob.Bet(webtest.Table, "red", 100)
	bob.Event(webtest.Table, "round.settled")
	if got := tables(y, theirs); !slices.Contains(got, webtest.Table) {
		t.Errorf("the other casino's player is shown %v", got)
	}

	most := int64(1)
	govern(t, x, tenancy.Jurisdiction{Rules: map[string]map[string]tenancy.Bounds{"roulette": {"max_bet": {Max: &most}}}})
	x.Post(operator, "/v1/rooms", `{"room":"roulette-8","game":"roulette"}`).Want(http.StatusConflict, "table_not_allowed")
	x.Post(operator, "/v1/rooms", `{"room":"roulette-7","game":"roulette","settings":{"min_bet":1,"max_bet":1}}`).Want(http.StatusCreated, "")
	if got := tables(x, player); !slices.Equal(got, []string{"roulette-7"}) {
		t.Errorf("a player is shown %v", got)
	}

	govern(t, x, tenancy.Jurisdiction{}) // the table deals again
	storetest.Eventually(t, "the table is there again", func() bool { return storetest.Count(t, x.Admin, resting, x.Tenant.ID.String(), webtest.Table) == 0 })
	ann.Join(webtest.Table)
	ann.Bet(webtest.Table, "red", 100)

	// What rests can be closed.
	govern(t, x, tenancy.Jurisdiction{Games: []string{"baccarat"}})
	storetest.Eventually(t, "the table rests again", func() bool { return storetest.Count(t, x.Admin, resting, x.Tenant.ID.String(), webtest.Table) == 1 })
	x.Post(operator, "/v1/rooms/"+webtest.Table+"/close", `{"reason":"not allowed here"}`).Want(http.StatusAccepted, "")
	const closed = `select count(*) from platform.room where tenant = $1 and room = $2 and state = 'closed'`
	storetest.Eventually(t, "the table is closed", func() bool { return storetest.Count(t, x.Admin, closed, x.Tenant.ID.String(), webtest.Table) == 1 })
}
