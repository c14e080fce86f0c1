package api

import (
	"sync"
	"time"
)

const (
	// bucketsMax is how many buckets are kept at once. Past it, newcomers are not counted: somebody
	// with so many addresses is not held up by a limit for each of them.
	bucketsMax = 1 << 16
	// sweepEvery is how often the ones that are full again are thrown away, at most.
	sweepEvery = 100 * time.Millisecond
)

// Buckets holds token buckets by key, each kept as the moment at which it is full again, as hub's
// are: x/time/rate cannot give back, and is larger.
type Buckets[K comparable] struct {
	unit  time.Duration // what a unit takes to come back
	burst time.Duration // what may be taken at once takes so long

	mu    sync.Mutex // guards what follows
	full  map[K]time.Time
	swept time.Time
}

// NewBuckets returns Buckets that get so many units a second and hold burst of them.
func NewBuckets[K comparable](perSecond, burst int) *Buckets[K] {
	unit := time.Second / time.Duration(perSecond)
	return &Buckets[K]{unit: unit, burst: time.Duration(burst) * unit, full: map[K]time.Time{}}
}

// Spend takes n units and returns 0, or takes none and returns how long it takes until they are
// there. To spend 0 is to ask whether more was charged than there is.
func (b *Buckets[K]) Spend(key K, n int, now time.Time) (wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	full := b.after(key, n, now)
	if wait := full.Sub(now) - b.burst; wait > 0 {
		return wait
	}
	b.keep(key, full, now)
	return 0
}

// Left returns how many units there are, and how long it takes until the bucket is full again.
func (b *Buckets[K]) Left(key K, now time.Time) (units int, full time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	full = max(0, b.full[key].Sub(now))
	return max(0, int((b.burst-full)/b.unit)), full
}

// Charge takes n units whether they are there or not; below zero it gives them back.
func (b *Buckets[K]) Charge(key K, n int, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keep(key, b.after(key, n, now), now)
}

// after returns when the bucket will be full again if n units are taken. It needs mu.
func (b *Buckets[K]) after(key K, n int, now time.Time) time.Time {
	full := b.full[key]
	if full.Before(now) {
		full = now
	}
	return full.Add(time.Duration(n) * b.unit)
}

// keep notes when a bucket will be full again. It needs mu.
func (b *Buckets[K]) keep(key K, full, now time.Time) {
	if !full.After(now) {
		delete(b.full, key)
		return
	}
	if len(b.full) >= bucketsMax && now.Sub(b.swept) >= sweepEvery {
		b.swept = now
		for k, at := range b.full {
			if !at.After(now) {
				delete(b.full, k)
			}
		}
	}
	if _, known := b.full[key]; known || len(b.full) < bucketsMax {
		b.full[key] = full
	}
}
