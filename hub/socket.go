package hub

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/pitboss-hub/pitboss/hub/wire"
)

// This file is what touches the network.

// hijacked remembers the connection under a socket, for its deadlines.
type hijacked struct {
	http.ResponseWriter
	conn net.Conn
}

// Hijack implements http.Hijacker.
func (h *hijacked) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	h.conn = conn
	return conn, rw, err
}

// upgrade answers the handshake. On an error the response has been written.
func (c *Conn) upgrade(w http.ResponseWriter, r *http.Request) error {
	heard := func() { c.heardAt.Store(time.Now().UnixNano()) }
	hj := &hijacked{ResponseWriter: w}
	ws, err := websocket.Accept(hj, r, &websocket.AcceptOptions{
		Subprotocols:       []string{wire.Subprotocol},
		InsecureSkipVerify: true, // web has checked the origin against the tenant's domains
		OnPingReceived:     func(context.Context, []byte) bool { heard(); return true },
		OnPongReceived:     func(context.Context, []byte) { heard() },
	})
	if err != nil {
		return err
	}
	ws.SetReadLimit(-1) // read has its own, which tells the client first
	c.ws, c.net = ws, hj.conn
	return nil
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// read gives every frame to h until the socket ends, or is to be closed for a frame.
func (c *Conn) read(h Handler) error {
	for {
		typ, r, err := c.ws.Reader(context.Background())
		if err != nil {
			return err
		}
		c.heardAt.Store(time.Now().UnixNano())
		if typ != websocket.MessageText {
			c.Close(wire.CloseUnsupported, 0)
			return nil
		}
		if more, err := c.readFrame(r, h); !more {
			return err
		}
	}
}

// readFrame reports whether there may be more.
func (c *Conn) readFrame(r io.Reader, h Handler) (bool, error) {
	buf := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(buf)
	buf.Reset()
	most := int64(c.hub.limits.FrameBytesMax)
	n, err := buf.ReadFrom(io.LimitReader(r, most+1))
	if err != nil {
		return false, err
	}
	c.tenant.in.Inc()
	c.tenant.bytesIn.Add(float64(n))
	if n > most {
		c.hub.meters.hit(limitFrame)
		c.Close(wire.CloseTooBig, 0)
		return false, nil
	}
	if !c.isClosing() {
		h.Received(buf.Bytes())
	}
	return true, nil
}

// write writes what is queued until the socket ends. It is the only goroutine that
// waits for this socket's client.
func (c *Conn) write() {
	defer c.cut()
	for {
		frame, why := c.next()
		if frame == nil {
			if why != nil {
				c.goodbye(*why)
			}
			return
		}
		if c.writeFrame(frame) != nil {
			return
		}
	}
}

// next waits for the next frame; without one, the socket is over, and why says if it
// is to be told.
func (c *Conn) next() (frame []byte, why *closing) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		if c.closing == nil && c.ended {
			return nil, nil
		}
		if c.closing == nil || c.closing.flush {
			if it, ok := c.queue.pop(); ok {
				return it.frame, nil
			}
		}
		if c.closing != nil {
			return nil, c.closing
		}
		c.wake.Wait()
	}
}

// writeFrame needs no context: sweep cuts the connection when a frame takes too long,
// and close has set a deadline.
func (c *Conn) writeFrame(frame []byte) error {
	now := time.Now().UnixNano()
	c.writing.Store(now)
	err := c.ws.Write(context.Background(), websocket.MessageText, frame)
	c.writing.Store(0)
	if err != nil {
		return err
	}
	c.sentAt.Store(now)
	c.tenant.out.Inc()
	c.tenant.bytesOut.Add(float64(len(frame)))
	return nil
}

// goodbye tells the client why, and waits for its close frame, closeTimeout at most.
func (c *Conn) goodbye(why closing) {
	frame := wire.Push(wire.PushClosing, wire.Closing{Reason: why.code.Name, RetryAfterMS: why.retry.Milliseconds()})
	if c.writeFrame(frame) != nil {
		return
	}
	_ = c.ws.Close(websocket.StatusCode(why.code.Code), why.code.Name) // whatever it says, cut follows
}

// cut ends the connection at once, whoever reads or writes.
func (c *Conn) cut() { _ = c.net.Close() }
