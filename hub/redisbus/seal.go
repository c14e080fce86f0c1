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

// version is the first byte of every payload. A node drops payloads of versions that it does not know.
const version = 3

const (
	// senderSize is the length of a process's id, a UUID.
	senderSize = 16
	// headSize is the length of version, sender, number and time.
	headSize = 1 + senderSize + 8 + 8
	// macSize is the length of the tag at the end, and nonceSize of the nonce (NIST SP 800-38D §5.2.1).
	macSize, nonceSize = 16, 12
	// keySize is the length of a process's own key, for AES-128.
	keySize = 16
	// probePartition is the partition in the numbers of probes, which have channels of their own.
	probePartition = partitions
	// skewMax is how far the time of a message may be from the database's clock: an older message may
	// be a replay.
	skewMax = 30 * time.Second
)

// Why a payload is dropped, in pitboss_redis_refused_total.
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

// scratch holds the inputs of one tag.
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

// keyOf derives a sender's key from the shared one (HKDF, RFC 5869). Since no two processes have the
// same key, a nonce is never reused as long as a process does not reuse a number.
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

// numbered combines a partition and its number n, so that numbers are unique within a process.
func numbered(partition int, n uint64) uint64 { return uint64(partition)<<56 | n }

// fill sets the inputs of a tag: the nonce is made of number and time, the text of payload, without its
// tag, and channel.
func (x *scratch) fill(channel string, payload []byte) {
	copy(x.nonce[:8], payload[1+senderSize:])
	copy(x.nonce[8:], payload[headSize-4:]) // the milliseconds that change
	x.text = append(append(x.text[:0], payload...), channel...)
}

// seal completes a payload, which begins with headSize bytes for the head. A number must not be reused.
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

// verify reports whether tag is the tag of payload.
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

// opened is a payload whose tag was verified.
type opened struct {
	sender [senderSize]byte
	number uint64
	body   []byte
}

// open verifies a payload that seal completed. refused says why it must be dropped, if it must.
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
	if d := s.clock().Sub(at); d > skewMax || d < -skewMax {
		return o, refusedTime
	}
	o.body = payload[headSize:end]
	return o, ""
}

// senderOf returns the sender that a payload names, which is not verified.
func senderOf(payload string) (sender [senderSize]byte) {
	if len(payload) > senderSize {
		copy(sender[:], payload[1:])
	}
	return sender
}
