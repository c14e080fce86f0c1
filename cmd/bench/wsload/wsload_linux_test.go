package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/sys/unix"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/cmd/bench/load"
	"github.com/pitboss-hub/pitboss/hub/wire"
)

// unmask returns what a server reads in one client frame.
func unmask(t *testing.T, b []byte) (op byte, payload, rest []byte) {
	t.Helper()
	n, head := int(b[1]&0x7f), 2
	if n == 126 {
		n, head = int(b[2])<<8|int(b[3]), 4
	}
	if b[1]&0x80 == 0 || len(b) < head+4+n {
		t.Fatalf("not a client's frame: %x", b)
	}
	mask, payload := b[head:head+4], slices.Clone(b[head+4:head+4+n])
	for i := range payload {
		payload[i] ^= mask[i&3]
	}
	return b[0] & 15, payload, b[head+4+n:]
}

// served returns an unmasked frame.
func served(p string) []byte {
	if len(p) < 126 {
		return append([]byte{0x81, byte(len(p))}, p...)
	}
	return append([]byte{0x81, 126, byte(len(p) >> 8), byte(len(p))}, p...)
}

func testLoop(t *testing.T, name string) (*loop, *conn) {
	t.Helper()
	d, err := dialectNamed(name)
	if err != nil {
		t.Fatal(err)
	}
	return &loop{dialect: d, from: 0, to: 1 << 60, byFD: make([]*conn, 1)}, &conn{state: joined, rooms: []string{"r0", "lobby"}}
}

func TestEveryFrameOfOursIsWhatTheServerReads(t *testing.T) {
	d := &pitboss{}
	c := &conn{rooms: []string{"r1", "lobby"}}
	payload := payloadOf(markMain, "state", 128)
	stamp(payload, 1_700_000_000_123_456)
	if len(payload) != 128 || !json.Valid(payload) {
		t.Fatalf("payload of %d bytes: %s", len(payload), payload)
	}
	all := d.ping(d.publish(d.open(nil, c), []byte("r1"), payload), payload)
	for _, want := range []struct {
		method string
		params any
	}{{wire.MethodRoomJoin, &wire.RoomJoin{}}, {wire.MethodRoomJoin, &wire.RoomJoin{}}, {wire.MethodRoomCommand, &wire.RoomCommand{}}, {wire.MethodPing, &wire.PingParams{}}} {
		var p []byte
		_, p, all = unmask(t, all)
		req, bad := wire.Decode(p)
		if bad != nil || req.Method != want.method || req.ID == nil {
			t.Fatalf("%s: %+v, %v", p, req, bad)
		}
		if bad := wire.DecodeParams(req.Params, want.params); bad != nil {
			t.Fatalf("%s: %v", p, bad)
		}
		if cmd, ok := want.params.(*wire.RoomCommand); ok && (len(cmd.CommandID) != 36 || !bytes.Equal(cmd.Command, payload)) {
			t.Errorf("command %q: %s", cmd.CommandID, cmd.Command)
		}
	}
	if len(all) != 0 {
		t.Errorf("%d bytes too many", len(all))
	}
}

func TestTheServersBelieveTheToken(t *testing.T) {
	const secret = "secret-of-the-bench-0123456789abcdef"
	text := token(secret, "casino-a", "u0-1", time.Now())
	id := tenant.New()
	v := auth.NewVerifier(auth.StaticKeys{id: {{ID: "bench", Alg: auth.HS256, Secret: []byte(secret)}}}, nil)
	if who, err := v.Verify(id, "casino-a", text); err != nil || who.Subject != "u0-1" || who.Role != auth.Player {
		t.Errorf("ours: %+v, %v", who, err)
	}
	if _, err := jwt.Parse(text, func(*jwt.Token) (any, error) { return []byte(secret), nil }, jwt.WithValidMethods([]string{"HS256"})); err != nil {
		t.Errorf("the others: %v", err)
	}
}

