package hub

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

// meters holds the hub's metrics. Labels are a tenant's, of tenant.Labels, a close code's name and a
// limit's name, none of which a client can choose.
type meters struct {
	labels                              tenant.Labels
	connections                         *prometheus.GaugeVec
	in, out, bytesIn, bytesOut, writes  *prometheus.CounterVec
	closes, limitHits                   *prometheus.CounterVec
	published, unpublished              prometheus.Counter
	gaps, repaired, duplicates, resyncs prometheus.Counter
	outdated                            prometheus.Counter
}

func newMeters(reg prometheus.Registerer) *meters {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "pitboss_hub_" + name, Help: help}, labels)
	}
	m := &meters{
		connections: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "pitboss_hub_connections", Help: "Sockets that are open."}, []string{"tenant"}),
		in:        counter("messages_received_total", "Frames from clients.", "tenant"),
		out:       counter("messages_sent_total", "Frames written to clients.", "tenant"),
		bytesIn:   counter("received_bytes_total", "Bytes of frames from clients.", "tenant"),
		bytesOut:  counter("sent_bytes_total", "Bytes of frames written to clients.", "tenant"),
		writes:    counter("writes_total", "Writes to clients' connections, each with one message or more.", "tenant"),
		closes:    counter("closes_total", "Sockets that ended, by close code; lost is without one.", "code"),
		limitHits: counter("limit_hits_total", "Times that a limit was hit.", "limit"),
		published: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "pitboss_hub_published_total", Help: "Messages that the bus took."}),
		unpublished: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "pitboss_hub_publish_failures_total", Help: "Messages that the bus did not take."}),
		gaps: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "pitboss_hub_gaps_total", Help: "Times that an event of a topic was missing."}),
		repaired: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "pitboss_hub_repaired_total", Help: "Events that the bus lost and that were fetched."}),
		duplicates: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "pitboss_hub_doubled_total", Help: "Events that came more than once, and were told once."}),
		outdated: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "pitboss_hub_outdated_total", Help: "Messages of a history that the database does not have any more, which were dropped."}),
		resyncs: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "pitboss_hub_resyncs_total", Help: "Sockets that fell behind and were told where a topic is instead of what waited."}),
	}
	if reg != nil {
		reg.MustRegister(m.connections, m.in, m.out, m.bytesIn, m.bytesOut, m.writes, m.closes, m.limitHits, m.published, m.unpublished, m.gaps, m.repaired, m.duplicates, m.resyncs, m.outdated)
	}
	return m
}

// hit counts a limit that was met.
func (h *Hub) hit(id tenant.ID, limit string) {
	h.meters.limitHits.WithLabelValues(limit).Inc()
	h.hits.Add(id, limit)
}

// tenantMeters holds one tenant's metrics, looked up once. Another tenant may have the same.
type tenantMeters struct {
	connections                        prometheus.Gauge
	in, out, bytesIn, bytesOut, writes prometheus.Counter
}

func (m *meters) of(id tenant.ID) tenantMeters {
	l := m.labels.Of(id)
	return tenantMeters{
		m.connections.WithLabelValues(l), m.in.WithLabelValues(l), m.out.WithLabelValues(l),
		m.bytesIn.WithLabelValues(l), m.bytesOut.WithLabelValues(l), m.writes.WithLabelValues(l),
	}
}
