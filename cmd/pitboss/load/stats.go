package load

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

const (
	latencyMax = 10 * time.Minute
	digits     = 3 // significant ones of a latency
)

// stats holds the measurements of a share of the players.
type stats struct {
	mu       sync.Mutex // guards what follows
	answers  *hdrhistogram.Histogram
	events   *hdrhistogram.Histogram
	accepted int64
	slowest  int64 // µs, of the answers since it was last looked at
	refused  map[string]int64
}

func newStats() *stats {
	h := func() *hdrhistogram.Histogram { return hdrhistogram.New(1, latencyMax.Microseconds(), digits) }
	return &stats{answers: h(), events: h(), refused: map[string]int64{}}
}

// record adds what one read brought: latencies in µs.
func (s *stats) record(answers, events []int64) {
	if len(answers)+len(events) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accepted += int64(len(answers))
	for _, v := range answers {
		_ = s.answers.RecordValue(within(v))
		s.slowest = max(s.slowest, v)
	}
	for _, v := range events {
		_ = s.events.RecordValue(within(v))
	}
}

func (s *stats) refuse(code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused[code]++
}

// within keeps a latency inside the histogram: below a microsecond is one.
func within(v int64) int64 { return min(max(v, 1), latencyMax.Microseconds()) }

// sum adds up the shares.
func sum(shares []*stats) *stats {
	all := newStats()
	for _, s := range shares {
		s.mu.Lock()
		all.answers.Merge(s.answers)
		all.events.Merge(s.events)
		all.accepted += s.accepted
		for code, n := range s.refused {
			all.refused[code] += n
		}
		s.mu.Unlock()
	}
	return all
}

// accepted returns how many bets were accepted so far.
func accepted(shares []*stats) (n int64) {
	for _, s := range shares {
		s.mu.Lock()
		n += s.accepted
		s.mu.Unlock()
	}
	return n
}

// slowest returns the latency of the slowest reply since the last call.
func slowest(shares []*stats) (d time.Duration) {
	for _, s := range shares {
		s.mu.Lock()
		d = max(d, time.Duration(s.slowest)*time.Microsecond)
		s.slowest = 0
		s.mu.Unlock()
	}
	return d
}