func TestASocketHasJoinedWithTheAnswerToItsLastJoin(t *testing.T) {
	for name, answers := range map[string][]string{
		"raw":        {`{"joined":"r0"}`},
		"centrifuge": {`{"id":1,"connect":{"client":"x"}}` + "\n" + `{"id":2,"subscribe":{}}`, `{"id":3,"subscribe":{}}`},
		"pitboss": {
			`{"jsonrpc":"2.0","method":"session.welcome","params":{}}`,
			`{"jsonrpc":"2.0","id":1,"result":{"epoch":1,"seq":0,"view":{}}}`, `{"jsonrpc":"2.0","id":2,"result":{"epoch":1,"seq":0,"view":{}}}`,
		},
	} {
		l, c := testLoop(t, name)
		c.state, l.opening = joining, 1
		for i, a := range answers {
			if c.state != joining {
				t.Errorf("%s: joined before answer %d", name, i)
			}
			l.frames(c, served(a), 0)
		}
		if c.state != joined || l.joined != 1 || l.opening != 0 {
			t.Errorf("%s: %s after all answers", name, stateNames[c.state])
		}
	}
}

func TestARefusalIsCountedAndNotTakenForAnAnswer(t *testing.T) {
	for name, refusal := range map[string]string{
		"centrifuge": `{"id":1001,"error":{"code":103,"message":"permission denied"}}`,
		"pitboss":    `{"jsonrpc":"2.0","id":1001,"error":{"code":-32000,"message":"Slower, please.","data":{"code":"rate_limited"}}}`,
	} {
		l, c := testLoop(t, name)
		l.frames(c, served(refusal), 0)
		if l.refused != 1 || l.closed != 0 || !strings.Contains(l.why, "1001") {
			t.Errorf("%s: %d refused, %d closed, %q", name, l.refused, l.closed, l.why)
		}
	}
}

func TestMessagesAreCountedWhereverTheyStand(t *testing.T) {
	l, c := testLoop(t, "centrifuge")
	message := func(mark byte, at int64) string {
		p := payloadOf(mark, "state", 128)
		stamp(p, at)
		return fmt.Sprintf(`{"push":{"channel":"r0","pub":{"data":%s}}}`, p)
	}
	both := served(message(markMain, 1000) + "\n" + message(markMain, 2000))
	stream := append(both, served(message(markOther, 3000))...)
	stream = append(stream, served(message(markMain, 9000))...)
	l.from, l.to = 1500, 5000
	// Cut everywhere: a rest is read again with what follows.
	for cut := range stream {
		l.counted = counted{}
		rest := l.frames(c, slices.Clone(stream[:cut]), 4000)
		rest = l.frames(c, append(slices.Clone(rest), stream[cut:]...), 4000)
		if l.received != 3 || l.inWindow != 1 || l.other != 1 || len(rest) != 0 {
			t.Fatalf("cut at %d: %d received, %d in the window, %d of the other stream, %d bytes left", cut, l.received, l.inWindow, l.other, len(rest))
		}
		if l.latency.max != 2000 {
			t.Fatalf("cut at %d: latency %d µs", cut, l.latency.max)
		}
	}
}

func TestCentrifugesPingIsAnsweredAlsoAmongMessages(t *testing.T) {
	d := &centrifuge{}
	for _, p := range []string{"{}", "{}\n{\"push\":{}}", "{\"push\":{}}\n{}", "{\"a\":1}\n{}\n{\"b\":2}"} {
		if d.pong([]byte(p)) == nil {
			t.Errorf("no pong for %q", p)
		}
	}
	for _, p := range []string{`{"push":{}}`, `{"id":1,"publish":{}}`, "{\"push\":{}}\n{\"push\":{}}"} {
		if d.pong([]byte(p)) != nil {
			t.Errorf("a pong for %q", p)
		}
	}
}

var one = make([]unix.SockaddrInet4, 1)

