package hub

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/coder/websocket"

	"github.com/pitboss-hub/pitboss/hub/wire"
)

// This file is what touches the network.

// hijacked gives the WebSocket library a connection that it reads, and on which it answers
// pings and close frames, and buffers that are no larger than that needs: net/http's own
// are of 4 KiB each, and are free as soon as the handler returns.
type hijacked struct {
	http.ResponseWriter
	c *Conn
}

const (
	// readBytes is the size of a socket's read buffer: a command and its header fit, what
	// is longer is read around it.
	readBytes = 256
	// controlBytes has room for one control frame (RFC 6455 §5.5), so that each reaches
	// controls.Write in one piece.
	controlBytes = 2 + 125
)

// Hijack implements http.Hijacker.
func (h *hijacked) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	h.c.net, h.c.raw = conn, rawConn(conn)
	early, _ := rw.Reader.Peek(rw.Reader.Buffered()) // what the client sent before the answer
	var from io.Reader = conn
	if len(early) > 0 {
		from = io.MultiReader(bytes.NewReader(bytes.Clone(early)), conn)
	}
	r := bufio.NewReaderSize(from, max(readBytes, len(early)))
	_, _ = r.Peek(len(early)) // the library asks what is buffered
	end := controls{conn, h.c}
	return end, bufio.NewReadWriter(r, bufio.NewWriterSize(end, controlBytes)), nil
}

// controls is the connection as the WebSocket library has it. What it writes are control
// frames only, each in one piece, which take their place among the messages; to close it is
// the hub's.
type controls struct {
	net.Conn
	c *Conn
}

// Write implements net.Conn.
func (e controls) Write(p []byte) (int, error) {
	e.c.control(p)
	return len(p), nil
}

// Close implements net.Conn. The hub cuts the connection when reading has ended and the
// last frame is written.
func (e controls) Close() error { return nil }

// control queues a control frame. Of pongs the latest counts (RFC 6455 §5.5.3); a close
// frame is the last that is written.
func (c *Conn) control(p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing != nil || c.left() || c.broken {
		return
	}
	if c.answer == nil {
		c.answer = &answers{}
	}
	if p[0] == finClose {
		c.answer.echo = bytes.Clone(p)
		c.queue.clear()
		_ = c.net.SetDeadline(time.Now().Add(closeTimeout))
	} else {
		c.answer.pong = bytes.Clone(p)
	}
	c.kick(ClassResult)
}

// upgrade answers the handshake. On an error the response has been written.
func (c *Conn) upgrade(w http.ResponseWriter, r *http.Request) error {
	mode := websocket.CompressionDisabled
	if c.hub.compression {
		mode = websocket.CompressionNoContextTakeover
	}
	ws, err := websocket.Accept(&hijacked{w, c}, r, &websocket.AcceptOptions{
		Subprotocols:       []string{wire.Subprotocol},
		CompressionMode:    mode,
		InsecureSkipVerify: true, // web has checked the origin against the tenant's domains
		OnPingReceived:     c.pinged,
		OnPongReceived:     c.ponged,
	})
	if err != nil {
		return err
	}
	ws.SetReadLimit(-1) // read has its own, which tells the client first
	c.ws, c.deflate = ws, w.Header().Get("Sec-WebSocket-Extensions") != ""
	return nil
}

