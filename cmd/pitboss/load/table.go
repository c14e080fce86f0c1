package load

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/roulette"
)

// noClock is until when bets are taken before a round's first bet.
const noClock = math.MaxInt64

// table is what all of its players were told together.
type table struct {
	room      string
	laPartage bool
	faults    *faults
	opened    atomic.Bool
	players   []*player
	turn      int // whose bet is next; the schedule's

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

// round is what was told of one to everybody.
type round struct {
	commitment game.Commitment
	spun       bool
	pocket     int
	seed       game.Seed
	closed     bool
	totals     game.Money // what lay on the table when betting closed
	settled    bool
	staked     game.Money
	paid       game.Money
}

func newTable(room string, laPartage bool, f *faults) *table {
	return &table{room: room, laPartage: laPartage, faults: f, rounds: map[int64]*round{}}
}

func (t *table) fault(kind, format string, args ...any) {
	t.faults.add(kind, "table "+t.room, format, args...)
}

// takesBets reports whether a bet sent now, margin before the end at the latest, is in time.
func (t *table) takesBets(now time.Time, margin time.Duration) bool {
	return now.Add(margin).UnixMilli() < t.until.Load()
}

// roundData are the members of all events that belong to a round.
type roundData struct {
	Round      int64           `json:"round"`
	Commitment game.Commitment `json:"commitment"`
	ClosesAt   time.Time       `json:"closes_at"`
	Pocket     int             `json:"pocket"`
	Seed       game.Seed       `json:"seed"`
	Staked     game.Money      `json:"staked"`
	Paid       game.Money      `json:"paid"`
	Reason     string          `json:"reason"`
	Totals     []struct {
		Amount game.Money `json:"amount"`
	} `json:"totals"`
	Mine *struct {
		outcome
		Refund game.Money `json:"refund"`
	} `json:"mine"`
}

// tableView is what a player who comes anew is shown.
type tableView struct {
	Phase      string          `json:"phase"`
	Round      int64           `json:"round"`
	Commitment game.Commitment `json:"commitment"`
	ClosesAt   time.Time       `json:"closes_at"`
}

// look takes over a view as of seq.
func (t *table) look(seq int64, v *tableView) {
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
	switch {
	case v.Phase != "betting":
		t.until.Store(0)
	case v.ClosesAt.IsZero():
		t.until.Store(noClock)
	default:
		t.until.Store(v.ClosesAt.UnixMilli())
	}
}

// observe takes over an event that is no bet, from any of the players: the first one who
// tells of it is believed, the others must tell the same.
func (t *table) observe(seq int64, typ string, d *roundData) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.rounds[d.Round]
	if r == nil && d.Round > 0 {
		r = &round{commitment: d.Commitment}
		t.rounds[d.Round] = r
	}
	switch typ {
	case "round.opened":
		if r.commitment != d.Commitment {
			t.fault(wrongEvent, "round %d was opened with the commitment %s and with %s", d.Round, r.commitment, d.Commitment)
		}
	case "betting.closed":
		r.closed, r.totals = true, 0
		for _, on := range d.Totals {
			r.totals += on.Amount
		}
	case "wheel.spun":
		t.spun(r, d)
	case "round.settled":
		t.settled(r, d)
	}
	if seq <= t.seq {
		return // somebody else was quicker
	}
	t.seq = seq
	switch typ {
	case "round.opened":
		t.round.Store(d.Round)
		t.until.Store(noClock)
	case "betting.started":
		t.until.Store(d.ClosesAt.UnixMilli())
	case "betting.stopped":
		t.until.Store(noClock)
	case game.TypeClosed:
		t.ended = true
		t.until.Store(0)
	default:
		t.until.Store(0)
	}
}

// spun checks that the result follows from the seed, and the seed from the commitment.
func (t *table) spun(r *round, d *roundData) {
	if r.spun {
		if r.pocket != d.Pocket || r.seed != d.Seed {
			t.fault(wrongEvent, "two players were told different results of round %d: %d and %d", d.Round, r.pocket, d.Pocket)
		}
		return
	}
	r.spun, r.pocket, r.seed = true, d.Pocket, d.Seed
	if d.Seed.Commit() != r.commitment {
		t.fault(wrongOutcome, "round %d: the seed %s is not the one of the commitment %s", d.Round, d.Seed.Hex(), r.commitment)
	}
	if want := roulette.Draw(d.Seed, d.Round); want != d.Pocket {
		t.fault(wrongOutcome, "round %d: the ball fell into %d, and the seed says %d", d.Round, d.Pocket, want)
	}
}

func (t *table) settled(r *round, d *roundData) {
	switch {
	case !r.spun || r.pocket != d.Pocket:
		t.fault(wrongOutcome, "round %d was settled for %d, which was not spun", d.Round, d.Pocket)
	case r.settled && (r.staked != d.Staked || r.paid != d.Paid):
		t.fault(wrongEvent, "two players were told different sums of round %d", d.Round)
	}
	if r.closed && r.totals != d.Staked {
		t.fault(wrongStakes, "when betting of round %d closed, %d lay on the table, and it is settled with %d", d.Round, r.totals, d.Staked)
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
