package web

import (
	"testing"
	"time"
)

func TestRoundsAreKeptWithinTheirBytesAndUnfinishedOnesForASecond(t *testing.T) {
	r := newRounds()
	now := time.Unix(1000, 0)
	key := func(n int64) roundKey { return roundKey{round: n} }
	r.keep(&lookup{key: key(1), over: true, readAt: now, body: make([]byte, 10)})
	r.keep(&lookup{key: key(2), readAt: now})
	if r.find(key(2), now.Add(roundFresh/2)) == nil || r.find(key(2), now.Add(roundFresh)) != nil || r.find(key(1), now.Add(time.Hour)) == nil {
		t.Error("an answer is kept for another time than it is good")
	}
	const size = 1 << 20
	for n := int64(3); n < 100; n++ {
		r.find(key(1), now)
		r.keep(&lookup{key: key(n), over: true, readAt: now, body: make([]byte, size)})
		r.keep(&lookup{key: key(n), over: true, readAt: now, body: make([]byte, size)}) // again
	}
	if r.size > roundsKeptBytes || r.size < roundsKeptBytes-2*size || len(r.kept) != r.order.Len() {
		t.Errorf("%d bytes are kept, in %d and %d rounds", r.size, len(r.kept), r.order.Len())
	}
	if r.find(key(1), now) == nil || r.find(key(99), now) == nil || r.find(key(3), now) != nil {
		t.Error("other rounds were forgotten than those that nobody asked for the longest")
	}
}
