package redisbus

import (
	"encoding/binary"
	"errors"

	"github.com/pitboss-hub/pitboss/hub"
)

var errPayload = errors.New("redisbus: a payload that no node should have sent")

// encode encodes class, epoch, seq, top, seat, key, frame and the private forms, after room for the
// head and with capacity for the tag.
func encode(m *hub.Message) []byte {
	size := headSize + macSize + 64 + len(m.Key) + len(m.Frame)
	for i := range m.Private {
		size += 8 + len(m.Private[i].Player) + len(m.Private[i].Frame)
	}
	b := append(make([]byte, headSize, size), byte(m.Class))
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

// decode decodes what encode encoded, which is all but the topic. The frames are parts of body.
func decode(body []byte) (hub.Message, error) {
	var m hub.Message
	if len(body) == 0 {
		return m, errPayload
	}
	r := reader{body[1:], false}
	m.Class = hub.Class(body[0])
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

// reader reads numbers and byte strings; bad says that one could not be read.
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
