package main

import (
	"context"
	"fmt"

	"github.com/pitboss-hub/pitboss/cmd/bench/report"
)

// idle measures what an idle socket costs.
func (b *bench) idle() step {
	settled, after, goroutines, cpu := report.Values{}, report.Values{}, report.Values{}, report.Values{}
	var st step
	lean, plain := fuge.with("-offload"), fuge.with("-defaults")
	plain.name += ", defaults"
	servers := []server{ours, naive, prep, lean, plain}
	if b.quick {
		servers = []server{ours, lean}
	}
	for _, s := range servers {
		st.trials = append(st.trials, trial{title: "memory of 10,000 idle sockets: " + s.name, seconds: 25, do: func(ctx context.Context) error {
			r, err := b.row(ctx, s, "-mode=idle", "-rooms=100", "-settle=20")
			if err == nil && r.Closed > 0 {
				err = fmt.Errorf("%d sockets were closed", r.Closed)
			}
			if err != nil {
				return err
			}
			settled.Add(s.name, r.Settled)
			after.Add(s.name, r.AfterGC)
			goroutines.Add(s.name, r.Goroutines)
			cpu.Add(s.name, r.IdleCPU)
			return nil
		}})
	}
	st.measures = func() []report.Measure {
		const group, note = "Idle sockets", "10,000 sockets, each in a room. Ours and centrifuge send heartbeats, the coder servers do not. Centrifuge has the options that its source recommends for memory; beside it stand its defaults."
		ms := []report.Measure{
			report.New(group, "RSS per idle socket, settled", "KiB", true, settled, report.AtMost(14), report.AtMostTimes(.3, fuge.name)),
			report.New(group, "RSS per idle socket, after GC", "KiB", true, after, report.AtMost(10.5), report.AtMostTimes(.3, fuge.name)),
			report.New(group, "goroutines per idle socket", "", true, goroutines, report.AtMost(1.001)),
			report.New(group, "CPU to keep a socket alive", "µs per socket and second", true, cpu),
		}
		ms[0].Note = note
		return ms
	}
	return st
}

// connects measures how fast sockets are opened, verified and joined.
func (b *bench) connects() step {
	rate, cpu := report.Values{}, report.Values{}
	return step{
		trials: b.inTurn("connects", 3, []server{ours, naive, prep, fuge}, func(ctx context.Context, s server, _ int) error {
			r, err := b.row(ctx, s, "-rooms=100", "-rate=10", "-warm=0", "-window=0.1")
			if err != nil {
				return err
			}
			rate.Add(s.name, r.ConnRate)
			cpu.Add(s.name, r.ConnCPU)
			return nil
		}),
		measures: func() []report.Measure {
			const group = "Connecting: handshake, token and join"
			return []report.Measure{
				report.New(group, "connects, 10,000 sockets, 64 at a time", "sockets/s", false, rate, report.AtLeast(10_000), report.AtLeastTimes(1.3, fuge.name)),
				report.New(group, "CPU per connect", "µs", true, cpu),
			}
		},
	}
}

// ping measures requests and replies.
func (b *bench) ping() step {
	cpu, p99 := report.Values{}, report.Values{}
	return step{
		trials: b.inTurn("ping", 1.5+b.seconds(), []server{ours, naive, prep, fuge}, func(ctx context.Context, s server, _ int) error {
			r, err := b.row(ctx, s, "-mode=ping", "-rate=20000")
			if err != nil {
				return err
			}
			cpu.Add(s.name, r.CPU)
			p99.Add(s.name, r.P99)
			return nil
		}),
		measures: func() []report.Measure {
			const group = "Requests and answers, 20,000/s from 1,000 sockets"
			return []report.Measure{
				report.New(group, "CPU per ping", "µs", true, cpu, report.AtMost(31)),
				report.New(group, "p99 of a ping", "ms", true, p99, report.AtMost(4)),
			}
		},
	}
}