func TestEachRoomsSocketsAreSpreadOverTheServersAndTheFeedPublishesToAll(t *testing.T) {
	o := options{rooms: 10, members: 20, conns: 200, pubs: 1, size: 128, feed: "127.0.0.1:9"}
	p, err := seat(o, []unix.SockaddrInet4{{Port: 1}, {Port: 2}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	in := map[string]int{}
	for _, c := range p.all {
		for _, room := range c.rooms {
			in[fmt.Sprint(room, " on ", c.server.Port)]++
		}
	}
	for r := range o.rooms {
		for port := 1; port <= 2; port++ {
			if n := in[fmt.Sprint("r", r, " on ", port)]; n != o.members/2 {
				t.Errorf("%d of room %d are on server %d", n, r, port)
			}
		}
		if s := p.main.senders[r]; !s.conn.feed || string(s.room) != fmt.Sprint("r", r) {
			t.Errorf("room %d is published to by %+v", r, s)
		}
	}
	if _, err := seat(o, make([]unix.SockaddrInet4, 3), 0); err == nil {
		t.Error("rooms of 20 are spread over 3 servers")
	}
	o.lobby = true
	if _, err := seat(o, one, 0); err == nil {
		t.Error("a feed publishes to a lobby")
	}
}

func TestSocketsSitEvenlyInTheRooms(t *testing.T) {
	for name, o := range map[string]options{
		"a room each":    {rooms: 10, members: 20, conns: 200},
		"several rooms":  {rooms: 40, members: 20, conns: 200},
		"and the lobby":  {rooms: 10, members: 20, conns: 200, lobby: true, otherRate: 1},
		"two publishers": {rooms: 10, members: 20, conns: 200},
	} {
		o.pubs, o.size = 1, 128
		if name == "two publishers" {
			o.pubs = 2
		}
		p, err := seat(o, one, 0)
		if err != nil {
			t.Fatal(err)
		}
		in := map[string]int{}
		for _, c := range p.all {
			for _, room := range c.rooms {
				in[room]++
			}
		}
		for r := range o.rooms {
			if n := in[fmt.Sprint("r", r)]; n != o.members {
				t.Errorf("%s: %d in room %d", name, n, r)
			}
		}
		if o.lobby && in["lobby"] != o.conns {
			t.Errorf("%s: %d in the lobby", name, in["lobby"])
		}
		for _, s := range p.main.senders {
			if !slices.Contains(s.conn.rooms, string(s.room)) {
				t.Errorf("%s: socket %d publishes to %s, where it is not", name, s.conn.id, s.room)
			}
		}
		if len(p.main.senders) != o.rooms*o.pubs {
			t.Errorf("%s: %d publishers", name, len(p.main.senders))
		}
	}
	if _, err := seat(options{rooms: 3, members: 10, conns: 20}, one, 0); err == nil {
		t.Error("30 seats are given to 20 sockets")
	}
}

func TestARateIsGoodOnlyIfEverythingCameInTime(t *testing.T) {
	carried := load.Row{Rate: 100, Delivered: 10_000, P99: 99}
	if !good(carried, 100, 100) {
		t.Error("what was carried is not good")
	}
	for name, spoil := range map[string]func(*load.Row){
		"late":     func(r *load.Row) { r.P99 = 101 },
		"lost":     func(r *load.Row) { r.Loss = .0001 },
		"closed":   func(r *load.Row) { r.Closed = 1 },
		"refused":  func(r *load.Row) { r.Refused = 1 },
		"too slow": func(r *load.Row) { r.Delivered = 9_600 },
	} {
		r := carried
		if spoil(&r); good(r, 100, 100) {
			t.Errorf("%s is good", name)
		}
	}
}

func TestOnlyThisMachineIsLoaded(t *testing.T) {
	for _, a := range []string{"10.0.0.1:80", "example.com:80", "127.0.0.1", "127.0.0.1:x"} {
		if _, err := address(a); err == nil {
			t.Errorf("%s is taken", a)
		}
	}
}
