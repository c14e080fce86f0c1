package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/hub/membus"
	"github.com/pitboss-hub/pitboss/rooms"
)

// stalled is a writer that takes nothing until it is released.
type stalled struct {
	free chan struct{}
	mu   sync.Mutex
	buf  bytes.Buffer
}

func (s *stalled) Write(b []byte) (int, error) {
	<-s.free
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(b)
}

func TestALogThatIsNotReadHoldsNobodyUpIsBoundedAndSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	w := &stalled{free: make(chan struct{})}
	l := newPatientLog(w)
	l.reportsDrops(slog.New(slog.NewTextHandler(l, nil)))
	line := []byte(strings.Repeat("x", 999) + "\n")
	for range 3000 { // three times what it keeps
		if n, err := l.Write(line); n != len(line) || err != nil {
			t.Fatal(n, err)
		}
	}
	l.mu.Lock()
	kept, dropped := len(l.waiting), l.dropped
	l.mu.Unlock()
	if kept > logMax || dropped < 900 {
		t.Errorf("%d bytes wait, %d lines were dropped", kept, dropped)
	}
	close(w.free)
	eventually(t, "it says how many lines are missing", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return strings.Contains(w.buf.String(), "lines were dropped")
	})
	l.end()
	written := bytes.Count(w.buf.Bytes(), line)
	if !strings.Contains(w.buf.String(), "lines=") || written+dropped < 3000 {
		t.Errorf("%d lines were written and %d dropped", written, dropped)
	}
}

func TestALogWhoseReaderIsStuckEndsAllTheSame(t *testing.T) {
	t.Parallel()
	w := &stalled{free: make(chan struct{})}
	defer close(w.free)
	l := newPatientLog(w)
	_, _ = l.Write([]byte("the last words\n"))
	done := make(chan struct{})
	go func() { l.end(); close(done) }()
	select {
	case <-done:
	case <-time.After(testPatience):
		t.Fatal("it waits for its reader")
	}
}

// deaf is a journal that never answers, whatever it is told.
type deaf struct {
	rooms.Journal
	free chan struct{}
}

func (d deaf) Append(ctx context.Context, ref rooms.Ref, b rooms.Batch) ([]rooms.Answer, error) {
	<-d.free
	return d.Journal.Append(ctx, ref, b)
}

func TestANodeOfWhichAPartIsStuckEndsInTime(t *testing.T) {
	t.Parallel()
	f := newCasino(t)
	free := make(chan struct{})
	l, err := net.Listen("tcp", f.address)
	if err != nil {
		t.Fatal(err)
	}
	n := newNode(nodeOptions{name: "stuck", store: f.store, bus: membus.New(), log: slog.New(slog.DiscardHandler), test: seams{
		journal: func(j rooms.Journal) rooms.Journal { return deaf{j, free} },
	}})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- n.run(ctx, l, nil, nil) }()
	eventually(t, "the table is claimed", func() bool { return f.assignment().Node == "stuck" })
	cancel()
	select {
	case err := <-ended:
		if !errors.Is(err, errStuck) {
			t.Errorf("it ended with %v", err)
		}
	case <-time.After(drainTimeout + stopTimeout + testPatience):
		t.Error("it does not end")
	}
	close(free)
	eventually(t, "the rest of it ends", func() bool { return f.store.Ping(soon(t)) == nil })
}
