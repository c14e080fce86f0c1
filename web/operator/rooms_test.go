package operator_test

import (
	"net/http"
	"testing"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

func roomsOpenAndClose(t *testing.T, c *webtest.Casino) {
	operator, _, _ := c.Staff()
	oscar := c.Dial("oscar", c.Player("oscar", 1000))
	var opened wire.RoomInfo
	c.Post(operator, "/v1/rooms", `{"room":"evening","game":"roulette","name":"The evening table","settings":{"min_bet":500}}`).Want(http.StatusCreated, "").Into(&opened)
	if opened.Room != "evening" || opened.Game != "roulette" || opened.Name != "The evening table" || opened.Status != "open" {
		t.Errorf("the room is %+v", opened)
	}
	oscar.Await(wire.PushLobbyRooms, `"room":"evening"`, `"status":"open"`)
	oscar.Join("evening")
	c.Post(operator, "/v1/rooms/evening/close", reason).Want(http.StatusAccepted, "")
	oscar.Event("evening", "room.closed", "a test")
	oscar.Await(wire.PushLobbyRooms, `"room":"evening"`, `"status":"closed"`)
	c.Post(operator, "/v1/rooms", `{"room":"evening","game":"roulette"}`).Want(http.StatusConflict, "room_exists")
}

func roomsThatAreRefused(t *testing.T, c *webtest.Casino) {
	operator, _, _ := c.Staff()
	c.Post(operator, "/v1/rooms", `{"room":"`+webtest.Table+`","game":"roulette"}`).Want(http.StatusConflict, "room_exists")
	for _, body := range []string{
		`{"room":"a","game":"chess"}`,
		`{"room":"A room","game":"roulette"}`,
		`{"room":"a","game":"roulette","settings":{"min_bet":-1}}`,
		`{"room":"a","game":"roulette","settings":{"betting":1}}`,
		`{"room":"a","game":"roulette","name":"a\u0000b"}`,
	} {
		c.Post(operator, "/v1/rooms", body).Want(http.StatusBadRequest, wire.CodeInvalidParams)
	}
}

func roundsAreVoided(t *testing.T, c *webtest.Casino) {
	operator, _, _ := c.Staff()
	c.OpenRoom("to-void", webtest.Slow)
	c.Post(operator, "/v1/rooms/to-void/void", withID(`"reason":"a test"`)).Want(http.StatusConflict, "nothing_to_void")
	victor := c.Dial("victor", c.Player("victor", 1000))
	victor.Join("to-void")
	victor.Call(wire.MethodRoomCommand, webtest.Command("to-void", `{"type":"bet","bets":[{"position":"red","amount":300}]}`), nil)
	once := withID(`"reason":"the wheel broke"`)
	for range 2 { // sent again, it is done once
		c.Post(operator, "/v1/rooms/to-void/void", once).Want(http.StatusOK, "")
	}
	victor.Event("to-void", "round.voided", "the wheel broke", `"refund":300`)
	var balance wire.Balance
	victor.Call(wire.MethodWalletBalance, struct{}{}, &balance)
	if balance.Balance != 1000 {
		t.Errorf("the balance is %d after the round was voided", balance.Balance)
	}
}

func games(t *testing.T, c *webtest.Casino) {
	operator, _, _ := c.Staff()
	var list struct {
		Games []struct {
			Name     string
			Settings []game.Setting
		}
	}
	c.Get(operator, "/v1/games").Into(&list)
	if len(list.Games) != 2 || list.Games[0].Name != "baccarat" || list.Games[1].Name != "roulette" || len(list.Games[1].Settings) < 5 {
		t.Errorf("the games are %+v", list.Games)
	}
}

func nothingThere(_ *testing.T, c *webtest.Casino) {
	operator, _, _ := c.Staff()
	for _, room := range []string{"nowhere", "lobby", "UPPER", "a%2Fb"} {
		c.Post(operator, "/v1/rooms/"+room+"/close", reason).Want(http.StatusNotFound, wire.CodeRoomNotFound)
		c.Post(operator, "/v1/rooms/"+room+"/void", withID(`"reason":"a test"`)).Want(http.StatusNotFound, wire.CodeRoomNotFound)
	}
	for _, path := range []string{"/v1", "/v1/", "/v1/nothing", "/v1/rooms/x"} {
		c.Get(operator, path).Want(http.StatusNotFound, "not_found")
		c.Get(c.Token("nina", auth.Player), path).Want(http.StatusNotFound, "not_found")
		c.Get("", path).Want(http.StatusNotFound, "not_found")
	}
}
