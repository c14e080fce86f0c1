package webtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/hub/wire"
)

// Socket is a client of pitboss.v1. It reads while it waits for something, and keeps what it was told
// meanwhile.
type Socket struct {
	t    testing.TB
	name string // for people
	conn *websocket.Conn
	next int
	told []Push // not asked for by Await yet, in order
}

// Push is what a socket was told unasked.
type Push struct {
	Method string
	Params json.RawMessage
}

// frame is whatever a server sends.
type frame struct {
	ID     *int            `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *wire.Error     `json:"error"`
}

// Dial opens a socket by a token until the test ends. The name is for what is said of failures.
func (c *Casino) Dial(name, token string) *Socket {
	c.t.Helper()
	s, res, err := c.dialBy(name, wire.BearerPrefix+token)
	if err != nil {
		c.t.Fatalf("%s: no socket: %v", name, refusal(res, err))
	}
	return s
}

// DialFrom opens a socket as the page of an origin does, with further headers as pairs of name and value.
func (c *Casino) DialFrom(name, token, origin string, header ...string) *Socket {
	c.t.Helper()
	s, res, err := c.dialBy(name, wire.BearerPrefix+token, append(header, "Origin", origin)...)
	if err != nil {
		c.t.Fatalf("%s: no socket: %v", name, refusal(res, err))
	}
	return s
}

// DialByTicket opens a socket by a ticket.
func (c *Casino) DialByTicket(name, ticket string) *Socket {
	c.t.Helper()
	s, res, err := c.dialBy(name, wire.TicketPrefix+ticket)
	if err != nil {
		c.t.Fatalf("%s: no socket: %v", name, refusal(res, err))
	}
	return s
}

// DialRefused fails the test if a handshake with one more subprotocol and further headers, as pairs of
// name and value, is not refused with a status.
func (c *Casino) DialRefused(status int, subprotocol string, header ...string) {
	c.t.Helper()
	s, res, err := c.dialBy("nobody", subprotocol, header...)
	switch {
	case err == nil:
		_ = s.conn.CloseNow()
		c.t.Errorf("a handshake by %.20q %v was accepted, want %d", subprotocol, header, status)
	case res == nil || res.StatusCode != status:
		c.t.Errorf("a handshake by %.20q %v, want %d: %v", subprotocol, header, status, refusal(res, err))
	}
}

func (c *Casino) dialBy(name, subprotocol string, header ...string) (*Socket, *http.Response, error) {
	ctx, cancel := context.WithTimeout(c.t.Context(), Patience)
	defer cancel()
	o := &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: &http.Transport{DialContext: c.dial}}, Subprotocols: []string{wire.Subprotocol, subprotocol}, HTTPHeader: http.Header{},
	}
	for i := 0; i+1 < len(header); i += 2 {
		o.HTTPHeader.Set(header[i], header[i+1])
	}
	conn, res, err := websocket.Dial(ctx, "ws://"+c.host+"/ws", o)
	if err != nil {
		return nil, res, err
	}
	conn.SetReadLimit(8 << 20)
	c.t.Cleanup(func() { _ = conn.CloseNow() })
	return &Socket{t: c.t, name: name, conn: conn}, res, nil
}

func refusal(res *http.Response, err error) error {
	if res == nil {
		return err
	}
	return fmt.Errorf("%s: %w", res.Status, err)
}

// patient returns the context of one wait: heartbeats do not make it longer.
func (s *Socket) patient() (context.Context, context.CancelFunc) {
	return context.WithTimeout(s.t.Context(), Patience)
}

// read returns the next frame.
func (s *Socket) read(ctx context.Context) (frame, error) {
	var f frame
	_, text, err := s.conn.Read(ctx)
	if err != nil {
		return f, err
	}
	if err := json.Unmarshal(text, &f); err != nil {
		return f, fmt.Errorf("%w: %s", err, short(text))
	}
	return f, nil
}

// ask sends a request and returns its reply.
func (s *Socket) ask(method string, params any) frame {
	s.t.Helper()
	s.next++
	request, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": s.next, "method": method, "params": params})
	if err != nil {
		s.t.Fatalf("%s: %s: %v", s.name, method, err)
	}
	s.Send(string(request))
	ctx, cancel := s.patient()
	defer cancel()
	for {
		f, err := s.read(ctx)
		if err != nil {
			s.t.Fatalf("%s: no reply to %s: %v", s.name, request, err)
		}
		if f.ID != nil && *f.ID == s.next {
			return f
		}
		s.keep(f)
	}
}

// keep keeps what was not asked for.
func (s *Socket) keep(f frame) {
	if f.Method != "" {
		s.told = append(s.told, Push{f.Method, f.Params})
	}
}

// Send sends a frame as it is.
func (s *Socket) Send(text string) {
	s.t.Helper()
	ctx, cancel := s.patient()
	defer cancel()
	if err := s.conn.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
		s.t.Fatalf("%s: not sent: %v: %s", s.name, err, short([]byte(text)))
	}
}

// Call sends a request and decodes its result. It fails the test if the request is refused. A nil into
// is for a result of which nothing is wanted.
func (s *Socket) Call(method string, params, into any) {
	s.t.Helper()
	f := s.ask(method, params)
	if f.Error != nil {
		s.t.Fatalf("%s: %s is refused: %v", s.name, method, f.Error)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal(f.Result, into); err != nil {
		s.t.Fatalf("%s: %s: %v: %s", s.name, method, err, short(f.Result))
	}
}

// Bet stakes an amount on a position of a room that was joined, as soon as that takes bets.
func (s *Socket) Bet(room, position string, amount int64) {
	s.t.Helper()
	if f := s.bet(room, position, amount); f.Error != nil {
		s.t.Fatalf("%s: a bet on %s is refused: %v", s.name, position, f.Error)
	}
}

// BetRefused is Bet of what is refused with a code, whatever the time of the round.
func (s *Socket) BetRefused(code, room, position string, amount int64) {
	s.t.Helper()
	if f := s.bet(room, position, amount); f.Error == nil || f.Error.Data.Code != code {
		s.t.Errorf("%s: a bet on %s: %v, want %s", s.name, position, f.Error, code)
	}
}

// bet returns the answer to a bet on a room that takes bets.
func (s *Socket) bet(room, position string, amount int64) frame {
	s.t.Helper()
	for {
		f := s.ask(wire.MethodRoomCommand, Command(room, fmt.Sprintf(`{"type":"bet","bets":[{"position":%q,"amount":%d}]}`, position, amount)))
		if f.Error == nil || f.Error.Data.Code != "betting_closed" {
			return f
		}
		s.Event(room, "round.opened")
	}
}

// Refused sends a request and fails the test if it is not refused with a code.
func (s *Socket) Refused(code, method string, params any) {
	s.t.Helper()
	switch f := s.ask(method, params); {
	case f.Error == nil:
		s.t.Errorf("%s: %s %v is answered, want %s: %s", s.name, method, params, code, short(f.Result))
	case f.Error.Data.Code != code:
		s.t.Errorf("%s: %s %v: %v, want %s", s.name, method, params, f.Error, code)
	}
}

// Error waits for the answer to what was sent by Send, and fails the test if that is no error of a
// code.
func (s *Socket) Error(code string) {
	s.t.Helper()
	ctx, cancel := s.patient()
	defer cancel()
	for {
		f, err := s.read(ctx)
		if err != nil {
			s.t.Fatalf("%s: no error %s: %v", s.name, code, err)
		}
		if f.Method != "" {
			s.keep(f)
			continue
		}
		if f.Error == nil || f.Error.Data.Code != code {
			s.t.Errorf("%s: %s %v, want %s", s.name, short(f.Result), f.Error, code)
		}
		return
	}
}

// Join joins a room and returns its view.
func (s *Socket) Join(room string) json.RawMessage {
	s.t.Helper()
	var joined wire.RoomJoinResult
	s.Call(wire.MethodRoomJoin, map[string]any{"room": room}, &joined)
	return joined.View
}

// Command returns the params of a room.command under a new id.
func Command(room, command string) map[string]any {
	return map[string]any{"room": room, "command_id": uuid.NewString(), "command": json.RawMessage(command)}
}

// Await returns the params of the first push of a method, told already or not, that contain every one
// of some texts; Await does not return it again. It fails the test if none comes.
func (s *Socket) Await(method string, texts ...string) json.RawMessage {
	s.t.Helper()
	wanted := func(p Push) bool {
		return p.Method == method && !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(string(p.Params), text) })
	}
	ctx, cancel := s.patient()
	defer cancel()
	for seen := 0; ; {
		for ; seen < len(s.told); seen++ {
			if p := s.told[seen]; wanted(p) {
				s.told = slices.Delete(s.told, seen, seen+1)
				return p.Params
			}
		}
		f, err := s.read(ctx)
		if err != nil {
			s.t.Fatalf("%s: no %s with %q: %v; it was told %s", s.name, method, texts, err, s.methods())
		}
		s.keep(f)
	}
}

// Told returns the params of the pushes of a method that came before the last answer and were not awaited.
func (s *Socket) Told(method string) []json.RawMessage {
	var out []json.RawMessage
	for _, p := range s.told {
		if p.Method == method {
			out = append(out, p.Params)
		}
	}
	return out
}

// Event returns the data of the first event of a type in a room that contains every one of some
// texts, as Await does.
func (s *Socket) Event(room, typ string, texts ...string) json.RawMessage {
	s.t.Helper()
	var e wire.RoomEvent
	params := s.Await(wire.PushRoomEvent, append([]string{`"room":"` + room + `"`, `"type":"` + typ + `"`}, texts...)...)
	if err := json.Unmarshal(params, &e); err != nil {
		s.t.Fatalf("%s: %v: %s", s.name, err, short(params))
	}
	return e.Data
}

// Closed fails the test if the socket is not closed with a code.
func (s *Socket) Closed(code wire.CloseCode) {
	s.t.Helper()
	ctx, cancel := s.patient()
	defer cancel()
	for {
		f, err := s.read(ctx)
		if err == nil {
			s.keep(f)
			continue
		}
		var closed websocket.CloseError
		if !errors.As(err, &closed) || int(closed.Code) != code.Code {
			s.t.Errorf("%s: %v, want it closed as %d %s", s.name, err, code.Code, code.Name)
		}
		return
	}
}

// methods returns what the socket was told and nobody asked for, for people.
func (s *Socket) methods() string {
	var out []string
	for _, p := range s.told {
		out = append(out, p.Method+" "+short(p.Params))
	}
	return strings.Join(out, "\n")
}
