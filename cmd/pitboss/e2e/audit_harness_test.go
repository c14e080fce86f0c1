package e2e

import (
	"encoding/json"
	"reflect"

	"github.com/pitboss-hub/pitboss/cmd/pitboss/load"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/placement"
)

// audit is what a room's journal adds up to.
type audit struct {
	f        *casino
	balances map[string]game.Money // of players: what they won, less what they lost
	rounds   map[int64]*audited
	latest   *audited
	secrets  map[int64]game.Seed // that were told, by the first round they served
	settled  int
	voided   int
	seeds    int // committed to
}

// audited is a round of the journal.
type audited struct {
	no         int64
	first      int64 // the round that committed to its seed
	epoch      int64 // in which that was
	commitment game.Commitment
	staked     map[string][]position // by player: the bets that stand
	outcome    string
	settled    bool
}

// audit holds the journal of a closed room to the rules of its game: every stake was settled once for what
// followed from the committed seed, which was told; and a seed served all rounds until it was told.
func (f *casino) audit(records []rooms.Record) *audit {
	f.t.Helper()
	m := &audit{f: f, balances: map[string]game.Money{}, rounds: map[int64]*audited{}, secrets: map[int64]game.Seed{}}
	for _, r := range records {
		m.read(r)
	}
	if last := records[len(records)-1].Type; last != game.TypeClosed {
		f.t.Errorf("%s: the last event is %s", f.room, last)
	}
	for _, r := range m.rounds {
		m.prove(r)
	}
	return m
}

// read reads an event.
func (m *audit) read(rec rooms.Record) {
	t := m.f.t
	t.Helper()
	switch rec.Type {
	case "bet.placed", "bet.removed":
		m.bet(rec)
		return
	}
	e, err := m.f.play.Event(rec.Type, rec.Data)
	if err != nil {
		t.Fatalf("event %d, %s: %v", rec.Seq, rec.Type, err)
	}
	if rec.Type == "round.opened" {
		m.open(rec, &e)
	}
	r := m.rounds[e.Round]
	if r == nil {
		return // an event of no round
	}
	if e.Outcome != "" {
		if r.outcome != "" && r.outcome != e.Outcome {
			t.Errorf("round %d: the outcome was %s and is %s", r.no, r.outcome, e.Outcome)
		}
		r.outcome = e.Outcome
	}
	if !e.Seed.IsZero() {
		if _, again := m.secrets[r.first]; again || e.Seed.Commit() != r.commitment {
			t.Errorf("round %d: the seed was told before, or is not the one that was committed to", r.no)
		}
		m.secrets[r.first] = e.Seed
	}
	switch rec.Type {
	case "betting.closed":
		m.close(r, rec)
	case "round.settled":
		m.settle(r)
	case "round.voided":
		m.void(r, rec, e.Voided)
	}
}

// open begins a round, under the seed of the round before it unless that was told.
func (m *audit) open(rec rooms.Record, e *load.Event) {
	r := &audited{no: e.Round, first: e.Round, epoch: rec.Epoch, commitment: e.Commitment, staked: map[string][]position{}}
	if e.Since != 0 {
		r.first = e.Since
	} else {
		m.seeds++
	}
	if before := m.latest; before != nil {
		_, told := m.secrets[before.first]
		same := e.Since == before.first && e.Commitment == before.commitment
		if told == same || told && e.Since != 0 {
			m.f.t.Errorf("round %d is under the seed of round %d, and round %d before it was under that of round %d, of which it is %t that it was told", r.no, r.first, before.no, before.first, told)
		}
		if same {
			r.epoch = before.epoch
		}
	}
	m.rounds[r.no], m.latest = r, r
}

// bet puts a bet on the table, or takes it back.
func (m *audit) bet(rec rooms.Record) {
	d := betIn(rec.Data)
	on := m.rounds[d.Round].staked
	for _, b := range d.Bets {
		if rec.Type == "bet.removed" {
			m.balances[d.Player] += b.Amount
			on[d.Player] = without(on[d.Player], b)
			continue
		}
		m.balances[d.Player] -= b.Amount
		on[d.Player] = append(on[d.Player], b)
	}
}

// close holds what lay on the table to the bets.
func (m *audit) close(r *audited, rec rooms.Record) {
	var d struct {
		Totals []position `json:"totals"`
	}
	if err := json.Unmarshal(rec.Data, &d); err != nil {
		m.f.t.Fatalf("event %d: %v", rec.Seq, err)
	}
	var all []position
	for _, bets := range r.staked {
		all = append(all, bets...)
	}
	if !reflect.DeepEqual(total(d.Totals), total(all)) {
		m.f.t.Errorf("round %d: betting closed with %v on the table, and the bets are %v", r.no, d.Totals, all)
	}
}

// settle pays the bets of a round.
func (m *audit) settle(r *audited) {
	if r.settled {
		m.f.t.Errorf("round %d was settled twice", r.no)
	}
	r.settled = true
	m.settled++
	for player, bets := range r.staked {
		paid, err := m.f.play.pays(r.outcome, bets)
		if err != nil {
			m.f.t.Errorf("round %d: %v", r.no, err)
		}
		m.balances[player] += paid
	}
}

// void gives the bets of a round back, which is right only if the database has gone back since the round's seed
// was committed to, or may have.
func (m *audit) void(r *audited, rec rooms.Record, v *load.Voided) {
	if placement.GenerationOf(rec.Epoch) == placement.GenerationOf(r.epoch) {
		m.f.t.Errorf("round %d was voided: %s", r.no, v.Reason)
	}
	m.voided++
	for player, bets := range r.staked {
		for _, amount := range total(bets) {
			m.balances[player] += amount
		}
	}
}

// prove holds the outcome of a settled round to its seed.
func (m *audit) prove(r *audited) {
	if !r.settled {
		return
	}
	seed, told := m.secrets[r.first]
	if !told {
		m.f.t.Errorf("round %d was settled, and the seed of round %d was never told", r.no, r.first)
		return
	}
	if want, err := m.f.play.Outcome(seed, r.first, r.no); err != nil || want != r.outcome {
		m.f.t.Errorf("round %d: %s, and the seed of round %d says %s, %v", r.no, r.outcome, r.first, want, err)
	}
}
