package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/rooms/placement"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

func TestANodeThatDoesNotHearTheOthersOfItsDatabaseDoesNotStart(t *testing.T) {
	t.Parallel()
	redis := startRedis(t)
	other := startRedis(t)
	f := newCasino(t)
	first := f.startOn("node-1", "redis://"+redis.Addr)
	eventually(t, "the first node is ready", first.ready)
	before := f.assignment()
	for what, url := range map[string]string{"without a Redis": "", "with another Redis": "redis://" + other.Addr} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			stranger := f.startOn("stranger-"+fmt.Sprint(len(url)), url)
			select {
			case <-stranger.died:
				if log := stranger.log.String(); stranger.cmd.ProcessState.ExitCode() != 1 || !strings.Contains(log, "are not heard over the bus") || !strings.Contains(log, "node-1") {
					t.Errorf("it ended with %v: %s", stranger.cmd.ProcessState, log)
				}
			case <-time.After(testPatience):
				t.Error("it goes on")
			}
			if strings.Contains(stranger.log.String(), "msg=serving") {
				t.Error("it was ready")
			}
			if now := f.assignment(); now != before {
				t.Errorf("the table was at %+v, and is at %+v", before, now)
			}
		})
	}
	t.Run("beside one that hears it", func(t *testing.T) {
		t.Parallel()
		began := time.Now()
		second := f.startOn("node-2", "redis://"+redis.Addr)
		eventually(t, "the second node is ready", second.ready)
		t.Logf("after %v", time.Since(began))
	})
}

func TestANodeStartsAloneWhenTheOthersAreGone(t *testing.T) {
	t.Parallel()
	f := newCasino(t)
	first := f.startOn("node-1", "")
	eventually(t, "the first node is ready", first.ready)
	leases := f.store.Leases
	if _, _, err := leases.Renew(soon(t), placement.Lease{Node: "killed", Incarnation: uuid.NewString()}, placement.LeaseTTL); err != nil {
		t.Fatal(err)
	}
	first.end()
	second := f.startOn("node-2", "") // while the lease of the one that was killed still runs
	eventually(t, "the second node is ready", second.ready)
}

// TestALobbyIsToldOfTablesOfOtherNodes has the lobby's socket on one node and the table on the other, which is
// killed: the table goes on at the first.
func TestALobbyIsToldOfTablesOfOtherNodes(t *testing.T) {
	t.Parallel()
	redis := startRedis(t)
	f := newCasino(t)
	nodes := map[string]*started{}
	for _, name := range []string{"node-1", "node-2"} {
		nodes[name] = f.startOn(name, "redis://"+redis.Addr)
	}
	eventually(t, "both are ready", func() bool { return nodes["node-1"].ready() && nodes["node-2"].ready() })
	var owner, other *started
	eventually(t, "the table has an owner", func() bool {
		switch f.assignment().Node {
		case "node-1":
			owner, other = nodes["node-1"], nodes["node-2"]
		case "node-2":
			owner, other = nodes["node-2"], nodes["node-1"]
		}
		return owner != nil
	})
	var results atomic.Int64 // of the latest brief; -1: there was none
	results.Store(-1)
	other.dial(soon(t), f.token("bob"), func(method string, params json.RawMessage) {
		var push struct {
			Rooms map[string]*struct{ Results []int }
		}
		if method != wire.PushLobbyBriefs {
			return
		}
		if err := json.Unmarshal(params, &push); err != nil {
			t.Errorf("%s: %v", params, err)
		}
		if b := push.Rooms[f.room]; b != nil {
			results.Store(int64(len(b.Results)))
		}
	})
	eventually(t, "the lobby is told of the table", func() bool { return results.Load() == 0 })
	alice := other.dial(soon(t), f.token("alice"), nil)
	if _, err := other.join(alice, nil); err != nil {
		t.Fatal(err)
	}
	other.stake(alice)
	eventually(t, "the lobby is told of a result", func() bool { return results.Load() == 1 })
	owner.kill()
	other.stake(alice)
	eventually(t, "the lobby is told of a result at the other node", func() bool { return results.Load() == 2 })
}

