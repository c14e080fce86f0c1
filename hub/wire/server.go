package wire

import (
	"encoding/json"
	"time"
)

// Pushes, server → client.
const (
	PushWelcome            = "session.welcome"
	PushHeartbeat          = "session.heartbeat"
	PushClosing            = "session.closing"
	PushRoomEvent          = "room.event"
	PushRoomResync         = "room.resync"
	PushRoomBeat           = "room.beat"
	PushRoomTotals         = "room.totals"
	PushWalletBalance      = "wallet.balance"
	PushPromotionPublished = "promotion.published"
	PushPromotionWithdrawn = "promotion.withdrawn"
	PushChatMessage        = "chat.message"
	PushLobbyRooms         = "lobby.rooms"
	PushLobbyPresence      = "lobby.presence"
	PushLobbyBriefs        = "lobby.briefs"
	PushStaffChanged       = "staff.changed"
)

// Time is a time that is encoded as RFC 3339 in UTC with milliseconds.
type Time struct{ time.Time }

// At returns t as a Time.
func At(t time.Time) Time { return Time{t} }

// MarshalJSON implements json.Marshaler.
func (t Time) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, 28)
	b = append(b, '"')
	b = t.UTC().AppendFormat(b, timeForm)
	return append(b, '"'), nil
}

// Welcome is the first push on every socket.
type Welcome struct {
	Time        Time   `json:"time"`         // the server's clock
	HeartbeatMS int64  `json:"heartbeat_ms"` // something is sent at least this often; twice this in silence means a dead link
	Connection  string `json:"connection"`   // this socket's name in logs
	Node        string `json:"node"`
	Tenant      string `json:"tenant"`      // slug
	TenantName  string `json:"tenant_name"` // as people see it
	Player      string `json:"player"`
	Name        string `json:"name"`
	Role        string `json:"role"`
	Currency    string `json:"currency"`
	Exponent    int    `json:"exponent"` // digits after the point: 2 for EUR
	ExpiresAt   Time   `json:"expires_at"`
	Lobby       string `json:"lobby"` // the id of the room that this socket is in from the start
}

// Heartbeat is sent when nothing else was for a heartbeat interval.
type Heartbeat struct {
	Time Time `json:"time"` // the server's clock
}

// RoomEvent is one event of a room. Seq is gapless for the room's life; Epoch says
// which owner wrote it. Pushes promotion.published and promotion.withdrawn are events
// of the lobby and have the same members; they are sent under their own method.
type RoomEvent struct {
	Room  string          `json:"room"`
	Epoch int64           `json:"epoch"`
	Seq   int64           `json:"seq"`
	At    Time            `json:"at"`
	Type  string          `json:"type"`
	Data  json.RawMessage `json:"data"`
}

// Resync replaces all that a client knows of a room.
type Resync struct {
	Room  string          `json:"room"`
	Epoch int64           `json:"epoch"`
	Seq   int64           `json:"seq"`
	View  json.RawMessage `json:"view"`
}

// Beat carries a room's last seq, so that the loss of its last event is detected.
type Beat struct {
	Room  string `json:"room"`
	Epoch int64  `json:"epoch"`
	Seq   int64  `json:"seq"`
}

// Totals holds the public sums of a game as of Seq. It replaces earlier Totals; one with a lower Seq
// than the latest received is outdated. It is sent twice a second at most, and only after a change.
type Totals struct {
	Room  string          `json:"room"`
	Epoch int64           `json:"epoch"`
	Seq   int64           `json:"seq"`
	Data  json.RawMessage `json:"data"`
}

// Balance is a player's balance. A Balance with a lower Version than one received before is
// outdated.
type Balance struct {
	Balance  int64  `json:"balance"` // minor units
	Currency string `json:"currency"`
	Version  int64  `json:"version"`
}

// Promotion is a message of the operator to all its players. It is the data of the
// lobby's event promotion.published.
type Promotion struct {
	ID          string `json:"id"`
	Title       string `json:"title"`
	Text        string `json:"text"`
	PublishedAt Time   `json:"published_at"`
	EndsAt      Time   `json:"ends_at"`
}

// PromotionWithdrawn is the data of the lobby's event promotion.withdrawn.
type PromotionWithdrawn struct {
	ID string `json:"id"`
}

// ChatMessage is a line of chat in a room. Chat is not journalled.
type ChatMessage struct {
	Room string `json:"room"`
	ID   string `json:"id"`
	From string `json:"from"` // masked name
	Mine bool   `json:"mine,omitempty"`
	Text string `json:"text"`
	At   Time   `json:"at"`
}

// LobbyRooms lists rooms that opened, changed or closed since the socket was opened. A client keeps
// its list up to date by calling room.list once and applying these.
type LobbyRooms struct {
	Rooms []RoomInfo `json:"rooms"`
}

// LobbyPresence carries the number of players present, at most once a second. Large numbers are not
// sent for every change.
type LobbyPresence struct {
	Online int            `json:"online"`
	Rooms  map[string]int `json:"rooms"`          // players by room; the numbers of other rooms did not change
	Full   bool           `json:"full,omitempty"` // the other rooms are empty
}

// LobbyBriefs carries what the lobby shows of tables, by room, at most once a second and only to sockets
// that are in no room but the lobby. What a brief has is the game's.
type LobbyBriefs struct {
	Rooms map[string]json.RawMessage `json:"rooms"`          // of those that changed; null: it has none any more
	Full  bool                       `json:"full,omitempty"` // nothing is known of the other rooms
}

// StaffChanged says of which kinds something has changed since the one before, or may have: all that staff.watch names that the
// socket did not watch before, and all after a node or a message between nodes was lost.
type StaffChanged struct {
	Of []string `json:"of"`
}

// Closing is sent before the server closes a socket on purpose.
type Closing struct {
	Reason       string `json:"reason"` // the close code's name
	RetryAfterMS int64  `json:"retry_after_ms,omitempty"`
}
