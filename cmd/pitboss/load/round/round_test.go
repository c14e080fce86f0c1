package round

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/cmd/pitboss/load"
	"github.com/pitboss-hub/pitboss/cmd/pitboss/load/loadtest"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

func TestAGameMadeOfTheKitIsRead(t *testing.T) {
	t.Parallel()
	loadtest.Run(t, coinGame, coinKind)
}

func TestBettingThatStopsIsOpenWithoutAnEnd(t *testing.T) {
	t.Parallel()
	if e, err := coinGame.Event("betting.stopped", json.RawMessage(`{"round":1}`)); err != nil || e != (load.Event{Round: 1, Open: true}) {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestTotalsAreReadWhereTheyAreTold(t *testing.T) {
	t.Parallel()
	e, err := coinGame.Event("betting.closed", json.RawMessage(`{"round":1,"totals":[{"position":"heads","amount":3},{"position":"tails","amount":4}]}`))
	if err != nil || e.Totals == nil || *e.Totals != 7 {
		t.Errorf("%+v, %v", e, err)
	}
}

// An event of the game's own may give other meanings to the names of the kit's members.
func TestOfAnEventOfTheGamesOwnOnlyTheRoundIsRead(t *testing.T) {
	t.Parallel()
	e, err := coinGame.Event("coin.thrown", json.RawMessage(`{"round":3,"staked":"a lot","totals":5,"mine":true}`))
	if err != nil || e != (load.Event{Round: 3}) {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestAnOutcomeThatCannotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	if e, err := coinGame.Event("round.settled", json.RawMessage(`{"round":3,"side":"edge"}`)); err == nil {
		t.Errorf("%+v", e)
	}
}

func TestAGamesSettingsReplaceTheKits(t *testing.T) {
	t.Parallel()
	const want = `{"betting_ms":1500,"flip_ms":50,"max_bet":1000000000,"min_bet":1,"pause_ms":70,"per_seed":1,"round_max":1000000000,"round_min":1,"tails_step":10}`
	if got := coinGame.Table(0, 1500*time.Millisecond).Settings; string(got) != want {
		t.Errorf("%s", got)
	}
}

func TestAnOwnBetThatIsWrittenOtherwiseIsAnError(t *testing.T) {
	t.Parallel()
	for _, data := range []string{
		`{"round":12,"seat":3,"name":"lo***","sum":251,"bets":[{"position":"red","amount":250}],"mine":true}`,
		`{"seat":3,"round":12,"name":"lo***","sum":250,"bets":[{"position":"red","amount":250}],"mine":true}`,
	} {
		if _, _, _, err := coinGame.OwnBet([]byte(data)); err == nil {
			t.Errorf("%s is read", data)
		}
	}
}

func TestAnOwnBetOnAnyPositionIsRead(t *testing.T) {
	t.Parallel()
	no, b, own, err := coinGame.OwnBet([]byte(`{"round":12,"seat":3,"name":"lo***","sum":250,"bets":[{"position":"edge","amount":250}],"mine":true}`))
	if want := (load.Bet{Position: "edge", Amount: 250}); no != 12 || b != want || !own || err != nil {
		t.Errorf("%d, %+v, %t, %v", no, b, own, err)
	}
}

func FuzzOwnBetNeverPanics(f *testing.F) {
	f.Add(ownHeads)
	f.Fuzz(func(_ *testing.T, data []byte) { _, _, _, _ = coinGame.OwnBet(data) })
}

var ownHeads = []byte(`{"round":12,"seat":3,"name":"lo***","sum":250,"bets":[{"position":"heads","amount":250}],"mine":true}`)

func TestABetIsWrittenAndReadWithoutAllocation(t *testing.T) {
	b, out := load.Bet{Position: "heads", Amount: 250}, make([]byte, 0, 256)
	if n := testing.AllocsPerRun(100, func() { out = coinGame.AppendCommand(out[:0], b) }); n > 0 {
		t.Errorf("AppendCommand allocates %v times", n)
	}
	if n := testing.AllocsPerRun(100, func() { _, _, _, _ = coinGame.OwnBet(ownHeads) }); n > 0 {
		t.Errorf("OwnBet allocates %v times", n)
	}
}

// BenchmarkOwnBet is what the client does more for an event of a player's own bet.
func BenchmarkOwnBet(b *testing.B) {
	g := New(Game{Positions: []string{"split:17-20"}})
	data := []byte(`{"round":12,"seat":3,"name":"lo***","sum":250,"bets":[{"position":"split:17-20","amount":250}],"mine":true}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, own, err := g.OwnBet(data); !own || err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAppendCommand is the game's part of sending a bet.
func BenchmarkAppendCommand(b *testing.B) {
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		out = coinGame.AppendCommand(out[:0], load.Bet{Position: "split:17-20", Amount: 250})
	}
}

// BenchmarkSettled is what the client does once a round for each player.
func BenchmarkSettled(b *testing.B) {
	data := []byte(`{"round":12,"side":"heads","seed":"` + game.Seed{1}.Hex() + `","staked":2500,"paid":3000,"winners":[{"seat":1,"name":"lo***","payout":100},{"seat":2,"name":"lo***","payout":100}],"next_at":"2026-01-02T03:04:08.000Z","mine":{"staked":250,"payout":0,"bets":[{"position":"tails","amount":250,"payout":0}]}}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := coinGame.Event("round.settled", data); err != nil {
			b.Fatal(err)
		}
	}
}
