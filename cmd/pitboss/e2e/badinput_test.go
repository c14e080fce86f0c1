package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/hub/wire"
)

// bystander is a player who must notice nothing: its events stay gapless and its bets
// are answered.
type bystander struct {
	f *casino
	c *rpc

	mu     sync.Mutex
	last   int64
	faults []string
}

func (f *casino) seatBystander() *bystander {
	f.t.Helper()
	b := &bystander{f: f}
	b.c = f.dial(soon(f.t), f.token("bystander"), func(method string, params json.RawMessage) {
		if method != wire.PushRoomEvent {
			return
		}
		var e seen
		_ = json.Unmarshal(params, &e)
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.last != 0 && e.Seq != b.last+1 {
			b.faults = append(b.faults, fmt.Sprintf("after %d came %d", b.last, e.Seq))
		}
		b.last = e.Seq
	})
	if err := b.c.call(soon(f.t), wire.MethodRoomJoin, wire.RoomJoin{Room: f.room}, nil); err != nil {
		f.t.Fatal(err)
	}
	return b
}

// bet places a bet, in whichever round takes it.
func (b *bystander) bet() {
	b.f.t.Helper()
	eventually(b.f.t, "the bystander's bet is accepted", func() bool {
		err := b.c.call(soon(b.f.t), wire.MethodRoomCommand, wire.RoomCommand{
			Room: b.f.room, CommandID: uuid.NewString(), Command: json.RawMessage(`{"type":"bet","bets":[{"position":"black","amount":100}]}`),
		}, nil)
		var e *wire.Error
		if err != nil && !errors.As(err, &e) {
			b.f.t.Fatal(err)
		}
		return err == nil
	})
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.faults) > 0 {
		b.f.t.Fatalf("the bystander noticed: %v", b.faults)
	}
}

