package rooms_test

import (
	"encoding/json"
	"testing"

	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/roulette"
)

func TestARoundIsProvenOnceItsSeedIsPublicAndFinalOnceItIsOverToo(t *testing.T) {
	t.Parallel()
	seed, other := game.Seed{1}, game.Seed{2}
	record := func(typ string, data map[string]any) rooms.Record {
		raw, err := json.Marshal(data)
		if err != nil {
			t.Fatal(err)
		}
		return rooms.Record{Type: typ, Data: raw}
	}
	opened := record("round.opened", map[string]any{"round": 7, "commitment": seed.Commit(), "since": 5})
	spun := record("wheel.spun", map[string]any{"round": 7, "seed": seed})
	settled := record("round.settled", map[string]any{"round": 7})
	told := record("seed.revealed", map[string]any{"round": 9, "since": 5, "commitment": seed.Commit(), "seed": seed})
	voided := record("round.voided", map[string]any{"round": 9, "seed": seed})
	another := record("seed.revealed", map[string]any{"round": 9, "commitment": other.Commit(), "seed": other})
	lost := record("round.voided", map[string]any{"round": 7})
	d := rooms.NewDirectory(rooms.Options{Kinds: map[string]game.Kind{"roulette": roulette.Kind}})
	for name, c := range map[string]struct {
		round []rooms.Record
		later *rooms.Record
		want  rooms.Proof
	}{
		"under way":                         {[]rooms.Record{opened}, nil, rooms.Proof{State: rooms.ProofPending}},
		"under way, and its seed is told":   {[]rooms.Record{opened, spun}, nil, rooms.Proof{State: rooms.ProofReady}},
		"over, and its seed was told":       {[]rooms.Record{opened, spun, settled}, nil, rooms.Proof{State: rooms.ProofReady, Final: true}},
		"over, and its seed serves another": {[]rooms.Record{opened, settled}, nil, rooms.Proof{State: rooms.ProofPending}},
		"told by a later round":             {[]rooms.Record{opened, settled}, &told, rooms.Proof{State: rooms.ProofReady, Later: true, Final: true}},
		"told by a later void":              {[]rooms.Record{opened, settled}, &voided, rooms.Proof{State: rooms.ProofReady, Later: true, Final: true}},
		"followed by another seed":          {[]rooms.Record{opened, settled}, &another, rooms.Proof{State: rooms.ProofLost, Final: true}},
		"void, the seed being lost":         {[]rooms.Record{opened, lost}, nil, rooms.Proof{State: rooms.ProofPending}},
		"of before, followed by another":    {[]rooms.Record{opened, spun, settled}, &another, rooms.Proof{State: rooms.ProofReady, Final: true}},
		"without a commitment":              {[]rooms.Record{settled}, nil, rooms.Proof{Final: true}},
	} {
		if got, err := d.Proof("roulette", c.round, c.later); err != nil || got != c.want {
			t.Errorf("a round that is %s: %+v, %v", name, got, err)
		}
	}
	if _, err := d.Proof("senet", []rooms.Record{opened}, nil); err == nil {
		t.Error("a game that is not there proves something")
	}
}
