package api

import (
	"testing"
	"time"
)

func TestABucketGivesWhatItHasAndIsFullAgainInTime(t *testing.T) {
	b := NewBuckets[string](10, 20)
	now := time.Unix(1000, 0)
	at := func(d time.Duration) time.Time { return now.Add(d) }
	for i := range 20 {
		if wait := b.Spend("a", 1, now); wait != 0 {
			t.Fatalf("the %dth: wait %v", i, wait)
		}
	}
	if wait := b.Spend("a", 1, now); wait != 100*time.Millisecond {
		t.Errorf("one more: wait %v", wait)
	}
	if left, full := b.Left("a", now); left != 0 || full != 2*time.Second {
		t.Errorf("%d are left, and it is full in %v", left, full)
	}
	if left, full := b.Left("b", now); left != 20 || full != 0 {
		t.Errorf("of one that was never used %d are left, and it is full in %v", left, full)
	}
	if wait := b.Spend("b", 20, now); wait != 0 {
		t.Errorf("another: wait %v", wait)
	}
	b.Charge("a", -3, now)
	if b.Spend("a", 3, now) != 0 || b.Spend("a", 1, now) == 0 {
		t.Error("what was given back is not there, or more than that")
	}
	if b.Spend("a", 5, at(500*time.Millisecond)) != 0 || b.Spend("a", 1, at(500*time.Millisecond)) == 0 {
		t.Error("half a second is not five units")
	}
	b.Charge("c", 50, now)
	if wait := b.Spend("c", 0, now); wait != 3*time.Second {
		t.Errorf("charged 30 more than there are: wait %v", wait)
	}
	b.Charge("d", -5, now)
	if b.Spend("d", 20, now) != 0 || b.Spend("d", 1, now) == 0 {
		t.Error("a bucket holds more than it does")
	}
}

func TestBucketsAreBoundedAndOnesThatAreFullAreThrownAway(t *testing.T) {
	b := NewBuckets[int](1, 10)
	now := time.Unix(1000, 0)
	for i := range bucketsMax + 1000 {
		if b.Spend(i, 1, now) != 0 {
			t.Fatal("somebody new was refused")
		}
	}
	if len(b.full) != bucketsMax {
		t.Errorf("%d buckets are kept", len(b.full))
	}
	b.Spend(-1, 1, now.Add(2*time.Second))
	if len(b.full) != 1 {
		t.Errorf("%d buckets are kept after all are full again", len(b.full))
	}
}
