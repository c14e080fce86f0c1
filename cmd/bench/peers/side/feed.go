package side

import (
	"bufio"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
)

var (
	// Redis is a URL, if nodes are to hear each other.
	Redis = flag.String("redis", "", "redis:// URL of what is between the nodes; empty: there is one node")
	feed  = flag.String("feed", "", "where to take what is published by nobody's socket, as a room's loop would")
)

// Feed takes publications, in this form, from the load client if there is -feed:
//
//	1 byte, 2 bytes   length of the room's name, and of the payload
//	name, payload
//
// Publish is called by one goroutine, in order, and may keep the payload. An error is a message
// that the load client will miss.
func Feed(publish func(room string, payload []byte) error) {
	if *feed == "" {
		return
	}
	l, err := net.Listen("tcp", *feed)
	if err != nil {
		Fail(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				Fail(err)
			}
			take(c, publish)
		}
	}()
}

func take(c net.Conn, publish func(string, []byte) error) {
	defer func() { _ = c.Close() }()
	r := bufio.NewReaderSize(c, 64<<10)
	rooms := map[string]string{} // so that a name is made once
	var head [3]byte
	var name [255]byte
	for failed := 0; ; {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return // the load client is done
		}
		payload := make([]byte, binary.BigEndian.Uint16(head[1:]))
		if _, err := io.ReadFull(r, name[:head[0]]); err != nil {
			return
		}
		if _, err := io.ReadFull(r, payload); err != nil {
			return
		}
		room, ok := rooms[string(name[:head[0]])]
		if !ok {
			room = string(name[:head[0]])
			rooms[room] = room
		}
		if err := publish(room, payload); err != nil {
			if failed++; failed == 1 {
				fmt.Fprintln(os.Stderr, "the first that was not published:", err)
			}
		}
	}
}
