package hub

import (
	"bufio"
	"bytes"
	"net"
	"net/http"

	"github.com/coder/websocket"

	"github.com/pitboss-hub/pitboss/hub/wire"
)

// hijacked gives the WebSocket library a link to read from, and buffers that are no larger
// than that needs: net/http's own are of 4 KiB each, and are free as soon as the handler
// returns.
type hijacked struct {
	http.ResponseWriter
	c       *Conn
	refused int // the status with which the library refuses the handshake
}

// WriteHeader implements http.ResponseWriter. It keeps an error status for Write, which answers in the API's form.
func (h *hijacked) WriteHeader(status int) {
	if status < http.StatusBadRequest {
		h.ResponseWriter.WriteHeader(status)
		return
	}
	h.refused = status
}

// Write implements http.ResponseWriter. It replaces the library's error message, which may quote
// the client's input.
func (h *hijacked) Write(why []byte) (int, error) {
	switch h.refused {
	case 0:
		return h.ResponseWriter.Write(why)
	case http.StatusInternalServerError, http.StatusNotImplemented:
		refuse(h.ResponseWriter, http.StatusInternalServerError, wire.CodeInternal, "the connection cannot become a socket")
	case http.StatusUpgradeRequired, http.StatusMethodNotAllowed:
		refuse(h.ResponseWriter, http.StatusUpgradeRequired, codeUpgrade, "this is for WebSocket handshakes (RFC 6455), by GET")
	default:
		refuse(h.ResponseWriter, h.refused, wire.CodeInvalidParams, "the WebSocket handshake is not as RFC 6455 wants it: version 13, and one key of 16 bytes")
	}
	return len(why), nil
}

// codeUpgrade is the error code for a request that is not a handshake.
const codeUpgrade = "upgrade_required"

// Hijack implements http.Hijacker.
func (h *hijacked) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	l := &link{Conn: conn, c: h.c, raw: rawConn(conn)}
	early, _ := rw.Reader.Peek(rw.Reader.Buffered()) // what the client sent before the answer
	size := readBytes
	if l.raw != nil {
		l.ahead, size = l.readAhead, 16 // bufio's minimum
	}
	l.unread = bytes.Clone(early)
	l.buffer = bufio.NewReaderSize(l, size)
	h.c.link = l
	l.observe(l.unread)
	return l, bufio.NewReadWriter(l.buffer, bufio.NewWriterSize(l, controlBytes)), nil
}

// upgrade answers the handshake. On an error the response has been written.
func (c *Conn) upgrade(w http.ResponseWriter, r *http.Request) error {
	mode := websocket.CompressionDisabled
	if c.hub.compression {
		mode = websocket.CompressionNoContextTakeover
	}
	ws, err := websocket.Accept(&hijacked{ResponseWriter: w, c: c}, r, &websocket.AcceptOptions{
		Subprotocols:       []string{wire.Subprotocol},
		CompressionMode:    mode,
		InsecureSkipVerify: true, // web has checked the origin against the tenant's domains
		OnPingReceived:     c.pinged,
		OnPongReceived:     c.ponged,
	})
	if err != nil {
		return err
	}
	ws.SetReadLimit(-1) // read has a limit of its own, which tells the client first
	c.ws, c.deflate = ws, w.Header().Get("Sec-WebSocket-Extensions") != ""
	return nil
}
