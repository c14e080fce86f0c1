package fair

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitboss-hub/pitboss/rooms/game"
)

func numbers(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

func TestShuffleGivesTheOrdersOfTheVectors(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/shuffles.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Seed            game.Seed
		Label           string
		Order           []int
		Taken, Rejected int    // words
		Next            uint32 // the word after them
	}
	if err := json.Unmarshal(raw, &vectors); err != nil {
		t.Fatal(err)
	}
	rejected := map[int]int{}
	for _, v := range vectors {
		s, got := NewStream(v.Seed, v.Label), numbers(len(v.Order))
		Shuffle(s, got)
		if diff := cmp.Diff(v.Order, got); diff != "" {
			t.Errorf("%s, %d elements: %s", v.Label, len(v.Order), diff)
		}
		if next := s.Uint32(); next != v.Next {
			t.Errorf("%s, %d elements: Shuffle took another number of words than %d", v.Label, len(v.Order), v.Taken)
		}
		rejected[len(v.Order)] += v.Rejected
	}
	if len(vectors) < 10 || rejected[52] == 0 || rejected[416] < 2 {
		t.Errorf("%d vectors, with rejected words by length %v", len(vectors), rejected)
	}
}

// Every sequence of draws gives an order of its own, and there are as many sequences as orders. The
// sequences are equally likely, since the draws are (TestEveryValueHasEquallyManyWords), so the orders are.
func TestEveryOrderComesOfExactlyOneSequenceOfDraws(t *testing.T) {
	t.Parallel()
	orders := 1
	for n := range 8 {
		orders *= max(1, n)
		seen := map[string][]uint32{}
		var try func(draws []uint32, bounds int)
		try = func(draws []uint32, bounds int) {
			if bounds > 1 {
				for j := range bounds {
					try(append(draws[:len(draws):len(draws)], uint32(j)), bounds-1)
				}
				return
			}
			list, next := numbers(n), 0
			shuffle(list, func(below uint32) uint32 {
				if want := n - next; int(below) != want {
					t.Fatalf("draw %d of %d elements is below %d, not %d", next, n, below, want)
				}
				next++
				return draws[next-1]
			})
			if next != len(draws) {
				t.Fatalf("%d elements take %d draws, not %d", n, next, len(draws))
			}
			order := fmt.Sprint(list)
			if other, twice := seen[order]; twice {
				t.Fatalf("%s comes of the draws %v and of %v", order, other, draws)
			}
			seen[order] = draws
		}
		try(nil, n)
		if len(seen) != orders {
			t.Errorf("%d elements: %d orders, not %d", n, len(seen), orders)
		}
	}
}

// A smoke test only: that the orders are equally likely is shown above. A sound generator fails it about
// once in 10^9 runs.
func TestPlacesOfAShuffledElementPassChiSquare(t *testing.T) {
	t.Parallel()
	n := *seedFlag
	if n == 0 {
		n = time.Now().UnixNano()
	}
	t.Logf("-seed=%d", n)
	const shuffles, length = 4000, 416
	var seed game.Seed
	copy(seed[:], fmt.Sprint(n))
	var count [length][length / 8]float64 // by element, of eight places each
	s := NewStream(seed, "places")
	for range shuffles {
		list := numbers(length)
		Shuffle(s, list)
		for place, element := range list {
			count[element][place/8]++
		}
	}
	const expected = shuffles * 8.0 / length
	chi := 0.0
	for _, places := range count {
		for _, c := range places {
			chi += (c - expected) * (c - expected) / expected
		}
	}
	// The mean is exactly 416·51 = 21,216: 51 for each element. Places exclude each other, which leaves
	// 415·51 degrees of freedom and a standard deviation of about 206. As good as normal, it is six of
	// them off once in 5·10^8 cases.
	if chi < 21_216-6*206 || chi > 21_216+6*206 {
		t.Errorf("χ² = %.0f", chi)
	}
}

func BenchmarkShuffle416(b *testing.B) {
	list := numbers(416)
	for b.Loop() {
		Shuffle(NewStream(game.Seed{1}, "pitboss.test.v1:17"), list)
	}
}
