package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms/placement"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

// TestACasinoIsPlayedOnWhenTheDatabaseGoesBack fails over to a replica that has nothing of what came
// after a backup, among it that the rooms' owners were restarted, and once more to the same.
func TestACasinoIsPlayedOnWhenTheDatabaseGoesBack(t *testing.T) {
	t.Parallel()
	server := storetest.StartServer(t, storetest.Installed(t))
	d := server.Database(t, "casino", nil)
	f := newCasinoIn(t, d.AppURL, d.AdminURL)
	token := f.token("alice")
	_, _, stop := f.pair()
	failOver := server.Backup(t)
	stop() // twice, so that every room's epoch rises
	_, _, stop = f.pair()
	stop()
	a, b, _ := f.pair()

	for failure := range 2 {
		alice, _ := a.comesIn(token, nil)
		lost := f.stake(alice)
		failOver()
		if code := alice.closedWith(t); int(code) != wire.CloseWentBack.Code {
			t.Errorf("closed with %d", code)
		}
		for _, x := range []*casino{a, b} {
			eventually(t, "the node is ready", func() bool { status, _, _ := x.do("GET", "/readyz", "", ""); return status == http.StatusOK })
			c, joined := x.comesIn(token, &wire.Resume{Epoch: lost.Epoch, Seq: lost.Seq})
			if first := placement.FirstEpoch(int64(failure) + 1); joined.Epoch < first || joined.View == nil {
				t.Errorf("resumed from (%d, %d), which was lost: %+v", lost.Epoch, lost.Seq, joined)
			}
			if placed := f.stake(c); placed.Epoch < joined.Epoch {
				t.Errorf("%+v after %+v", placed, joined)
			}
			_ = c.conn.CloseNow()
		}
	}

	// What is decided now has numbers that were used before, and is noticed all the same.
	f.mustCLI("tenant", "suspend", f.slug, "--reason", "test")
	began := time.Now()
	for _, x := range []*casino{a, b} {
		eventually(t, "the suspension is noticed", func() bool {
			_, code, _ := x.do("GET", "/v1/session", f.mint("bob", auth.Player), "")
			return code == "tenant_suspended"
		})
	}
	t.Logf("noticed after %v", time.Since(began))
	f.mustCLI("tenant", "resume", f.slug)
	tb, err := f.store.Ledger.TrialBalance(soon(t), f.tenant.ID)
	if err != nil || !tb.OK {
		t.Errorf("trial balance %+v, %v", tb, err)
	}
}
