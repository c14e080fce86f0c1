package hub

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/coder/websocket"

	"github.com/pitboss-hub/pitboss/hub/wire"
)

// This file is what touches the network.

const (
	// readBytes is the size of a socket's own read buffer where await can not read ahead.
	readBytes = 256
	// controlBytes has room for one control frame (RFC 6455 §5.5), so that each reaches
	// link.Write in one piece.
	controlBytes = 2 + 125
	// aheadBytes is how much is read at once into a buffer that idle sockets do not have.
	aheadBytes = 4 << 10
)

// link is the connection as the WebSocket library has it. What it reads may have been read
// ahead. What it writes are control frames only, each in one piece, which take their place
// among the messages; to close it is the hub's.
type link struct {
	net.Conn
	c      *Conn
	raw    syscall.RawConn // nil: there is none, and it is written to by drain only
	buffer *bufio.Reader   // the library's
	unread []byte          // what was read ahead, in chunk
	chunk  *[aheadBytes]byte
	ahead  func(fd uintptr) bool // readAhead, made a func once

	inbound inbound
	late    int // what came after the socket was closed
}

// Read implements net.Conn.
func (l *link) Read(p []byte) (int, error) {
	if len(l.unread) == 0 {
		n, err := l.Conn.Read(p)
		l.received(p[:n])
		return n, err
	}
	n := copy(p, l.unread)
	if l.unread = l.unread[n:]; len(l.unread) == 0 && l.chunk != nil {
		chunks.Put(l.chunk)
		l.chunk = nil
	}
	return n, nil
}

var chunks = sync.Pool{New: func() any { return new([aheadBytes]byte) }}

// await waits for the client to send something. An idle socket waits here rather than deep in
// the library, so that its stack can shrink to the half or a quarter, and without a buffer.
// What is wrong with the connection shows in the next Read.
func (l *link) await() {
	if l.raw != nil && len(l.unread) == 0 && l.buffer.Buffered() == 0 {
		_ = l.raw.Read(l.ahead)
		l.received(l.unread)
	}
}

// Write implements net.Conn.
func (l *link) Write(p []byte) (int, error) {
	l.c.control(p)
	return len(p), nil
}

// Close implements net.Conn. The hub cuts the connection when reading has ended and the
// last frame is written.
func (l *link) Close() error { return nil }

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
		_ = c.link.SetDeadline(time.Now().Add(closeTimeout))
	} else {
		c.answer.pong = bytes.Clone(p)
	}
	c.kick(ClassResult)
}

func (c *Conn) pinged(context.Context, []byte) bool { c.heard(); return true }
func (c *Conn) ponged(context.Context, []byte)      { c.heard() }
func (c *Conn) heard()                              { c.heardAt.Store(c.hub.clock()) }

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// read gives every frame to h until the socket ends. After a close of ours it reads on, for
// the client's close frame: to cut the connection while something is unread would take the
// goodbye away from the client (RFC 9293 §3.6.1).
func (c *Conn) read(h Handler) error {
	for {
		c.link.await()
		typ, r, err := c.ws.Reader(context.Background())
		if err != nil {
			return err
		}
		c.heard()
		if !c.Closing() && typ != websocket.MessageText {
			c.Close(wire.CloseUnsupported, 0)
		}
		if c.Closing() {
			_, err = io.Copy(io.Discard, r)
		} else {
			err = c.readFrame(r, h)
		}
		if err != nil {
			return err
		}
	}
}

func (c *Conn) readFrame(r io.Reader, h Handler) error {
	buf := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(buf)
	buf.Reset()
	most := int64(c.hub.limits.FrameBytesMax)
	n, err := buf.ReadFrom(io.LimitReader(r, most+1))
	if err != nil {
		return err
	}
	c.tenant.in.Inc()
	c.tenant.bytesIn.Add(float64(n))
	if n > most {
		c.hub.meters.hit(limitFrame)
		c.Close(wire.CloseTooBig, 0)
		_, err = io.Copy(io.Discard, r)
		return err
	}
	c.received = int32(n) //nolint:gosec // at most FrameBytesMax
	h.Received(buf.Bytes())
	return nil
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
	if c.link.raw == nil {
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
	n, err := w.write(c.link.raw, l.bytes)
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
			_, err = c.link.Conn.Write(l.bytes)
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
	_ = c.link.SetWriteDeadline(at)
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
func (c *Conn) cut() { _ = c.link.Conn.Close() }
