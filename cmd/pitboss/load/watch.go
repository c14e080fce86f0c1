package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// rest waits until every bet is answered and settled.
func (r *run) rest(ctx context.Context) error { return r.await(ctx, (*table).resting) }

// await waits until every table has reached something and every player has received all events up to that, for
// at most patience after the longest round; the checks report what is missing. reached returns the seq of the
// table's latest event too.
func (r *run) await(ctx context.Context, reached func(*table) (seq int64, ok bool)) error {
	all := func() bool {
		for _, t := range r.tables {
			seq, ok := reached(t)
			if !ok {
				return false
			}
			for _, p := range t.players {
				if p.busy(seq) {
					return false
				}
			}
		}
		return true
	}
	err := r.until(ctx, time.Now().Add(r.window+patience), "", all)
	if errors.Is(err, errLate) {
		return nil
	}
	return err
}

// until waits for a condition, at most until the deadline: then the error says what did
// not happen, and is errLate.
func (r *run) until(ctx context.Context, deadline time.Time, what string, reached func() bool) error {
	for !reached() {
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: %w", what, errLate)
		}
		if err := pause(ctx, lookEvery); err != nil {
			return err
		}
	}
	return nil
}

// watch prints the progress once a second until it is stopped.
func (r *run) watch(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		began := time.Now()
		var sent, answered int64
		for {
			select {
			case <-ctx.Done():
				return
			case now := <-tick.C:
				wasSent, wasAnswered := sent, answered
				sent, answered = r.offered.Load(), accepted(r.shares)
				_, wrong := r.faults.found()
				r.say("%5.0f s  offered %d/s  accepted %d/s  slowest answer %s  violations %d",
					now.Sub(began).Seconds(), sent-wasSent, answered-wasAnswered, slowest(r.shares).Round(100*time.Microsecond), wrong)
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// doors is a semaphore.
type doors chan struct{}

func (d doors) enter(ctx context.Context) error {
	select {
	case d <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (d doors) leave() { <-d }

// clocks estimates the difference between our clock and the server's.
type clocks struct {
	mu    sync.Mutex
	known bool
	least time.Duration // between the server's time and ours when we were told it
}

func (c *clocks) note(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.known || d < c.least {
		c.known, c.least = true, d
	}
}

// ahead returns how far our clock is ahead of the server's. It cannot tell less than 50 ms from
// the time that a message takes.
func (c *clocks) ahead() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.least.Abs() < 50*time.Millisecond {
		return 0
	}
	return c.least
}
