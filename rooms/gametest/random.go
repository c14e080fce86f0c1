package gametest

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitboss-hub/pitboss/rooms/game"
)

// randomGame plays the game of that seed twice, and fails unless both go the same way.
func randomGame(t *testing.T, kind game.Kind, spec Spec, seed uint64) {
	t.Logf("play this game again with -seed=%d", seed)
	var logs [2][]string
	for i := range logs {
		logs[i] = play(t, kind, spec, rand.New(rand.NewPCG(seed, 0)), func(step int) bool { return step < steps })
	}
	if diff := cmp.Diff(logs[0], logs[1]); diff != "" {
		t.Fatal("the same commands gave other events", diff)
	}
}

// randomPlayers have ids that no name, position or number contains.
var randomPlayers = []game.PlayerID{"ann#6f1", "bob#90c", "cleo#2ab", "dan#77e"}

// play gives random commands as long as more returns true, closes the room and returns what happened.
func play(t testing.TB, kind game.Kind, spec Spec, r *rand.Rand, more func(step int) bool) []string {
	t.Helper()
	tb, err := newTable(t, kind, spec, spec.Settings[r.IntN(len(spec.Settings))])
	if err != nil {
		t.Fatalf("the Spec's settings are refused: %v", err)
	}
	for step := 0; more(step); step++ {
		switch n := r.IntN(100); {
		case n < 50:
			_, _ = tb.command(randomPlayers[r.IntN(len(randomPlayers))], spec.Move(r))
		case n < 60:
			_, _ = tb.command(randomPlayers[r.IntN(len(randomPlayers))], spoil(r, spec.Move(r)))
		case n < 80: // in time
			tb.toWake()
			tb.tick(none)
		case n < 85: // late
			tb.toWake()
			tb.now = tb.now.Add(time.Duration(r.IntN(60_000)) * time.Millisecond)
			tb.tick(none)
		case n < 90: // early, or twice
			tb.tick(none)
		case n < 91:
			tb.shift(time.Duration(r.IntN(7_200_000)-3_600_000) * time.Millisecond)
		case n < 92:
			tb.otherRound(randomPlayers[r.IntN(len(randomPlayers))], spec.Move(r), 1+r.Int64N(9))
		case n < 93:
			if r.IntN(2) == 0 {
				tb.void()
			} else {
				_, _ = tb.expose()
			}
		case n < 97: // time passes
			tb.now = tb.now.Add(time.Duration(r.IntN(10_000)) * time.Millisecond)
		case n < 98:
			tb.toWake()
			tb.tick([]trouble{openLost, freshLess}[r.IntN(2)])
		case r.IntN(3) == 0:
			_, _ = tb.close("by chance")
		}
	}
	tb.finish()
	for _, who := range randomPlayers {
		_, _ = tb.command(who, spec.Move(r))
	}
	return tb.log
}

// movesTried is how many of a Spec's moves are tried at a table of the first settings.
const movesTried = 200

// movesAreAccepted fails if a game of stakes refuses all moves of its Spec: the random games would try nothing.
func movesAreAccepted(t *testing.T, kind game.Kind, spec Spec) {
	if spec.Result == nil {
		return
	}
	tb, err := newTable(t, kind, spec, spec.Settings[0])
	if err != nil {
		t.Fatalf("the Spec's settings are refused: %v", err)
	}
	r, accepted := rand.New(rand.NewPCG(1, 0)), 0
	for n := range movesTried {
		if n%10 == 0 {
			tb.toWake()
			tb.tick(none)
		}
		if _, no := tb.command(randomPlayers[r.IntN(len(randomPlayers))], spec.Move(r)); no == nil {
			accepted++
		}
	}
	if accepted < movesTried/20 {
		t.Fatalf("%d of %d commands of Spec.Move were accepted, so that random games try too little", accepted, movesTried)
	}
}

var rubbish = []string{
	"null", "-1", "0", "0.5", "1e99", "9223372036854775807", "-9223372036854775808", "18446744073709551616",
	`"x"`, `""`, `"\u0000"`, "[]", "{}", "[[", "}", "true", `{"type":`, `"type":"bet",`, ",", ":", "\xff", " ",
}

// spoil returns a command that is probably wrong.
func spoil(r *rand.Rand, raw json.RawMessage) json.RawMessage {
	bad := []byte(rubbish[r.IntN(len(rubbish))])
	if len(raw) == 0 || r.IntN(8) == 0 {
		return bad
	}
	from := r.IntN(len(raw))
	to := min(len(raw), from+r.IntN(6))
	out := append([]byte(nil), raw[:from]...)
	if r.IntN(3) > 0 {
		out = append(out, bad...)
	}
	return append(out, raw[to:]...)
}
