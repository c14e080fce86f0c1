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
	counted  int // rounds that were settled
	stakes   game.Money
	payments game.Money
}

// round records the public events of a round.
type round struct {
	commitment game.Commitment
	revealed   *Revealed
	closed     bool
	totals     game.Money // what lay on the table when betting closed
	settled    bool
	staked     game.Money
	paid       game.Money
}

func newTable(g *Game, room string, n int, betting time.Duration, f *faults) *table {
	return &table{Table: g.Table(n, betting), game: g, room: room, faults: f, rounds: map[int64]*round{}}
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
		t.rounds[v.Round] = &round{commitment: v.Commitment}
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
		r = &round{commitment: e.Commitment}
		t.rounds[e.Round] = r
	}
	switch {
	case r != nil:
		t.note(r, e)
	case e.Totals != nil || e.Revealed != nil || e.Settled != nil || e.Voided != nil:
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
	if !e.Commitment.IsZero() && r.commitment != e.Commitment {
		t.fault(wrongEvent, "round %d was opened with the commitment %s and with %s", e.Round, r.commitment, e.Commitment)
	}
	if e.Totals != nil {
		r.closed, r.totals = true, *e.Totals
	}
	if e.Revealed != nil {
		t.reveal(r, e.Round, e.Revealed)
	}
	if e.Settled != nil {
		t.settle(r, e.Round, e.Settled)
	}
}

// reveal checks that the outcome follows from the seed, and the seed from the commitment.
func (t *table) reveal(r *round, no int64, d *Revealed) {
	if r.revealed != nil {
		if *r.revealed != *d {
			t.fault(wrongEvent, "two players were told different outcomes of round %d: %s and %s", no, r.revealed.Outcome, d.Outcome)
		}
		return
	}
	r.revealed = d
	if d.Seed.Commit() != r.commitment {
		t.fault(wrongOutcome, "round %d: the seed %s is not the one of the commitment %s", no, d.Seed.Hex(), r.commitment)
	}
	if want := t.game.Outcome(d.Seed, no); want != d.Outcome {
		t.fault(wrongOutcome, "round %d: the outcome was %s, and the seed says %s", no, d.Outcome, want)
	}
}

func (t *table) settle(r *round, no int64, d *Settled) {
	switch {
	case r.revealed == nil || r.revealed.Outcome != d.Outcome:
		t.fault(wrongOutcome, "round %d was settled for %s, which was not its outcome", no, d.Outcome)
	case r.settled && (r.staked != d.Staked || r.paid != d.Paid):
		t.fault(wrongEvent, "two players were told different sums of round %d", no)
	}
	if r.closed && r.totals != d.Staked {
		t.fault(wrongStakes, "when betting of round %d closed, %d lay on the table, and it is settled with %d", no, r.totals, d.Staked)
	}
	if !r.settled {
		r.settled, r.staked, r.paid = true, d.Staked, d.Paid
		t.counted++
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

// finish compares what everybody was told with what the players' books add up to.
func (t *table) finish(staked, paid game.Money) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if staked != t.stakes || paid != t.payments {
		t.fault(wrongStakes, "its rounds add up to %d staked and %d paid, and its players' books to %d and %d", t.stakes, t.payments, staked, paid)
	}
}
