package roomstest_test

import (
	"encoding/json"
	"flag"
	"testing"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/roomstest"
)

var _ = flag.Uint64("seed", 0, "replay a random test")

func TestMemoryIsAJournal(t *testing.T) {
	t.Parallel()
	roomstest.Journal(t, func(t *testing.T) roomstest.Fixture { return fixture(t).Fixture })
}

func TestMemoryKeepsLeases(t *testing.T) {
	t.Parallel()
	roomstest.Leases(t, fixture)
}

func TestMemoryGoesBack(t *testing.T) {
	t.Parallel()
	roomstest.WentBack(t, fixture)
}

func fixture(t *testing.T) roomstest.LeaseFixture {
	t.Helper()
	id := tenant.New()
	j := roomstest.NewJournal()
	return roomstest.LeaseFixture{Leases: j, Backup: func(testing.TB) func() { return j.Backup() }, Fixture: roomstest.Fixture{
		Journal: j,
		Room: func(t testing.TB, room string) rooms.Ref {
			ref, err := j.OpenRoom(id, rooms.Config{Room: room, Game: "roulette", Settings: json.RawMessage(`{}`)})
			if err != nil {
				t.Fatal(err)
			}
			return ref
		},
		Fund:    func(_ testing.TB, who game.PlayerID, amount game.Money) { j.Fund(id, who, amount) },
		Balance: func(_ testing.TB, who game.PlayerID) game.Money { return j.Balance(id, who).Balance },
		Sum:     func(testing.TB) game.Money { return j.Sum(id) },
		Audits:  func(testing.TB) []rooms.Audit { return j.Audits(id) },

		ForgetRefusals: func(testing.TB) { j.ForgetRefusals(id) },
	}}
}
