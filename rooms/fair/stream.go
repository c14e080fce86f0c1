package fair

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"strconv"

	"github.com/pitboss-hub/pitboss/rooms/game"
)

// Stream is an endless sequence of 32-bit words that only the holder of the seed can know in advance. It is
// used by one goroutine.
type Stream struct {
	mac   hash.Hash
	label string
	block uint64            // the next block's number
	words [sha256.Size]byte // the block at hand
	used  int               // bytes of words that were taken
}

// NewStream returns the stream that belongs to seed and label. Streams of different labels are independent
// of each other; a label names the game and the round.
//
// The words are those of HMAC-SHA256(key = the seed's 32 bytes, message = label, a colon, the block's
// number in decimal) for block 0, 1, …: eight big-endian words a block.
func NewStream(seed game.Seed, label string) *Stream {
	return &Stream{mac: hmac.New(sha256.New, seed[:]), label: label, used: sha256.Size}
}

// Uint32 returns the next word.
func (s *Stream) Uint32() uint32 {
	if s.used == len(s.words) {
		message := append(make([]byte, 0, 64), s.label...)
		message = append(message, ':')
		message = strconv.AppendUint(message, s.block, 10)
		s.mac.Reset()
		s.mac.Write(message)
		s.mac.Sum(s.words[:0])
		s.block, s.used = s.block+1, 0
	}
	word := binary.BigEndian.Uint32(s.words[s.used:])
	s.used += 4
	return word
}

// Intn returns a value in [0, n), each being equally likely, from as many words as that needs. It panics if
// n is 0.
func (s *Stream) Intn(n uint32) uint32 {
	if n == 0 {
		panic("fair: Intn of no values")
	}
	for {
		if v, ok := reduce(uint64(s.Uint32()), 1<<32, uint64(n)); ok {
			return uint32(v)
		}
	}
}

// reduce maps a word in [0, span) to a value in [0, n), n ≤ span. It rejects the words from the largest
// multiple of n that fits into span: what is left gives every value span/n words.
func reduce(word, span, n uint64) (value uint64, ok bool) {
	return word % n, word < span-span%n
}
