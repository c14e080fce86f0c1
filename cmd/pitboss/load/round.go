package load

import "github.com/pitboss-hub/pitboss/rooms/game"

// round records the public events of a round.
type round struct {
	no         int64
	commitment game.Commitment
	since      int64  // the earlier round that made the commitment; 0: this one did
	outcome    string // once it is told
	proven     bool   // the outcome follows from the seed
	closed     bool
	totals     game.Money // what lay on the table when betting closed
	settled    bool
	staked     game.Money
	paid       game.Money
}

// first returns the first of the rounds that the round's seed serves.
func (r *round) first() int64 {
	if r.since != 0 {
		return r.since
	}
	return r.no
}

// revealed is a seed that was made public.
type revealed struct {
	seed game.Seed
	in   int64 // the round whose event told it, the last that it serves
}

// begin records a round that an event or a view is the first to tell of, and holds its commitment to that
// of the earlier rounds.
func (t *table) begin(e *Event) *round {
	r := &round{no: e.Round, commitment: e.Commitment, since: e.Since}
	t.rounds[r.no] = r
	if r.since < 0 || r.since >= r.no {
		t.fault(wrongCommit, "round %d was opened under the seed of round %d, which is no earlier one", r.no, r.since)
		r.since = 0
	}
	if made := t.rounds[r.since]; made != nil && made.commitment != r.commitment {
		t.fault(wrongCommit, "round %d was opened under the seed of round %d, with the commitment %s, and that one's was %s", r.no, r.since, r.commitment, made.commitment)
	}
	if before := t.rounds[r.no-1]; before != nil {
		switch same := before.commitment == r.commitment; {
		case same && r.since == 0:
			t.fault(wrongCommit, "round %d was opened with the commitment of round %d as its own", r.no, before.no)
		case r.since != 0 && before.first() != r.since:
			t.fault(wrongCommit, "round %d was opened under the seed of round %d, and round %d before it was under that of round %d", r.no, r.since, before.no, before.first())
		}
	}
	if s, public := t.seeds[r.first()]; public && s.in < r.no {
		t.fault(wrongCommit, "round %d was opened under the seed of round %d, which was told in round %d", r.no, r.first(), s.in)
	}
	return r
}

// decide records the outcome of a round.
func (t *table) decide(r *round, outcome string) {
	switch r.outcome {
	case "":
		r.outcome = outcome
		t.prove(r)
	case outcome:
	default:
		t.fault(wrongOutcome, "the outcome of round %d was told as %s and as %s", r.no, r.outcome, outcome)
	}
}

// reveal records the seed of a round and of those before it that it served, and proves them.
func (t *table) reveal(r *round, seed game.Seed) {
	if s, again := t.seeds[r.first()]; again {
		if s != (revealed{seed, r.no}) {
			t.fault(wrongEvent, "the seed of round %d was told in round %d as %s, and in round %d as %s", r.first(), s.in, s.seed.Hex(), r.no, seed.Hex())
		}
		return
	}
	t.seeds[r.first()] = revealed{seed, r.no}
	for no := r.first(); no <= r.no; no++ {
		if served := t.rounds[no]; served != nil && served.first() == r.first() {
			t.prove(served)
		}
	}
}

// prove checks that the outcome of a round follows from its seed, and the seed from its commitment, as soon
// as both are told.
func (t *table) prove(r *round) {
	s, public := t.seeds[r.first()]
	if !public || r.outcome == "" {
		return
	}
	if s.seed.Commit() != r.commitment {
		t.fault(wrongOutcome, "round %d: the seed %s is not the one of the commitment %s", r.no, s.seed.Hex(), r.commitment)
		return
	}
	switch want, err := t.game.Outcome(s.seed, r.first(), r.no); {
	case err != nil:
		t.fault(wrongOutcome, "round %d: the outcome was %s, and the seed of round %d serves no such round: %v", r.no, r.outcome, r.first(), err)
	case want != r.outcome:
		t.fault(wrongOutcome, "round %d: the outcome was %s, and the seed says %s", r.no, r.outcome, want)
	default:
		r.proven = true
	}
}
