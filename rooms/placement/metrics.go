package placement

import "github.com/prometheus/client_golang/prometheus"

// meters are an Agent's metrics.
type meters struct {
	held     prometheus.Gauge
	lapses   prometheus.Counter
	wentBack prometheus.Counter
}

func newMeters(reg prometheus.Registerer) *meters {
	m := &meters{
		held:     prometheus.NewGauge(prometheus.GaugeOpts{Name: "pitboss_node_lease", Help: "1 while this node's lease could be renewed."}),
		lapses:   prometheus.NewCounter(prometheus.CounterOpts{Name: "pitboss_node_lease_lapses_total", Help: "Times that this node's lease had run out."}),
		wentBack: prometheus.NewCounter(prometheus.CounterOpts{Name: "pitboss_node_database_went_back_total", Help: "Times that the database had gone back, and this node's rooms were claimed anew."}),
	}
	if reg != nil {
		reg.MustRegister(m.held, m.lapses, m.wentBack)
	}
	return m
}
