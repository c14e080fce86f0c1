package redisbus

import (
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func TestAFullLaneStillTakesProbesAndNotWithoutEnd(t *testing.T) {
	t.Parallel()
	b, err := Open(Options{URL: "redis://127.0.0.1:1", Key: make([]byte, keyBytesMin)}) // nobody is asked for anything
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
	if n := len(l.pending) - laneMax; n != probesMax {
		t.Errorf("%d probes wait, not %d", n, probesMax)
	}
}

func TestALinkIsMadeAnewForProbesInVainAndNotForTimeAlone(t *testing.T) {
	b, err := Open(Options{URL: "redis://127.0.0.1:1", Key: make([]byte, keyBytesMin)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.client.Close() }()
	l := b.links[0]
	l.up, l.upSince = true, time.Now().Add(-time.Hour)
	b.began = time.Now().Add(-time.Hour) // nothing came since
	for sent := range probesUnansweredMax {
		if l.probe(); l.deaf() {
			t.Errorf("deaf after %d probes", sent+1)
		}
	}
	if !l.silent() {
		t.Error("not silent")
	}
	if l.probe(); !l.deaf() {
		t.Error("not deaf")
	}
	if l.receiveProbe(string(l.probePayload())); l.deaf() || l.silent() {
		t.Error("deaf, and something came")
	}
}

// A longer stall turns Health red anyway, and is too long to wait out in a test that machines under
// load pass.
func TestNothingPublishedIsGivenUpBeforeHealthIsRed(t *testing.T) {
	for _, url := range []string{"redis://127.0.0.1:1", "redis-sentinel://127.0.0.1:1/main", "redis-cluster://127.0.0.1:1"} {
		client, _, err := connect(url)
		if err != nil {
			t.Fatal(err)
		}
		var read, write time.Duration
		switch c := client.(type) {
		case *redis.Client:
			read, write = c.Options().ReadTimeout, c.Options().WriteTimeout
		case *redis.ClusterClient:
			read, write = c.Options().ReadTimeout, c.Options().WriteTimeout
		}
		if read != silentAfter || write != silentAfter {
			t.Errorf("%s: an exchange is given up after %v and %v", url, read, write)
		}
		_ = client.Close()
	}
}
