package load

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pitboss-hub/pitboss/rooms/game"
)

// noClock is until when bets are taken before a round's first bet.
const noClock = math.MaxInt64

// table records what its players were sent.
type table struct {
	Table
	game    *Game
	room    string
	faults  *faults
	opened  atomic.Bool
	players []*player
	turn    int // whose bet is next; the schedule's

	until atomic.Int64 // when betting closes by the server's clock, in Unix milliseconds; noClock; 0 if closed
	round atomic.Int64 // the one that is open, or was last

	mu       sync.Mutex // guards what follows
	seq      int64      // of the latest event that observe saw
	ended    bool       // room.closed was told
	rounds   map[int64]*round
	seeds    map[int64]revealed // those that were made public, by the first round they serve
	stakes   game.Money
	payments game.Money
}

func newTable(g *Game, room string, n int, betting time.Duration, f *faults) *table {
	return &table{Table: g.Table(n, betting), game: g, room: room, faults: f, rounds: map[int64]*round{}, seeds: map[int64]revealed{}}
}

func (t *table) fault(kind, format string, args ...any) {
	t.faults.add(kind, "table "+t.room, format, args...)
}

// takesBets reports whether a bet sent now, margin before the end at the latest, is in time.
func (t *table) takesBets(now time.Time, margin time.Duration) bool {
	return now.Add(margin).UnixMilli() < t.until.Load()
}

// applyView applies a view as of seq.
func (t *table) applyView(seq int64, v *Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if seq <= t.seq {
		return
	}
	t.seq = seq
	t.round.Store(v.Round)
	if v.Round > 0 && t.rounds[v.Round] == nil {
		t.begin(v)
	}
	t.opens(v)
}

// opens sets until when bets are accepted.
func (t *table) opens(e *Event) {
	switch {
	case !e.Open:
		t.until.Store(0)
	case e.ClosesAt.IsZero():
		t.until.Store(noClock)
	default:
		t.until.Store(e.ClosesAt.UnixMilli())
	}
}

// observe records an event that is not a bet, as any of the players received it. Later players
// must have received the same as the first.
func (t *table) observe(seq int64, typ string, e *Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.rounds[e.Round]
	if r == nil && e.Round > 0 {
		r = t.begin(e)
	}
	switch {
	case r != nil:
		t.note(r, e)
	case e.Totals != nil || e.Outcome != "" || !e.Seed.IsZero() || e.Settled != nil || e.Voided != nil:
		t.fault(wrongEvent, "%s ends something of round %d, which is none", typ, e.Round)
	}
	if seq <= t.seq {
		return // somebody else was quicker
	}
	t.seq = seq
	if e.Open {
		t.round.Store(e.Round)
	}
	t.ended = t.ended || typ == game.TypeClosed
	t.opens(e)
}

// note records what an event says of its round.
func (t *table) note(r *round, e *Event) {
	if !e.Commitment.IsZero() && (r.commitment != e.Commitment || r.since != e.Since) {
		t.fault(wrongEvent, "round %d has the commitment %s since round %d, and %s since round %d", r.no, r.commitment, r.since, e.Commitment, e.Since)
	}
	if e.Totals != nil {
		r.closed, r.totals = true, *e.Totals
	}
	if e.Outcome != "" {
		t.decide(r, e.Outcome)
	}
	if !e.Seed.IsZero() {
		t.reveal(r, e.Seed)
	}
	if e.Settled != nil {
		t.settle(r, e.Settled)
	}
}

func (t *table) settle(r *round, d *Settled) {
	switch {
	case r.settled && (r.staked != d.Staked || r.paid != d.Paid):
		t.fault(wrongEvent, "two players were told different sums of round %d", r.no)
	case r.settled:
	case r.closed && r.totals != d.Staked:
		t.fault(wrongStakes, "when betting of round %d closed, %d lay on the table, and it is settled with %d", r.no, r.totals, d.Staked)
	}
	if !r.settled {
		r.settled, r.staked, r.paid = true, d.Staked, d.Paid
		t.stakes += d.Staked
		t.payments += d.Paid
	}
}

// resting reports whether the table waits for a first bet, or for nothing any more, and
// the seq of its latest event.
func (t *table) resting() (seq int64, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.seq, t.ended || t.until.Load() == noClock
}

// over reports whether the table is closed, and the seq of its latest event.
func (t *table) over() (seq int64, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.seq, t.ended
}

// finish compares what everybody was told with what the players' books add up to, and reports which settled
// rounds a closed table left unproven.
func (t *table) finish(staked, paid game.Money) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if staked != t.stakes || paid != t.payments {
		t.fault(wrongStakes, "its rounds add up to %d staked and %d paid, and its players' books to %d and %d", t.stakes, t.payments, staked, paid)
	}
	if !t.ended {
		return
	}
	for _, no := range sorted(t.rounds) {
		if r := t.rounds[no]; r.settled && !t.public(r) {
			t.fault(untoldSeed, "round %d was settled for %s, and the table closed without telling the seed of round %d that decided it", no, r.outcome, r.first())
		}
	}
}

// public reports whether the seed of a round was told.
func (t *table) public(r *round) bool {
	_, ok := t.seeds[r.first()]
	return ok
}

// count adds the table's rounds to those of its game.
func (t *table) count(g *Played) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.rounds {
		switch {
		case !r.settled:
			continue
		case r.proven:
			g.Proven++
		case !t.public(r):
			g.Unproven++
		}
		g.Rounds++
	}
}
