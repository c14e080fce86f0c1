package session_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

const betOnRed = `{"type":"bet","bets":[{"position":"red","amount":100}]}`

// TestASocket shares one casino between tests of what a socket is told and may say.
func TestASocket(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	for name, test := range map[string]func(*testing.T, *webtest.Casino){
		"IsToldWhereItIsAndWhatItHas":                isToldWhereItIs,
		"IsRefusedWhatItMayNotSayByTheCode":          isRefusedWhatItMayNotSay,
		"IsInSixteenRoomsAtMost":                     isInSixteenRoomsAtMost,
		"ChatsUnderAMaskedName":                      chatsUnderAMaskedName,
		"IsToldOfPromotionsAlsoIfItComesLater":       isToldOfPromotions,
		"IsToldWhoIsWhere":                           isToldWhoIsWhere,
		"IsToldInTheLobbyWhatGoesOnAtTables":         isToldWhatGoesOn,
		"IsToldWhatChangesIfItWatches":               isToldWhatChanges,
		"WatchesOnlyWhatItMayRead":                   watchesOnlyWhatItMayRead,
		"PlaysARoundToItsEnd":                        playsARoundToItsEnd,
		"IsOpenedOnceByATicket":                      isOpenedOnceByATicket,
		"IsNotOpenedByAStrangerOrFromAStrangersPage": isNotOpenedByAStranger,
		"TakesTheSeatOfAnOlderOne":                   takesTheSeat,
		"FindsOverHTTPWhoItsTokenIs":                 findsWhoItIs,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, c.In(t))
		})
	}
}

func isToldWhereItIs(t *testing.T, c *webtest.Casino) {
	alice := c.Dial("alice", c.Player("alice", 1234))
	var welcome wire.Welcome
	decode(t, alice.Await(wire.PushWelcome), &welcome)
	if welcome.Tenant != "casino-x" || welcome.Player != "alice" || welcome.Role != "player" || welcome.Currency != "EUR" || welcome.Exponent != 2 || welcome.Lobby != "lobby" {
		t.Errorf("the welcome is %+v", welcome)
	}
	alice.Await(wire.PushRoomResync, `"room":"lobby"`)
	alice.Await(wire.PushWalletBalance, `"balance":1234`)

	var list wire.RoomListResult
	alice.Call(wire.MethodRoomList, struct{}{}, &list)
	if !slices.ContainsFunc(list.Rooms, func(r wire.RoomInfo) bool {
		return r.Room == webtest.Table && r.Game == "roulette" && r.Status == "open"
	}) {
		t.Errorf("the rooms are %+v", list.Rooms)
	}
	var pong wire.PingResult
	alice.Call(wire.MethodPing, map[string]any{"t": 7}, &pong)
	if string(pong.T) != "7" || time.Since(pong.Time.Time).Abs() > time.Minute {
		t.Errorf("the ping is answered with %+v", pong)
	}
	var balance wire.Balance
	alice.Call(wire.MethodWalletBalance, struct{}{}, &balance)
	if balance.Balance != 1234 || balance.Currency != "EUR" {
		t.Errorf("the balance is %+v", balance)
	}
	// Staff have no balance, and see a room as everyone does.
	operator, _, _ := c.Staff()
	olivia := c.Dial("olivia", operator)
	olivia.Await(wire.PushWelcome, `"role":"operator"`)
	olivia.Join(webtest.Table)
}

