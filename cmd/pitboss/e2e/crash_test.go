package e2e

import (
	"flag"
	"slices"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/rooms/game"
)

var (
	crashSeconds = flag.Int("crash.seconds", 60, "how long TestNothingIsLostWhenTheServerIsKilled goes on")
	seedFlag     = flag.Uint64("seed", 0, "replays a random test; 0 draws a new seed")
)

// killPoints are the moments of a round of any game at which the server is killed: before or after
// the transaction that holds such an event, or before or after such an event was told
// to the sockets.
var killPoints = []string{
	"append.before bet.placed", "append.after bet.placed", "publish.before bet.placed", "publish.after bet.placed",
	"append.before bet.removed", "append.after bet.removed",
	"append.before round.opened", "append.after round.opened",
	"append.before betting.closed", "append.after betting.closed",
	"append.before round.settled", "append.after round.settled", "publish.before round.settled", "publish.after round.settled",
	anyMoment,
}

// anyMoment is when the parent likes, while bets are in flight.
const anyMoment = "any moment"

// TestNothingIsLostWhenTheServerIsKilled kills the server again and again, at a chosen
// step of a round of each game, with bets in flight, and then compares what players were told with
// what the database holds.
func TestNothingIsLostWhenTheServerIsKilled(t *testing.T) {
	if testing.Short() {
		t.Log("short: one kill at each point")
	}
	c := newCrashTest(t)
	deadline := time.Now().Add(time.Duration(*crashSeconds) * time.Second)
	for _, point := range killPoints {
		c.kill(point, 1+c.rnd.IntN(3))
	}
	points := slices.Clone(killPoints)
	often, rare := c.ownEvents()
	for _, typ := range often {
		points = append(points, "append.before "+typ, "append.after "+typ, "publish.after "+typ)
	}
	for _, typ := range rare {
		c.openTables() // where it comes
		c.kill("append.before "+typ, 1)
		c.kill("append.after "+typ, 1)
	}
	for i := len(killPoints); i < len(points) || !testing.Short() && time.Now().Before(deadline); i++ {
		c.kill(points[i%len(points)], 1+c.rnd.IntN(3))
	}

	// Every question gets its answer and every round its end.
	s := c.f.startServer("")
	for _, p := range c.players {
		p.finish()
	}
	c.running.Wait()
	for _, at := range c.tables {
		eventually(t, "a round is open, and nobody has a bet", at.waits)
	}
	s.kill()
	// The tables close, which tells the seeds of those rounds.
	for i, typ := range []string{"seed.revealed", game.TypeClosed} {
		c.tables[i].closes()
		c.kill("append.before "+typ, 1)
		c.kill("append.after "+typ, 1)
	}
	defer c.f.startServer("").kill()
	for _, at := range c.tables {
		at.close()
		at.compare(at.players)
	}
	t.Logf("kills: %v", c.kills)
}
