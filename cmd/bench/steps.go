package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pitboss-hub/pitboss/cmd/bench/load"
	"github.com/pitboss-hub/pitboss/cmd/bench/report"
)

// The servers.
var (
	ours  = server{name: report.Ours, program: "pitboss", dialect: "pitboss"}
	naive = server{name: "coder-naive", program: "plain", dialect: "raw", args: []string{"-mode", "coder-naive"}}
	prep  = server{name: "coder-prep", program: "plain", dialect: "raw", args: []string{"-mode", "coder-prep"}}
	fuge  = server{name: "centrifuge", program: "centrifuge", dialect: "centrifuge"}
	floor = server{name: "floor-co", program: "plain", dialect: "raw", args: []string{"-mode", "floor-co"}}
)

var allSteps = []struct {
	name string
	make func(*bench) step
}{
	{"fanout", (*bench).fanout},
	{"cost", (*bench).cost},
	{"idle", (*bench).idle},
	{"connect", (*bench).connects},
	{"ping", (*bench).ping},
	{"priority", (*bench).priority},
	{"fairness", (*bench).fairness},
	{"rooms", (*bench).rooms},
	{"window", (*bench).windows},
	{"nodes", (*bench).nodes},
	{"grow", (*bench).grow},
	{"publish", (*bench).publish},
	{"bets", (*bench).bets},
	{"lock", (*bench).locks},
}

// shape is how sockets sit in rooms of 100.
type shape struct {
	name  string
	rooms int
	first float64 // publications per second with which the search for the most begins
}

// perRoom is how many sockets sit in a room of a shape.
const perRoom = 100

var shapes = []shape{{"10×100", 10, 1000}, {"100×100", 100, 300}}

func (s shape) flag() string { return fmt.Sprint("-rooms=", s.rooms) }

// rounds returns how many windows a value is the median of.
func (b *bench) rounds() int {
	if b.quick {
		return 1
	}
	return 3
}

// seconds returns a window's length.
func (b *bench) seconds() float64 {
	if b.quick {
		return 1
	}
	return 1.5
}

func (b *bench) length() string { return fmt.Sprint("-window=", b.seconds()) }

// inTurn returns trials of every server, in turn: what disturbs the machine for a while
// disturbs all of them.
func (b *bench) inTurn(title string, seconds float64, servers []server, do func(context.Context, server, int) error) []trial {
	var ts []trial
	for round := range b.rounds() {
		for _, s := range servers {
			ts = append(ts, trial{
				title: fmt.Sprintf("%s: %s, %d of %d", title, s.name, round+1, b.rounds()), seconds: seconds,
				do: func(ctx context.Context) error { return do(ctx, s, round) },
			})
		}
	}
	return ts
}

// row returns the only row that a run reports.
func (b *bench) row(ctx context.Context, s server, args ...string) (load.Row, error) {
	rows, err := b.measure(ctx, s, append(args, b.length())...)
	if err != nil {
		return load.Row{}, err
	}
	if len(rows) == 0 {
		return load.Row{}, errors.New("the load client reported nothing")
	}
	return rows[0], nil
}

// search looks for the greatest rate that measure carries: the first time from far below, then
// around the best that was found.
func (b *bench) search(ctx context.Context, sh shape, s server, best map[string]float64, measure func(context.Context, server, ...string) ([]load.Row, error)) (load.Row, error) {
	from, factor, refine := sh.first, 2.0, 3
	if b.quick {
		refine = 1
	}
	if found := best[s.name]; found > 0 {
		from, factor, refine = .8*found, 1.15, 1
	}
	rows, err := measure(ctx, s, "-mode=ramp", sh.flag(), "-window=1", "-drain=1", fmt.Sprint("-rate=", from), fmt.Sprint("-factor=", factor), fmt.Sprint("-refine=", refine))
	if err != nil {
		return load.Row{}, err
	}
	good := rows[0]
	if good.Rate == 0 {
		return load.Row{}, fmt.Errorf("not even %.0f a second were carried", rows[1].Delivered)
	}
	best[s.name] = max(best[s.name], good.Rate)
	return good, nil
}

// fanout looks for the most that is delivered with p99 below 100 ms.
func (b *bench) fanout() step {
	var st step
	most, writes, client := map[string]report.Values{}, report.Values{}, 0.0
	for _, sh := range shapes {
		v := report.Values{}
		most[sh.name] = v
		b.best[sh.name] = map[string]float64{}
		st.trials = append(st.trials, b.inTurn("most delivered, "+sh.name, 11, []server{ours, naive, prep, fuge, floor}, func(ctx context.Context, s server, _ int) error {
			good, err := b.search(ctx, sh, s, b.best[sh.name], b.measure)
			if err != nil {
				return err
			}
			v.Add(s.name, good.Delivered)
			if sh.rooms == 10 {
				writes.Add(s.name, good.Writes)
				client = max(client, good.Client)
			}
			return nil
		})...)
	}
	st.measures = func() []report.Measure {
		const group = "Fan-out: the most that is delivered"
		a := report.New(group, "most delivered, p99 < 100 ms, 10×100", "messages/s", false, most["10×100"], report.AtLeastTimes(2, fuge.name), report.AtLeastTimes(.95, prep.name))
		if client > .9 {
			a.Note = "The load client used more than nine tenths of its core at the highest rates: it may have been the limit."
		}
		return []report.Measure{
			a,
			report.New(group, "most delivered, p99 < 100 ms, 100×100", "messages/s", false, most["100×100"], report.AtLeastTimes(2, fuge.name), report.AtLeastTimes(.95, prep.name)),
			report.New(group, "write calls at that rate, 10×100", "per delivered message", true, writes, report.AtMost(.2)),
		}
	}
	return st
}