// TestTwoDatabasesOnOneRedisTellEachOtherNothing restores a dump, as for staging, with the same master
// key, beside its origin.
func TestTwoDatabasesOnOneRedisTellEachOtherNothing(t *testing.T) {
	t.Parallel()
	redis := startRedis(t)
	server := storetest.StartServer(t, storetest.Installed(t))
	d := server.Database(t, "production", nil)
	f := newCasinoIn(t, d.AppURL, d.AdminURL)
	token := f.token("alice")
	copied := server.Database(t, "staging", nil)
	dump := openDir(t) + "/dump"
	for _, args := range [][]string{
		{"pg_dump", "-Fc", "-f", dump, "-d", d.SuperURL}, {"pg_restore", "--exit-on-error", "-d", copied.SuperURL, dump},
	} {
		if out, err := server.Run(t, args[0], args[1:]...); err != nil {
			t.Fatalf("%v: %v: %s", args, err, out)
		}
	}
	g := *f
	g.appURL, g.adminURL = copied.AppURL, copied.AdminURL

	production, staging := f.startOn("node-1", "redis://"+redis.Addr), g.startOn("node-1", "redis://"+redis.Addr+"/3")
	eventually(t, "both are ready", func() bool { return production.ready() && staging.ready() })
	heard := make(chan string, 1000)
	here := production.dial(soon(t), token, nil)
	there := staging.dial(soon(t), token, func(method string, params json.RawMessage) {
		if method != wire.PushLobbyPresence {
			heard <- method + string(params)
		}
	})
	for _, x := range []struct {
		*started
		c *rpc
	}{{production, here}, {staging, there}} {
		if _, err := x.join(x.c, nil); err != nil {
			t.Fatal(err)
		}
	}
	production.stake(here)
	operator := production.mint("olivia", auth.Operator)
	if status, _, body := production.do("POST", "/v1/promotions", operator, fmt.Sprintf(`{"title":"Only production","text":"x","ends_at":%q,"command_id":%q}`,
		time.Now().Add(time.Hour).UTC().Format(time.RFC3339), uuid.NewString())); status != http.StatusOK && status != http.StatusCreated {
		t.Fatalf("%d %s", status, body)
	}
	if status, _, body := production.do("POST", "/v1/players/alice/kick", operator, `{"reason":"test"}`); status/100 != 2 {
		t.Fatalf("%d %s", status, body)
	}
	if code := here.closedWith(t); int(code) != wire.CloseRevoked.Code {
		t.Errorf("closed with %d", code)
	}
	if err := there.call(soon(t), wire.MethodPing, struct{}{}, nil); err != nil {
		t.Errorf("staging's socket: %v", err)
	}
	for len(heard) > 0 {
		if said := <-heard; strings.Contains(said, "Only production") || strings.Contains(said, "bet.placed") {
			t.Errorf("staging was told %s", said)
		}
	}
	if !production.ready() || !staging.ready() {
		t.Error("one of them is not ready")
	}
}

// TestACopyOfADatabasesFilesOnTheSameRedisTurnsNodesRed has two databases that nothing tells apart.
func TestACopyOfADatabasesFilesOnTheSameRedisTurnsNodesRed(t *testing.T) {
	t.Parallel()
	redis := startRedis(t)
	server := storetest.StartServer(t, storetest.Installed(t))
	d := server.Database(t, "production", nil)
	f := newCasinoIn(t, d.AppURL, d.AdminURL)
	twin := server.Copy(t)
	copied := twin.Find(t, "production", nil)
	g := *f
	g.appURL, g.adminURL = copied.AppURL, copied.AdminURL
	here := f.startOn("node-1", "redis://"+redis.Addr)
	eventually(t, "it is ready", here.ready)
	there := g.startOn("node-2", "redis://"+redis.Addr)
	eventually(t, "the copy serves", func() bool { return strings.Contains(there.log.last(8<<10), "msg=serving") })
	for what, x := range map[string]*started{"the origin": here, "the copy": there} {
		eventually(t, what+" is red and says why", func() bool {
			status, _, body := x.do("GET", "/readyz", "", "")
			return status == http.StatusServiceUnavailable && strings.Contains(string(body), "another database")
		})
	}
	there.end()
	eventually(t, "the origin is back", here.ready)
}
