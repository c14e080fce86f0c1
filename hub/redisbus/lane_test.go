package redisbus

import (
	"errors"
	"testing"
)

func TestAFullLaneStillTakesProbesAndNotWithoutEnd(t *testing.T) {
	t.Parallel()
	b, err := Open(Options{URL: "redis://127.0.0.1:1"}) // nobody is asked for anything
	if err != nil {
		t.Fatal(err)
	}
	l := b.lanes[0]
	for range laneMax {
		if err := l.push("channel", nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.push("channel", nil); !errors.Is(err, ErrFull) {
		t.Errorf("a full lane says %v", err)
	}
	for range 2 * probesMax {
		l.probe("probes", nil)
	}
	if n := len(l.waiting) - laneMax; n != probesMax {
		t.Errorf("%d probes wait, not %d", n, probesMax)
	}
}