// cost measures what a delivered message costs at rates that all servers sustain, or nearly.
func (b *bench) cost() step {
	rates, publications := []float64{20_000, 50_000, 100_000}, "200,500,1000"
	if b.quick {
		rates, publications = rates[1:2], "500"
	}
	type key struct {
		shape string
		rate  float64
		what  string
	}
	found := map[key]report.Values{}
	at := func(k key) report.Values {
		if found[k] == nil {
			found[k] = report.Values{}
		}
		return found[k]
	}
	var st step
	for _, sh := range shapes {
		st.trials = append(st.trials, b.inTurn("cost and latency, "+sh.name, 4+float64(len(rates))*b.seconds(), []server{ours, naive, prep, fuge}, func(ctx context.Context, s server, _ int) error {
			rows, err := b.measure(ctx, s, sh.flag(), "-rate="+publications, b.length())
			for i, r := range rows {
				if r.CPU == 0 {
					continue // its sockets were gone
				}
				at(key{sh.name, rates[i], "cpu"}).Add(s.name, r.CPU)
				at(key{sh.name, rates[i], "p50"}).Add(s.name, r.P50)
				at(key{sh.name, rates[i], "p99"}).Add(s.name, r.P99)
				at(key{sh.name, rates[i], "p99.9"}).Add(s.name, r.P999)
			}
			return err
		})...)
	}
	st.measures = func() (ms []report.Measure) {
		for _, sh := range shapes {
			p99 := map[string]float64{"10×100": 2, "100×100": 7}[sh.name]
			for _, rate := range rates {
				name := fmt.Sprintf("at %s/s, %s", report.Number(rate), sh.name)
				var cpu, tail []report.Goal
				if rate == 50_000 {
					cpu = []report.Goal{report.AtMostTimes(.8, fuge.name), report.AtMostTimes(1.05, prep.name)}
					tail = []report.Goal{report.AtMost(p99)}
				}
				ms = append(ms, report.New("Fan-out: what a message costs", "CPU "+name, "µs per delivered message", true, at(key{sh.name, rate, "cpu"}), cpu...))
				for _, q := range []string{"p50", "p99", "p99.9"} {
					if q != "p99" {
						ms = append(ms, report.New("Fan-out: latency", q+" "+name, "ms", true, at(key{sh.name, rate, q})))
						continue
					}
					ms = append(ms, report.New("Fan-out: latency", q+" "+name, "ms", true, at(key{sh.name, rate, q}), tail...))
				}
			}
		}
		slices.SortStableFunc(ms, func(a, b report.Measure) int { return strings.Compare(b.Group, a.Group) })
		return ms
	}
	return st
}

// Twice a second a promotion goes to all 10,000 sockets.
const promotionsPerSecond = 2

// priority measures whether a promotion to everybody delays a game's results.
func (b *bench) priority() step {
	alone, flooded := report.Values{}, report.Values{}
	half := func(s server) float64 { // publications per second
		if most := b.best["100×100"][s.name]; most > 0 {
			return most / 2
		}
		return 500
	}
	var note string
	return step{
		trials: b.inTurn("results beside promotions", 9+2*b.seconds(), []server{ours, fuge}, func(ctx context.Context, s server, _ int) error {
			for _, c := range []struct {
				v     report.Values
				other float64
			}{{alone, 0}, {flooded, promotionsPerSecond}} {
				r, err := b.row(ctx, s, "-rooms=100", "-lobby", "-class=result", fmt.Sprint("-rate=", half(s)), fmt.Sprint("-other-rate=", c.other))
				if err != nil {
					return err
				}
				c.v.Add(s.name, r.P99)
			}
			note = fmt.Sprintf("Half load is half of the most that each carried: %s/s for ours, %s/s for centrifuge. %d promotions a second go to a room in which all 10,000 sockets are.",
				report.Number(100*half(ours)), report.Number(100*half(fuge)), promotionsPerSecond)
			return nil
		}),
		measures: func() []report.Measure {
			const group = "Priority: results before promotions"
			ms := []report.Measure{
				report.New(group, "p99 of results at half load, alone", "ms", true, alone, report.AtMost(20)),
				report.New(group, "p99 of results at half load, promotions to 10,000", "ms", true, flooded, report.AtMost(20)),
			}
			ms[0].Note = note
			return ms
		},
	}
}

