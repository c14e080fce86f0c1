package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

// stageOneKey is the master key of testdata/stage-one.sql, which kept nobody's money.
const stageOneKey = "exfImLtnMmG8IdNSETJ45B3GWG+BWuDkSZt6Adp8pXQ="

// stageOneBalance holds the balance that alice had there, after staking 1,000 on red in the open round.
const stageOneBalance = 98_000

// TestADatabaseOfStageOneIsMigratedAndPlayedOn restores a dump that stage one made in the middle of a round.
func TestADatabaseOfStageOneIsMigratedAndPlayedOn(t *testing.T) {
	t.Parallel()
	server := storetest.StartServer(t, storetest.Installed(t))
	d := server.Database(t, "stage_one", nil)
	if out, err := server.Run(t, "psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file=testdata/stage-one.sql", d.AdminURL); err != nil {
		t.Fatalf("psql: %v\n%s", err, out)
	}
	f := &casino{
		t: t, appURL: d.AppURL, adminURL: d.AdminURL, masterKey: stageOneKey,
		address: freePort(t), host: "casino-x.localhost", slug: "casino-x", room: "waits",
	}
	f.mustCLI("migrate")
	f.openStore()
	f.startNode()
	operator := f.mint("olivia", auth.Operator)

	// The round goes on from where it was, with the seed that was committed.
	var round struct {
		Events []struct {
			Seq  int64
			Type string
			Data struct {
				Commitment string
				Seed       string
				Pocket     int
			}
		}
	}
	eventually(t, "the round that was under way is settled", func() bool {
		_, _, raw := f.do("GET", "/v1/rooms/waits/rounds/1", "", "")
		return json.Unmarshal(raw, &round) == nil && round.Events[len(round.Events)-1].Type == "round.settled"
	})
	commitment, pocket := round.Events[0].Data.Commitment, -1
	for _, e := range round.Events {
		if e.Type != "wheel.spun" {
			continue
		}
		seed, err := hex.DecodeString(e.Data.Seed)
		if sum := sha256.Sum256(seed); err != nil || hex.EncodeToString(sum[:]) != commitment {
			t.Errorf("the seed %s is not that of the commitment %s", e.Data.Seed, commitment)
		}
		pocket = e.Data.Pocket
		if want := pocketOf(seed, 1); pocket != want {
			t.Errorf("the ball lies in %d, and the seed says %d", pocket, want)
		}
	}
	want := game.Money(stageOneBalance)
	if strings.Contains(" 1 3 5 7 9 12 14 16 18 19 21 23 25 27 30 32 34 36 ", " "+strconv.Itoa(pocket)+" ") {
		want += 2000
	}
	if got, _, err := f.store.Ledger.Balance(soon(t), f.tenant.ID, "alice"); err != nil || got != want {
		t.Errorf("alice has %d, %v; want %d after pocket %d", got, err, want, pocket)
	}

	// A command that stage one answered gets the same answer.
	alice := f.dial(soon(t), f.mint("alice", auth.Player), nil)
	if _, err := f.join(alice, nil); err != nil {
		t.Fatal(err)
	}
	var first wire.RoomCommandResult
	if err := alice.call(soon(t), wire.MethodRoomCommand, wire.RoomCommand{
		Room: f.room, CommandID: "11111111-1111-4111-8111-111111111111", Command: json.RawMessage(`{"type":"bet","bets":[{"position":"red","amount":1000}]}`),
	}, &first); err != nil || !first.Accepted || first.Epoch != 1 || first.Seq != 3 {
		t.Errorf("%+v, %v", first, err)
	}

	// Old rounds are looked up, and new ones are played, on tables old and new.
	if status, _, raw := f.do("GET", "/v1/rooms/quick/rounds/5", "", ""); status != http.StatusOK || !strings.Contains(string(raw), "round.settled") {
		t.Errorf("an old round: %d %s", status, raw)
	}
	quick := *f
	quick.room = "quick"
	if _, err := quick.join(alice, nil); err != nil {
		t.Fatal(err)
	}
	quick.stake(alice)
	f.openRoom("evening", crashSettings)
	evening := *f
	evening.room = "evening"
	eventually(t, "the new table is there", func() bool { _, err := evening.join(alice, nil); return err == nil })
	evening.stake(alice)

	// What an operator said and took back holds.
	if _, _, raw := f.do("GET", "/v1/promotions", operator, ""); !strings.Contains(string(raw), `"title":"From stage one"`) || !strings.Contains(string(raw), `"status":"active"`) {
		t.Errorf("promotions: %s", raw)
	}
	claims := jwt.MapClaims{
		"iss": "t", "sub": "bob", "aud": auth.Audience(f.tenant.Slug), "tid": f.slug, "role": "player", "jti": "stage-one-jti",
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	}
	if _, code, _ := f.do("GET", "/v1/session", forge(t, jwt.SigningMethodHS256, f.key().Secret, f.key().ID, claims), ""); code != "token_revoked" {
		t.Errorf("a revoked token: %s", code)
	}
	if _, code, _ := f.do("GET", "/v1/session", f.mint("mallory", auth.Player), ""); code != "token_revoked" {
		t.Errorf("a player who is kicked until 2126: %s", code)
	}
	if out := f.mustCLI("tenant", "trial-balance", f.slug); !strings.HasSuffix(out, "0.00") {
		t.Errorf("trial balance: %s", out)
	}
}
