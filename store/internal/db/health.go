package db

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

// failingFor is how long Health fails after the last write that the disk refused.
const failingFor = 15 * time.Second

// ErrDisk means that the database can be read but not written: its disk is full or broken, or it is a
// standby.
var ErrDisk = errors.New("the database takes no writes")

// disk records whether the database could write lately.
type disk struct {
	log   *slog.Logger
	gauge prometheus.Gauge

	mu    sync.Mutex // guards what follows
	last  time.Time  // when a write was refused
	state string     // why; empty: all is well
}

// failed records an error if the disk caused it. It logs the first one, until all has been well for a while.
func (d *disk) failed(err error) {
	state := SQLState(err)
	if !slices.Contains([]string{stateDiskFull, StateReadOnly}, state) && Class(state) != "58" {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.state == "" {
		d.log.Error("the database takes no writes: its disk is full or broken, or it is read-only", "error", err)
	}
	d.state, d.last = state, time.Now()
	d.gauge.Set(1)
}

// Hit counts a limit that a tenant reached. Limits are constants of the program.
func (d *DB) Hit(id tenant.ID, limit string) {
	d.meter.hits.WithLabelValues(limit).Inc()
	d.Hits.Add(id, limit)
}

// Health returns ErrDisk if the database refused a write within failingFor because it cannot keep it.
func (d *DB) Health() error {
	k := &d.disk
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.state != "" && time.Since(k.last) > failingFor {
		k.state = ""
		k.gauge.Set(0)
		k.log.Info("the database has refused no write for a while")
	}
	if k.state != "" {
		return fmt.Errorf("%w (SQLSTATE %s)", ErrDisk, k.state)
	}
	return nil
}

// meters are the metrics of a DB.
type meters struct {
	hits   *prometheus.CounterVec // by limit
	failed prometheus.Gauge
}

func newMeters() meters {
	return meters{
		hits:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "pitboss_store_limit_hits_total", Help: "What was refused by the store, by limit."}, []string{"limit"}),
		failed: prometheus.NewGauge(prometheus.GaugeOpts{Name: "pitboss_store_failing", Help: "1 while the database takes no writes: its disk is full or broken, or it is read-only."}),
	}
}

var _ prometheus.Collector = (*DB)(nil)

// Describe implements prometheus.Collector.
func (d *DB) Describe(out chan<- *prometheus.Desc) {
	d.meter.hits.Describe(out)
	d.meter.failed.Describe(out)
}

// Collect implements prometheus.Collector.
func (d *DB) Collect(out chan<- prometheus.Metric) {
	d.meter.hits.Collect(out)
	d.meter.failed.Collect(out)
}
