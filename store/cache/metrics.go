package cache

import (
	"sync"

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

const (
	// labelsMax is how many tenants have metrics of their own on a node: the first that it serves. Those of all
	// others are added up under otherTenants, so that the number of series is bounded and no counter falls.
	labelsMax    = 100
	otherTenants = "other"
)

// meters counts what is read, and says how much memory it takes.
type meters struct {
	memory *Memory
	reads  *prometheus.CounterVec
	bytes  *prometheus.Desc

	mu     sync.RWMutex // guards what follows
	labels map[tenant.ID]string
}

func newMeters(memory *Memory, reg prometheus.Registerer) *meters {
	m := &meters{
		memory: memory, labels: map[tenant.ID]string{},
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
	m.reads.WithLabelValues(m.label(key.Tenant()), key.Kind(), where).Inc()
}

// label returns the label of a tenant.
func (m *meters) label(id tenant.ID) string {
	m.mu.RLock()
	name, ok := m.labels[id]
	full := len(m.labels) >= labelsMax
	m.mu.RUnlock()
	switch {
	case ok:
		return name
	case full:
		return otherTenants
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if name, ok := m.labels[id]; ok {
		return name
	}
	if len(m.labels) >= labelsMax {
		return otherTenants
	}
	m.labels[id] = id.String()
	return m.labels[id]
}

// Describe implements prometheus.Collector.
func (m *meters) Describe(out chan<- *prometheus.Desc) { out <- m.bytes }

// Collect implements prometheus.Collector.
func (m *meters) Collect(out chan<- prometheus.Metric) {
	sums := map[string]int{}
	m.memory.sizes(func(id tenant.ID, size int) { sums[m.label(id)] += size })
	for name, size := range sums {
		out <- prometheus.MustNewConstMetric(m.bytes, prometheus.GaugeValue, float64(size), name)
	}
}
