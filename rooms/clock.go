package rooms

import (
	"context"
	"time"

	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/placement"
)

const (
	// stepLeast is by how much the time of day must be set at once to be noticed. What is less, as NTP
	// does it, moves a deadline by as much and no more.
	stepLeast = 250 * time.Millisecond
	// readingMost is how long one look at both clocks may take to say anything.
	readingMost = 10 * time.Millisecond
)

// timepiece tells the time of day, and by how much it was set, by a clock that nobody sets.
type timepiece struct {
	now        func() time.Time
	wall, mono time.Time // at the last look; zero before the first
}

// look returns the time of day and by how much it was set since the last look.
func (c *timepiece) look() (wall time.Time, step time.Duration) {
	mono := time.Now()
	wall = c.now().Round(0) // without the monotonic clock
	if time.Since(mono) > readingMost {
		return wall, 0 // the process stood still between the two; the next look sees it
	}
	if !c.mono.IsZero() {
		step = wall.Sub(c.wall) - mono.Sub(c.mono)
	}
	c.wall, c.mono = wall, mono
	if step.Abs() < stepLeast {
		step = 0
	}
	return wall, step
}

// redate has the game wait for as long as it should, whatever the time of day became: when the clock was
// set, and when a deadline is further away than its phase lasts, since it was given by a clock that was
// wrong.
func (r *room) redate(ctx context.Context) {
	now, step := r.day.look()
	r.owed += step
	if r.last.Sub(now) > stepLeast {
		r.last = time.Time{} // or time would stand still until now is there
	}
	g, timed := r.rules.(game.Timed)
	if !timed || g.Lasts() == 0 {
		r.owed = 0
		return
	}
	if ahead := r.rules.Wake().Add(r.owed).Sub(now) - g.Lasts(); ahead > stepLeast {
		r.owed -= ahead
	}
	if r.owed == 0 {
		return
	}
	before := r.seq
	r.hand = []*work{{at: r.now(), body: game.Shift{By: r.owed}}}
	r.process(ctx)
	if r.seq != before { // else again, when it can be written
		r.log.Warn("the clock was set, or had been wrong: what the table waits for is due as long from now as before", "by", r.owed)
		r.d.meter.redated.Inc()
		r.owed = 0
	}
}

// due returns in how long the room has to do something though nobody asks.
func (r *room) due() time.Duration {
	wake := r.rules.Wake()
	switch {
	case r.status == Closed:
		return time.Until(r.closedAt.Add(placement.ClosedLinger))
	case wake.IsZero():
		return sleepMost
	}
	at := wake.Add(time.Millisecond - 1).Truncate(time.Millisecond) // commands' times are whole milliseconds
	return max(at.Sub(r.day.now()), time.Until(r.retryAt))
}

// nap returns how long the room may sleep: no longer than a phase, whatever its deadline says.
func (r *room) nap() time.Duration {
	d := r.due()
	if g, ok := r.rules.(game.Timed); ok && g.Lasts() > 0 && r.status != Closed {
		d = min(d, g.Lasts()+stepLeast)
	}
	return d
}
