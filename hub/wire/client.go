package wire

import (
	"encoding/json"

	"github.com/pitboss-hub/pitboss/hub/wire/strict"
)

// Methods, client → server.
const (
	MethodRoomList      = "room.list"
	MethodRoomJoin      = "room.join"
	MethodRoomLeave     = "room.leave"
	MethodRoomCommand   = "room.command"
	MethodChatSend      = "chat.send"
	MethodSessionRenew  = "session.renew"
	MethodWalletBalance = "wallet.balance"
	MethodPing          = "ping"
)

// Empty is the params of room.list and wallet.balance, and the result of what has
// nothing to tell.
type Empty struct{}

// Resume says where a client was in a room's events.
type Resume struct {
	Epoch int64 `json:"epoch"`
	Seq   int64 `json:"seq"`
}

// RoomListResult answers room.list.
type RoomListResult struct {
	Rooms []RoomInfo `json:"rooms"`
}

// RoomInfo is a room as the lobby shows it.
type RoomInfo struct {
	Room     string          `json:"room"`
	Game     string          `json:"game"`
	Name     string          `json:"name"`
	Status   string          `json:"status"` // open, closing or closed
	Settings json.RawMessage `json:"settings"`
	Players  int             `json:"players"` // sockets of players that are in the room
}

// RoomJoin asks to be sent a room's events. A client that was there before says in
// Resume how far it got.
type RoomJoin struct {
	Room   string  `json:"room"`
	Resume *Resume `json:"resume,omitempty"`
}

// RoomJoinResult has either View, the room's state at Seq, or, when the gap after
// Resume could be replayed, Events (possibly empty), the last of which is Seq. With Events
// come the data of the room's Totals, if its game has any; a View has them in it.
type RoomJoinResult struct {
	Epoch  int64           `json:"epoch"`
	Seq    int64           `json:"seq"`
	View   json.RawMessage `json:"view,omitempty"`
	Events []RoomEvent     `json:"events,omitempty"`
	Totals json.RawMessage `json:"totals,omitempty"`
	Chat   []ChatMessage   `json:"chat,omitempty"` // the room's latest, oldest first
}

// RoomLeave asks for no more of a room's events. It leaves stakes where they are.
type RoomLeave struct {
	Room string `json:"room"`
}

// RoomCommand is a player's move. CommandID is a UUID that the client chose: for
// good, the same player's same CommandID gets the first answer.
type RoomCommand struct {
	Room      string          `json:"room"`
	CommandID string          `json:"command_id"`
	Command   json.RawMessage `json:"command"` // {"type": …, …}
}

// RoomCommandResult answers an accepted RoomCommand, after the commit.
type RoomCommandResult struct {
	Accepted bool  `json:"accepted"` // true; a refusal is an error
	Epoch    int64 `json:"epoch"`
	Seq      int64 `json:"seq"` // the last event that the command caused
	Balance  int64 `json:"balance"`
}

// ChatSend says something in a room. Text is 1 to 300 characters.
type ChatSend struct {
	Room string      `json:"room"`
	Text strict.Line `json:"text"`
}

// SessionRenew replaces the socket's token before it expires.
type SessionRenew struct {
	Token string `json:"token"`
}

// SessionRenewResult answers session.renew.
type SessionRenewResult struct {
	ExpiresAt Time `json:"expires_at"`
}

// PingParams may carry the client's clock, which the result returns.
type PingParams struct {
	T json.RawMessage `json:"t,omitempty"`
}

// PingResult tells the server's clock: a client estimates its offset and the round
// trip from it.
type PingResult struct {
	T    json.RawMessage `json:"t,omitempty"`
	Time Time            `json:"time"`
}
