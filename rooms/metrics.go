package rooms

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

// meters are a Directory's metrics.
type meters struct {
	rooms       *prometheus.GaugeVec   // by status
	commands    *prometheus.CounterVec // by answer: accepted, repeated, reused, unavailable, or the refusal's code
	refused     *prometheus.CounterVec // by limit: not decided
	append      prometheus.Histogram
	batch       prometheus.Histogram
	fenced      prometheus.Counter
	recoveries  prometheus.Counter
	unwritten   prometheus.Counter
	panics      prometheus.Counter
	seedless    prometheus.Counter
	unpublished prometheus.Counter
	forwarded   prometheus.Counter
	handedOver  prometheus.Counter
	redated     prometheus.Counter
}

func newMeters(reg prometheus.Registerer) *meters {
	m := &meters{
		rooms:       prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "pitboss_rooms", Help: "Rooms that this node runs, by status."}, []string{"status"}),
		commands:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "pitboss_room_commands_total", Help: "Commands by their answer."}, []string{"answer"}),
		refused:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "pitboss_room_limit_hits_total", Help: "Commands that were not decided, and stakes and new tables that were refused for want of storage, by limit."}, []string{"limit"}),
		append:      prometheus.NewHistogram(prometheus.HistogramOpts{Name: "pitboss_room_append_seconds", Help: "How long an append took.", Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14)}),
		batch:       prometheus.NewHistogram(prometheus.HistogramOpts{Name: "pitboss_room_batch_entries", Help: "Entries per append.", Buckets: prometheus.ExponentialBuckets(1, 2, 9)}),
		fenced:      prometheus.NewCounter(prometheus.CounterOpts{Name: "pitboss_room_fenced_total", Help: "Late writers: rooms whose write or claim was refused because another node owns them."}),
		recoveries:  prometheus.NewCounter(prometheus.CounterOpts{Name: "pitboss_room_recoveries_total", Help: "Appends whose outcome had to be looked up."}),
		unwritten:   prometheus.NewCounter(prometheus.CounterOpts{Name: "pitboss_room_unwritten_total", Help: "Appends of which nothing was written, for sure: the database was away, full, read-only or locked, or could not keep it."}),
		panics:      prometheus.NewCounter(prometheus.CounterOpts{Name: "pitboss_room_panics_total", Help: "Rooms stopped because their rules panicked."}),
		seedless:    prometheus.NewCounter(prometheus.CounterOpts{Name: "pitboss_room_seedless_ticks_total", Help: "Ticks put off because there was no randomness."}),
		unpublished: prometheus.NewCounter(prometheus.CounterOpts{Name: "pitboss_room_unpublished_total", Help: "Messages that the hub did not take."}),
		forwarded:   prometheus.NewCounter(prometheus.CounterOpts{Name: "pitboss_room_forwarded_total", Help: "Commands sent to other nodes' rooms, each time anew."}),
		handedOver:  prometheus.NewCounter(prometheus.CounterOpts{Name: "pitboss_room_handed_over_total", Help: "Rooms given to another node."}),
		redated:     prometheus.NewCounter(prometheus.CounterOpts{Name: "pitboss_room_redated_total", Help: "Times that a table's deadline was moved because a clock was set, or had been wrong."}),
	}
	if reg != nil {
		reg.MustRegister(m.rooms, m.commands, m.refused, m.append, m.batch, m.fenced, m.recoveries, m.unwritten, m.panics, m.seedless, m.unpublished, m.forwarded, m.handedOver, m.redated)
	}
	return m
}

// hit counts a limit that a tenant met; the zero one: all of them together.
func (d *Directory) hit(id tenant.ID, limit string) {
	d.meter.refused.WithLabelValues(limit).Inc()
	d.o.Hits.Add(id, limit)
}
