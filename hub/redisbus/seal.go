package redisbus

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"sync"
	"time"
)

// version begins every payload. A node drops what another release sends in a form that it does not
// know.
const version = 2

const (
	// senderSize is the length of a process's mark, a UUID.
	senderSize = 16
	// headSize is version, sender, number and time.
	headSize = 1 + senderSize + 8 + 8
	// macSize is the length of the tag at the end: 128 bits of HMAC-SHA-256 (RFC 2104 §5).
	macSize = 16
	// skewMost is how far from the database's clock the time of a message may be: what is older may
	// have been kept by somebody and sent again.
	skewMost = 30 * time.Second
)

// Why a payload is dropped, as pitboss_redis_refused_total says it.
const (
	refusedVersion    = "version"    // another release's
	refusedUnreadable = "unreadable" // no node's
	refusedForged     = "forged"     // without the key, or for another channel
	refusedTime       = "time"       // too old, or a clock is wrong
	refusedReplayed   = "replayed"   // it was received before
	refusedStranger   = "stranger"   // by a process that the database does not know
	refusedForeign    = "foreign"    // while this node has left the bus
)

// seals signs and verifies payloads. They are version, sender, number, time, body and tag.
type seals struct {
	sender [senderSize]byte
	clock  func() time.Time // the database's
	macs   sync.Pool        // of *mac
}

// mac is a keyed hash with room for what it needs.
type mac struct {
	hash.Hash
	name []byte
	sum  [sha256.Size]byte
}

func newSeals(key []byte, sender [senderSize]byte, clock func() time.Time) *seals {
	return &seals{sender: sender, clock: clock, macs: sync.Pool{New: func() any { return &mac{Hash: hmac.New(sha256.New, key)} }}}
}

// tag returns the tag of a payload without its own. It is part of m.
func (m *mac) tag(channel string, payload []byte) []byte {
	m.Reset()
	m.name = append(binary.AppendUvarint(m.name[:0], uint64(len(channel))), channel...)
	m.Write(m.name)
	m.Write(payload)
	return m.Sum(m.sum[:0])[:macSize]
}

// seal completes a payload, which begins with headSize bytes for the head.
func (s *seals) seal(channel string, number uint64, payload []byte) []byte {
	payload[0] = version
	copy(payload[1:], s.sender[:])
	binary.BigEndian.PutUint64(payload[1+senderSize:], number)
	binary.BigEndian.PutUint64(payload[1+senderSize+8:], uint64(s.clock().UnixMilli()))
	m := s.macs.Get().(*mac)
	payload = append(payload, m.tag(channel, payload)...)
	s.macs.Put(m)
	return payload
}

// opened is a payload that somebody made who has the key.
type opened struct {
	sender [senderSize]byte
	number uint64
	body   []byte
}

// open is the other side of seal. It returns why the payload is to be dropped, if it is.
func (s *seals) open(channel string, payload []byte) (o opened, refused string) {
	switch {
	case len(payload) < headSize+macSize:
		return o, refusedUnreadable
	case payload[0] != version:
		return o, refusedVersion
	}
	end := len(payload) - macSize
	m := s.macs.Get().(*mac)
	genuine := hmac.Equal(m.tag(channel, payload[:end]), payload[end:])
	s.macs.Put(m)
	if !genuine {
		return o, refusedForged
	}
	copy(o.sender[:], payload[1:])
	o.number = binary.BigEndian.Uint64(payload[1+senderSize:])
	at := time.UnixMilli(int64(binary.BigEndian.Uint64(payload[1+senderSize+8:])))
	if d := s.clock().Sub(at); d > skewMost || d < -skewMost {
		return o, refusedTime
	}
	o.body = payload[headSize:end]
	return o, ""
}

// senderOf is who says to have sent a payload.
func senderOf(payload string) (sender [senderSize]byte) {
	if len(payload) > senderSize {
		copy(sender[:], payload[1:])
	}
	return sender
}
