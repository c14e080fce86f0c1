package journal_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

var seedFlag = flag.Uint64("seed", 0, "replay a random test")

// random returns a source whose seed is printed when the test fails.
func random(t testing.TB) *rand.Rand {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("replay with -seed=%d", seed)
		}
	})
	return rand.New(rand.NewPCG(seed, seed))
}

func player(room, seat int) game.PlayerID {
	return game.PlayerID(fmt.Sprintf("player-%d-%d", room, seat))
}