func (c *Conn) pinged(context.Context, []byte) bool { c.heard(); return true }
func (c *Conn) ponged(context.Context, []byte)      { c.heard() }
func (c *Conn) heard()                              { c.heardAt.Store(time.Now().UnixNano()) }

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// read gives every frame to h until the socket ends, or is to be closed for a frame.
func (c *Conn) read(h Handler) error {
	for {
		typ, r, err := c.ws.Reader(context.Background())
		if err != nil {
			return err
		}
		c.heard()
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
	c.received = int32(n) //nolint:gosec // at most FrameBytesMax
	if !c.Closing() {
		h.Received(buf.Bytes())
	}
	return true, nil
}

// writer is what a flusher writes with.
type writer struct {
	buf []byte
	// Of one write.
	out []byte
	n   int
	err error
	try func(fd uintptr) bool // attempt, made a func once
}

func newWriter(size int) *writer {
	w := &writer{buf: make([]byte, 0, size)}
	w.try = w.attempt
	return w
}

// write writes what the client's kernel takes at once; n < len(out) with a nil error says
// that it took no more.
func (w *writer) write(c syscall.RawConn, out []byte) (n int, err error) {
	w.out, w.n, w.err = out, 0, nil
	err = c.Write(w.try)
	w.out = nil
	if err != nil {
		return 0, err
	}
	return w.n, w.err
}

// load is what one write carries.
type load struct {
	bytes    []byte
	size     int // len(bytes), before a part of them was written
	messages int
	last     bool // the close frame is in it
	more     bool // it did not all fit
}

// load needs mu. It takes out what is to be written next: one message as it is, more than
// one copied into buf.
func (c *Conn) load(buf []byte) (l load) {
	if c.broken || c.bye != byeUnsaid {
		return l
	}
	var one []byte
	if c.answer != nil && c.answer.pong != nil {
		buf = append(buf, c.answer.pong...)
		c.answer.pong = nil
	}
	if !c.left() && (c.closing == nil || c.closing.flush) {
		for len(buf) < flushBytes {
			it, ok := c.queue.pop()
			if !ok {
				break
			}
			l.messages++
			if len(buf) == 0 && one == nil {
				one = it.form(c.deflate)
				continue
			}
			buf = append(append(buf, one...), it.form(c.deflate)...)
			one = nil
		}
		l.more = c.queue.bytes > 0
	}
	switch {
	case c.left():
		buf = append(buf, c.answer.echo...)
		l.last = true
	case c.closing != nil && !l.more:
		why := c.closing
		buf = appendFrame(append(buf, one...), finText, wire.Push(wire.PushClosing,
			wire.Closing{Reason: why.code.Name, RetryAfterMS: why.retry.Milliseconds()}))
		buf = appendClose(buf, why.code.Code, why.code.Name)
		one = nil
		l.messages++
		l.last = true
	}
	if l.last {
		c.bye = byeWriting
	}
	if l.bytes = buf; one != nil {
		l.bytes = one
	}
	l.size = len(l.bytes)
	return l
}

// waits needs mu. It reports whether there is something to be written.
func (c *Conn) waits() bool {
	if c.broken || c.bye != byeUnsaid {
		return false
	}
	return c.closing != nil || c.queue.bytes > 0 || c.answer != nil && (c.answer.pong != nil || c.answer.echo != nil)
}

// flush writes what waits, as far as the client's kernel takes it at once; drain writes the
// rest. The flusher calls it when the socket's turn in class has come.
func (c *Conn) flush(w *writer, class Class) {
	c.mu.Lock()
	c.listed &^= 1 << class
	if c.blocked {
		c.mu.Unlock()
		return
	}
	if c.raw == nil {
		if c.waits() {
			c.stall(load{})
		}
		c.mu.Unlock()
		return
	}
	l := c.load(w.buf)
	c.mu.Unlock()
	if len(l.bytes) == 0 {
		return
	}
	n, err := w.write(c.raw, l.bytes)
	c.tenant.writes.Inc()
	if err == nil && n == len(l.bytes) && !l.last && !l.more {
		c.wrote(l)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err != nil:
		c.fail()
	case n < len(l.bytes):
		l.bytes = bytes.Clone(l.bytes[n:])
		c.stall(l)
	default:
		c.wrote(l)
		c.said(l)
		if l.more {
			c.kick(class)
		}
	}
}

// stall needs mu. It leaves the socket to a goroutine that may wait for the client, until
// nothing waits any more.
func (c *Conn) stall(l load) {
	if c.broken {
		return
	}
	c.blocked = true
	go c.drain(l)
}

var drainBuffers = sync.Pool{New: func() any { b := make([]byte, 0, flushBytes); return &b }}

// drain writes l and then what waits, waiting for the client, for writeTimeout at most.
func (c *Conn) drain(l load) {
	buf := drainBuffers.Get().(*[]byte)
	defer drainBuffers.Put(buf)
	for {
		var err error
		if len(l.bytes) > 0 {
			c.limit(writeTimeout)
			_, err = c.net.Write(l.bytes)
			c.tenant.writes.Inc()
		}
		c.mu.Lock()
		if err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) && c.closing == nil {
				c.hub.meters.hit(limitWrite)
				c.close(closing{code: wire.CloseSlow})
			}
			c.blocked = false
			c.fail()
			c.mu.Unlock()
			return
		}
		c.wrote(l)
		c.said(l)
		if l = c.load(*buf); len(l.bytes) == 0 {
			c.limitLocked(0)
			c.blocked = false
			c.hush()
			c.mu.Unlock()
			return
		}
		c.mu.Unlock()
	}
}

// limit bounds the next write, unless the socket's end is bounded already; 0 lifts it.
func (c *Conn) limit(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limitLocked(d)
}

func (c *Conn) limitLocked(d time.Duration) {
	if c.closing != nil || c.left() {
		return
	}
	var at time.Time
	if d > 0 {
		at = time.Now().Add(d)
	}
	_ = c.net.SetWriteDeadline(at)
}

// wrote counts.
func (c *Conn) wrote(l load) {
	if l.size == 0 {
		return
	}
	c.sentAt.Store(c.hub.wheel.now())
	c.tenant.out.Add(float64(l.messages))
	c.tenant.bytesOut.Add(float64(l.size))
}

// said needs mu.
func (c *Conn) said(l load) {
	if l.last {
		c.bye = byeSaid
		c.hush()
	}
}

// fail needs mu: nothing can be written any more.
func (c *Conn) fail() {
	c.broken = true
	c.cut()
	c.hush()
}

// cut ends the connection at once, whoever reads or writes.
func (c *Conn) cut() { _ = c.net.Close() }
