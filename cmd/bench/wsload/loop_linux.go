package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

var began = time.Now()

// now returns a monotonic time in microseconds.
func now() int64 { return began.UnixMicro() + time.Since(began).Microseconds() }

// The states of a conn.
const (
	connecting = iota
	upgrading
	joining
	joined
	closed
)

var stateNames = []string{"connecting", "upgrading", "joining", "joined", "closed"}

type conn struct {
	id     int
	server unix.SockaddrInet4
	host   string // of the Host header
	token  string
	rooms  []string
	feed   bool // it is no WebSocket, and only publishes

	fd        int
	state     int
	since     int64  // when connecting began
	rest      []byte // the beginning of a frame
	unwritten []byte
}

// loop is the one thread that serves all sockets.
type loop struct {
	epoll   int
	byFD    []*conn
	buf     []byte
	dialect dialect
	events  []unix.EpollEvent

	joined, opening int
	joins           hist
	pulse           []*conn // who is kept alive, in turn
	pulsed          int64   // how many were
	pulseFrom       int64

	// Of the phase at hand.
	from, to int64 // the window: a message counts if it was to be sent in it
	counted
}

// counted is what a phase counts.
type counted struct {
	received, inWindow, other, reads uint64
	closed, refused                  int
	why                              string // of the first socket that was closed, or request that was refused
	latency                          hist
}

// The marks in a payload, before 16 digits of microseconds: of what is measured, and of
// the other stream.
const (
	markMain  = '9'
	markOther = '8'
)

var mark = []byte(`"ts`) // then the mark, then ":

// keepaliveEvery is how often each socket is kept alive, where the protocol wants it.
const keepaliveEvery = 20e6

func newLoop(d dialect) (*loop, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	return &loop{epoll: epoll, byFD: make([]*conn, 1<<16), buf: make([]byte, 1<<20), dialect: d, events: make([]unix.EpollEvent, 1024)}, nil
}

func (l *loop) connect(c *conn) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	if fd >= len(l.byFD) {
		return fmt.Errorf("too many files are open: %d", fd)
	}
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	// Twenty sources, so that ports do not run out.
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, byte(1 + c.id%20)}}); err != nil {
		return fmt.Errorf("bind: %w", err)
	}
	c.fd, c.state, c.since, c.rest, c.unwritten = fd, connecting, now(), nil, nil
	l.byFD[fd] = c
	l.opening++
	if err := unix.Connect(fd, &c.server); err != nil && err != unix.EINPROGRESS {
		return fmt.Errorf("connect: %w", err)
	}
	return unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLOUT, Fd: int32(fd)})
}

func (l *loop) want(c *conn, events uint32) {
	_ = unix.EpollCtl(l.epoll, unix.EPOLL_CTL_MOD, c.fd, &unix.EpollEvent{Events: events, Fd: int32(c.fd)})
}

// read and write do not tell Go's scheduler: the sockets never block.
func read(fd int, b []byte) (int, unix.Errno) {
	n, _, e := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
	return int(n), e
}

func write(fd int, b []byte) (int, unix.Errno) {
	n, _, e := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
	return int(n), e
}

func (l *loop) send(c *conn, b []byte) {
	if c.state == closed || len(b) == 0 {
		return
	}
	if len(c.unwritten) == 0 {
		n, e := write(c.fd, b)
		switch {
		case e == unix.EAGAIN:
		case e != 0:
			l.drop(c, "write: "+e.Error())
			return
		default:
			b = b[n:]
		}
		if len(b) == 0 {
			return
		}
		l.want(c, unix.EPOLLIN|unix.EPOLLOUT)
	}
	c.unwritten = append(c.unwritten, b...)
}

// drop ends a socket that the server, or an error, ended.
func (l *loop) drop(c *conn, why string) {
	if c.state == closed {
		return
	}
	l.closed++
	if l.why == "" {
		l.why = fmt.Sprintf("socket %d, %s: %s", c.id, stateNames[c.state], why)
	}
	l.cut(c)
}

func (l *loop) cut(c *conn) {
	switch c.state {
	case closed:
		return
	case joined:
		l.joined--
	default:
		l.opening--
	}
	c.state = closed
	l.byFD[c.fd] = nil
	_ = unix.Close(c.fd)
}

// poll serves the sockets, and waits for at most so many microseconds.
func (l *loop) poll(wait int64) {
	l.keepAlive()
	n, e := l.wait(0)
	if e == 0 && n == 0 && wait > 0 {
		n, e = l.wait(wait)
	}
	if e != 0 {
		return // EINTR
	}
	for _, ev := range l.events[:n] {
		c := l.byFD[ev.Fd]
		if c == nil {
			continue
		}
		if ev.Events&unix.EPOLLOUT != 0 {
			l.writable(c)
		}
		if c.state != closed && ev.Events&(unix.EPOLLIN|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
			l.readable(c)
		}
	}
}

func (l *loop) wait(us int64) (int, unix.Errno) {
	t := unix.NsecToTimespec(us * 1000)
	call := unix.Syscall6
	if us == 0 {
		call = unix.RawSyscall6
	}
	n, _, e := call(unix.SYS_EPOLL_PWAIT2, uintptr(l.epoll), uintptr(unsafe.Pointer(&l.events[0])), uintptr(len(l.events)), uintptr(unsafe.Pointer(&t)), 0, 8)
	return int(n), e
}

