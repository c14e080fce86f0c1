package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// dialect is all that the client knows of a server's protocol. Messages are counted by
// the mark in their payload, wherever they stand in a frame, so several messages in one
// frame need no code.
type dialect interface {
	// request is the target of the upgrade, and further header lines, each ending in \r\n.
	request(c *conn) (target, headers string)
	// open appends what is sent right after the upgrade.
	open(b []byte, c *conn) []byte
	// frame is given each frame that carries no message. The error ends a socket that has
	// not joined yet, and counts as a refusal of one that has.
	frame(c *conn, p []byte) (send []byte, joined bool, err error)
	// pong is the answer to a ping of the protocol's own that stands in p, or nil.
	pong(p []byte) []byte
	// publish appends the frame by which c tells a room something.
	publish(b []byte, room, payload []byte) []byte
	// ping appends a request whose answer has payload in it.
	ping(b []byte, payload []byte) []byte
	// keepalive is what a client must send now and then, or nil.
	keepalive() []byte
}

func dialectNamed(name string) (dialect, error) {
	switch name {
	case "raw":
		return raw{}, nil
	case "centrifuge":
		return &centrifuge{}, nil
	case "pitboss":
		return &pitboss{alive: appendFrame(nil, opText, []byte(`{"jsonrpc":"2.0","method":"ping"}`))}, nil
	}
	return nil, fmt.Errorf("there is no dialect %q: raw, centrifuge, pitboss", name)
}

// token returns a JWT with the claims that Pitboss requires; every server verifies the same.
func token(secret, slug, player string, now time.Time) string {
	enc := base64.RawURLEncoding
	signed := enc.EncodeToString([]byte(`{"alg":"HS256","kid":"bench","typ":"JWT"}`)) + "." + enc.EncodeToString(fmt.Appendf(nil,
		`{"iss":"bench","sub":%q,"aud":"pitboss/%s","tid":%q,"role":"player","jti":%q,"iat":%d,"nbf":%d,"exp":%d}`,
		player, slug, slug, player, now.Unix(), now.Unix(), now.Unix()+86400))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signed))
	return signed + "." + enc.EncodeToString(mac.Sum(nil))
}

// raw is the protocol of peers/plain: the room and the token are in the URL, a frame goes
// to the room as it is, and one that begins with ? comes back without it.
type raw struct{}

func (raw) request(c *conn) (string, string) {
	return "/ws?room=" + c.rooms[0] + "&token=" + c.token, ""
}
func (raw) open(b []byte, _ *conn) []byte { return b }
func (raw) frame(_ *conn, p []byte) ([]byte, bool, error) {
	return nil, bytes.HasPrefix(p, []byte(`{"joined"`)), nil
}
func (raw) pong([]byte) []byte                         { return nil }
func (raw) publish(b []byte, _, payload []byte) []byte { return appendFrame(b, opText, payload) }
func (raw) ping(b []byte, payload []byte) []byte {
	return appendFrame(b, opText, []byte("?"), payload)
}
func (raw) keepalive() []byte { return nil }

// centrifuge is the JSON protocol of centrifuge: objects in lines, {} is a ping.
type centrifuge struct{ id int64 }

func (d *centrifuge) request(*conn) (string, string) { return "/connection/websocket", "" }

func (d *centrifuge) open(b []byte, c *conn) []byte {
	b = appendFrame(b, opText, fmt.Appendf(nil, `{"id":1,"connect":{"token":%q}}`, c.token))
	for i, room := range c.rooms {
		b = appendFrame(b, opText, fmt.Appendf(nil, `{"id":%d,"subscribe":{"channel":%q}}`, i+2, room))
	}
	return b
}

func (d *centrifuge) frame(c *conn, p []byte) (send []byte, joined bool, err error) {
	last := fmt.Appendf(nil, `{"id":%d,"subscribe"`, len(c.rooms)+1)
	for line := range bytes.SplitSeq(p, []byte("\n")) {
		switch {
		case bytes.Contains(line, []byte(`"error"`)), bytes.Contains(line, []byte(`"disconnect"`)):
			return nil, joined, fmt.Errorf("centrifuge: %s", line)
		case bytes.HasPrefix(line, last):
			joined = true
		}
	}
	return d.pong(p), joined, nil
}

