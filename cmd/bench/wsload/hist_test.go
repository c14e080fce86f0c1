package main

import (
	"math"
	"testing"
)

func TestBucketsKeepEveryValueWithinOnePercent(t *testing.T) {
	for v := uint64(0); v < 1<<40; v += v/97 + 1 {
		if got := middleOf(bucketOf(v)); math.Abs(float64(got)-float64(v)) > 0.008*float64(v) {
			t.Fatalf("%d is kept as %d", v, got)
		}
	}
}

func TestQuantilesAreThoseOfWhatWasAdded(t *testing.T) {
	var h hist
	if h.quantile(.99) != 0 {
		t.Fatal("an empty histogram has a quantile")
	}
	for us := int64(1); us <= 100_000; us++ {
		h.add(us)
	}
	h.add(-5)
	for q, want := range map[float64]float64{.5: 50, .99: 99, .999: 99.9, 1: 100} {
		if got := h.quantile(q); math.Abs(got-want) > 0.01*want {
			t.Errorf("quantile %v: %v ms, want %v", q, got, want)
		}
	}
	h.reset()
	if h.quantile(1) != 0 {
		t.Fatal("reset leaves something")
	}
}
