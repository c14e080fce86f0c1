package hub

import (
	"encoding/binary"
	"flag"
	"math/rand/v2"
	"testing"
)

// TestFramesAreCountedHoweverTheyArrive cuts random frames at random places.
func TestFramesAreCountedHoweverTheyArrive(t *testing.T) {
	t.Parallel()
	seed := flag.Lookup("seed").Value.(flag.Getter).Get().(uint64)
	if seed == 0 {
		seed = rand.Uint64()
	}
	rnd := rand.New(rand.NewPCG(seed, 0))
	for range 300 {
		var stream []byte
		all, bare := rnd.IntN(60), 0
		for range all {
			first := []byte{0x81, 0x82, 0x80, 0xc1, 0x01, 0x00, 0x89, 0x8a, 0x88}[rnd.IntN(9)]
			if first&0x80 == 0 || first == 0x89 || first == 0x8a {
				bare++
			}
			size := []int{0, 1, 125, 126, 127, 1000, 65535, 65536, rnd.IntN(300)}[rnd.IntN(9)]
			masked := byte(rnd.IntN(2)) << 7
			switch {
			case size > 65535 || rnd.IntN(20) == 0: // the long forms may be longer than they need be
				stream = binary.BigEndian.AppendUint64(append(stream, first, masked|127), uint64(size))
			case size > 125 || rnd.IntN(20) == 0:
				stream = binary.BigEndian.AppendUint16(append(stream, first, masked|126), uint16(size))
			default:
				stream = append(stream, first, masked|byte(size))
			}
			if masked != 0 {
				stream = append(stream, 0x81, 0x01, 0xff, 0x89)
			}
			for range size {
				stream = append(stream, 0x89)
			}
		}
		var f inbound
		gotAll, gotBare := 0, 0
		for len(stream) > 0 {
			n := min(len(stream), 1+rnd.IntN(1<<rnd.IntN(14)))
			a, b := f.scan(stream[:n])
			gotAll, gotBare, stream = gotAll+a, gotBare+b, stream[n:]
		}
		if gotAll != all || gotBare != bare {
			t.Fatalf("counted %d, %d without a message; want %d, %d\nreplay with -seed=%d", gotAll, gotBare, all, bare, seed)
		}
	}
}

// BenchmarkScan measures what counting frames adds to a command.
func BenchmarkScan(b *testing.B) {
	frame := append([]byte{0x81, 0xfe, 0, 200, 1, 2, 3, 4}, make([]byte, 200)...)
	var f inbound
	b.ReportAllocs()
	for b.Loop() {
		f.scan(frame)
	}
}

// BenchmarkAllow measures the path of every command, including the count of its frame.
func BenchmarkAllow(b *testing.B) {
	h := New(Options{Limits: Limits{CommandsPerSecond: 1e9, CommandsBurst: 1e9, BytesPerSecond: 1e9, BytesBurst: 1e9, TenantCommandsPerSecond: 1e9, TenantBytesPerSecond: 1e9}})
	s, _ := h.reserve(Identity{Player: "alice", Role: RolePlayer}, entryFirst)
	c := h.newConn(Identity{Player: "alice", Role: RolePlayer}, s)
	c.received = 0
	b.ReportAllocs()
	for b.Loop() {
		if c.Allow(1) != nil {
			b.Fatal("refused")
		}
	}
}
