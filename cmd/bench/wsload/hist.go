package main

import "math/bits"

// hist is a log-linear histogram of microseconds with 7 bits of mantissa: every value is
// kept within 0.8 %.
type hist struct {
	buckets [64 * 128]uint64
	n, max  uint64
}

func bucketOf(v uint64) int {
	if v < 256 {
		return int(v)
	}
	e := bits.Len64(v) - 8 // v>>e is in [128, 256)
	return e*128 + int(v>>uint(e))
}

// middleOf returns the value that represents a bucket.
func middleOf(bucket int) uint64 {
	if bucket < 256 {
		return uint64(bucket)
	}
	e := bucket/128 - 1
	m := uint64(bucket%128 + 128)
	return m<<uint(e) + (1<<uint(e))/2
}

func (h *hist) add(us int64) {
	v := uint64(max(us, 0))
	h.buckets[bucketOf(v)]++
	h.n++
	h.max = max(h.max, v)
}

// quantile returns a quantile in milliseconds; 0 if nothing was recorded.
func (h *hist) quantile(q float64) float64 {
	if h.n == 0 {
		return 0
	}
	rank := min(uint64(q*float64(h.n)), h.n-1)
	var sum uint64
	for i, c := range h.buckets {
		if sum += c; sum > rank {
			return float64(middleOf(i)) / 1e3
		}
	}
	return float64(h.max) / 1e3
}

func (h *hist) reset() { *h = hist{} }