func isRefusedWhatItMayNotSay(t *testing.T, c *webtest.Casino) {
	c.OpenRoom("slow", webtest.Slow)
	operator, _, _ := c.Staff()
	alice, poor, olivia := c.Dial("amy", c.Player("amy", 10_000)), c.Dial("poor", c.Player("poor", 99)), c.Dial("olivia", operator)
	say := func(room, text string) map[string]any { return map[string]any{"room": room, "text": text} }

	// Before it joined.
	alice.Refused(wire.CodeNotJoined, wire.MethodRoomCommand, webtest.Command("slow", betOnRed))
	alice.Refused(wire.CodeNotJoined, wire.MethodChatSend, say("slow", "hello"))
	alice.Refused(wire.CodeNotJoined, wire.MethodRoomLeave, map[string]any{"room": "slow"})
	for _, room := range []string{"nowhere", "", "UPPER", strings.Repeat("x", 100)} {
		alice.Refused(wire.CodeRoomNotFound, wire.MethodRoomJoin, map[string]any{"room": room})
	}
	for _, s := range []*webtest.Socket{alice, poor, olivia} {
		s.Join("slow")
	}

	// What is no request, and no request of this protocol.
	alice.Send("{")
	alice.Error(wire.CodeParse)
	alice.Send(`{"jsonrpc":"1.0","id":1,"method":"ping"}`)
	alice.Error(wire.CodeInvalidRequest)
	alice.Send(`[{"jsonrpc":"2.0","id":1,"method":"ping"}]`)
	alice.Error(wire.CodeInvalidRequest)
	alice.Refused(wire.CodeUnknownMethod, "room.burn", struct{}{})
	alice.Refused(wire.CodeInvalidParams, wire.MethodRoomJoin, map[string]any{"room": "slow", "tenant": "lucky-star"})
	alice.Refused(wire.CodeInvalidParams, wire.MethodRoomJoin, map[string]any{"room": 1})
	alice.Refused(wire.CodeInvalidParams, wire.MethodPing, []int{1})

	// Commands.
	for _, id := range []string{"", "1", strings.ReplaceAll(uuid.NewString(), "-", "")} {
		alice.Refused(wire.CodeInvalidParams, wire.MethodRoomCommand, map[string]any{"room": "slow", "command_id": id, "command": json.RawMessage(betOnRed)})
	}
	alice.Refused(wire.CodeInvalidParams, wire.MethodRoomCommand, webtest.Command("slow", `{}`))
	alice.Refused(game.CodeInvalidCommand, wire.MethodRoomCommand, webtest.Command("slow", `{"type":"dance"}`))
	alice.Refused(game.CodeInvalidCommand, wire.MethodRoomCommand, webtest.Command("slow", `{"type":"bet","bets":[{"position":"moon","amount":100}]}`))
	alice.Refused(game.CodeInvalidCommand, wire.MethodRoomCommand, webtest.Command("slow", `{"type":"undo"}`))
	alice.Refused(game.CodeLimitReached, wire.MethodRoomCommand, webtest.Command("slow", `{"type":"bet","bets":[{"position":"red","amount":1}]}`))
	alice.Refused(game.CodeBettingClosed, wire.MethodRoomCommand, webtest.Command("slow", `{"type":"bet","round":99,"bets":[{"position":"red","amount":100}]}`))
	poor.Refused(game.CodeInsufficientFunds, wire.MethodRoomCommand, webtest.Command("slow", betOnRed))
	olivia.Refused(game.CodeForbidden, wire.MethodRoomCommand, webtest.Command("slow", betOnRed))
	bet := webtest.Command("slow", betOnRed)
	var first, again wire.RoomCommandResult
	alice.Call(wire.MethodRoomCommand, bet, &first)
	alice.Call(wire.MethodRoomCommand, bet, &again)
	if first != again || !first.Accepted || first.Balance != 9_900 {
		t.Errorf("a bet is answered with %+v, and sent again with %+v", first, again)
	}
	bet["command"] = json.RawMessage(`{"type":"clear"}`)
	alice.Refused(wire.CodeCommandReused, wire.MethodRoomCommand, bet)

	// Tokens.
	alice.Refused(wire.CodeTokenInvalid, wire.MethodSessionRenew, map[string]any{"token": "x"})
	alice.Refused(wire.CodeTokenInvalid, wire.MethodSessionRenew, map[string]any{"token": c.Token("poor", auth.Player)})
	alice.Refused(wire.CodeTokenInvalid, wire.MethodSessionRenew, map[string]any{"token": c.Token("amy", auth.Operator)})
	alice.Call(wire.MethodSessionRenew, map[string]any{"token": c.Token("amy", auth.Player)}, nil)

	// After it left.
	alice.Call(wire.MethodRoomLeave, map[string]any{"room": "slow"}, nil)
	alice.Refused(wire.CodeNotJoined, wire.MethodRoomCommand, webtest.Command("slow", betOnRed))
}

