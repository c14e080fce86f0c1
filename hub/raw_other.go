//go:build !unix

package hub

import (
	"net"
	"syscall"
)

// rawConn returns nil where there is no write(2): drain writes to all sockets.
func rawConn(net.Conn) syscall.RawConn { return nil }

func (w *writer) attempt(uintptr) bool { return true }

func (l *link) readAhead(uintptr) bool { return true }
