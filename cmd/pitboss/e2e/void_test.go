package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/wire"
)

// TestAnOperatorVoidsTheRoundOfARunningTableThroughAnyNode does it through a node that does not have the
// table.
func TestAnOperatorVoidsTheRoundOfARunningTableThroughAnyNode(t *testing.T) {
	t.Parallel()
	f := newCasino(t)
	a, b, _ := f.pair()
	if f.assignment().Node == "node-1" {
		a, b = b, a
	}
	voided := make(chan json.RawMessage, 10)
	c := b.dial(soon(t), f.token("alice"), func(method string, params json.RawMessage) {
		var e wire.RoomEvent
		if method == wire.PushRoomEvent && json.Unmarshal(params, &e) == nil && e.Type == "round.voided" {
			voided <- e.Data
		}
	})
	if _, err := f.join(c, nil); err != nil {
		t.Fatal(err)
	}
	operator := b.mint("olivia", auth.Operator)
	void := func(id string) (int, string, []byte) {
		return b.do("POST", "/v1/rooms/"+f.room+"/void", operator, fmt.Sprintf(`{"reason":"the wheel stuck","command_id":%q}`, id))
	}
	var id string
	eventually(t, "a round with a stake is voided", func() bool { // it may be over before
		f.stake(c)
		id = uuid.NewString()
		status, code, body := void(id)
		if status != http.StatusOK && code != "nothing_to_void" {
			t.Fatalf("%d %s", status, body)
		}
		return status == http.StatusOK
	})
	var told struct {
		Reason string `json:"reason"`
		Mine   struct {
			Refund int64 `json:"refund"`
		} `json:"mine"`
	}
	if err := json.Unmarshal(<-voided, &told); err != nil || told.Reason != "the wheel stuck" || told.Mine.Refund < 100 {
		t.Errorf("%+v, %v", told, err)
	}
	if status, _, body := void(id); status != http.StatusOK {
		t.Errorf("the same again: %d %s", status, body)
	}
	if status, code, _ := b.do("POST", "/v1/rooms/"+f.room+"/void", f.mint("alice", auth.Player), `{"reason":"mine","command_id":"`+uuid.NewString()+`"}`); status != http.StatusForbidden {
		t.Errorf("a player: %d %s", status, code)
	}
	for path, body := range map[string]string{
		"/v1/rooms/" + f.room + "/void": `{"command_id":"` + uuid.NewString() + `"}`,
		"/v1/rooms/lobby/void":          `{"reason":"x","command_id":"` + uuid.NewString() + `"}`,
		"/v1/rooms/nowhere/void":        `{"reason":"x","command_id":"` + uuid.NewString() + `"}`,
	} {
		if status, _, body := b.do("POST", path, operator, body); status < 400 || status > 404 {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	_, _, raw := a.do("GET", "/v1/audit", a.mint("olivia", auth.Operator), "")
	if n := strings.Count(string(raw), `"action":"room.void","target":"`+f.room+`","reason":"the wheel stuck"`); n != 1 {
		t.Errorf("%d audit lines: %s", n, raw)
	}
	if tb, err := f.store.Ledger.TrialBalance(soon(t), f.tenant.ID); err != nil || !tb.OK {
		t.Errorf("trial balance %+v, %v", tb, err)
	}
}
