package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"
)

type reply struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  any             `json:"result"`
}

type errorReply struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Error   *Error          `json:"error"`
}

type push struct {
	Version string `json:"jsonrpc"`
	Method  string `json:"method"`
	Params  any    `json:"params"`
}

// Reply returns the frame of the reply to the request id with a result of this package; a nil
// result is {}. A result that is not JSON, which is a bug, becomes the error "internal".
func Reply(id json.RawMessage, result any) []byte {
	if result == nil {
		result = struct{}{}
	}
	if quick, ok := result.(appender); ok {
		b := append(make([]byte, 0, 160), `{"jsonrpc":"2.0","id":`...)
		b = append(append(b, id...), `,"result":`...)
		return append(quick.appendJSON(b), '}')
	}
	frame, err := marshal(reply{Version, id, result})
	if err != nil {
		return ReplyError(id, NewError(CodeInternal, "the answer could not be written"))
	}
	return frame
}

// ReplyError returns the frame of the reply that refuses the request id; a nil id is null, as
// JSON-RPC requires if the request's could not be read.
func ReplyError(id json.RawMessage, e *Error) []byte {
	if id == nil {
		id = json.RawMessage("null")
	}
	return must("error", errorReply{Version, id, e})
}

// Push returns the frame of a push. It panics if params is not JSON: params are structs
// of this package, which fail to encode only if a json.RawMessage in them is not JSON.
func Push(method string, params any) []byte {
	if quick, ok := params.(appender); ok {
		b := append(make([]byte, 0, 160), `{"jsonrpc":"2.0","method":`...)
		b = append(appendString(b, method), `,"params":`...)
		return append(quick.appendJSON(b), '}')
	}
	return must(method, push{Version, method, params})
}

// appender is implemented by messages that are sent often, or are long, and encode themselves as
// encoding/json would. JSON in them must be compact already; it is copied without a check.
type appender interface{ appendJSON(dst []byte) []byte }

func (r RoomCommandResult) appendJSON(b []byte) []byte {
	b = strconv.AppendBool(append(b, `{"accepted":`...), r.Accepted)
	b = strconv.AppendInt(append(b, `,"epoch":`...), r.Epoch, 10)
	b = strconv.AppendInt(append(b, `,"seq":`...), r.Seq, 10)
	b = strconv.AppendInt(append(b, `,"balance":`...), r.Balance, 10)
	return append(b, '}')
}

func (m Balance) appendJSON(b []byte) []byte {
	b = strconv.AppendInt(append(b, `{"balance":`...), m.Balance, 10)
	b = appendString(append(b, `,"currency":`...), m.Currency)
	b = strconv.AppendInt(append(b, `,"version":`...), m.Version, 10)
	return append(b, '}')
}

func (r PingResult) appendJSON(b []byte) []byte {
	b = append(b, '{')
	if len(r.T) > 0 {
		b = append(append(append(b, `"t":`...), r.T...), ',')
	}
	b = r.Time.UTC().AppendFormat(append(b, `"time":"`...), timeForm)
	return append(b, `"}`...)
}

func must(what string, v any) []byte {
	frame, err := marshal(v)
	if err != nil {
		panic(fmt.Sprintf("wire: %s is not JSON: %v", what, err))
	}
	return frame
}

// marshal works like json.Marshal, without the escapes that only HTML needs.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// EncodeRoomEvent appends to dst the frame that Push(method, e) would make, at a lower
// cost. Method is PushRoomEvent, or the event's own type in the lobby. e.Data
// must be compact JSON; it is copied without a check.
func EncodeRoomEvent(dst []byte, method string, e *RoomEvent) []byte {
	dst = append(dst, `{"jsonrpc":"2.0","method":`...)
	dst = appendString(dst, method)
	return append(appendRoomEvent(append(dst, `,"params":`...), e), '}')
}

func appendRoomEvent(dst []byte, e *RoomEvent) []byte {
	dst = append(dst, `{"room":`...)
	dst = appendString(dst, e.Room)
	dst = append(dst, `,"epoch":`...)
	dst = strconv.AppendInt(dst, e.Epoch, 10)
	dst = append(dst, `,"seq":`...)
	dst = strconv.AppendInt(dst, e.Seq, 10)
	dst = append(dst, `,"at":"`...)
	dst = e.At.UTC().AppendFormat(dst, timeForm)
	dst = append(dst, `","type":`...)
	dst = appendString(dst, e.Type)
	dst = append(dst, `,"data":`...)
	if e.Data == nil {
		dst = append(dst, "null"...)
	} else {
		dst = append(dst, e.Data...)
	}
	return append(dst, '}')
}

// appendJSON appends the result, which may hold a hundred KiB of events that are JSON already. After a
// node's death every client requests some.
func (r RoomJoinResult) appendJSON(b []byte) []byte {
	b = slices.Grow(b, 64+len(r.View)+len(r.Totals)+256*len(r.Events))
	b = strconv.AppendInt(append(b, `{"epoch":`...), r.Epoch, 10)
	b = strconv.AppendInt(append(b, `,"seq":`...), r.Seq, 10)
	if len(r.View) > 0 {
		b = append(append(b, `,"view":`...), r.View...)
	}
	for i := range r.Events {
		if i == 0 {
			b = append(b, `,"events":[`...)
		} else {
			b = append(b, ',')
		}
		b = appendRoomEvent(b, &r.Events[i])
	}
	if len(r.Events) > 0 {
		b = append(b, ']')
	}
	if len(r.Totals) > 0 {
		b = append(append(b, `,"totals":`...), r.Totals...)
	}
	if len(r.Chat) > 0 {
		b = append(append(b, `,"chat":`...), must("chat", r.Chat)...)
	}
	return append(b, '}')
}

func (t Totals) appendJSON(b []byte) []byte {
	b = appendString(append(b, `{"room":`...), t.Room)
	b = strconv.AppendInt(append(b, `,"epoch":`...), t.Epoch, 10)
	b = strconv.AppendInt(append(b, `,"seq":`...), t.Seq, 10)
	return append(append(append(b, `,"data":`...), t.Data...), '}')
}

// appendString appends s as a JSON string. Ids and types never need an escape; strings that do are
// encoded by marshal.
func appendString(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			quoted, _ := marshal(s) // a string is always JSON
			return append(dst, quoted...)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

// timeForm is the layout of RFC 3339 with milliseconds, for a time in UTC.
const timeForm = "2006-01-02T15:04:05.000Z"
