package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/pitboss-hub/pitboss/hub/wire"
)

// rpc is a plain JSON-RPC client over one socket: what the tests speak to a node with.
type rpc struct {
	conn *websocket.Conn
	next atomic.Int64
	push func(method string, params json.RawMessage) // called by the reader, in order

	mu      sync.Mutex
	waiting map[int64]func(reply, bool) // guarded by mu; called by the reader, in order with push
	ended   error                       // guarded by mu: why no more replies come
}

type reply struct {
	Result json.RawMessage
	Error  *wire.Error
}

// errEnded means that the socket ended before the reply came.
var errEnded = errors.New("the socket ended")

// dial connects to address, asking for host, and reads until the socket ends.
func dial(ctx context.Context, address, host, token string, push func(string, json.RawMessage)) (*rpc, error) {
	return dialOver(ctx, address, host, token, push, func(link net.Conn) net.Conn { return link })
}

// dialOver works like dial, over the connection that kind returns.
func dialOver(ctx context.Context, address, host, token string, push func(string, json.RawMessage), kind func(net.Conn) net.Conn) (*rpc, error) {
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		link, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return kind(link), nil
	}}
	conn, _, err := websocket.Dial(ctx, "ws://"+host+"/ws", &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: transport}, Subprotocols: []string{wire.Subprotocol, wire.BearerPrefix + token},
	})
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(8 << 20)
	c := &rpc{conn: conn, push: push, waiting: map[int64]func(reply, bool){}}
	return c, nil
}

// read reads until the socket ends. Whoever dialled runs it.
func (c *rpc) read(ctx context.Context) {
	var err error
	for {
		var frame []byte
		if _, frame, err = c.conn.Read(ctx); err != nil {
			break
		}
		var m struct {
			ID     *int64          `json:"id"`
			Method string          `json:"method"`
			Params json.RawMessage `json:"params"`
			Result json.RawMessage `json:"result"`
			Error  *wire.Error     `json:"error"`
		}
		if err = json.Unmarshal(frame, &m); err != nil {
			break
		}
		if m.Method != "" {
			c.push(m.Method, m.Params)
			continue
		}
		if m.ID == nil {
			continue
		}
		c.mu.Lock()
		answered := c.waiting[*m.ID]
		delete(c.waiting, *m.ID)
		c.mu.Unlock()
		if answered != nil {
			answered(reply{m.Result, m.Error}, true)
		}
	}
	_ = c.conn.CloseNow()
	c.mu.Lock()
	c.ended = fmt.Errorf("%w: %w", errEnded, err)
	left := c.waiting
	c.waiting = nil
	c.mu.Unlock()
	for _, unanswered := range left {
		unanswered(reply{}, false)
	}
}

// start sends a request and returns where its reply will be; the channel is closed without
// one if the socket ends first.
func (c *rpc) start(ctx context.Context, method string, params any) (<-chan reply, error) {
	ch := make(chan reply, 1)
	return ch, c.ask(ctx, method, params, func(r reply, ok bool) {
		if ok {
			ch <- r
		}
		close(ch)
	})
}

// ask sends a request; the reader calls answered with the reply, before it looks at what
// came after it.
func (c *rpc) ask(ctx context.Context, method string, params any, answered func(r reply, ok bool)) error {
	id := c.next.Add(1)
	frame, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": id, "method": method, "params": params})
	if err != nil {
		return err
	}
	c.mu.Lock()
	if c.ended != nil {
		c.mu.Unlock()
		return c.ended
	}
	c.waiting[id] = answered
	c.mu.Unlock()
	if err := c.conn.Write(ctx, websocket.MessageText, frame); err != nil {
		return fmt.Errorf("%w: %w", errEnded, err)
	}
	return nil
}

// call sends a request and waits for its reply.
func (c *rpc) call(ctx context.Context, method string, params, into any) error {
	ch, err := c.start(ctx, method, params)
	if err != nil {
		return err
	}
	select {
	case r, ok := <-ch:
		switch {
		case !ok:
			return errEnded
		case r.Error != nil:
			return r.Error
		case into == nil:
			return nil
		}
		return json.Unmarshal(r.Result, into)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// dial opens a socket as its test's own, read until the test ends.
func (f *casino) dial(ctx context.Context, token string, push func(string, json.RawMessage)) *rpc {
	f.t.Helper()
	if push == nil {
		push = func(string, json.RawMessage) {}
	}
	c, err := dial(ctx, f.address, f.host, token, push)
	if err != nil {
		f.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { c.read(context.WithoutCancel(ctx)); close(done) }()
	f.t.Cleanup(func() { _ = c.conn.CloseNow(); <-done })
	return c
}

// closedWith waits for the end of the socket and returns its close code.
func (c *rpc) closedWith(t *testing.T) websocket.StatusCode {
	t.Helper()
	var code websocket.StatusCode
	eventually(t, "the socket closes", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.ended == nil {
			return false
		}
		code = websocket.CloseStatus(c.ended)
		return true
	})
	return code
}

// do asks the node over HTTP and returns status, the error's code, and the body.
func (f *casino) do(method, path, token string, body string, header ...string) (int, string, []byte) {
	f.t.Helper()
	req, err := http.NewRequestWithContext(soon(f.t), method, "http://"+f.address+path, strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	req.Host = f.host
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode == http.StatusSwitchingProtocols {
		return res.StatusCode, "", nil // a socket, whose body does not end
	}
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	var e struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	_ = json.Unmarshal(raw, &e)
	return res.StatusCode, e.Error.Code, raw
}

// upgrade tries to open a socket and returns status and code of the refusal.
func (f *casino) upgrade(token string, header ...string) (int, string) {
	f.t.Helper()
	status, code, _ := f.do("GET", "/ws", token, "", append([]string{
		"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==",
		"Sec-WebSocket-Protocol", wire.Subprotocol,
	}, header...)...)
	return status, code
}

// gone waits for the socket's end, and holds it to its code and to a second since began.
func (c *rpc) gone(t *testing.T, began time.Time, want wire.CloseCode) {
	t.Helper()
	if code := c.closedWith(t); code != websocket.StatusCode(want.Code) {
		t.Errorf("closed with %d, want %d", code, want.Code)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("closed after %v", took)
	}
}
