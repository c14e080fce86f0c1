package fair

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitboss-hub/pitboss/rooms/game"
)

var seedFlag = flag.Int64("seed", 0, "the seed of the statistical smoke test")

type vector struct {
	Seed       game.Seed
	Commitment game.Commitment
	Round      int64
	Label      string
	Words      []uint32 // of blocks 0 and 1
	Rejected   int      // how many words are too high to be taken modulo 37
	Pocket     uint32
}

func vectors(t *testing.T) (list []vector) {
	t.Helper()
	raw, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	if len(list) < 20 {
		t.Fatalf("only %d vectors", len(list))
	}
	return list
}

func TestStreamGivesTheWordsOfTheVectors(t *testing.T) {
	t.Parallel()
	rejected := 0
	for _, v := range vectors(t) {
		if v.Seed.Commit() != v.Commitment {
			t.Errorf("round %d: another commitment", v.Round)
		}
		if want := fmt.Sprintf("pitboss.roulette.v1:%d", v.Round); v.Label != want {
			t.Errorf("the label %q is not %q", v.Label, want)
		}
		s, got := NewStream(v.Seed, v.Label), []uint32{}
		for range v.Words {
			got = append(got, s.Uint32())
		}
		if diff := cmp.Diff(v.Words, got); diff != "" {
			t.Errorf("%s: %s", v.Label, diff)
		}
		s = NewStream(v.Seed, v.Label)
		if pocket := s.Intn(37); pocket != v.Pocket {
			t.Errorf("%s: pocket %d, not %d", v.Label, pocket, v.Pocket)
		}
		if next := s.Uint32(); next != v.Words[v.Rejected+1] {
			t.Errorf("%s: Intn took another number of words than %d", v.Label, v.Rejected+1)
		}
		rejected += v.Rejected
	}
	if rejected == 0 {
		t.Error("no vector has a word that must be rejected")
	}
}

// A word below the limit is never refused, one at the limit always is. The limit for 37
// stands in docs/games/roulette.md, and its own vectors have the words 4294967291 and 4294967293.
func TestLimitFor37IsTheLargestMultipleThatFits(t *testing.T) {
	t.Parallel()
	const limit = 4294967289
	if limit%37 != 0 || limit+37 <= 1<<32 {
		t.Fatal("it is not")
	}
	if v, ok := reduce(limit-1, 1<<32, 37); !ok || v != 36 {
		t.Errorf("the last word gives %d, %t", v, ok)
	}
	for w := uint64(limit); w < 1<<32; w++ {
		if _, ok := reduce(w, 1<<32, 37); ok {
			t.Errorf("the word %d is taken", w)
		}
	}
	page, err := os.ReadFile("../../docs/games/roulette.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), "the first word below 4294967289 ") {
		t.Error("docs/games/roulette.md has another limit")
	}
}

// Over all words of a generator of up to 16 bits, each value comes equally often, for
// every n. reduce is the same for 32 bits but for the span, so this is its proof there:
// the words that are taken are 0 … k·n − 1, k of each remainder.
func TestEveryValueHasEquallyManyWords(t *testing.T) {
	t.Parallel()
	check := func(span, n uint64) {
		count := make([]uint64, n)
		for w := range span {
			if v, ok := reduce(w, span, n); ok {
				count[v]++
			}
		}
		for v, c := range count {
			if c != span/n {
				t.Fatalf("span %d, n %d: value %d has %d words, not %d", span, n, v, c, span/n)
			}
		}
	}
	for n := uint64(1); n <= 256; n++ {
		check(256, n)
	}
	for _, n := range []uint64{1, 2, 3, 36, 37, 38, 52, 1000, 32767, 32768, 32769, 65535, 65536} {
		check(65536, n)
	}
}

func TestIntnStaysBelowN(t *testing.T) {
	t.Parallel()
	for _, n := range []uint32{1, 2, 37, 52, 1<<31 - 1, 1 << 31, 1<<31 + 1, math.MaxUint32} {
		s := NewStream(game.Seed{1}, "below n")
		for range 200 {
			if v := s.Intn(n); v >= n {
				t.Errorf("Intn(%d) = %d", n, v)
			}
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("Intn(0) gave a value")
		}
	}()
	NewStream(game.Seed{}, "").Intn(0)
}

