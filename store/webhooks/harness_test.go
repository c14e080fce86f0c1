package webhooks_test

import (
	"os"
	"testing"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/store/webhooks"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

var staff = webhooks.By{Actor: "operator:ann", Origin: rooms.Origin{Address: "10.0.0.1"}, Reason: "a test"}

// hook is where endpoints are.
const hook = "https://receiver.example/hook"

// endpoint creates an endpoint for facts of these types.
func endpoint(t testing.TB, s *store.Store, id tenant.ID, types ...string) webhooks.Endpoint {
	t.Helper()
	e, _, err := s.Webhooks.Create(t.Context(), id, webhooks.Spec{URL: hook, Types: types}, staff)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// arrange makes a tenant with an endpoint for all facts, to which the test delivers.
func arrange(t testing.TB) (s *store.Store, admin *tenancy.Admin, id tenant.ID, e webhooks.Endpoint, epoch int64) {
	t.Helper()
	s, admin = storetest.New(t)
	id = storetest.Tenant(t, admin)
	e = endpoint(t, s, id)
	return s, admin, id, e, claim(t, s, id)
}

// claim makes the test the one who delivers.
func claim(t testing.TB, s *store.Store, id tenant.ID) (epoch int64) {
	t.Helper()
	epoch, err := s.Deliveries.Claim(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return epoch
}

// due fans out and returns what is due.
func due(t testing.TB, s *store.Store, id tenant.ID, epoch int64) []webhooks.Due {
	t.Helper()
	if err := s.Deliveries.FanOut(t.Context(), id, epoch); err != nil {
		t.Fatal(err)
	}
	return work(t, s, id, epoch).Due
}

// work returns what there is to do.
func work(t testing.TB, s *store.Store, id tenant.ID, epoch int64) webhooks.Work {
	t.Helper()
	w, err := s.Deliveries.Work(t.Context(), id, epoch, 100)
	if err != nil || len(w.Errs) > 0 {
		t.Fatal(err, w.Errs)
	}
	return w
}

// record records how attempts ended.
func record(t testing.TB, s *store.Store, id tenant.ID, epoch int64, results ...webhooks.Result) []webhooks.Endpoint {
	t.Helper()
	stopped, err := s.Deliveries.Record(t.Context(), id, epoch, results)
	if err != nil {
		t.Fatal(err)
	}
	return stopped
}

func ended(d webhooks.Due, ok bool) webhooks.Result {
	return webhooks.Result{Endpoint: d.Endpoint, URL: hook, Fact: d.Fact, Key: d.Key, OK: ok}
}
