package baccarat

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/game/round"
)

// A table that is as full as can be, at the highest limits, in the view of somebody who has chips on every
// position.
func TestTheViewOfAFullTableIsSmall(t *testing.T) {
	t.Parallel()
	most := int64(round.MoneyMax / 5)
	d := dealTo(t, fmt.Sprintf(`{"max_bet": %d, "round_max": %d, "max_by_kind": {"player": %[1]d, "banker": %[1]d, "tie": %[1]d, "player_pair": %[1]d, "banker_pair": %[1]d}}`, most, round.MoneyMax))
	var all []string
	for _, p := range allPositions {
		all = append(all, fmt.Sprintf(`{"position":%q,"amount":%d}`, p, most))
	}
	for i := range round.PlayersMax {
		d.must(game.PlayerID(fmt.Sprint("p", i)), `{"type":"bet","bets":[`+strings.Join(all, ",")+`]}`)
	}
	past := make([]string, resultsMax)
	for i := range past {
		past[i] = fmt.Sprintf(`{"round":%d,"winner":"player","player":9,"banker":8,"player_pair":true,"banker_pair":true}`, 10_000_000+i)
	}
	full := strings.Replace(encoded(t, d.table), `"results":[]`, `"results":[`+strings.Join(past, ",")+`]`, 1)
	if err := json.Unmarshal([]byte(full), d.table); err != nil {
		t.Fatal(err)
	}
	for d.table.Phase() != round.Settled {
		d.tick()
	}
	if view := encoded(t, d.table.View("p7")); len(view) > 64<<10 {
		t.Errorf("%d bytes", len(view))
	} else {
		t.Logf("%d bytes", len(view))
	}
}

// The seed, and any card that is not out, is computed when a card is dealt and kept nowhere: what a snapshot
// of the table has is what its view has.
func TestASnapshotHasNothingThatTheViewDoesNotTell(t *testing.T) {
	t.Parallel()
	d := dealTo(t, `{}`)
	d.must("alice", oneBet)
	for range 30 {
		var snapshot, shown map[string]json.RawMessage
		for text, v := range map[string]*map[string]json.RawMessage{encoded(t, d.table): &snapshot, encoded(t, d.view("")): &shown} {
			if err := json.Unmarshal([]byte(text), v); err != nil {
				t.Fatal(err)
			}
		}
		for name, value := range snapshot {
			switch name {
			case "until", "players": // the kit's: deals_at and the like, and seats
			case "cut": // implied by a card.dealt of the shoe
			default:
				if string(shown[name]) != string(value) {
					t.Errorf("the snapshot has %s %s, and the view %s", name, value, shown[name])
				}
			}
		}
		if d.tick(); d.table.Phase() == round.Betting {
			d.must("alice", oneBet)
		}
	}
}
