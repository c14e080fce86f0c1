package webhooks_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/storetest"
	stored "github.com/pitboss-hub/pitboss/store/webhooks"
	"github.com/pitboss-hub/pitboss/web/webhooks"
)

// BenchmarkDeliveries delivers b.N facts of a hundred players, which wait, to one endpoint of one tenant. It
// reports deliveries a second, and how many bytes the database keeps for each.
func BenchmarkDeliveries(b *testing.B) {
	d := storetest.Empty(b)
	s, admin := storetest.Open(b, d, store.Options{})
	storetest.Durable(b, d)
	id := storetest.Tenant(b, admin)
	if err := s.Tenants.Reload(b.Context()); err != nil {
		b.Fatal(err)
	}
	var left atomic.Int64
	left.Store(int64(b.N))
	all := make(chan struct{})
	v := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
		if left.Add(-1) == 0 {
			close(all)
		}
	}))
	defer v.Close()
	e, _, err := s.Webhooks.Create(b.Context(), id, stored.Spec{URL: v.URL}, stored.By{Actor: "op"})
	if err != nil {
		b.Fatal(err)
	}
	err = storetest.Exec(b, s, id, `insert into fact (type, version, player, at, data)
		select 'round.settled', 1, 'player-' || n % 100, now(), '{"player":"player-17","room":"roulette-1","game":"roulette","round":12345,"staked":500,"payout":1800,"refund":0,"net":1300}'
		from generate_series(1, $1::int) n`, b.N)
	if err != nil {
		b.Fatal(err)
	}
	h := webhooks.New(webhooks.Options{
		Queue: s.Deliveries, Holder: uuid.New(), Tenants: s.Tenants, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
		Log: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
	})
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	b.ResetTimer()
	go func() { done <- h.Run(ctx) }()
	<-all
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
	storetest.Eventually(b, "all is recorded", func() bool {
		return storetest.Count(b, admin, fmt.Sprintf(`select count(*) from %s.webhook_delivery where state = 'delivered' and endpoint = '%s'`, id.Schema(), e.ID)) == b.N
	})
	cancel()
	if err := <-done; err != nil {
		b.Error(err)
	}
	for _, table := range []string{"fact", "webhook_delivery"} {
		n := storetest.Count(b, admin, `select pg_total_relation_size('`+id.Schema()+`.`+table+`')`)
		b.ReportMetric(float64(n)/float64(b.N), table+"-bytes")
	}
}