func (d *centrifuge) pong(p []byte) []byte {
	if bytes.Equal(p, []byte("{}")) || bytes.HasPrefix(p, []byte("{}\n")) || bytes.HasSuffix(p, []byte("\n{}")) || bytes.Contains(p, []byte("\n{}\n")) {
		return appendFrame(nil, opText, []byte("{}"))
	}
	return nil
}

func (d *centrifuge) publish(b []byte, room, payload []byte) []byte {
	d.id++
	return appendFrame(b, opText, []byte(`{"id":`), strconv.AppendInt(nil, d.id+1000, 10), []byte(`,"publish":{"channel":"`), room, []byte(`","data":`), payload, []byte("}}"))
}

func (d *centrifuge) ping(b []byte, payload []byte) []byte {
	d.id++
	return appendFrame(b, opText, []byte(`{"id":`), strconv.AppendInt(nil, d.id+1000, 10), []byte(`,"rpc":{"method":"ping","data":`), payload, []byte("}}"))
}

func (d *centrifuge) keepalive() []byte { return nil }

// pitboss is pitboss.v1: JSON-RPC 2.0.
type pitboss struct {
	id    int64
	alive []byte
}

func (d *pitboss) request(c *conn) (string, string) {
	return "/ws", "Sec-WebSocket-Protocol: pitboss.v1, bearer." + c.token + "\r\n"
}

func (d *pitboss) open(b []byte, c *conn) []byte {
	for i, room := range c.rooms {
		b = appendFrame(b, opText, fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%d,"method":"room.join","params":{"room":%q}}`, i+1, room))
	}
	return b
}

func (d *pitboss) frame(c *conn, p []byte) (send []byte, joined bool, err error) {
	rest, reply := bytes.CutPrefix(p, []byte(`{"jsonrpc":"2.0","id":`))
	if !reply {
		if bytes.Contains(p, []byte(`"session.closing"`)) {
			return nil, false, fmt.Errorf("pitboss: %s", p)
		}
		return nil, false, nil
	}
	id, result, _ := bytes.Cut(rest, []byte(","))
	if bytes.HasPrefix(result, []byte(`"error"`)) {
		return nil, false, fmt.Errorf("pitboss: %s", p)
	}
	return nil, c.state == joining && string(id) == strconv.Itoa(len(c.rooms)), nil
}

func (d *pitboss) pong([]byte) []byte { return nil }

func (d *pitboss) publish(b []byte, room, payload []byte) []byte {
	d.id++
	n := strconv.AppendInt(nil, d.id+1000, 10)
	return appendFrame(b, opText, []byte(`{"jsonrpc":"2.0","id":`), n, []byte(`,"method":"room.command","params":{"room":"`), room,
		[]byte(`","command_id":"00000000-0000-4000-8000-`), []byte(strings.Repeat("0", 12-len(n))), n, []byte(`","command":`), payload, []byte("}}"))
}

func (d *pitboss) ping(b []byte, payload []byte) []byte {
	d.id++
	return appendFrame(b, opText, []byte(`{"jsonrpc":"2.0","id":`), strconv.AppendInt(nil, d.id+1000, 10), []byte(`,"method":"ping","params":{"t":`), payload, []byte("}}"))
}

func (d *pitboss) keepalive() []byte { return d.alive }

const (
	opText  = 1
	opClose = 8
	opPing  = 9
	opPong  = 10
)

// appendFrame appends one masked client frame that is made of parts.
func appendFrame(b []byte, op byte, parts ...[]byte) []byte {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	const masked = 0x80
	b = append(b, 0x80|op)
	switch {
	case n < 126:
		b = append(b, masked|byte(n))
	case n < 1<<16:
		b = append(b, masked|126, byte(n>>8), byte(n))
	default:
		b = append(b, masked|127, 0, 0, 0, 0, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	mask := [4]byte{0x12, 0x34, 0x56, 0x78}
	b = append(b, mask[:]...)
	i := 0
	for _, p := range parts {
		for _, c := range p {
			b = append(b, c^mask[i&3])
			i++
		}
	}
	return b
}
