package main

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"net"
)

func serveFloor(l net.Listener, f *flusher) error {
	var rs rooms[*line]
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer func() { _ = c.Close() }()
			name, err := upgrade(c)
			if err != nil {
				return
			}
			member := &line{conn: c}
			rm := rs.join(name, member)
			defer rm.leave(member)
			if _, err := c.Write(serverFrame(welcome(name))); err != nil {
				return
			}
			readFloor(c, rm, f)
		}()
	}
}

// upgrade knows one request: that of the load client.
func upgrade(c net.Conn) (room string, err error) {
	buf, n := make([]byte, 2048), 0
	for !bytes.Contains(buf[:n], []byte("\r\n\r\n")) {
		k, err := c.Read(buf[n:])
		if err != nil {
			return "", err
		}
		if n += k; n == len(buf) {
			return "", errors.New("the request is too long")
		}
	}
	target, _, _ := bytes.Cut(buf[:n], []byte(" HTTP/1.1"))
	_, query, _ := bytes.Cut(target, []byte("room="))
	name, token, _ := bytes.Cut(query, []byte("&token="))
	if err := verify(string(token)); err != nil {
		return "", err
	}
	_, key, _ := bytes.Cut(buf[:n], []byte("Sec-WebSocket-Key: "))
	key, _, _ = bytes.Cut(key, []byte("\r"))
	sum := sha1.Sum([]byte(string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	_, err = c.Write([]byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
		base64.StdEncoding.EncodeToString(sum[:]) + "\r\n\r\n"))
	return string(name), err
}

func readFloor(c net.Conn, rm *room[*line], f *flusher) {
	buf, n := make([]byte, 512), 0
	for {
		k, err := c.Read(buf[n:])
		if err != nil {
			return
		}
		n += k
		b := buf[:n]
		for len(b) >= 6 {
			size, head := int(b[1]&127), 2
			if size == 126 {
				if len(b) < 8 {
					break
				}
				size, head = int(binary.BigEndian.Uint16(b[2:])), 4
			}
			if len(b) < head+4+size {
				break
			}
			mask, p := b[head:head+4], b[head+4:head+4+size]
			for i := range p {
				p[i] ^= mask[i&3]
			}
			op := b[0] & 15
			b = b[head+4+size:]
			switch {
			case op != 1:
			case len(p) > 0 && p[0] == '?':
				_, _ = c.Write(serverFrame(p[1:]))
			default:
				frame := serverFrame(p)
				rm.mu.RLock()
				f.send(rm.members, frame)
				rm.mu.RUnlock()
			}
		}
		n = copy(buf, b)
	}
}
