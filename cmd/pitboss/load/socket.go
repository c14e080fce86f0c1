package load

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/pitboss-hub/pitboss/hub/wire"
)

const (
	dialTimeout  = 10 * time.Second
	writeTimeout = 5 * time.Second
	// bufferBytes is a socket's first buffer. It grows to its longest frame.
	bufferBytes = 4 << 10
	// frameBytesMax is more than any frame of the server's is long.
	frameBytesMax = 64 << 20
)

// Opcodes (RFC 6455 §5.2).
const (
	opText  = 1
	opClose = 8
	opPing  = 9
	opPong  = 10
)

// closed is the error of a socket that the server closed.
type closed struct {
	code   int
	reason string
}

// Error implements error.
func (c *closed) Error() string {
	return fmt.Sprintf("the server closed the socket: %d %s", c.code, c.reason)
}

// comeBack reports whether a client that lost its socket with err should connect again.
func comeBack(err error) bool {
	var c *closed
	if !errors.As(err, &c) {
		return true // the link broke
	}
	for _, known := range wire.CloseCodes {
		if known.Code == c.code {
			return known.Reconnect
		}
	}
	return c.code < 4500 || c.code > 4999
}

// socket is the client's end of a WebSocket. fill and frame are called by one goroutine,
// write by any.
type socket struct {
	conn       net.Conn
	buf        []byte
	start, end int // what is read and not yet taken: buf[start:end]
}

// dialer finds names below .localhost at this machine, as browsers do (RFC 6761 §6.3).
func dialer(ctx context.Context, network, address string) (net.Conn, error) {
	if host, port, err := net.SplitHostPort(address); err == nil && (host == "localhost" || strings.HasSuffix(host, ".localhost")) {
		address = net.JoinHostPort("127.0.0.1", port)
	}
	d := net.Dialer{Timeout: dialTimeout}
	return d.DialContext(ctx, network, address)
}

// dialSocket opens a socket at the casino base for the bearer of token. A refusal is a
// *refusal.
func dialSocket(ctx context.Context, base *url.URL, token string) (*socket, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	port := base.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[base.Scheme]
	}
	conn, err := dialer(ctx, "tcp", net.JoinHostPort(base.Hostname(), port))
	if err != nil {
		return nil, err
	}
	if base.Scheme == "https" {
		conn = tls.Client(conn, &tls.Config{ServerName: base.Hostname(), MinVersion: tls.VersionTLS12})
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	s := &socket{conn: conn, buf: make([]byte, bufferBytes)}
	if err := s.upgrade(base.Host, token); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return s, nil
}

// upgrade performs the handshake of RFC 6455 §4.1.
func (s *socket) upgrade(host, token string) error {
	var nonce [16]byte
	if _, err := rand.Read(nonce[:]); err != nil {
		return err
	}
	key := base64.StdEncoding.EncodeToString(nonce[:])
	request := "GET /ws HTTP/1.1\r\nHost: " + host + "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: " + key + "\r\nSec-WebSocket-Protocol: " + wire.Subprotocol + "\r\nAuthorization: Bearer " + token + "\r\n\r\n"
	if _, err := io.WriteString(s.conn, request); err != nil {
		return err
	}
	reader := bufio.NewReader(s.conn)
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusSwitchingProtocols {
		return refusalOf(response)
	}
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	if response.Header.Get("Sec-WebSocket-Accept") != base64.StdEncoding.EncodeToString(sum[:]) || response.Header.Get("Sec-WebSocket-Protocol") != wire.Subprotocol {
		return errors.New("handshake: the server does not speak " + wire.Subprotocol)
	}
	early, err := reader.Peek(reader.Buffered()) // frames that came with the answer
	s.end = copy(s.buf, early)
	return err
}

// fill waits for bytes and reads as many as there are. What frame returned is overwritten.
func (s *socket) fill() error {
	if s.start > 0 {
		s.end = copy(s.buf, s.buf[s.start:s.end])
		s.start = 0
	}
	if s.end == len(s.buf) {
		if len(s.buf) >= frameBytesMax {
			return errors.New("a frame is too long")
		}
		s.buf = append(s.buf, make([]byte, len(s.buf))...)
	}
	n, err := s.conn.Read(s.buf[s.end:])
	s.end += n
	if n > 0 {
		return nil
	}
	return err
}

// frame takes the next frame of those that were read; ok is false if there is no whole
// one. The payload is good until fill is called.
func (s *socket) frame() (op byte, payload []byte, ok bool, err error) {
	b := s.buf[s.start:s.end]
	if len(b) < 2 {
		return 0, nil, false, nil
	}
	if b[0]&0xf0 != 0x80 || b[1]&0x80 != 0 {
		return 0, nil, false, errors.New("the server sent a fragment, an extension's bit, or a mask")
	}
	head, size := 2, uint64(b[1])
	switch size {
	case 126:
		if head = 4; len(b) < head {
			return 0, nil, false, nil
		}
		size = uint64(binary.BigEndian.Uint16(b[2:]))
	case 127:
		if head = 10; len(b) < head {
			return 0, nil, false, nil
		}
		size = binary.BigEndian.Uint64(b[2:])
	}
	if size > frameBytesMax {
		return 0, nil, false, errors.New("a frame is too long")
	}
	if uint64(len(b)-head) < size {
		return 0, nil, false, nil
	}
	end := head + int(size)
	s.start += end
	return b[0] & 0xf, b[head:end], true, nil
}

// closedBy reads a close frame's payload.
func closedBy(payload []byte) *closed {
	if len(payload) < 2 {
		return &closed{code: 1005}
	}
	return &closed{int(binary.BigEndian.Uint16(payload)), string(payload[2:])}
}

// headBytes is room for the head of a client's frame of less than 64 KiB.
const headBytes = 8

// newFrame empties buf and leaves room for the head: the payload is appended to it, then
// seal makes a frame of it.
func newFrame(buf []byte) []byte { return append(buf[:0], make([]byte, headBytes)...) }

// seal masks the payload of a buffer that newFrame began, in place, and returns the frame,
// which shares the buffer.
func seal(op byte, buf []byte) []byte {
	payload := buf[headBytes:]
	at := headBytes - 4 // of the mask
	key := mathrand.Uint32()
	binary.LittleEndian.PutUint32(buf[at:], key)
	if n := len(payload); n < 126 {
		at -= 2
		buf[at+1] = 0x80 | byte(n)
	} else {
		at -= 4
		buf[at+1] = 0x80 | 126
		binary.BigEndian.PutUint16(buf[at+2:], uint16(n))
	}
	buf[at] = 0x80 | op
	mask := uint64(key)<<32 | uint64(key)
	for len(payload) >= 8 {
		binary.LittleEndian.PutUint64(payload, binary.LittleEndian.Uint64(payload)^mask)
		payload = payload[8:]
	}
	for i := range payload {
		payload[i] ^= byte(mask >> (8 * i))
	}
	return buf[at:]
}

// write sends a frame. A socket that does not take it is closed, which its reader notices.
func (s *socket) write(frame []byte) {
	_ = s.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err := s.conn.Write(frame); err != nil {
		_ = s.conn.Close()
	}
}

// sayGoodbye closes the socket politely, without waiting for the answer.
func (s *socket) sayGoodbye() {
	s.write(seal(opClose, append(newFrame(nil), 1000>>8, 1000&0xff)))
	_ = s.conn.Close()
}
