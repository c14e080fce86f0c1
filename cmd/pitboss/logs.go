package main

import (
	"io"
	"log/slog"
	"math"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	// logMax bounds the bytes of the log that wait for its reader; lines beyond are dropped.
	logMax = 1 << 20
	// logFlushTimeout bounds the wait for the log's reader when the process ends.
	logFlushTimeout = time.Second
	// memoryShare is Go's share of a container's memory limit.
	memoryShare = 0.8
)

var logDropped = prometheus.NewCounter(prometheus.CounterOpts{
	Name: "pitboss_log_dropped_total", Help: "Lines of the log that were dropped because nobody read it as fast as it was written.",
})

// patientLog is a writer that never waits for its reader: a pipe that nobody reads would block every
// goroutine that logs, and so the whole node. It buffers lines for a goroutine of its own, and drops
// those that do not fit.
type patientLog struct {
	to   io.Writer
	more chan struct{} // holds one: lines are buffered, or the log has ended
	over chan struct{} // closed when all is written, or nothing more can be

	mu      sync.Mutex // guards what follows
	waiting []byte
	dropped int // lines, since the last report
	ended   bool
	tell    func(dropped int)
}

// newPatientLog returns a log that writes to w until end is called.
func newPatientLog(w io.Writer) *patientLog {
	l := &patientLog{to: w, more: make(chan struct{}, 1), over: make(chan struct{})}
	go l.run()
	return l
}

// Write implements io.Writer. It buffers a line, or drops it.
func (l *patientLog) Write(line []byte) (int, error) {
	l.mu.Lock()
	if l.ended || len(l.waiting)+len(line) > logMax {
		l.dropped++
		logDropped.Inc()
	} else {
		l.waiting = append(l.waiting, line...)
	}
	l.mu.Unlock()
	l.wake()
	return len(line), nil
}

func (l *patientLog) wake() {
	select {
	case l.more <- struct{}{}:
	default:
	}
}

// run writes the buffered lines until the log has ended.
func (l *patientLog) run() {
	defer close(l.over)
	var spare []byte
	for range l.more {
		l.mu.Lock()
		batch, dropped, tell, ended := l.waiting, l.dropped, l.tell, l.ended
		l.waiting, l.dropped = spare[:0], 0
		l.mu.Unlock()
		if _, err := l.to.Write(batch); err != nil && len(batch) > 0 { // its reader is gone
			logDropped.Inc()
		}
		if spare = batch; cap(spare) > logMax/8 {
			spare = nil // a burst is over
		}
		if dropped > 0 && tell != nil && !ended {
			tell(dropped)
		}
		if ended {
			return
		}
	}
}

// reportsDrops makes l log by log, which writes to l, how many lines were dropped, when there is room again.
func (l *patientLog) reportsDrops(log *slog.Logger) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tell = func(dropped int) { log.Warn("the log was not read in time: lines were dropped", "lines", dropped) }
}

// end writes the buffered lines, and gives up after logFlushTimeout.
func (l *patientLog) end() {
	l.mu.Lock()
	l.ended = true
	l.mu.Unlock()
	l.wake()
	select {
	case <-l.over:
	case <-time.After(logFlushTimeout):
	}
}

// outlive prepares the process for serving: it survives the death of its output's reader, and limits its
// memory by the container's, unless GOMEMLIMIT is set. It returns the limit in bytes; 0 for none.
func outlive() (memoryLimit int64) {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // Go's own answer would be to end the process
	limit, err := memlimit.Set(memlimit.WithRatio(memoryShare), memlimit.WithProvider(memlimit.FromCgroup))
	if err != nil || limit == math.MaxInt64 {
		return 0
	}
	return limit
}

// ending returns the signals on which the program shuts down gracefully. One that is ignored from the
// start, such as SIGHUP under nohup, stays ignored.
func ending() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}
