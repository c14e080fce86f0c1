package rooms

import (
	"context"
	"time"

	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/placement"
)

const (
	// minStep is the smallest step of the time of day that is noticed. A smaller one, as NTP makes, moves
	// a deadline by as much and no more.
	minStep = 250 * time.Millisecond
	// readingMax is how long reading both clocks may take for the reading to be of use.
	readingMax = 10 * time.Millisecond
)

// timepiece reads the time of day, and detects by a monotonic clock when it was set.
type timepiece struct {
	now        func() time.Time
	wall, mono time.Time // at the last look; zero before the first
}

// look returns the time of day and by how much it was set since the last call.
func (c *timepiece) look() (wall time.Time, step time.Duration) {
	mono := time.Now()
	wall = c.now().Round(0) // without the monotonic clock
	if time.Since(mono) > readingMax {
		return wall, 0 // the process was suspended between the two; the next call sees it
	}
	if !c.mono.IsZero() {
		step = wall.Sub(c.wall) - mono.Sub(c.mono)
	}
	c.wall, c.mono = wall, mono
	if step.Abs() < minStep {
		step = 0
	}
	return wall, step
}

// adjustDeadline moves the game's deadline so that its phase lasts as long as it should: when the clock was set,
// and when the deadline is further away than the phase lasts, since it came from a clock that was wrong.
func (r *room) adjustDeadline(ctx context.Context) {
	now, step := r.day.look()
	r.owed += step
	if r.last.Sub(now) > minStep {
		r.last = time.Time{} // or the room's time would stand still until the clock reaches it again
	}
	g, timed := r.rules.(game.Timed)
	if !timed || g.Lasts() == 0 {
		r.owed = 0
		return
	}
	if ahead := r.rules.Wake().Add(r.owed).Sub(now) - g.Lasts(); ahead > minStep {
		r.owed -= ahead
	}
	if r.owed == 0 {
		return
	}
	before := r.seq
	r.pending = []*work{{at: r.now(), body: game.Shift{By: r.owed}}}
	r.process(ctx)
	if r.seq != before { // else it is tried again, when the journal can be written
		r.log.Warn("the clock was set, or had been wrong: what the table waits for is due as long from now as before", "by", r.owed)
		r.d.meter.redated.Inc()
		r.owed = 0
	}
}

// due returns how long it is until the room has something to do of its own accord.
func (r *room) due() time.Duration {
	wake := r.rules.Wake()
	switch {
	case r.status == Closed:
		return time.Until(r.closedAt.Add(placement.ClosedLinger))
	case wake.IsZero():
		return sleepMax
	}
	at := wake.Add(time.Millisecond - 1).Truncate(time.Millisecond) // commands' times are whole milliseconds
	return max(at.Sub(r.day.now()), time.Until(r.retryAt))
}

// sleepLimit returns how long the room may sleep: no longer than a phase lasts, whatever its deadline says.
func (r *room) sleepLimit() time.Duration {
	d := r.due()
	if g, ok := r.rules.(game.Timed); ok && g.Lasts() > 0 && r.status != Closed {
		d = min(d, g.Lasts()+minStep)
	}
	return d
}
