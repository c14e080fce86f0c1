//go:build unix

package hub

import (
	"net"
	"syscall"
)

// rawConn returns the connection for writing without blocking. It returns nil for TLS, whose records
// only its own Write makes, and for anything else that is not a TCP connection.
func rawConn(c net.Conn) syscall.RawConn {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// attempt writes to the descriptor, which is non-blocking, what the kernel takes. It always returns true.
func (w *writer) attempt(fd uintptr) bool {
	for w.n < len(w.out) {
		n, err := syscall.Write(int(fd), w.out[w.n:])
		switch err {
		case nil:
			w.n += n
			return true // a short write: it would take no more
		case syscall.EINTR:
		case syscall.EAGAIN:
			return true
		default:
			w.err = err
			return true
		}
	}
	return true
}

// readAhead reads a chunk from the descriptor, and returns false if there is nothing to read yet.
func (l *link) readAhead(fd uintptr) bool {
	chunk := chunks.Get().(*[aheadBytes]byte)
	for {
		n, err := syscall.Read(int(fd), chunk[:])
		switch {
		case err == syscall.EINTR:
			continue
		case n > 0:
			l.chunk, l.unread = chunk, chunk[:n]
			return true
		}
		chunks.Put(chunk)
		return err != syscall.EAGAIN // else an error or EOF, which Read will meet
	}
}
