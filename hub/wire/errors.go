package wire

// JSON-RPC 2.0 error numbers; -32000 is ours, for everything a well-formed request can
// be refused for. Clients use Error.Data.Code.
const (
	NumParse          = -32700
	NumInvalidRequest = -32600
	NumMethodNotFound = -32601
	NumInvalidParams  = -32602
	NumInternal       = -32603
	NumRefused        = -32000
)

// Stable codes of the errors that the hub itself replies with. Games add their own
// (rooms/game). Codes marked "retry" were not decided: the same command_id may be sent
// again.
const (
	CodeParse          = "parse_error"        // not JSON, or not one object
	CodeInvalidRequest = "invalid_request"    // JSON, but not a JSON-RPC 2.0 request; batches too
	CodeUnknownMethod  = "method_not_found"   //
	CodeInvalidParams  = "invalid_params"     // a parameter is missing, unknown, or of the wrong type
	CodeInternal       = "internal"           // our fault; the message has an id that is in the log
	CodeRoomNotFound   = "room_not_found"     // no such room in this tenant
	CodeNotJoined      = "not_joined"         // join the room first
	CodeBusy           = "busy"               // retry: a queue is full, or a room has published what its sockets take
	CodeUnavailable    = "unavailable"        // retry: the outcome is not known, or the database is away
	CodeRateLimited    = "rate_limited"       // retry, slower
	CodeCommandReused  = "command_id_reused"  // this command_id was used for another room
	CodeTokenInvalid   = "token_invalid"      // the token is refused
	CodeTooManyRooms   = "too_many_rooms"     // the socket is in too many rooms
	CodeChatNotAllowed = "chat_not_allowed"   //
	CodeTextTooLong    = "text_length_limits" // a text is empty or too long
)

// Error is a JSON-RPC error object.
type Error struct {
	Num     int       `json:"code"`
	Message string    `json:"message"`
	Data    ErrorData `json:"data"`
}

// ErrorData carries the stable code, and what the error's sentence is about.
type ErrorData struct {
	Code   string       `json:"code"`
	Params *ErrorParams `json:"params,omitempty"`
}

// ErrorParams say which limit a command does not keep, so that a client can say it in its own words.
type ErrorParams struct {
	Limit    string `json:"limit"`              // the name of a setting of the game, of a limit that every table has, or of one of docs/operations.md
	Value    int64  `json:"value"`              // of the limit; amounts are in minor units
	Position string `json:"position,omitempty"` // on which the limit is
	Has      int64  `json:"has,omitempty"`      // what the player has there, or in the round, already
}

// Error implements error.
func (e *Error) Error() string { return e.Data.Code + ": " + e.Message }

// NewError returns the Error for a stable code; the number follows from the code.
func NewError(code, message string) *Error {
	num := NumRefused
	switch code {
	case CodeParse:
		num = NumParse
	case CodeInvalidRequest:
		num = NumInvalidRequest
	case CodeUnknownMethod:
		num = NumMethodNotFound
	case CodeInvalidParams:
		num = NumInvalidParams
	case CodeInternal:
		num = NumInternal
	}
	return &Error{Num: num, Message: message, Data: ErrorData{Code: code}}
}

// ErrorCode is a row of the table of stable codes.
type ErrorCode struct {
	Code  string `json:"code"`
	Num   int    `json:"number"`
	Retry bool   `json:"retry"` // not decided: the same command_id may be sent again
	Final bool   `json:"final"` // the command_id always gets this reply: retry with a new one
}

// ErrorCodes lists every stable code, including those of games (rooms/game), in the order of
// docs/protocol.md. The TypeScript SDK holds the same table, kept equal by a golden file.
var ErrorCodes = []ErrorCode{
	{CodeParse, NumParse, false, false},
	{CodeInvalidRequest, NumInvalidRequest, false, false},
	{CodeUnknownMethod, NumMethodNotFound, false, false},
	{CodeInvalidParams, NumInvalidParams, false, false},
	{CodeInternal, NumInternal, false, false},

	{CodeRoomNotFound, NumRefused, false, false},
	{CodeNotJoined, NumRefused, false, false},
	{CodeTooManyRooms, NumRefused, false, false},
	{CodeCommandReused, NumRefused, false, false},
	{CodeTokenInvalid, NumRefused, false, false},
	{CodeTextTooLong, NumRefused, false, false},
	{CodeChatNotAllowed, NumRefused, false, false},

	{CodeBusy, NumRefused, true, false},
	{CodeRateLimited, NumRefused, true, false},
	{CodeUnavailable, NumRefused, true, false},

	{"invalid_command", NumRefused, false, true},
	{"insufficient_funds", NumRefused, false, true},
	{"limit_reached", NumRefused, false, true},
	{"betting_closed", NumRefused, false, true},
	{"room_closed", NumRefused, false, true},
	{"nothing_to_void", NumRefused, false, true},
	{"forbidden", NumRefused, false, true},
}
