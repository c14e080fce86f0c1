package hub_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"testing"

	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire"
)

// rawClient is a socket whose bytes the test reads and writes itself.
type rawClient struct {
	net.Conn
	r    *bufio.Reader
	conn *hub.Conn
}

// raw opens a socket with a handshake by hand.
func (h *house) raw(id hub.Identity) *rawClient {
	h.t.Helper()
	text, err := json.Marshal(id)
	if err != nil {
		h.t.Fatal(err)
	}
	opened := make(chan *hub.Conn, 1)
	h.mu.Lock()
	h.next++
	nonce := strconv.Itoa(h.next)
	h.waiting[nonce] = opened
	h.mu.Unlock()
	conn, err := h.dial(context.Background(), "", "")
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = conn.Close() })
	if _, err := fmt.Fprintf(conn, "GET /ws HTTP/1.1\r\nHost: casino-x.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: %s\r\n"+
		"X-Identity: %s\r\nX-Nonce: %s\r\n\r\n", wire.Subprotocol, text, nonce); err != nil {
		h.t.Fatal(err)
	}
	c := &rawClient{Conn: conn, r: bufio.NewReaderSize(conn, 4<<10)}
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		h.t.Fatalf("handshake: %v, %v", resp, err)
	}
	c.conn = <-opened
	return c
}

// Opcodes (RFC 6455 §11.8).
const (
	opText  = 1
	opClose = 8
	opPing  = 9
	opPong  = 10
)

// frame reads one frame, which must be whole, final and not masked.
func (c *rawClient) frame() (op byte, payload []byte, err error) {
	var head [10]byte
	if _, err := io.ReadFull(c.r, head[:2]); err != nil {
		return 0, nil, err
	}
	if head[0]&0xf0 != 0x80 || head[1]&0x80 != 0 {
		return 0, nil, fmt.Errorf("frame header %x", head[:2])
	}
	op, n := head[0]&15, uint64(head[1])
	switch n {
	case 126:
		_, err = io.ReadFull(c.r, head[2:4])
		n = uint64(binary.BigEndian.Uint16(head[2:]))
	case 127:
		_, err = io.ReadFull(c.r, head[2:10])
		n = binary.BigEndian.Uint64(head[2:])
	}
	if err != nil {
		return 0, nil, err
	}
	if op != opText && op != opClose && op != opPong || op >= opClose && n > 125 || n > 1<<24 {
		return 0, nil, fmt.Errorf("frame of opcode %d, length %d", op, n)
	}
	payload = make([]byte, n)
	if _, err = io.ReadFull(c.r, payload); err != nil {
		return 0, nil, fmt.Errorf("a frame of %d bytes is cut: %w", n, err)
	}
	return op, payload, nil
}

// send writes a frame, masked with zeros.
func (c *rawClient) send(op byte, payload []byte) error {
	b := []byte{0x80 | op}
	if len(payload) < 126 {
		b = append(b, 0x80|byte(len(payload)))
	} else {
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(len(payload)))
	}
	_, err := c.Write(append(append(b, 0, 0, 0, 0), payload...))
	return err
}

// texts reads n text frames.
func (c *rawClient) texts(t testing.TB, n int) []string {
	t.Helper()
	var got []string
	for len(got) < n {
		op, payload, err := c.frame()
		if err != nil || op != opText {
			t.Fatalf("frame %d of %d: opcode %d, %v", len(got)+1, n, op, err)
		}
		got = append(got, string(payload))
	}
	return got
}
