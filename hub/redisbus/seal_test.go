package redisbus

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/hub"
)

// TestAWindowTakesEachNumberOnceWhateverOvertakes holds the window against a set of all numbers.
func TestAWindowTakesEachNumberOnceWhateverOvertakes(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 0))
	var w window
	seen, top := map[uint64]bool{}, uint64(0)
	for range 200_000 {
		n := top + rnd.Uint64N(3)
		switch rnd.IntN(10) {
		case 0:
			n = top - min(top, rnd.Uint64N(2*windowSize))
		case 1:
			n = top + rnd.Uint64N(2*windowSize)
		case 2, 3, 4:
			n = top - min(top, rnd.Uint64N(20))
		}
		want := !seen[n] && n+windowSize > top
		if got := w.add(n); got != want {
			t.Fatalf("seed %d: number %d after %d: taken %t", seed, n, top, got)
		}
		seen[n], top = true, max(top, n)
	}
}

func TestProcessesAreForgottenWhenAllThatTheySentIsTooOldAndAreBounded(t *testing.T) {
	t.Parallel()
	s := newSenders(false)
	o := func(i int) opened { return opened{sender: [senderSize]byte{1, byte(i), byte(i >> 8)}, number: 1} }
	for i := range sendersMax {
		if _, refused := s.record(o(i), 0, time.Second); refused != "" {
			t.Fatal(refused)
		}
	}
	if _, refused := s.record(o(sendersMax), 0, time.Second); refused != refusedStranger {
		t.Errorf("one more than %d: %q", sendersMax, refused)
	}
	s.learn(nil, time.Second+forgetAfter)
	if _, refused := s.record(o(sendersMax), 0, time.Second+forgetAfter); refused == "" {
		t.Error("they were forgotten too soon")
	}
	s.learn(nil, time.Second+forgetAfter+1)
	if _, refused := s.record(o(sendersMax), 0, 2*forgetAfter); refused != "" || len(s.all) != 1 {
		t.Errorf("%q, %d are remembered", refused, len(s.all))
	}
}

// BenchmarkSeal measures what a message of the size that BenchmarkPublish has costs to be signed and
// verified, and to be encoded and decoded without that.
func BenchmarkSeal(b *testing.B) {
	m := hub.Message{Class: hub.ClassState, Epoch: 1<<32 + 1, Seq: 12345, Frame: make([]byte, 300)}
	s := newSeals(make([]byte, keyBytesMin), [senderSize]byte{1}, time.Now)
	all := newSenders(false)
	b.Run("signed and verified", func(b *testing.B) {
		b.ReportAllocs()
		for n := uint64(1); b.Loop(); n++ {
			payload := s.seal("channel", n, encode(&m))
			o, refused := s.open("channel", payload)
			if _, no := all.record(o, 0, 1); refused+no != "" {
				b.Fatal(refused, no)
			}
			if _, err := decode(o.body); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("neither", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := decode(encode(&m)[headSize:]); err != nil {
				b.Fatal(err)
			}
		}
	})
}
