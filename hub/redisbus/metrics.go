package redisbus

import "github.com/prometheus/client_golang/prometheus"

// Where messages are lost, in pitboss_redis_lost_total.
const (
	lostPublishQueue = "publish_queue" // the queue of a lane was full
	lostPublish      = "publish"       // Redis did not take it
	lostWorkQueue    = "work_queue"    // the queue of a worker was full
)

type meters struct {
	published, received, reconnects prometheus.Counter
	lost, refused                   *prometheus.CounterVec
	pipeline, delivery              prometheus.Histogram
	health                          prometheus.Gauge
}

func newMeters(reg prometheus.Registerer) *meters {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "pitboss_redis_" + name, Help: help})
	}
	m := &meters{
		published:  counter("published_total", "Messages that Redis took."),
		received:   counter("received_total", "Messages that Redis delivered, this node's own too."),
		reconnects: counter("reconnects_total", "Receiving connections that were made anew."),
		lost: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "pitboss_redis_lost_total",
			Help: "Messages lost here, by where: publish_queue and work_queue were full, publish failed."}, []string{"where"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "pitboss_redis_refused_total",
			Help: "Messages that came and were not believed, by why (docs/operations.md)."}, []string{"why"}),
		pipeline: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "pitboss_redis_pipeline_messages",
			Help: "Messages published at once.", Buckets: prometheus.ExponentialBuckets(1, 2, 10)}),
		delivery: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "pitboss_redis_delivery_seconds",
			Help: "From publishing a probe until it came back.", Buckets: prometheus.ExponentialBuckets(0.0001, 2, 16)}),
		health: prometheus.NewGauge(prometheus.GaugeOpts{Name: "pitboss_redis_delivers", Help: "1 while what is published is delivered."}),
	}
	// Prometheus sees no increase in a counter that appears with its first values.
	for _, where := range []string{lostPublishQueue, lostPublish, lostWorkQueue} {
		m.lost.WithLabelValues(where)
	}
	for _, why := range []string{refusedVersion, refusedUnreadable, refusedForged, refusedTime, refusedReplayed, refusedStranger, refusedForeign} {
		m.refused.WithLabelValues(why)
	}
	if reg != nil {
		reg.MustRegister(m.published, m.received, m.reconnects, m.lost, m.refused, m.pipeline, m.delivery, m.health)
	}
	return m
}
