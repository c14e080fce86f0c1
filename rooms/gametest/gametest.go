package gametest

import (
	"encoding/json"
	"flag"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/rooms/game"
)

var (
	update = flag.Bool("update", false, "gametest: write the transcripts anew")
	replay = flag.Uint64("seed", 0, "gametest: play the random game of this seed only")
	games  = flag.Int("games", gamesDefault, "gametest: how many random games to play")
)

const (
	gamesDefault = 12
	steps        = 250 // commands in a random game
	fuzzSteps    = 400 // the most in one input of Fuzz
)

// Spec describes a game to Run.
type Spec struct {
	// Settings are the tables to play at; the game's defaults if empty.
	Settings []json.RawMessage

	// Move returns a random command of a player, more often than not one that the game accepts. It takes
	// its randomness from r only.
	Move func(r *rand.Rand) json.RawMessage

	// Result returns, for the event that ends a round with stakes, what was staked (and not refunded) in it
	// and what it pays, over all players. ok is false for other events.
	Result func(ev game.Event) (staked, paid game.Money, ok bool)
}

// Run tests kind: its settings, the transcripts in testdata/*.txt, then random games.
func Run(t *testing.T, kind game.Kind, spec Spec) {
	t.Helper()
	if len(spec.Settings) == 0 {
		spec.Settings = []json.RawMessage{nil}
	}
	t.Run("settings", func(t *testing.T) { checkSettings(t, kind) })
	t.Run("transcripts", func(t *testing.T) { transcripts(t, kind, spec) })
	t.Run("moves", func(t *testing.T) { movesAreAccepted(t, kind, spec) })
	t.Run("random", func(t *testing.T) {
		if *replay != 0 {
			randomGame(t, kind, spec, *replay)
			return
		}
		first := uint64(time.Now().UnixNano())
		for i := range *games {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				randomGame(t, kind, spec, first+uint64(i))
			})
		}
	})
}

// Fuzz lets go test -fuzz search for a game that breaks a rule: its input is the randomness of a random
// game.
func Fuzz(f *testing.F, kind game.Kind, spec Spec) {
	f.Helper()
	if len(spec.Settings) == 0 {
		spec.Settings = []json.RawMessage{nil}
	}
	f.Add([]byte{})
	for i := range 4 {
		r := rand.NewPCG(uint64(i), 0)
		script := make([]byte, 400)
		for j := range script {
			script[j] = byte(r.Uint64())
		}
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		chance := &scripted{script: script, after: rand.NewPCG(1, 1)}
		play(t, kind, spec, rand.New(chance), func(step int) bool {
			return len(chance.script) > 0 && step < fuzzSteps
		})
	})
}

// scripted is a random source that takes its numbers from a script, two bytes a draw, and from another
// source when the script is used up.
type scripted struct {
	script []byte
	after  rand.Source
}

// Uint64 implements rand.Source.
func (s *scripted) Uint64() uint64 {
	if len(s.script) < 2 {
		s.script = nil
		return s.after.Uint64()
	}
	v := uint64(s.script[0])<<8 | uint64(s.script[1])
	s.script = s.script[2:]
	return v * 0x0001_0001_0001_0001 // rand takes high bits of some draws and low bits of others
}