func isInSixteenRoomsAtMost(t *testing.T, c *webtest.Casino) {
	alice := c.Dial("sue", c.Player("sue", 100))
	alice.Join(webtest.Table)
	for n := range 15 {
		room := fmt.Sprint("room-", n)
		c.OpenRoom(room, webtest.Slow)
		alice.Join(room)
	}
	c.OpenRoom("one-more", webtest.Slow)
	alice.Refused(wire.CodeTooManyRooms, wire.MethodRoomJoin, map[string]any{"room": "one-more"})
	alice.Join("room-3") // again
	alice.Call(wire.MethodRoomLeave, map[string]any{"room": "room-3"}, nil)
	alice.Join("one-more")
}

func chatsUnderAMaskedName(t *testing.T, c *webtest.Casino) {
	alice, bob := c.Dial("charlie", c.Player("charlie", 100)), c.Dial("carl", c.Player("carl", 100))
	alice.Join(webtest.Table)
	bob.Join(webtest.Table)
	say := func(text string) map[string]any { return map[string]any{"room": webtest.Table, "text": text} }
	alice.Call(wire.MethodChatSend, say("  Good luck!  "), nil)
	var told, own wire.ChatMessage
	decode(t, bob.Await(wire.PushChatMessage), &told)
	decode(t, alice.Await(wire.PushChatMessage), &own)
	if told.Text != "Good luck!" || !strings.HasPrefix(told.From, "ch**") || own.From != told.From || told.Mine || told.ID == "" || own.ID != told.ID || !own.Mine {
		t.Errorf("bob is told %+v, and alice %+v", told, own)
	}
	// A later guest is shown it; what alice alone may see of herself, only she is.
	for name, mine := range map[string]bool{"cleo": false, "charlie": true} {
		var joined wire.RoomJoinResult
		c.Dial(name, c.Player(name, 100)).Call(wire.MethodRoomJoin, map[string]any{"room": webtest.Table}, &joined)
		if len(joined.Chat) != 1 || joined.Chat[0].Text != "Good luck!" || joined.Chat[0].Mine != mine {
			t.Errorf("%s is shown %+v", name, joined.Chat)
		}
	}
	// Who is called alike can be told apart, in every room.
	chad := c.Dial("charlotte", c.Player("charlotte", 100))
	chad.Join(webtest.Table)
	chad.Call(wire.MethodChatSend, say("Me too!"), nil)
	var other wire.ChatMessage
	decode(t, bob.Await(wire.PushChatMessage, "Me too!"), &other)
	if !strings.HasPrefix(other.From, "ch**") || other.From == told.From {
		t.Errorf("charlie is called %s, and charlotte %s", told.From, other.From)
	}
	for _, text := range []string{"", "   ", strings.Repeat("x", 301)} {
		bob.Refused(wire.CodeTextTooLong, wire.MethodChatSend, say(text))
	}
	bob.Refused(wire.CodeInvalidParams, wire.MethodChatSend, say("two\nlines"))
	for range 5 { // what may be said at once
		bob.Call(wire.MethodChatSend, say("hello"), nil)
	}
	bob.Refused(wire.CodeRateLimited, wire.MethodChatSend, say("hello"))
}