// quota is a tenant's commands per second in the fairness experiment, and how many it may
// send at once: so many sockets join each tenant. What a tenant sends within its quota is a
// little less, for the keepalives are commands too.
const (
	quota  = 500
	within = 450
)

// fairness measures the effect on a tenant when another one sends ten times its quota.
func (b *bench) fairness() step {
	calm, flood, ratio := report.Values{}, report.Values{}, report.Values{}
	var refused int
	return step{
		trials: b.inTurn("two tenants", 14, []server{ours.with(fmt.Sprint("-tenant-commands=", quota))}, func(ctx context.Context, s server, _ int) error {
			var p99 [2]float64
			for i, other := range []float64{within, 10 * quota} {
				r, err := b.row(ctx, s, "-members=50", "-rate=400", "-neighbour=casino-b", "-other-class=state", fmt.Sprint("-other-rate=", other), "-warm=1.5", "-window=4")
				if err != nil {
					return err
				}
				if p99[i] = r.P99; i == 1 {
					refused = r.Refused
				}
			}
			calm.Add(s.name, p99[0])
			flood.Add(s.name, p99[1])
			ratio.Add(s.name, p99[1]/p99[0])
			return nil
		}),
		measures: func() []report.Measure {
			const group = "Fairness between tenants"
			ms := []report.Measure{
				report.New(group, "p99 of A, B within its quota", "ms", true, calm),
				report.New(group, "p99 of A, B at 10 × its quota", "ms", true, flood),
				report.New(group, "the second over the first", "", true, ratio, report.AtMost(1.1)),
			}
			ms[2].Note = fmt.Sprintf("Each tenant has 10×50 sockets and may send 500 commands a second. A publishes 400/s, B %d/s or 5,000/s; of these, %d were refused in the last window.", within, refused)
			return ms
		},
	}
}

// rooms measures whether a message costs more when there are more rooms.
func (b *bench) rooms() step {
	counts := []int{10, 100, 1000, 2000}
	found := map[int]report.Values{}
	ratio := report.Values{}
	for _, n := range counts {
		found[n] = report.Values{}
	}
	return step{
		trials: b.inTurn("10 to 2,000 rooms", 4*(2+b.seconds()), []server{ours.with("-topics=256")}, func(ctx context.Context, s server, _ int) error {
			var least, most float64
			for _, n := range counts {
				r, err := b.row(ctx, s, fmt.Sprint("-rooms=", n), "-conns=1000", "-rate=500")
				if err != nil {
					return err
				}
				found[n].Add(s.name, r.CPU)
				if n == counts[0] {
					least = r.CPU
				}
				most = max(most, r.CPU)
			}
			ratio.Add(s.name, most/least)
			return nil
		}),
		measures: func() (ms []report.Measure) {
			const group = "From 10 to 2,000 rooms"
			for _, n := range counts {
				ms = append(ms, report.New(group, fmt.Sprintf("CPU with %d rooms", n), "µs per delivered message", true, found[n]))
			}
			ms = append(ms, report.New(group, "the dearest over that of 10 rooms", "", true, ratio, report.AtMost(1.15)))
			ms[0].Note = "1,000 sockets and 50,000 messages/s throughout, 100 sockets in each room: of 2,000 rooms each socket is in 200."
			return ms
		},
	}
}

// windows measures what delaying state, to write more of it at once, saves.
func (b *bench) windows() step {
	lengths := []string{"0s", "2ms", "10ms"}
	servers := []server{fuge}
	if b.knows("pitboss", "-window") {
		servers = []server{ours, fuge}
	}
	cpu, p99 := map[string]report.Values{}, map[string]report.Values{}
	for _, w := range lengths {
		cpu[w], p99[w] = report.Values{}, report.Values{}
	}
	return step{
		trials: b.inTurn("a window for state", 3*(2+b.seconds()), servers, func(ctx context.Context, s server, _ int) error {
			for _, w := range lengths {
				r, err := b.row(ctx, s.with("-window="+w), "-rate=1000")
				if err != nil {
					return err
				}
				cpu[w].Add(s.name, r.CPU)
				p99[w].Add(s.name, r.P99)
			}
			return nil
		}),
		measures: func() (ms []report.Measure) {
			const group = "A window for state, 10×100 at 100,000/s"
			for _, w := range lengths {
				var goals []report.Goal
				if w == "10ms" {
					goals = []report.Goal{report.AtMost(5.5)}
				}
				ms = append(ms, report.New(group, "CPU, window "+w, "µs per delivered message", true, cpu[w], goals...),
					report.New(group, "p99, window "+w, "ms", true, p99[w]))
			}
			return ms
		},
	}
}

// knows says whether a program has a flag.
func (b *bench) knows(program, flag string) bool {
	help, _ := exec.CommandContext(context.Background(), filepath.Join(b.bin, program), "-h").CombinedOutput() // -h is an error
	return strings.Contains(string(help), "  "+flag+" ")
}
