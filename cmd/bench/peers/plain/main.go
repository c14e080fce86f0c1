// Command plain is what Pitboss' write path is compared with: the same sockets with as
// little around them as can be.
//
//	GET /ws?room=R&token=JWT   a socket in room R; {"joined":"R"} comes first
//
// A frame goes to everyone in the room as it is; one that begins with ? is answered
// without it. Modes:
//
//   - coder-naive: github.com/coder/websocket as its documentation shows it: a goroutine
//     and a channel of 512 messages for each socket, Conn.Write for each message.
//   - coder-prep: coder/websocket for handshake, reading and control frames; a frame is
//     built once, and one goroutine writes all that waits for a socket at once, past the
//     library. Small buffers, and the HTTP handler returns. It has no bound for a slow
//     client, no priorities and no tenants: what a hub would like to cost.
//   - floor-co: no library at all, otherwise like coder-prep: what the machine gives.
//
// None of them sends heartbeats.
package main

import (
	"flag"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/pitboss-hub/pitboss/cmd/bench/peers/side"
)

var mode = flag.String("mode", "coder-prep", "coder-naive, coder-prep or floor-co")

func main() {
	flag.Parse()
	side.Serve()
	f := &flusher{kick: make(chan struct{}, 1)}
	go f.run()
	if *mode == "floor-co" {
		l, err := net.Listen("tcp", *side.Addr)
		if err != nil {
			side.Fail(err)
		}
		side.Fail(serveFloor(l, f))
	}
	var handler http.HandlerFunc
	switch *mode {
	case "coder-naive":
		handler = naive(&rooms[*naiveConn]{})
	case "coder-prep":
		handler = prep(&rooms[*line]{}, f)
	default:
		side.Fail(fmt.Errorf("there is no mode %q", *mode))
	}
	mux := http.NewServeMux()
	mux.Handle("GET /ws", handler)
	server := &http.Server{Addr: *side.Addr, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	side.Fail(server.ListenAndServe())
}

func verify(token string) error {
	_, err := jwt.Parse(token, func(*jwt.Token) (any, error) { return []byte(*side.Secret), nil }, jwt.WithValidMethods([]string{"HS256"}))
	return err
}

func welcome(room string) []byte { return []byte(`{"joined":"` + room + `"}`) }

// rooms are who is where.
type rooms[C comparable] struct {
	mu    sync.Mutex
	rooms map[string]*room[C]
}

type room[C comparable] struct {
	mu      sync.RWMutex
	members []C
}

func (r *rooms[C]) join(name string, c C) *room[C] {
	r.mu.Lock()
	if r.rooms == nil {
		r.rooms = map[string]*room[C]{}
	}
	x := r.rooms[name]
	if x == nil {
		x = &room[C]{}
		r.rooms[name] = x
	}
	r.mu.Unlock()
	x.mu.Lock()
	defer x.mu.Unlock()
	x.members = append(x.members, c)
	return x
}

func (x *room[C]) leave(c C) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for i, m := range x.members {
		if m == c {
			last := len(x.members) - 1
			x.members[i] = x.members[last]
			x.members = x.members[:last]
			return
		}
	}
}

// serverFrame returns an unmasked text frame.
func serverFrame(p []byte) []byte {
	b := make([]byte, 0, len(p)+4)
	if len(p) < 126 {
		b = append(b, 0x81, byte(len(p)))
	} else {
		b = append(b, 0x81, 126, byte(len(p)>>8), byte(len(p)))
	}
	return append(b, p...)
}
