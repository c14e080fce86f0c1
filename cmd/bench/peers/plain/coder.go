package main

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/coder/websocket"
)

// enter checks the token, and says what room is meant.
func enter(w http.ResponseWriter, r *http.Request) (room string, ok bool) {
	query := r.URL.Query()
	if err := verify(query.Get("token")); err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return "", false
	}
	return strings.Clone(query.Get("room")), true
}

func receive(ws *websocket.Conn, publish func([]byte)) {
	ctx := context.Background()
	for {
		_, p, err := ws.Read(ctx)
		if err != nil {
			return
		}
		if len(p) > 0 && p[0] == '?' {
			if ws.Write(ctx, websocket.MessageText, p[1:]) != nil {
				return
			}
			continue
		}
		publish(p)
	}
}

type naiveConn struct{ queue chan []byte }

func naive(rs *rooms[*naiveConn]) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name, ok := enter(w, r)
		if !ok {
			return
		}
		ws, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = ws.CloseNow() }()
		c := &naiveConn{queue: make(chan []byte, 512)}
		rm := rs.join(name, c)
		defer rm.leave(c)
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		if ws.Write(ctx, websocket.MessageText, welcome(name)) != nil {
			return
		}
		go func() {
			for {
				select {
				case p := <-c.queue:
					if ws.Write(ctx, websocket.MessageText, p) != nil {
						return
					}
				case <-ctx.Done():
					return
				}
			}
		}()
		receive(ws, func(p []byte) {
			rm.mu.RLock()
			defer rm.mu.RUnlock()
			for _, m := range rm.members {
				select {
				case m.queue <- p:
				default: // full: the client counts it as lost
				}
			}
		})
	}
}

// locked is a connection that the library and the flusher both write to.
type locked struct {
	net.Conn
	mu sync.Mutex
}

func (c *locked) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.Conn.Write(p)
}

// hijacker gives the library small buffers, and keeps the connection.
type hijacker struct {
	http.ResponseWriter
	conn *locked
}

func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	h.conn = &locked{Conn: conn}
	r := rw.Reader
	if r.Buffered() == 0 {
		r = bufio.NewReaderSize(h.conn, 256)
	}
	return h.conn, bufio.NewReadWriter(r, bufio.NewWriterSize(h.conn, 256)), nil
}

func prep(rs *rooms[*line], f *flusher) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name, ok := enter(w, r)
		if !ok {
			return
		}
		h := &hijacker{ResponseWriter: w}
		ws, err := websocket.Accept(h, r, nil)
		if err != nil {
			return
		}
		go servePrep(rs, f, ws, h.conn, name) // net/http's memory is free when the handler has returned
	}
}

func servePrep(rs *rooms[*line], f *flusher, ws *websocket.Conn, conn net.Conn, name string) {
	defer func() { _ = ws.CloseNow() }()
	c := &line{conn: conn}
	rm := rs.join(name, c)
	defer rm.leave(c)
	if ws.Write(context.Background(), websocket.MessageText, welcome(name)) != nil {
		return
	}
	receive(ws, func(p []byte) {
		frame := serverFrame(p)
		rm.mu.RLock()
		defer rm.mu.RUnlock()
		f.send(rm.members, frame)
	})
}