func TestBadInputIsAnsweredAndNobodyElseNotices(t *testing.T) {
	f := newCasino(t)
	f.startNode()
	by := f.seatBystander()
	token := f.token("mallory")

	t.Run("answered with a code", func(t *testing.T) {
		ctx := soon(t)
		c, err := dial(ctx, f.address, f.host, token, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.conn.CloseNow() }()
		command := func(body string) string {
			return fmt.Sprintf(`{"jsonrpc":"2.0","id":7,"method":"room.command","params":{"room":"roulette-1","command_id":"%s","command":%s}}`, uuid.NewString(), body)
		}
		for _, x := range []struct{ frame, code string }{
			{`{"jsonrpc":"2.0","id":7,"method":"room.join","params":{"room":"roulette-1"}}`, ""},
			{`{`, wire.CodeParse},
			{``, wire.CodeParse},
			{"\xff\xfe", wire.CodeParse},
			{`[]`, wire.CodeInvalidRequest},
			{`[{"jsonrpc":"2.0","id":1,"method":"ping"}]`, wire.CodeInvalidRequest},
			{`{"id":7,"method":"ping"}`, wire.CodeInvalidRequest},
			{`{"jsonrpc":"1.0","id":7,"method":"ping"}`, wire.CodeInvalidRequest},
			{`{"jsonrpc":"2.0","id":7}`, wire.CodeInvalidRequest},
			{`{"jsonrpc":"2.0","id":7,"method":"room.destroy"}`, wire.CodeUnknownMethod},
			{`{"jsonrpc":"2.0","id":7,"method":"room.join","params":{"room":17}}`, wire.CodeInvalidParams},
			{`{"jsonrpc":"2.0","id":7,"method":"room.join","params":["roulette-1"]}`, wire.CodeInvalidParams},
			{`{"jsonrpc":"2.0","id":7,"method":"room.join","params":{"room":"roulette-1","tenant":"lucky-star"}}`, wire.CodeInvalidParams},
			{`{"jsonrpc":"2.0","id":7,"method":"room.command","params":{"room":"roulette-1","command_id":"1","command":{"type":"bet"}}}`, wire.CodeInvalidParams},
			{command(`{}`), wire.CodeInvalidParams},
			{command(`17`), wire.CodeInvalidParams},
			{command(`{"type":"rob"}`), "invalid_command"},
			{command(`{"type":"bet","bets":[]}`), "invalid_command"},
			{command(`{"type":"bet","bets":[{"position":"red","amount":-500}]}`), "invalid_command"},
			{command(`{"type":"bet","bets":[{"position":"red","amount":0}]}`), "invalid_command"},
			{command(`{"type":"bet","bets":[{"position":"red","amount":100.5}]}`), "invalid_command"},
			{command(`{"type":"bet","bets":[{"position":"red","amount":"100"}]}`), "invalid_command"},
			{command(`{"type":"bet","bets":[{"position":"red","amount":1e99}]}`), "invalid_command"},
			{command(`{"type":"bet","bets":[{"position":"straight:37","amount":100}]}`), "invalid_command"},
			{command(`{"type":"bet","bets":[{"position":"red","amount":100,"player":"bystander"}]}`), "invalid_command"},
			{`{"jsonrpc":"2.0","id":7,"method":"chat.send","params":{"room":"roulette-1","text":""}}`, wire.CodeTextTooLong},
			{`{"jsonrpc":"2.0","id":7,"method":"chat.send","params":{"room":"roulette-1","text":"` + strings.Repeat("a", 301) + `"}}`, wire.CodeTextTooLong},
			{`{"jsonrpc":"2.0","id":7,"method":"session.renew","params":{"token":"abc"}}`, wire.CodeTokenInvalid},
		} {
			if err := c.conn.Write(ctx, websocket.MessageText, []byte(x.frame)); err != nil {
				t.Fatalf("%q: %v", x.frame, err)
			}
			if got := answer(t, ctx, c.conn); got != x.code {
				t.Errorf("%.120q: %q, want %q", x.frame, got, x.code)
			}
		}
	})

	t.Run("closed with a code", func(t *testing.T) {
		for name, x := range map[string]struct {
			kind  websocket.MessageType
			frame []byte
			want  wire.CloseCode
		}{
			"oversized": {websocket.MessageText, bytes.Repeat([]byte("a"), 64<<10), wire.CloseTooBig},
			"binary":    {websocket.MessageBinary, []byte("abc"), wire.CloseUnsupported},
		} {
			c := f.dial(soon(t), token, nil)
			if err := c.conn.Write(soon(t), x.kind, x.frame); err != nil {
				t.Fatal(err)
			}
			if code := c.closedWith(t); code != websocket.StatusCode(x.want.Code) {
				t.Errorf("%s: closed with %d, want %d", name, code, x.want.Code)
			}
		}
	})

	t.Run("10,000 commands in a burst", func(t *testing.T) {
		ctx := soon(t)
		c := f.dial(ctx, token, nil)
		if err := c.call(ctx, wire.MethodRoomJoin, wire.RoomJoin{Room: f.room}, nil); err != nil {
			t.Fatal(err)
		}
		var answers []<-chan reply
		for range 10_000 {
			ch, err := c.start(ctx, wire.MethodRoomCommand, wire.RoomCommand{Room: f.room, CommandID: uuid.NewString(), Command: json.RawMessage(`{"type":"bet","bets":[{"position":"red","amount":100}]}`)})
			if errors.Is(err, errEnded) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			answers = append(answers, ch)
		}
		codes := map[string]int{}
		for _, ch := range answers {
			switch r, ok := <-ch; {
			case !ok:
				codes["closed"]++
			case r.Error != nil:
				codes[r.Error.Data.Code]++
			default:
				codes["accepted"]++
			}
		}
		t.Log(codes)
		if codes["rate_limited"] == 0 {
			t.Error("nothing was rate limited")
		}
		c.mu.Lock()
		ended := c.ended
		c.mu.Unlock()
		if code := websocket.CloseStatus(ended); ended != nil && code != websocket.StatusCode(wire.CloseFlood.Code) {
			t.Errorf("closed with %v", ended)
		}
	})
	by.bet()

	t.Run("1,000 sockets that never read", func(t *testing.T) {
		ctx := soon(t)
		for i := range 1000 {
			c, err := dial(ctx, f.address, f.host, f.mint(fmt.Sprintf("sloth-%d", i), "player"), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.conn.CloseNow() }()
			if err := c.conn.Write(ctx, websocket.MessageText, []byte(`{"jsonrpc":"2.0","id":1,"method":"room.join","params":{"room":"roulette-1"}}`)); err != nil {
				t.Fatal(err)
			}
		}
		for range 5 {
			by.bet()
		}
	})
	tb, err := f.store.Ledger.TrialBalance(soon(t), f.tenant.ID)
	if err != nil || !tb.OK {
		t.Fatalf("trial balance %+v, %v", tb, err)
	}
}

// answer reads up to the next reply and returns its code; "" for a result.
func answer(t *testing.T, ctx context.Context, conn *websocket.Conn) string {
	t.Helper()
	for {
		_, frame, err := conn.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var m struct {
			Method string      `json:"method"`
			Error  *wire.Error `json:"error"`
		}
		if err := json.Unmarshal(frame, &m); err != nil {
			t.Fatal(err)
		}
		switch {
		case m.Method != "":
		case m.Error != nil:
			return m.Error.Data.Code
		default:
			return ""
		}
	}
}

func TestUnreadableFramesAreRateLimitedToo(t *testing.T) {
	f := newCasino(t)
	f.startNode()
	ctx := soon(t)
	c, err := dial(ctx, f.address, f.host, f.token("mallory"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.conn.CloseNow() }()
	for err == nil { // as fast as the answers are read: who does not read is closed as slow
		for range 50 {
			if err == nil {
				err = c.conn.Write(ctx, websocket.MessageText, []byte(`{`))
			}
		}
		for answered := 0; answered < 50 && err == nil; {
			var frame []byte
			if _, frame, err = c.conn.Read(ctx); bytes.Contains(frame, []byte(`"error"`)) {
				answered++
			}
		}
	}
	for err == nil || websocket.CloseStatus(err) < 0 && ctx.Err() == nil { // a write may fail first
		_, _, err = c.conn.Read(ctx)
	}
	if code := websocket.CloseStatus(err); code != websocket.StatusCode(wire.CloseFlood.Code) {
		t.Errorf("closed with %d: %v", code, err)
	}
}
