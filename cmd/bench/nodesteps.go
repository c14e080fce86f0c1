package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/pitboss-hub/pitboss/cmd/bench/load"
	"github.com/pitboss-hub/pitboss/cmd/bench/report"
)

// nodesRate is delivered per second where the cost of going over Redis is measured.
const nodesRate = 50_000

// nodes measures publishing on one node to sockets on another: the most that is
// delivered, and cost and latency at a rate that both carry.
func (b *bench) nodes() step {
	var st step
	servers := []server{ours, fuge}
	most := map[string]report.Values{}
	type key struct{ shape, what string }
	found, shared := map[key]report.Values{}, map[string]float64{}
	for _, sh := range shapes {
		v, rates := report.Values{}, map[string]float64{}
		most[sh.name] = v
		st.trials = append(st.trials, b.inTurn("most delivered over Redis, "+sh.name, 22, servers, func(ctx context.Context, s server, _ int) error {
			good, err := b.search(ctx, sh, s, rates, func(ctx context.Context, s server, args ...string) ([]load.Row, error) {
				return b.measureNodes(ctx, s, 1, args...)
			})
			if err != nil {
				return err
			}
			v.Add(s.name, good.Delivered)
			shared[s.name] = max(shared[s.name], good.Client+good.Delivered*(good.Also[publisher]+good.Also[redis])/1e6)
			return nil
		})...)
	}
	whats := []string{"cpu", "p50", "p99", "publisher", "redis"}
	for _, sh := range shapes {
		for _, what := range whats {
			found[key{sh.name, what}] = report.Values{}
		}
		st.trials = append(st.trials, b.inTurn("cost over Redis, "+sh.name, 4+b.seconds(), servers, func(ctx context.Context, s server, _ int) error {
			r, err := b.nodesRow(ctx, s, 1, sh.flag(), fmt.Sprint("-rate=", nodesRate/perRoom))
			if err != nil {
				return err
			}
			for i, x := range []float64{r.CPU, r.P50, r.P99, r.Also[publisher] * perRoom, r.Also[redis] * perRoom} {
				found[key{sh.name, whats[i]}].Add(s.name, x)
			}
			return nil
		})...)
	}
	st.measures = func() (ms []report.Measure) {
		const group = "Two nodes over Redis: one publishes, the other has the sockets"
		for _, sh := range shapes {
			ms = append(ms, report.New(group, "over Redis: most delivered, p99 < 100 ms, "+sh.name, "messages/s", false, most[sh.name], report.AtLeastTimes(2, fuge.name)))
		}
		for _, sh := range shapes {
			name := fmt.Sprintf(" at %s/s, %s", report.Number(nodesRate), sh.name)
			of := func(what string) report.Values { return found[key{sh.name, what}] }
			cpu, p99 := []report.Goal{report.AtMostTimes(.8, fuge.name)}, []report.Goal(nil)
			if sh.rooms == 10 {
				cpu, p99 = append(cpu, report.AtMost(10)), []report.Goal{report.AtMost(4)}
			}
			ms = append(ms,
				report.New(group, "over Redis: CPU of the subscribers' node"+name, "µs per delivered message", true, of("cpu"), cpu...),
				report.New(group, "over Redis: p50"+name, "ms", true, of("p50")),
				report.New(group, "over Redis: p99"+name, "ms", true, of("p99"), p99...),
				report.New(group, "over Redis: CPU of the publisher's node"+name, "µs per publication", true, of("publisher")),
				report.New(group, "over Redis: CPU of redis-server"+name, "µs per publication", true, of("redis")))
		}
		ms[0].Note = "The node with the sockets has a core to itself; the publisher's node, redis-server and the load client share the other."
		for _, s := range servers {
			if shared[s.name] > .9 {
				ms[0].Note += fmt.Sprintf(" They used more than nine tenths of it at the greatest rate of %s: it may have been the limit.", s.name)
			}
		}
		return ms
	}
	return st
}

// nodesRow returns the only row that a run with n nodes reports.
func (b *bench) nodesRow(ctx context.Context, s server, n int, args ...string) (load.Row, error) {
	rows, err := b.measureNodes(ctx, s, n, append(args, b.length())...)
	switch {
	case err != nil:
		return load.Row{}, err
	case len(rows) == 0:
		return load.Row{}, errors.New("the load client reported nothing")
	case rows[0].Loss > 0 || rows[0].Closed > 0:
		return load.Row{}, fmt.Errorf("%.2f %% was lost and %d sockets were closed", 100*rows[0].Loss, rows[0].Closed)
	}
	return rows[0], nil
}

