package redisbus

import (
	"encoding/binary"
	"errors"

	"github.com/pitboss-hub/pitboss/hub"
)

// version begins every payload. A node drops what a newer one sends in a form that it does not
// know.
const version = 1

var errPayload = errors.New("redisbus: a payload that no node should have sent")

// originSize is the length of a node's mark, by which it knows its own messages.
const originSize = 8

// encode is version, origin, class, epoch, seq, top and seat, key, frame, and the private forms.
func encode(origin [originSize]byte, m *hub.Message) []byte {
	size := 64 + len(m.Key) + len(m.Frame)
	for i := range m.Private {
		size += 8 + len(m.Private[i].Player) + len(m.Private[i].Frame)
	}
	b := append(make([]byte, 0, size), version)
	b = append(b, origin[:]...)
	b = append(b, byte(m.Class))
	b = binary.AppendVarint(b, m.Epoch)
	b = binary.AppendVarint(b, m.Seq)
	b = binary.AppendVarint(b, m.Top)
	b = binary.AppendVarint(b, m.Seat)
	b = append(binary.AppendUvarint(b, uint64(len(m.Key))), m.Key...)
	b = append(binary.AppendUvarint(b, uint64(len(m.Frame))), m.Frame...)
	b = binary.AppendUvarint(b, uint64(len(m.Private)))
	for i := range m.Private {
		p := &m.Private[i]
		b = append(binary.AppendUvarint(b, uint64(len(p.Player))), p.Player...)
		b = append(binary.AppendUvarint(b, uint64(len(p.Frame))), p.Frame...)
	}
	return b
}

// originOf is who sent a payload.
func originOf(payload string) (origin [originSize]byte, ok bool) {
	if len(payload) < 1+originSize || payload[0] != version {
		return origin, false
	}
	copy(origin[:], payload[1:])
	return origin, true
}

// decode is the other side of encode, but for the topic. The frames are parts of payload.
func decode(payload []byte) (hub.Message, error) {
	var m hub.Message
	if len(payload) < 1+originSize+1 || payload[0] != version {
		return m, errPayload
	}
	r := reader{payload[1+originSize+1:], false}
	m.Class = hub.Class(payload[1+originSize])
	m.Epoch, m.Seq, m.Top, m.Seat = r.number(), r.number(), r.number(), r.number()
	m.Key, m.Frame = string(r.bytes()), r.bytes()
	n := r.length()
	if n > uint64(len(r.rest)) { // each takes two bytes at least
		return m, errPayload
	}
	for range n {
		m.Private = append(m.Private, hub.Private{Player: string(r.bytes()), Frame: r.bytes()})
	}
	if r.bad || len(r.rest) > 0 || m.Class > hub.ClassPromotion {
		return m, errPayload
	}
	return m, nil
}

// reader reads numbers and texts; bad says that there was none.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) number() int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 {
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) length() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) bytes() []byte {
	n := r.length()
	if n > uint64(len(r.rest)) {
		r.bad, r.rest = true, nil
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}
