package main

import (
	"context"
	"os"
	"testing"
)

// TestEveryServerDeliversEverything runs each server with few messages: nothing may be
// lost, refused or closed, or the comparison would be of different work.
func TestEveryServerDeliversEverything(t *testing.T) {
	root, err := repository(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{root: root, bin: t.TempDir(), best: map[string]map[string]float64{}}
	if err := b.build(t.Context()); err != nil {
		t.Fatal(err)
	}
	small := []string{"-rooms=4", "-members=10", "-rate=40", "-warm=0.1", "-window=0.5"}
	for _, s := range []server{ours, naive, prep, fuge, floor} {
		for _, extra := range [][]string{nil, {"-mode=ping"}} {
			rows, err := b.measure(t.Context(), s, append(small, extra...)...)
			if err != nil || len(rows) != 1 {
				t.Fatalf("%s %v: %d rows, %v", s.name, extra, len(rows), err)
			}
			r := rows[0]
			if r.Loss != 0 || r.Closed != 0 || r.Refused != 0 || r.Delivered == 0 || r.CPU == 0 || r.Writes == 0 {
				t.Errorf("%s %v: %+v", s.name, extra, r)
			}
		}
	}
	many := []string{"-rooms=8", "-members=10", "-conns=20", "-lobby", "-class=result", "-rate=40", "-other-rate=10", "-warm=0.1", "-window=0.5"}
	for _, s := range []server{ours, fuge} {
		rows, err := b.measure(t.Context(), s, many...)
		if err != nil || len(rows) != 1 {
			t.Fatalf("%s: %d rows, %v", s.name, len(rows), err)
		}
		if r := rows[0]; r.Loss != 0 || r.Other == 0 || r.Refused != 0 {
			t.Errorf("%s with a lobby: %+v", s.name, r)
		}
	}
	for _, s := range []server{ours, fuge} {
		rows, err := b.measureNodes(t.Context(), s, 2, small...)
		if err != nil || len(rows) != 1 {
			t.Fatalf("%s, nodes over Redis: %d rows, %v", s.name, len(rows), err)
		}
		r := rows[0]
		if r.Loss != 0 || r.Closed != 0 || r.Delivered == 0 || r.CPU == 0 || r.Also[publisher] == 0 || r.Also[redis] == 0 {
			t.Errorf("%s, nodes over Redis: %+v", s.name, r)
		}
	}
	rows, err := b.measure(t.Context(), ours, "-mode=idle", "-rooms=2", "-members=10", "-settle=0.1")
	if err != nil || len(rows) != 1 {
		t.Fatalf("idle: %d rows, %v", len(rows), err)
	}
	if r := rows[0]; r.Goroutines < 1 || r.ConnRate == 0 || r.Closed != 0 {
		t.Errorf("idle: %+v", r)
	}
}

func TestWhatIsStartedEndsWhenTheBenchIsStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	b := &bench{bin: t.TempDir()}
	p, err := start(serverCore, b.bin, "/bin/sh", []string{"-c", "echo ready; exec sleep 600"}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := b.output(ctx, clientCore, "/bin/sh", "-c", "exec sleep 600"); err == nil {
		t.Error("a client that was ended has succeeded")
	}
	p.kill()
	if err := p.cmd.Process.Signal(os.Interrupt); err == nil {
		t.Error("the server still runs")
	}
}
