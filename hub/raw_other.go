//go:build !unix

package hub

import (
	"net"
	"syscall"
)

// rawConn is nil where there is no write(2): all sockets are written to by drain.
func rawConn(net.Conn) syscall.RawConn { return nil }

func (w *writer) attempt(uintptr) bool { return true }

func (l *link) readAhead(uintptr) bool { return true }