// keepAlive spreads the sockets' keepalives evenly over keepaliveEvery.
func (l *loop) keepAlive() {
	b := l.dialect.keepalive()
	if b == nil || len(l.pulse) == 0 {
		return
	}
	if l.pulseFrom == 0 {
		l.pulseFrom = now()
	}
	due := int64(float64(now()-l.pulseFrom) / keepaliveEvery * float64(len(l.pulse)))
	for ; l.pulsed < due; l.pulsed++ {
		if c := l.pulse[l.pulsed%int64(len(l.pulse))]; c.state == joined && !c.feed {
			l.send(c, b)
		}
	}
}

func (l *loop) writable(c *conn) {
	if c.state == connecting {
		if v, _ := unix.GetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_ERROR); v != 0 {
			l.drop(c, unix.Errno(v).Error())
			return
		}
		l.want(c, unix.EPOLLIN)
		if c.feed {
			c.state = joined
			l.joined++
			l.opening--
			return
		}
		c.state = upgrading
		target, headers := l.dialect.request(c)
		l.send(c, []byte("GET "+target+" HTTP/1.1\r\nHost: "+c.host+"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"+headers+"\r\n"))
		return
	}
	if len(c.unwritten) > 0 {
		n, e := write(c.fd, c.unwritten)
		switch {
		case e == unix.EAGAIN:
			return
		case e != 0:
			l.drop(c, "write: "+e.Error())
			return
		}
		c.unwritten = c.unwritten[n:]
	}
	if len(c.unwritten) == 0 {
		c.unwritten = nil
		l.want(c, unix.EPOLLIN)
	}
}

func (l *loop) readable(c *conn) {
	kept := copy(l.buf, c.rest)
	n, e := read(c.fd, l.buf[kept:])
	switch {
	case e == unix.EAGAIN:
		return
	case e != 0:
		l.drop(c, "read: "+e.Error())
		return
	case n == 0:
		l.drop(c, "the server hung up")
		return
	}
	l.reads++
	b := l.buf[:kept+n]
	if c.state == upgrading {
		end := bytes.Index(b, []byte("\r\n\r\n"))
		switch {
		case end < 0:
			c.rest = append(c.rest[:0], b...)
			return
		case !bytes.HasPrefix(b, []byte("HTTP/1.1 101")):
			l.drop(c, string(b[:min(len(b), 300)]))
			return
		}
		b = b[end+4:]
		c.state = joining
		l.send(c, l.dialect.open(nil, c))
	}
	b = l.frames(c, b, now())
	if c.state == closed {
		return
	}
	if len(b) == 0 {
		c.rest = nil
	} else {
		c.rest = append(c.rest[:0], b...)
	}
}

// frames takes whole frames off b and returns what is left.
func (l *loop) frames(c *conn, b []byte, at int64) []byte {
	for len(b) >= 2 && c.state != closed {
		n, head := int(b[1]&0x7f), 2
		switch n {
		case 126:
			if len(b) < 4 {
				return b
			}
			n, head = int(binary.BigEndian.Uint16(b[2:])), 4
		case 127:
			if len(b) < 10 {
				return b
			}
			n, head = int(binary.BigEndian.Uint64(b[2:])), 10
		}
		if len(b) < head+n {
			return b
		}
		l.frame(c, b[0]&15, b[head:head+n], at)
		b = b[head+n:]
	}
	return b
}

func (l *loop) frame(c *conn, op byte, p []byte, at int64) {
	switch op {
	case opPing:
		l.send(c, appendFrame(nil, opPong, p))
		return
	case opPong:
		return
	case opClose:
		why := "closed without a code"
		if len(p) >= 2 {
			why = fmt.Sprintf("closed %d %s", binary.BigEndian.Uint16(p), p[2:])
		}
		l.drop(c, why)
		return
	}
	if l.count(p, at) {
		l.send(c, l.dialect.pong(p))
		return
	}
	answer, ready, err := l.dialect.frame(c, p)
	switch {
	case err != nil && c.state == joined:
		l.refused++
		if l.why == "" {
			l.why = err.Error()
		}
	case err != nil:
		l.drop(c, err.Error())
	default:
		l.send(c, answer)
		if ready && c.state == joining {
			c.state = joined
			l.joined++
			l.opening--
			l.joins.add(now() - c.since)
		}
	}
}

// count finds the messages in a frame.
func (l *loop) count(p []byte, at int64) (found bool) {
	for {
		i := bytes.Index(p, mark)
		if i < 0 || len(p) < i+len(mark)+3+16 {
			return found
		}
		p = p[i+len(mark):]
		if p[0] != markMain && p[0] != markOther || p[1] != '"' || p[2] != ':' {
			continue
		}
		kind := p[0]
		var sent int64
		for _, digit := range p[3 : 3+16] {
			sent = sent*10 + int64(digit-'0')
		}
		p = p[3+16:]
		found = true
		if kind == markOther {
			l.other++
			continue
		}
		l.received++
		if sent >= l.from && sent < l.to {
			l.inWindow++
			l.latency.add(at - sent)
		}
	}
}
