package cache

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

// Where a value was found, in pitboss_cache_reads_total.
const (
	foundMemory = "memory"
	foundShared = "redis"
	joined      = "joined" // another caller was loading it
	loaded      = "loaded"
	failed      = "failed" // it could not be loaded
)

// meters counts what is read, and says how much memory it takes.
type meters struct {
	memory *Memory
	reads  *prometheus.CounterVec
	bytes  *prometheus.Desc
	labels tenant.Labels
}

func newMeters(memory *Memory, reg prometheus.Registerer) *meters {
	m := &meters{
		memory: memory,
		reads: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "pitboss_cache_reads_total",
			Help: "Cached values that were asked for, by where they were: memory, redis, joined (another caller was loading it), loaded (a miss), failed."},
			[]string{"tenant", "kind", "where"}),
		bytes: prometheus.NewDesc("pitboss_cache_bytes", "Bytes of values in this node's memory.", []string{"tenant"}, nil),
	}
	if reg != nil {
		reg.MustRegister(m.reads, m)
	}
	return m
}

func (m *meters) count(key tenant.Key, where string) {
	m.reads.WithLabelValues(m.labels.Of(key.Tenant()), key.Kind(), where).Inc()
}

// Describe implements prometheus.Collector.
func (m *meters) Describe(out chan<- *prometheus.Desc) { out <- m.bytes }

// Collect implements prometheus.Collector.
func (m *meters) Collect(out chan<- prometheus.Metric) {
	sums := map[string]int{}
	m.memory.sizes(func(id tenant.ID, size int) { sums[m.labels.Of(id)] += size })
	for name, size := range sums {
		out <- prometheus.MustNewConstMetric(m.bytes, prometheus.GaugeValue, float64(size), name)
	}
}