func isToldOfPromotions(t *testing.T, c *webtest.Casino) {
	operator, _, _ := c.Staff()
	alice := c.Dial("paul", c.Player("paul", 100))
	id := uuid.NewString()
	ends := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	body := fmt.Sprintf(`{"title":"Happy hour","text":"Twice the fun","ends_at":%q,"command_id":%q}`, ends, id)
	for range 2 { // sent twice, published once
		c.Post(operator, "/v1/promotions", body).Want(201, "")
	}
	alice.Await(wire.PushPromotionPublished, "Happy hour")
	late := c.Dial("pia", c.Player("pia", 100))
	late.Await(wire.PushPromotionPublished, "Happy hour", `"seq":0`)
	c.Post(operator, "/v1/promotions", strings.Replace(body, "Happy", "Sad", 1)).Want(409, wire.CodeCommandReused)
	withdraw := func() string { return fmt.Sprintf(`{"command_id":%q}`, uuid.NewString()) }
	c.Post(operator, "/v1/promotions/"+id+"/withdraw", withdraw()).Want(200, "")
	alice.Await(wire.PushPromotionWithdrawn, id)
	late.Await(wire.PushPromotionWithdrawn, id)
	var all struct {
		Promotions []struct{ ID, Status string }
	}
	c.Get(operator, "/v1/promotions").Into(&all)
	if len(all.Promotions) != 1 || all.Promotions[0].ID != id || all.Promotions[0].Status != "withdrawn" {
		t.Errorf("the promotions are %+v", all.Promotions)
	}
	c.Post(operator, "/v1/promotions/"+uuid.NewString()+"/withdraw", withdraw()).Want(409, game.CodeInvalidCommand)
}

func isToldWhoIsWhere(_ *testing.T, c *webtest.Casino) {
	c.OpenRoom("crowded", webtest.Slow)
	quinn := c.Dial("quinn", c.Player("quinn", 100))
	quinn.Join("crowded")
	quinn.Await(wire.PushLobbyPresence, `"crowded":1`)
	c.Dial("quentin", c.Player("quentin", 100)).Join("crowded")
	quinn.Await(wire.PushLobbyPresence, `"crowded":2`)
}

func isToldWhatGoesOn(t *testing.T, c *webtest.Casino) {
	c.OpenRoom("lively", webtest.Slow)
	carl, cora := c.Dial("carlos", c.Player("carlos", 1000)), c.Dial("cora", c.Player("cora", 1000))
	carl.Await(wire.PushLobbyBriefs, `"full":true`) // the lobby of who has just come
	cora.Join("lively")
	cora.Call(wire.MethodRoomCommand, webtest.Command("lively", betOnRed), nil)
	var push struct {
		Rooms map[string]struct {
			Phase    string
			ClosesAt time.Time `json:"closes_at"`
			Results  []int
		}
	}
	decode(t, carl.Await(wire.PushLobbyBriefs, `"lively":`, `"closes_at"`), &push)
	if b := push.Rooms["lively"]; b.Phase != "betting" || b.ClosesAt.IsZero() || b.Results == nil {
		t.Errorf("the lobby is told %+v", b)
	}
	// At a table one is told nothing, and back from it all.
	cora.Call(wire.MethodPing, struct{}{}, nil)
	for _, told := range cora.Told(wire.PushLobbyBriefs) {
		push.Rooms = nil
		if decode(t, told, &push); !push.Rooms["lively"].ClosesAt.IsZero() {
			t.Errorf("at a table one is told %s", told)
		}
	}
	for len(cora.Told(wire.PushLobbyBriefs)) > 0 { // of the lobby before
		cora.Await(wire.PushLobbyBriefs)
	}
	cora.Call(wire.MethodRoomLeave, map[string]any{"room": "lively"}, nil)
	push.Rooms = nil
	if decode(t, cora.Await(wire.PushLobbyBriefs, `"full":true`), &push); push.Rooms["lively"].ClosesAt.IsZero() {
		t.Errorf("who comes from a table is told %+v", push)
	}
}

func decode(t *testing.T, raw json.RawMessage, into any) {
	t.Helper()
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
}
