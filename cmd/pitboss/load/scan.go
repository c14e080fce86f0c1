package load

import (
	"bytes"
	"strconv"
	"time"

	"github.com/pitboss-hub/pitboss/hub/wire"
)

// The messages that come by the hundred thousand are not parsed but scanned, in the order
// in which the server writes their members. What is written otherwise is left to
// encoding/json: ok is false.

// event is a room.event. Its slices are the frame's.
type event struct {
	room, typ, data []byte
	epoch, seq      int64
	at              time.Duration // the server's time of day, UTC, in milliseconds
}

const (
	eventHead    = `{"jsonrpc":"2.0","method":"room.event","params":{"room":"`
	balanceHead  = `{"jsonrpc":"2.0","method":"wallet.balance","params":{"balance":`
	replyHead    = `{"jsonrpc":"2.0","id":`
	acceptedHead = `,"result":{"accepted":true,"epoch":`
)

// dull lists the pushes that a bettor ignores.
var dull = [][]byte{
	[]byte(`{"jsonrpc":"2.0","method":"lobby.`),
	[]byte(`{"jsonrpc":"2.0","method":"room.beat",`),
	[]byte(`{"jsonrpc":"2.0","method":"room.totals",`), // betting.closed has the last ones
	[]byte(`{"jsonrpc":"2.0","method":"room.resync",`), // the lobby's
	[]byte(`{"jsonrpc":"2.0","method":"session.heartbeat",`),
	[]byte(`{"jsonrpc":"2.0","method":"promotion.`),
	[]byte(`{"jsonrpc":"2.0","method":"chat.`),
}

func isDull(frame []byte) bool {
	for _, head := range dull {
		if bytes.HasPrefix(frame, head) {
			return true
		}
	}
	return false
}

func scanEvent(frame []byte) (e event, ok bool) {
	c := NewCursor(frame)
	c.Skip(eventHead)
	e.room = c.Text()
	c.Skip(`,"epoch":`)
	e.epoch = c.Number()
	c.Skip(`,"seq":`)
	e.seq = c.Number()
	c.Skip(`,"at":"`)
	at := c.Text()
	c.Skip(`,"type":"`)
	e.typ = c.Text()
	c.Skip(`,"data":`)
	if !c.ok || !bytes.HasSuffix(c.left, []byte("}}")) {
		return event{}, false
	}
	e.data = c.left[:len(c.left)-2]
	e.at, ok = timeOfDay(at)
	return e, ok
}

// timeOfDay reads the time in "2006-01-02T15:04:05.000Z".
func timeOfDay(text []byte) (time.Duration, bool) {
	if len(text) != len("2006-01-02T15:04:05.000Z") || text[10] != 'T' || text[23] != 'Z' {
		return 0, false
	}
	two := func(i int) int { return int(text[i]-'0')*10 + int(text[i+1]-'0') }
	ms := ((two(11)*60+two(14))*60+two(17))*1000 + int(text[20]-'0')*100 + two(21)
	return time.Duration(ms) * time.Millisecond, true
}

// since returns how long now is after the event's server time. The clocks may differ by less than
// half a day.
func (e *event) since(now time.Time) time.Duration {
	const day = 24 * time.Hour
	d := time.Duration(now.UnixNano())%day - e.at
	switch {
	case d < -day/2:
		d += day
	case d > day/2:
		d -= day
	}
	return d
}

// scanAccepted reads the answer to an accepted bet.
func scanAccepted(frame []byte) (id, seq int64, ok bool) {
	c := NewCursor(frame)
	c.Skip(replyHead)
	id = c.Number()
	c.Skip(acceptedHead)
	c.Number()
	c.Skip(`,"seq":`)
	seq = c.Number()
	c.Skip(`,"balance":`)
	c.Number()
	c.Skip(`}}`)
	return id, seq, c.Done()
}

func scanBalance(frame []byte) (b wire.Balance, ok bool) {
	c := NewCursor(frame)
	c.Skip(balanceHead)
	b.Balance = c.Number()
	c.Skip(`,"currency":"`)
	c.Text()
	c.Skip(`,"version":`)
	b.Version = c.Number()
	c.Skip(`}}`)
	return b, c.Done()
}

// Cursor goes through a text in the order in which it is expected to be written. After the first
// surprise it stays where it is.
type Cursor struct {
	left []byte
	ok   bool
}

// NewCursor returns a cursor at the beginning of the text, which it shares.
func NewCursor(text []byte) Cursor { return Cursor{text, true} }

// Done reports whether the whole text was passed without a surprise.
func (c *Cursor) Done() bool { return c.ok && len(c.left) == 0 }

// Skip passes text.
func (c *Cursor) Skip(text string) {
	if c.ok = c.ok && len(c.left) >= len(text) && string(c.left[:len(text)]) == text; c.ok {
		c.left = c.left[len(text):]
	}
}

// Text returns a string without escapes, whose opening quote was passed, and passes the
// closing one.
func (c *Cursor) Text() []byte {
	end := bytes.IndexByte(c.left, '"')
	if c.ok = c.ok && end >= 0; !c.ok {
		return nil
	}
	text := c.left[:end]
	c.left = c.left[end+1:]
	c.ok = bytes.IndexByte(text, '\\') < 0
	return text
}

// Number returns a whole number of at most 18 digits, and passes it.
func (c *Cursor) Number() (n int64) {
	i, negative := 0, len(c.left) > 0 && c.left[0] == '-'
	if negative {
		i++
	}
	first := i
	for ; i < len(c.left) && c.left[i]-'0' < 10; i++ {
		n = n*10 + int64(c.left[i]-'0')
	}
	if c.ok = c.ok && i > first && i-first <= 18; !c.ok {
		return 0
	}
	c.left = c.left[i:]
	if negative {
		return -n
	}
	return n
}

// appendBet appends a room.command that places a bet. The command's id follows from the run, the
// player and the request's id, so that it need not be kept to be sent again.
func appendBet(dst []byte, g *Game, room string, command commandID, id int64, b Bet) []byte {
	dst = append(dst, `{"jsonrpc":"2.0","id":`...)
	dst = strconv.AppendInt(dst, id, 10)
	dst = append(dst, `,"method":"room.command","params":{"room":"`...)
	dst = append(dst, room...)
	dst = append(dst, `","command_id":"`...)
	dst = command.append(dst, id)
	dst = append(dst, `","command":`...)
	dst = g.AppendCommand(dst, b)
	return append(dst, `}}`...)
}

// commandID is what the command ids of one player in one run have in common: a UUID
// (RFC 9562, version 8) whose last 8 bytes are the player's and the request's number.
type commandID struct {
	run    [8]byte
	player uint32
}

func (c commandID) append(dst []byte, id int64) []byte {
	u := [16]byte{8: 0x80 | byte(c.player>>16)&0x3f, 9: byte(c.player >> 8), 10: byte(c.player), 11: byte(id >> 32), 12: byte(id >> 24), 13: byte(id >> 16), 14: byte(id >> 8), 15: byte(id)}
	copy(u[:], c.run[:])
	u[6] = 0x80 | u[6]&0x0f
	const digits = "0123456789abcdef"
	for i, b := range u {
		switch i {
		case 4, 6, 8, 10:
			dst = append(dst, '-')
		}
		dst = append(dst, digits[b>>4], digits[b&0xf])
	}
	return dst
}
