package wire

import (
	"encoding/json"

	"github.com/pitboss-hub/pitboss/hub/wire/strict"
)

// Methods, client → server.
const (
	MethodRoomList            = "room.list"
	MethodRoomJoin            = "room.join"
	MethodRoomLeave           = "room.leave"
	MethodRoomCommand         = "room.command"
	MethodChatSend            = "chat.send"
	MethodSessionRenew        = "session.renew"
	MethodWalletBalance       = "wallet.balance"
	MethodHistoryRounds       = "history.rounds"
	MethodHistoryTransactions = "history.transactions"
	MethodStaffWatch          = "staff.watch"
	MethodPing                = "ping"
)

// Empty is the params of room.list and wallet.balance, and the result of methods without one.
type Empty struct{}

// Resume is a client's position in a room's events.
type Resume struct {
	Epoch int64 `json:"epoch"`
	Seq   int64 `json:"seq"`
}

// RoomListResult is the result of room.list.
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

// RoomJoin subscribes to a room's events. A client that has been in the room before sends its
// position in Resume.
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

// RoomLeave unsubscribes from a room's events. Stakes stay where they are.
type RoomLeave struct {
	Room string `json:"room"`
}

// RoomCommand is a player's move. CommandID is a UUID that the client chose: for
// good, the same CommandID of the same player gets the first reply.
type RoomCommand struct {
	Room      string          `json:"room"`
	CommandID string          `json:"command_id"`
	Command   json.RawMessage `json:"command"` // {"type": …, …}
}

// RoomCommandResult is the result of an accepted RoomCommand, sent after the commit.
type RoomCommandResult struct {
	Accepted bool  `json:"accepted"` // true; a refusal is an error
	Epoch    int64 `json:"epoch"`
	Seq      int64 `json:"seq"` // the last event that the command caused
	Balance  int64 `json:"balance"`
}

// ChatSend sends a line of chat to a room. Text is 1 to 300 characters.
type ChatSend struct {
	Room string      `json:"room"`
	Text strict.Line `json:"text"`
}

// SessionRenew replaces the socket's token before it expires.
type SessionRenew struct {
	Token string `json:"token"`
}

// SessionRenewResult is the result of session.renew.
type SessionRenewResult struct {
	ExpiresAt Time `json:"expires_at"`
}

// HistoryPage asks for a page of a player's history: the first one, or the one that the Next of another names.
type HistoryPage struct {
	Cursor string `json:"cursor,omitempty"`
	Limit  *int   `json:"limit,omitempty"` // 1 to 50; 20 if absent
}

// HistoryRounds is the result of history.rounds: rounds by when the player first had money in them, the latest
// first.
type HistoryRounds struct {
	Rounds []HistoryRound `json:"rounds"`
	Next   string         `json:"next,omitempty"` // the Cursor of the page after; absent at the end
}

// HistoryRound is a round in which the player's money moved. Room and Round are what the look-up of the round
// needs.
type HistoryRound struct {
	Room     string `json:"room"`
	Game     string `json:"game"`
	Round    int64  `json:"round"`
	State    string `json:"state"` // open, settled or void
	OpenedAt *Time  `json:"opened_at,omitempty"`
	EndedAt  *Time  `json:"ended_at,omitempty"` // absent while it is open
	Staked   int64  `json:"staked"`
	Payout   int64  `json:"payout"`
	Refund   int64  `json:"refund"` // bets taken back, or the stakes of a void round
	Net      int64  `json:"net"`    // Payout and Refund less Staked
	Currency string `json:"currency"`
	Proof    string `json:"proof,omitempty"` // pending, ready or lost; absent if the game has no seeds
}

// HistoryTransactions is the result of history.transactions, the latest first.
type HistoryTransactions struct {
	Transactions []Transaction `json:"transactions"`
	Next         string        `json:"next,omitempty"` // the Cursor of the page after; absent at the end
}

// Transaction is money that the player got, or gave.
type Transaction struct {
	ID       int64  `json:"id"`
	At       Time   `json:"at"`
	Kind     string `json:"kind"`   // stake, payout or refund; credit: the operator gave it, or took it back
	Amount   int64  `json:"amount"` // below zero: the player gave it
	Currency string `json:"currency"`
	Balance  int64  `json:"balance"` // the player's after it
	Room     string `json:"room,omitempty"`
	Round    int64  `json:"round,omitempty"`

	CommandID string `json:"command_id,omitempty"` // of a credit
	Reverses  string `json:"reverses,omitempty"`   // the command_id of the credit that this one reverses
}

// StaffWatch asks to be told when something of these kinds changes, and of no others: none ends it. A kind is the thing of
// a scope, as rooms is that of rooms:read, which the socket's bearer must have.
type StaffWatch struct {
	Of []string `json:"of"`
}

// PingParams may carry the client's clock, which the result returns.
type PingParams struct {
	T json.RawMessage `json:"t,omitempty"`
}

// PingResult carries the server's clock, from which a client estimates its offset and the round
// trip.
type PingResult struct {
	T    json.RawMessage `json:"t,omitempty"`
	Time Time            `json:"time"`
}