// grow measures the cost of more nodes: each has the same sockets in the same rooms,
// so that it delivers as much as before, and Redis sends each publication to all of them.
func (b *bench) grow() step {
	const (
		members = 25  // of each room on a node
		rate    = 400 // publications per second
		busy    = 5000
	)
	counts := []int{1, 2, 3, 4}
	servers := []server{ours, fuge}
	node, redisCPU := map[int]report.Values{}, map[int]report.Values{}
	for _, n := range counts {
		node[n], redisCPU[n] = report.Values{}, report.Values{}
	}
	ratio, busyRedis, busyPublisher := report.Values{}, report.Values{}, report.Values{}
	return step{
		trials: b.inTurn("1 to 4 nodes", float64(len(counts)+1)*(3+b.seconds()), servers, func(ctx context.Context, s server, _ int) error {
			var least, most float64
			for _, n := range counts {
				r, err := b.nodesRow(ctx, s, n, "-rooms=10", fmt.Sprint("-members=", members*n), fmt.Sprint("-rate=", rate))
				if err != nil {
					return err
				}
				node[n].Add(s.name, r.CPU)
				redisCPU[n].Add(s.name, r.Also[redis]*float64(members*n))
				if n == counts[0] {
					least = r.CPU
				}
				most = max(most, r.CPU)
			}
			ratio.Add(s.name, most/least)
			n := counts[len(counts)-1]
			r, err := b.nodesRow(ctx, s, n, "-rooms=1000", fmt.Sprint("-members=", n), fmt.Sprint("-rate=", busy))
			if err != nil {
				return err
			}
			busyRedis.Add(s.name, r.Also[redis]*float64(n))
			busyPublisher.Add(s.name, r.Also[publisher]*float64(n))
			return nil
		}),
		measures: func() (ms []report.Measure) {
			const group = "From 1 to 4 nodes with sockets"
			for _, n := range counts {
				ms = append(ms, report.New(group, fmt.Sprintf("CPU of a node, of %d", n), "µs per delivered message", true, node[n]))
			}
			for _, n := range counts {
				ms = append(ms, report.New(group, fmt.Sprintf("CPU of redis-server, %d nodes", n), "µs per publication", true, redisCPU[n]))
			}
			text := fmt.Sprintf(", %d nodes, %s publications/s", counts[len(counts)-1], report.Number(busy))
			ms = append(ms,
				report.New(group, "CPU of redis-server"+text, "µs per publication", true, busyRedis),
				report.New(group, "CPU of the publisher's node"+text, "µs per publication", true, busyPublisher))
			ms = append(ms, report.New(group, "a node's dearest over that of 1 node", "", true, ratio))
			ms[0].Note = fmt.Sprintf("Each node has %d sockets in each of 10 rooms; %d publications a second reach all nodes, so that each delivers %s/s. All nodes share one core.",
				members, rate, report.Number(members*rate))
			return ms
		},
	}
}

// publish measures what the bus costs Go and Redis for each message.
func (b *bench) publish() step {
	peers := []struct{ name, dir, pkg string }{{report.Ours, ".", "./hub/redisbus"}, {fuge.name, "cmd/bench", "./peers/centrifuge"}}
	found := map[string]report.Values{}
	at := func(k string) report.Values {
		if found[k] == nil {
			found[k] = report.Values{}
		}
		return found[k]
	}
	var st step
	for round := range b.rounds() {
		for _, p := range peers {
			st.trials = append(st.trials, trial{
				title: fmt.Sprintf("publishing to Redis: %s, %d of %d", p.name, round+1, b.rounds()), seconds: 8,
				do: func(ctx context.Context) error {
					cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^Benchmark(Publish|Deliver)$", "-benchtime", "1000000x", p.pkg)
					cmd.Dir = filepath.Join(b.root, p.dir)
					out, err := cmd.CombinedOutput()
					if err != nil {
						return fmt.Errorf("%s: %w: %s", cmd, err, bytes.TrimSpace(out))
					}
					values, err := busCosts(out)
					for k, v := range values {
						at(k).Add(p.name, v)
					}
					return err
				},
			})
		}
	}
	st.measures = func() (ms []report.Measure) {
		const group = "What the bus takes for a message of 300 bytes"
		for _, c := range []struct{ bench, title string }{{"Publish", "publishing"}, {"Deliver", "publishing, and hearing it on one other node"}} {
			ms = append(ms,
				report.New(group, c.title+": Go", "µs", true, at(c.bench+"/go")),
				report.New(group, c.title+": redis-server", "µs", true, at(c.bench+"/redis")))
			var goals []report.Goal
			if c.bench == "Publish" {
				goals = []report.Goal{report.AtMost(3)}
			}
			ms = append(ms, report.New(group, c.title+": Go and redis-server", "µs", true, at(c.bench+"/cpu"), goals...))
		}
		ms[0].Note = "As fast as it goes, many goroutines, 64 topics: Go's benchmarks BenchmarkPublish and BenchmarkDeliver of hub/redisbus and of peers/centrifuge."
		return ms
	}
	return st
}

var busCost = regexp.MustCompile(`([0-9.e+]+) (go|redis|cpu)-µs/op`)

// busCosts returns the results of the benchmarks, by benchmark and part. What is logged stands between a
// benchmark's name and its figures.
func busCosts(out []byte) (map[string]float64, error) {
	values := map[string]float64{}
	for part := range bytes.SplitSeq(out, []byte("\nBenchmark")) {
		name, rest, _ := bytes.Cut(part, []byte("-"))
		for _, cost := range busCost.FindAllSubmatch(rest, -1) {
			v, err := strconv.ParseFloat(string(cost[1]), 64)
			if err != nil {
				return nil, err
			}
			values[string(name)+"/"+string(cost[2])] = v
		}
	}
	if len(values) != 6 {
		return nil, fmt.Errorf("the benchmarks of the bus said %v: %s", values, out)
	}
	return values, nil
}
