package redisbus

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
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
	// macSize is the length of the tag at the end, and nonceSize of what makes it that of one message
	// only (NIST SP 800-38D §5.2.1).
	macSize, nonceSize = 16, 12
	// keySize is the length of a process's own key, for AES-128.
	keySize = 16
	// probing is the partition in the numbers of probes, which go by no partition's channels.
	probing = partitions
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

// seals signs and verifies payloads. They are version, sender, number, time, body and tag. A tag is
// GMAC (NIST SP 800-38D) under a key of the sender's own, over the payload and its channel.
type seals struct {
	key    []byte
	sender [senderSize]byte
	own    cipher.AEAD
	clock  func() time.Time // the database's
	spare  sync.Pool        // of *scratch

	mu     sync.RWMutex                     // guards what follows
	others map[[senderSize]byte]cipher.AEAD // of senders that were verified, sendersMax at most
}

// scratch has room for what one tag is made of.
type scratch struct {
	nonce [nonceSize]byte
	text  []byte
}

func newSeals(key []byte, sender [senderSize]byte, clock func() time.Time) *seals {
	return &seals{
		key: key, sender: sender, own: keyOf(key, sender), clock: clock,
		spare: sync.Pool{New: func() any { return new(scratch) }}, others: map[[senderSize]byte]cipher.AEAD{},
	}
}

// keyOf derives a sender's key from that of all (HKDF, RFC 5869). Since no two processes have the same
// one, a process never uses a nonce twice if it never uses a number twice.
func keyOf(key []byte, sender [senderSize]byte) cipher.AEAD {
	own, err := hkdf.Key(sha256.New, key, nil, "pitboss bus "+string(sender[:]), keySize)
	if err != nil {
		panic(err) // of a length that no hash gives
	}
	block, err := aes.NewCipher(own)
	if err != nil {
		panic(err) // of another key size
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // of another block size
	}
	return gcm
}

// numbered puts a partition into a number of that partition's, so that they differ in all of a process.
func numbered(partition int, n uint64) uint64 { return uint64(partition)<<56 | n }

// fill takes up what the tag of a payload without its own is made of: number and time are the nonce,
// payload and channel the text.
func (x *scratch) fill(channel string, payload []byte) {
	copy(x.nonce[:8], payload[1+senderSize:])
	copy(x.nonce[8:], payload[headSize-4:]) // the milliseconds that change
	x.text = append(append(x.text[:0], payload...), channel...)
}

// seal completes a payload, which begins with headSize bytes for the head. No number comes twice.
func (s *seals) seal(channel string, number uint64, payload []byte) []byte {
	payload[0] = version
	copy(payload[1:], s.sender[:])
	binary.BigEndian.PutUint64(payload[1+senderSize:], number)
	binary.BigEndian.PutUint64(payload[1+senderSize+8:], uint64(s.clock().UnixMilli()))
	x := s.spare.Get().(*scratch)
	x.fill(channel, payload)
	payload = s.own.Seal(payload, x.nonce[:], nil, x.text)
	s.spare.Put(x)
	return payload
}

// verify reports whether a tag is a payload's.
func (s *seals) verify(channel string, payload, tag []byte) bool {
	sender := [senderSize]byte(payload[1:])
	key, remembered := s.own, true
	if sender != s.sender {
		s.mu.RLock()
		key, remembered = s.others[sender]
		s.mu.RUnlock()
	}
	if !remembered {
		key = keyOf(s.key, sender)
	}
	x := s.spare.Get().(*scratch)
	x.fill(channel, payload)
	_, err := key.Open(nil, x.nonce[:], tag, x.text)
	s.spare.Put(x)
	if err == nil && !remembered {
		s.mu.Lock()
		if len(s.others) >= sendersMax {
			clear(s.others)
		}
		s.others[sender] = key
		s.mu.Unlock()
	}
	return err == nil
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
	if !s.verify(channel, payload[:end], payload[end:]) {
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
