package wire

import (
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

var at = At(time.Date(2026, 5, 4, 12, 30, 15, 250e6, time.UTC))

var event = RoomEvent{Room: "roulette-1", Epoch: 3, Seq: 41, At: at, Type: "bet.placed",
	Data: json.RawMessage(`{"round":7,"seat":1,"name":"al**x7k","sum":500}`)}

var twenty = 20

var totals = json.RawMessage(`{"round":7,"totals":[{"position":"red","amount":500}]}`)

// requests is every method, with an example of its params and of its result.
var requests = []struct {
	method         string
	params, result any
}{
	{MethodRoomList, &Empty{}, &RoomListResult{Rooms: []RoomInfo{{Room: "roulette-1", Game: "roulette", Name: "Roulette <1>", Status: "open", Settings: json.RawMessage(`{"min_bet":100}`), Players: 2}}}},
	{MethodRoomJoin, &RoomJoin{Room: "roulette-1", Resume: &Resume{Epoch: 3, Seq: 40}}, &RoomJoinResult{Epoch: 3, Seq: 41, Events: []RoomEvent{event}, Totals: totals, Chat: []ChatMessage{{Room: "roulette-1", ID: "c1", From: "al**x7k", Mine: true, Text: "good luck", At: at}}}},
	{MethodRoomLeave, &RoomLeave{Room: "roulette-1"}, &Empty{}},
	{MethodRoomCommand, &RoomCommand{Room: "roulette-1", CommandID: "0b5ae8a4-3d3b-4d6c-9a3c-7d2f5b1c9e10", Command: json.RawMessage(`{"type":"bet","bets":[{"position":"red","amount":500}]}`)}, &RoomCommandResult{Accepted: true, Epoch: 3, Seq: 41, Balance: 99500}},
	{MethodChatSend, &ChatSend{Room: "roulette-1", Text: "grüß \"dich\" می\u200cخواهم"}, &Empty{}},
	{MethodSessionRenew, &SessionRenew{Token: "e30.e30.sig"}, &SessionRenewResult{ExpiresAt: at}},
	{MethodWalletBalance, &Empty{}, &Balance{Balance: 99500, Currency: "EUR", Version: 12}},
	{MethodHistoryRounds, &HistoryPage{Cursor: "1041", Limit: &twenty}, &HistoryRounds{Rounds: []HistoryRound{{Room: "roulette-1", Game: "roulette", Round: 7, State: "void", OpenedAt: &at, EndedAt: &at, Staked: 500, Refund: 500, Currency: "EUR", Proof: "ready"}}, Next: "1036"}},
	{MethodHistoryTransactions, &HistoryPage{Cursor: "1041.99500", Limit: &twenty}, &HistoryTransactions{Transactions: []Transaction{{ID: 1040, At: at, Kind: "stake", Amount: -500, Currency: "EUR", Balance: 99500, Room: "roulette-1", Round: 7}}, Next: "1040.100000"}},
	{MethodStaffWatch, &StaffWatch{Of: []string{"audit", "money"}}, &Empty{}},
	{MethodPing, &PingParams{T: json.RawMessage(`1234.5`)}, &PingResult{T: json.RawMessage(`1234.5`), Time: at}},
}

// pushes is every push, with an example.
var pushes = []struct {
	method string
	params any
}{
	{PushWelcome, &Welcome{Time: at, HeartbeatMS: 15000, Connection: "k3v9q0aa", Node: "n1", Tenant: "casino-x", TenantName: "Casino X", Player: "alice", Name: "Alice", Role: "player", Currency: "EUR", Exponent: 2, ExpiresAt: at, Lobby: "lobby"}},
	{PushHeartbeat, &Heartbeat{Time: at}},
	{PushClosing, &Closing{Reason: CloseDraining.Name, RetryAfterMS: 1500}},
	{PushRoomEvent, &event},
	{PushRoomResync, &Resync{Room: "roulette-1", Epoch: 4, Seq: 41, View: json.RawMessage(`{"game":"roulette","phase":"betting"}`)}},
	{PushRoomBeat, &Beat{Room: "roulette-1", Epoch: 3, Seq: 41}},
	{PushRoomTotals, &Totals{Room: "roulette-1", Epoch: 3, Seq: 41, Data: totals}},
	{PushWalletBalance, &Balance{Balance: 99500, Currency: "EUR", Version: 12}},
	{PushPromotionPublished, &RoomEvent{Room: "lobby", Epoch: 1, Seq: 5, At: at, Type: PushPromotionPublished, Data: json.RawMessage(`{"id":"p1","title":"Friday","text":"Double chips until ten","published_at":"2026-05-04T12:30:15.250Z","ends_at":"2026-05-04T22:00:00.000Z"}`)}},
	{PushPromotionWithdrawn, &RoomEvent{Room: "lobby", Epoch: 1, Seq: 6, At: at, Type: PushPromotionWithdrawn, Data: json.RawMessage(`{"id":"p1"}`)}},
	{PushChatMessage, &ChatMessage{Room: "roulette-1", ID: "c2", From: "bo**4bt", Text: "thanks", At: at}},
	{PushLobbyRooms, &LobbyRooms{Rooms: []RoomInfo{{Room: "evening", Game: "roulette", Name: "Evening table", Status: "open", Settings: json.RawMessage(`{"min_bet":100}`)}}}},
	{PushLobbyPresence, &LobbyPresence{Online: 3, Rooms: map[string]int{"roulette-1": 2}}},
	{PushLobbyBriefs, &LobbyBriefs{Rooms: map[string]json.RawMessage{"roulette-1": json.RawMessage(`{"phase":"betting","round":7,"closes_at":"2026-05-04T12:30:15.250Z","results":[17,0,32]}`), "roulette-2": nil}}},
	{PushStaffChanged, &StaffChanged{Of: []string{"audit", "money"}}},
}

// golden compares frame with testdata/name, or writes it there.
func golden(t *testing.T, name string, frame []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, append(slices.Clone(frame), '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(frame)+"\n"); diff != "" {
		t.Errorf("%s (run the test with -update if this is meant)\n%s", path, diff)
	}
}

func TestGoldenFilesHoldEveryMessage(t *testing.T) {
	var files []string
	file := func(name string, frame []byte) {
		files = append(files, name)
		golden(t, name, frame)
	}
	id := json.RawMessage("7")
	for _, r := range requests {
		frame, err := marshal(struct {
			Version string          `json:"jsonrpc"`
			ID      json.RawMessage `json:"id"`
			Method  string          `json:"method"`
			Params  any             `json:"params"`
		}{Version, id, r.method, r.params})
		if err != nil {
			t.Fatal(err)
		}
		file("request."+r.method+".json", frame)
		file("reply."+r.method+".json", Reply(id, r.result))
	}
	file("reply.error.json", ReplyError(json.RawMessage(`"a-7"`), NewError("betting_closed", "the wheel is spinning")))
	limited := NewError("limit_reached", "At most 500 can lie on straight:8.")
	limited.Data.Params = &ErrorParams{Limit: "max_bet", Value: 500, Position: "straight:8", Has: 450}
	file("reply.error_with_params.json", ReplyError(json.RawMessage(`"a-8"`), limited))
	file("reply.error_without_id.json", ReplyError(nil, NewError(CodeParse, "not one JSON object: byte 0: an object was expected")))
	for _, p := range pushes {
		file("push."+p.method+".json", Push(p.method, p.params))
	}
	for name, table := range map[string]any{"close_codes.json": CloseCodes, "error_codes.json": ErrorCodes} {
		text, err := json.MarshalIndent(table, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		file(name, text)
	}
	there, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for i := range there {
		there[i] = filepath.Base(there[i])
	}
	slices.Sort(files)
	if diff := cmp.Diff(files, there); diff != "" {
		t.Error("files in testdata", diff)
	}
}

func TestEveryMethodAndPushIsInTheTables(t *testing.T) {
	t.Parallel()
	var wantMethods, wantPushes, gotMethods, gotPushes []string
	for _, name := range []string{"client.go", "server.go"} {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			value, ok := spec.Values[0].(*ast.BasicLit)
			if !ok {
				return true
			}
			text, err := strconv.Unquote(value.Value)
			if err != nil {
				return true
			}
			switch {
			case strings.HasPrefix(spec.Names[0].Name, "Method"):
				wantMethods = append(wantMethods, text)
			case strings.HasPrefix(spec.Names[0].Name, "Push"):
				wantPushes = append(wantPushes, text)
			}
			return true
		})
	}
	for _, r := range requests {
		gotMethods = append(gotMethods, r.method)
	}
	for _, p := range pushes {
		gotPushes = append(gotPushes, p.method)
	}
	slices.Sort(wantPushes)
	slices.Sort(gotPushes)
	if diff := cmp.Diff(wantMethods, gotMethods); diff != "" {
		t.Error("methods", diff)
	}
	if diff := cmp.Diff(wantPushes, gotPushes); diff != "" {
		t.Error("pushes", diff)
	}
}

// TestWhatWritesItselfWritesAsEncodingJSONWould holds for every message that is an appender.
func TestWhatWritesItselfWritesAsEncodingJSONWould(t *testing.T) {
	t.Parallel()
	for _, v := range []appender{
		RoomJoinResult{}, RoomJoinResult{Epoch: 1, Seq: 2, View: json.RawMessage(`{"a":"<é"}`)},
		RoomJoinResult{Epoch: 1, Seq: 2, Events: []RoomEvent{event, {Room: `a"b`, At: at}}, Totals: totals, Chat: []ChatMessage{{Text: "<é>", At: at}}},
		Totals{Room: "r", Epoch: 1, Seq: 2, Data: totals},
		RoomCommandResult{}, RoomCommandResult{true, 3, 1 << 60, -5},
		Balance{}, Balance{12345, "EUR", 7}, Balance{-1, `a"b<é`, 0},
		PingResult{Time: At(time.Unix(1.8e9, 5e6))}, PingResult{T: json.RawMessage(`{"a":[1,null]}`), Time: At(time.Unix(0, 0))},
	} {
		want, err := marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if got := v.appendJSON(nil); string(got) != string(want) {
			t.Errorf("%T: %s instead of %s", v, got, want)
		}
	}
}
