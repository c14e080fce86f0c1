package jwks

import "github.com/prometheus/client_golang/prometheus"

// Limits of this package, as the metric names them.
const (
	limitBytes  = "jwks_bytes"
	limitKeys   = "jwks_keys"
	limitMisses = "jwks_misses"
)

// meters holds the metrics of fetching.
type meters struct {
	hits    *prometheus.CounterVec
	errors  prometheus.Counter
	failing prometheus.Gauge
}

func newMeters(r prometheus.Registerer) meters {
	m := meters{
		hits:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "pitboss_auth_limit_hits_total", Help: "Sets of published keys that met a limit."}, []string{"limit"}),
		errors:  prometheus.NewCounter(prometheus.CounterOpts{Name: "pitboss_auth_jwks_errors_total", Help: "Readings of a set of published keys that failed."}),
		failing: prometheus.NewGauge(prometheus.GaugeOpts{Name: "pitboss_auth_jwks_failing", Help: "Sets of published keys whose last reading failed: the keys that were read before stay."}),
	}
	if r != nil {
		r.MustRegister(m.hits, m.errors, m.failing)
	}
	return m
}

func (m meters) hit(limit string) { m.hits.WithLabelValues(limit).Inc() }
