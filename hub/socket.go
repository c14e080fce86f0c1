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

// This file contains all that reads from and writes to the network.

const (
	// readBytes is the size of a socket's own read buffer where awaitData cannot read ahead.
	readBytes = 256
	// controlBytes has room for one control frame (RFC 6455 §5.5), so that each reaches
	// link.Write in one piece.
	controlBytes = 2 + 125
	// aheadBytes is the size of a read-ahead buffer, which idle sockets do not have.
	aheadBytes = 4 << 10
)

// link is the connection that the WebSocket library uses. Read returns what was read ahead first.
// Write is called with control frames only, each in one piece, which are queued among the
// messages. Only the hub closes the connection.
type link struct {
	net.Conn
	c      *Conn
	raw    syscall.RawConn // nil: there is none, and only drain writes
	buffer *bufio.Reader   // the library's
	unread []byte          // what was read ahead, in chunk
	chunk  *[aheadBytes]byte
	ahead  func(fd uintptr) bool // the method value readAhead, allocated once

	inbound   inbound
	lateBytes int // bytes and frames received after the socket was closed
}

// Read implements net.Conn.
func (l *link) Read(p []byte) (int, error) {
	if len(l.unread) == 0 {
		n, err := l.Conn.Read(p)
		l.observe(p[:n])
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

// awaitData blocks until the client sends something. An idle socket waits here, without a buffer,
// rather than deep in the library, so that its stack can shrink to a half or a quarter. The next Read
// reports any error.
func (l *link) awaitData() {
	if l.raw != nil && len(l.unread) == 0 && l.buffer.Buffered() == 0 {
		_ = l.raw.Read(l.ahead)
		l.observe(l.unread)
	}
}

// Write implements net.Conn.
func (l *link) Write(p []byte) (int, error) {
	l.c.control(p)
	return len(p), nil
}

// Close implements net.Conn. It does nothing: the hub closes the connection when reading has ended
// and the last frame is written.
func (l *link) Close() error { return nil }

// control queues a control frame. A pong replaces an earlier one (RFC 6455 §5.5.3); a close
// frame is the last frame that is written.
func (c *Conn) control(p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing != nil || c.clientClosed() || c.broken {
		return
	}
	if c.controlReplies == nil {
		c.controlReplies = &controlReplies{}
	}
	if p[0] == finClose {
		c.controlReplies.echo = bytes.Clone(p)
		c.queue.clear()
		_ = c.link.SetDeadline(time.Now().Add(closeTimeout))
	} else {
		c.controlReplies.pong = bytes.Clone(p)
	}
	c.kick(ClassResult)
}

func (c *Conn) pinged(context.Context, []byte) bool { c.heard(); return true }
func (c *Conn) ponged(context.Context, []byte)      { c.heard() }
func (c *Conn) heard()                              { c.heardAt.Store(c.hub.clock()) }

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// read passes every frame to h until the socket ends. After Close it reads on until the client's
// close frame: closing the connection with unread data would reset it, and the client could lose our
// close frame (RFC 9293 §3.6.1).
func (c *Conn) read(h Handler) error {
	for {
		c.link.awaitData()
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
		c.hub.hit(c.id.Tenant, limitFrame)
		c.Close(wire.CloseTooBig, 0)
		_, err = io.Copy(io.Discard, r)
		return err
	}
	c.received = int32(n) //nolint:gosec // at most FrameBytesMax
	h.Received(buf.Bytes())
	return nil
}

// writer holds a flusher's buffer and the state of one write.
type writer struct {
	buf []byte
	// Of one write.
	out []byte
	n   int
	err error
	try func(fd uintptr) bool // the method value attempt, allocated once
}

func newWriter(size int) *writer {
	w := &writer{buf: make([]byte, 0, size)}
	w.try = w.attempt
	return w
}

// write writes what the kernel takes without blocking; n < len(out) with a nil error means that it
// took no more.
func (w *writer) write(c syscall.RawConn, out []byte) (n int, err error) {
	w.out, w.n, w.err = out, 0, nil
	err = c.Write(w.try)
	w.out = nil
	if err != nil {
		return 0, err
	}
	return w.n, w.err
}

// load holds the bytes of one write.
type load struct {
	bytes    []byte
	size     int // len(bytes), before a part of them was written
	messages int
	last     bool // it includes the close frame
	more     bool // it did not all fit
}

// load removes from the queue what is to be written next: one message as it is, or several
// copied into buf. c.mu must be held.
func (c *Conn) load(buf []byte) (l load) {
	if c.broken || c.closeState != closeUnsent {
		return l
	}
	var one []byte
	if c.controlReplies != nil && c.controlReplies.pong != nil {
		buf = append(buf, c.controlReplies.pong...)
		c.controlReplies.pong = nil
	}
	if !c.clientClosed() && (c.closing == nil || c.closing.flush) {
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
	case c.clientClosed():
		buf = append(buf, c.controlReplies.echo...)
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
		c.closeState = closeWriting
	}
	if l.bytes = buf; one != nil {
		l.bytes = one
	}
	l.size = len(l.bytes)
	return l
}

// hasPending reports whether there is anything to be written. c.mu must be held.
func (c *Conn) hasPending() bool {
	if c.broken || c.closeState != closeUnsent {
		return false
	}
	return c.closing != nil || c.queue.bytes > 0 || c.controlReplies != nil && (c.controlReplies.pong != nil || c.controlReplies.echo != nil)
}

// flush writes what is queued, as far as the kernel takes it without blocking; drain writes the
// rest. The flusher calls it when it is the socket's turn in class.
func (c *Conn) flush(w *writer, class Class) {
	c.mu.Lock()
	c.listed &^= 1 << class
	if c.blocked {
		c.mu.Unlock()
		return
	}
	if c.link.raw == nil {
		if c.hasPending() {
			c.startDrain(load{})
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
		c.startDrain(l)
	default:
		c.wrote(l)
		c.noteCloseSent(l)
		if l.more {
			c.kick(class)
		}
	}
}

// startDrain leaves writing to a goroutine that may wait for the client, until nothing is queued.
// c.mu must be held.
func (c *Conn) startDrain(l load) {
	if c.broken {
		return
	}
	c.blocked = true
	go c.drain(l)
}

var drainBuffers = sync.Pool{New: func() any { b := make([]byte, 0, flushBytes); return &b }}

// drain writes l and then the queue, waiting for the client up to writeTimeout for each write.
func (c *Conn) drain(l load) {
	buf := drainBuffers.Get().(*[]byte)
	defer drainBuffers.Put(buf)
	for {
		var err error
		if len(l.bytes) > 0 {
			c.setWriteTimeout(writeTimeout)
			_, err = c.link.Conn.Write(l.bytes)
			c.tenant.writes.Inc()
		}
		c.mu.Lock()
		if err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) && c.closing == nil {
				c.hub.hit(c.id.Tenant, limitWrite)
				c.close(closing{code: wire.CloseSlow})
			}
			c.blocked = false
			c.fail()
			c.mu.Unlock()
			return
		}
		c.wrote(l)
		c.noteCloseSent(l)
		if l = c.load(*buf); len(l.bytes) == 0 {
			c.setWriteTimeoutLocked(0)
			c.blocked = false
			c.notifyWritingDone()
			c.mu.Unlock()
			return
		}
		c.mu.Unlock()
	}
}

// setWriteTimeout bounds the next write, unless the socket is closing, which is bounded already; 0 means no bound.
func (c *Conn) setWriteTimeout(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.setWriteTimeoutLocked(d)
}

func (c *Conn) setWriteTimeoutLocked(d time.Duration) {
	if c.closing != nil || c.clientClosed() {
		return
	}
	var at time.Time
	if d > 0 {
		at = time.Now().Add(d)
	}
	_ = c.link.SetWriteDeadline(at)
}

// wrote updates the metrics after a write.
func (c *Conn) wrote(l load) {
	if l.size == 0 {
		return
	}
	c.sentAt.Store(c.hub.wheel.now())
	c.tenant.out.Add(float64(l.messages))
	c.tenant.bytesOut.Add(float64(l.size))
}

// noteCloseSent records that the close frame was written, if l includes it. c.mu must be held.
func (c *Conn) noteCloseSent(l load) {
	if l.last {
		c.closeState = closeSent
		c.notifyWritingDone()
	}
}

// fail closes the connection after an error: nothing can be written any more. c.mu must be held.
func (c *Conn) fail() {
	c.broken = true
	c.cut()
	c.notifyWritingDone()
}

// cut closes the connection at once, even while it is being read or written.
func (c *Conn) cut() { _ = c.link.Conn.Close() }
