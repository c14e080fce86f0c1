package web

import (
	"net/netip"
	"sync"
	"time"
)

const (
	// bucketsMax is how many buckets are kept at once. Past it, newcomers are not counted: who has
	// so many addresses is not held up by a limit for each of them.
	bucketsMax = 1 << 16
	// sweepEvery is how often the ones that are full again are thrown away, at most.
	sweepEvery = 100 * time.Millisecond
)

// buckets are token buckets by key, each kept as the moment at which it is full again, as hub's
// are: x/time/rate can not give back, and is larger.
type buckets[K comparable] struct {
	unit  time.Duration // what a unit takes to come back
	burst time.Duration // what may be taken at once takes so long

	mu    sync.Mutex // guards what follows
	full  map[K]time.Time
	swept time.Time
}

func newBuckets[K comparable](perSecond, burst int) *buckets[K] {
	unit := time.Second / time.Duration(perSecond)
	return &buckets[K]{unit: unit, burst: time.Duration(burst) * unit, full: map[K]time.Time{}}
}

// take takes n units and returns 0, or returns how long it takes until they are there; then
// nothing was taken. To take none is to ask whether more was charged than there is.
func (b *buckets[K]) take(key K, n int, now time.Time) (wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	full := b.after(key, n, now)
	if wait := full.Sub(now) - b.burst; wait > 0 {
		return wait
	}
	b.keep(key, full, now)
	return 0
}

// charge takes n units whether they are there or not; below zero it gives them back.
func (b *buckets[K]) charge(key K, n int, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keep(key, b.after(key, n, now), now)
}

// after needs mu. It is when the bucket will be full again if n units are taken.
func (b *buckets[K]) after(key K, n int, now time.Time) time.Time {
	full := b.full[key]
	if full.Before(now) {
		full = now
	}
	return full.Add(time.Duration(n) * b.unit)
}

// keep needs mu.
func (b *buckets[K]) keep(key K, full, now time.Time) {
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

// addressKey is whom an address counts for: itself, or with IPv6 the /64 that one customer has
// (RFC 6177).
func addressKey(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if !a.Is6() {
		return a
	}
	p, err := a.Prefix(64)
	if err != nil {
		return a
	}
	return p.Addr()
}