// A smoke test only: that the pockets are equally likely is shown above. A sound
// generator fails it about once in 10^9 runs.
func TestPocketsPassChiSquare(t *testing.T) {
	t.Parallel()
	n := *seedFlag
	if n == 0 {
		n = time.Now().UnixNano()
	}
	t.Logf("-seed=%d", n)
	const draws, pockets = 370_000, 37
	var seed game.Seed
	copy(seed[:], fmt.Sprint(n))
	var count [pockets]float64
	for s, i := NewStream(seed, "chi-square"), 0; i < draws; i++ {
		count[s.Intn(pockets)]++
	}
	chi := 0.0
	for _, c := range count {
		chi += (c - draws/pockets) * (c - draws/pockets) / (draws / pockets)
	}
	// χ² with 36 degrees of freedom is above 115 in 4 of 10^10 cases, below 5.5 in 9.
	if chi > 115 || chi < 5.5 {
		t.Errorf("χ² = %.1f for %v", chi, count)
	}
}

func TestSeedsAreNeverTheSame(t *testing.T) {
	t.Parallel()
	engine, seen := OS(), map[game.Seed]bool{}
	for range 1000 {
		seed, err := NewSeed(engine)
		if err != nil || seed.IsZero() || seen[seed] {
			t.Fatalf("%s, %v", seed.Hex(), err)
		}
		seen[seed] = true
	}
	if err := engine.Health(); err != nil {
		t.Error(err)
	}
	if !strings.HasPrefix(engine.Identity(), "crypto/rand go1.") {
		t.Error(engine.Identity())
	}
}

// errSource is a source's own error.
var errSource = errors.New("unplugged")

type flaky struct{ fail bool }

func (f *flaky) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(i + 1)
	}
	if f.fail {
		return len(p) / 2, errSource
	}
	return len(p), nil
}

func TestAFailingSourceGivesNoSeed(t *testing.T) {
	t.Parallel()
	source := &flaky{fail: true}
	e := &tested{identity: "flaky", source: source}
	seed, err := NewSeed(e)
	if !errors.Is(err, errSource) || !seed.IsZero() {
		t.Errorf("%s, %v", seed.Hex(), err)
	}
	p := bytes.Repeat([]byte{7}, 32)
	if err := e.Read(p); !errors.Is(err, errSource) || !bytes.Equal(p, make([]byte, 32)) {
		t.Errorf("half a read leaves %x, %v", p, err)
	}
	if err := e.Health(); !errors.Is(err, errSource) {
		t.Errorf("Health: %v", err)
	}
	source.fail = false
	if _, err := NewSeed(e); err != nil || e.Health() != nil {
		t.Errorf("the source is well again, but: %v, %v", err, e.Health())
	}
	if _, err := NewSeed(&tested{identity: "short", source: strings.NewReader("short")}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a source that ends: %v", err)
	}
}

func TestARepeatingSourceIsShutForGood(t *testing.T) {
	t.Parallel()
	good := bytes.Repeat([]byte{1, 2, 3, 4, 5, 6, 7, 8}, 4)
	stuck := append(bytes.Repeat([]byte{9}, repetitions), good[repetitions:]...)
	for name, reads := range map[string][][]byte{
		"at once":        {stuck, good},
		"over two reads": {append(good[:24:24], bytes.Repeat([]byte{9}, 8)...), append([]byte{9}, good[1:]...), good},
		"all zero":       {make([]byte, 32), good},
	} {
		e := &tested{identity: name, source: bytes.NewReader(bytes.Join(reads, nil))}
		for i := range reads {
			p := make([]byte, 32)
			err := e.Read(p)
			late := i >= len(reads)-2
			if errors.Is(err, ErrUnhealthy) != late || late && !bytes.Equal(p, make([]byte, 32)) {
				t.Errorf("%s: read %d gives %s, %v", name, i, hex.EncodeToString(p), err)
			}
		}
		if err := e.Health(); !errors.Is(err, ErrUnhealthy) {
			t.Errorf("%s: Health: %v", name, err)
		}
	}
	// One less is chance.
	lucky := append(bytes.Repeat([]byte{9}, repetitions-1), good[repetitions-1:]...)
	if _, err := NewSeed(&tested{source: bytes.NewReader(lucky)}); err != nil {
		t.Error(err)
	}
}

func BenchmarkIntn(b *testing.B) {
	for b.Loop() {
		NewStream(game.Seed{1}, "pitboss.roulette.v1:17").Intn(37)
	}
}
