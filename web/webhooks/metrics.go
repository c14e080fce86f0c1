package webhooks

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pitboss-hub/pitboss/store/webhooks"
)

// Limits of deliveries, as the metric names them.
const (
	LimitInFlight         = "in_flight"
	LimitEndpointInFlight = "endpoint_in_flight"
)

type meters struct {
	attempts *prometheus.CounterVec // by result
	seconds  prometheus.Histogram
	stopped  *prometheus.CounterVec // by state
	hits     *prometheus.CounterVec // by limit
	lost     prometheus.Counter
	tenants  prometheus.Gauge
}

func newMeters(r prometheus.Registerer) meters {
	m := meters{
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "pitboss_webhooks_attempts_total", Help: "Attempts to deliver a webhook, by result: delivered, failed, gone, dropped (the last attempt failed)."}, []string{"result"}),
		seconds:  prometheus.NewHistogram(prometheus.HistogramOpts{Name: "pitboss_webhooks_attempt_seconds", Help: "How long an attempt took.", Buckets: []float64{.01, .05, .1, .5, 1, 5, 15}}),
		stopped:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "pitboss_webhooks_endpoints_stopped_total", Help: "Endpoints that were paused because all attempts failed for days, or disabled because they answered 410 Gone."}, []string{"state"}),
		hits:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "pitboss_webhooks_limit_hits_total", Help: "How often deliveries had to wait for others to end, by limit."}, []string{"limit"}),
		lost:     prometheus.NewCounter(prometheus.CounterOpts{Name: "pitboss_webhooks_lost_total", Help: "Deliveries that were deleted because they had waited for longer than they are kept."}),
		tenants:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "pitboss_webhooks_tenants", Help: "Casinos for which this process delivers webhooks."}),
	}
	r.MustRegister(m.attempts, m.seconds, m.stopped, m.hits, m.lost, m.tenants)
	for _, l := range []string{LimitInFlight, LimitEndpointInFlight} {
		m.hits.WithLabelValues(l)
	}
	return m
}

func (m meters) attempt(r webhooks.Result) {
	result := "failed"
	switch {
	case r.OK:
		result = "delivered"
	case r.Gone:
		result = "gone"
	case r.Drop:
		result = "dropped"
	}
	m.attempts.WithLabelValues(result).Inc()
	m.seconds.Observe(r.Took.Seconds())
}
