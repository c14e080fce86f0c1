package load

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/pitboss-hub/pitboss/hub/wire"
)

// writeFrame writes a frame as servers do: not masked.
func writeFrame(w io.Writer, op byte, payload []byte) {
	head := []byte{0x80 | op, 0}
	switch n := len(payload); {
	case n < 126:
		head[1] = byte(n)
	case n < 1<<16:
		head[1] = 126
		head = binary.BigEndian.AppendUint16(head, uint16(n))
	default:
		head[1] = 127
		head = binary.BigEndian.AppendUint64(head, uint64(n))
	}
	_, _ = w.Write(append(head, payload...))
}

func TestFramesAreFoundHoweverTheBytesCome(t *testing.T) {
	var stream bytes.Buffer
	var want [][]byte
	for _, n := range []int{0, 1, 125, 126, 127, 5000, 65535, 65536, 70000, 3} {
		want = append(want, bytes.Repeat([]byte{byte(n)}, n))
		writeFrame(&stream, opText, want[len(want)-1])
	}
	for _, chunk := range []int{1, 1000, 4096, 1 << 20} {
		server, client := net.Pipe()
		go func() {
			for left := stream.Bytes(); len(left) > 0; {
				n := min(chunk, len(left))
				_, _ = server.Write(left[:n])
				left = left[n:]
			}
			_ = server.Close()
		}()
		s := &socket{conn: client, buf: make([]byte, 16)}
		var got int
		for {
			if err := s.fill(); err != nil {
				break
			}
			for {
				op, payload, ok, err := s.frame()
				if err != nil {
					t.Fatal(err)
				}
				if !ok {
					break
				}
				if op != opText || !bytes.Equal(payload, want[got]) {
					t.Fatalf("chunks of %d: frame %d is %d bytes of type %d", chunk, got, len(payload), op)
				}
				got++
			}
		}
		if got != len(want) {
			t.Errorf("chunks of %d: %d frames of %d", chunk, got, len(want))
		}
	}
}

func TestWhatAServerMayNotSendEndsTheSocket(t *testing.T) {
	for name, raw := range map[string][]byte{
		"a fragment":     {0x01, 1, 'a'},
		"a reserved bit": {0xc1, 1, 'a'},
		"a mask":         {0x81, 0x81, 0, 0, 0, 0, 'a'},
		"eternity":       {0x81, 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
	} {
		s := &socket{buf: raw, end: len(raw)}
		if _, _, ok, err := s.frame(); ok || err == nil {
			t.Errorf("%s is taken for a frame", name)
		}
	}
}

// library starts a server by coder/websocket, which masks, pings and closes as the RFC requires.
func library(t *testing.T, serve func(context.Context, *websocket.Conn)) *url.URL {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/ws" || r.Header.Get("Authorization") != "Bearer token" {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"error":{"code":"token_malformed","message":"no"}}`)
			return
		}
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{wire.Subprotocol}})
		if err != nil {
			t.Error(err)
			return
		}
		serve(r.Context(), c)
	}))
	t.Cleanup(server.Close)
	base, err := url.Parse(strings.Replace(server.URL, "127.0.0.1", "casino-x.localhost", 1))
	if err != nil {
		t.Fatal(err)
	}
	return base
}

func TestAnotherWebSocketLibraryUnderstandsOurs(t *testing.T) {
	const text = `{"hello": "there, this is long enough for two bytes of length"}`
	got := make(chan string, 3)
	base := library(t, func(ctx context.Context, c *websocket.Conn) {
		for range 2 {
			_, raw, err := c.Read(ctx)
			if err != nil {
				t.Error(err)
			}
			got <- string(raw)
		}
		ponged := make(chan error, 1)
		go func() { ponged <- c.Ping(ctx) }()
		_, _, _ = c.Read(ctx) // lets the pong in, then the next text
		if err := <-ponged; err != nil {
			t.Error("no pong:", err)
		}
		_ = c.Close(websocket.StatusCode(wire.CloseSlow.Code), wire.CloseSlow.Name)
	})
	s, err := dialSocket(t.Context(), base, "token")
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat(text, 3)
	for _, m := range []string{text, long} {
		s.write(seal(opText, append(newFrame(nil), m...)))
		if g := <-got; g != m {
			t.Errorf("the server read %q", g)
		}
	}
	_, p := newTestRun()
	if err := s.fill(); err != nil {
		t.Fatal(err)
	}
	op, payload, ok, err := s.frame()
	if op != opPing || !ok || err != nil {
		t.Fatal(op, ok, err)
	}
	s.write(seal(opPong, append(newFrame(nil), payload...)))
	s.write(seal(opText, append(newFrame(nil), "{}"...)))
	for err = nil; err == nil; {
		if err = s.fill(); err == nil {
			err = p.read(s, p.heard)
		}
	}
	var by *closed
	if !errors.As(err, &by) || by.code != wire.CloseSlow.Code || !comeBack(err) {
		t.Errorf("closed with %v", err)
	}
}

func TestARefusedHandshakeSaysWhy(t *testing.T) {
	base := library(t, func(context.Context, *websocket.Conn) {})
	if _, err := dialSocket(t.Context(), base, "another"); !isCode(err, "token_malformed") {
		t.Error(err)
	}
}

func TestWhoComesBack(t *testing.T) {
	for _, c := range wire.CloseCodes {
		if got := comeBack(&closed{c.Code, c.Name}); got != c.Reconnect {
			t.Errorf("%d: %t", c.Code, got)
		}
	}
	if !comeBack(io.EOF) || !comeBack(&closed{code: 4321}) || comeBack(&closed{code: 4999}) || !comeBack(&closed{code: 1006}) {
		t.Error("unknown codes go by their ranges")
	}
}

func TestLimitsAreNamedWithWhatToDo(t *testing.T) {
	r := &run{base: &url.URL{Scheme: "http", Host: "casino-x.localhost"}}
	for want, err := range map[string]error{
		"5,000":  &refusal{http.StatusConflict, "limit_reached", "Too many tables are open; close some."},
		"20,000": &closed{wire.CloseOverloaded.Code, wire.CloseOverloaded.Name},
		"50,000": &refusal{http.StatusServiceUnavailable, wire.CodeBusy, "this node has all the sockets it can hold"},
		"no casino is served at casino-x.localhost": &refusal{http.StatusNotFound, "unknown_host", "No operator is served at this address."},
		"--secret":   &refusal{http.StatusUnauthorized, "token_signature", "no"},
		"suspended.": &refusal{http.StatusForbidden, "tenant_suspended", "This operator is suspended."},
	} {
		if got := r.withAdvice(err); !strings.Contains(got.Error(), want) {
			t.Errorf("%v is explained as %v; want %q", err, got, want)
		}
	}
}
