package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"github.com/pitboss-hub/pitboss/cmd/bench/report"
)

// bench is one of Go's benchmarks, and what its figures are called in the report.
type bench struct {
	name, pkg   string
	time        string   // of -benchtime
	args, quick []string // of the benchmark itself
	group       string
	short       string // of the group, before each line in the table
	lines       []line
}

// line is a line of the report: a figure of a benchmark, by the name of its part and its unit there.
type line struct {
	part, metric string
	title, unit  string
	target       []report.Goal
	note         string
}

var benches = []bench{
	{
		name: "Provision", pkg: "./store/tenancy", time: "1x", quick: []string{"-fleet.provisioned=20"}, group: "Making 200 tenants, one after the other", short: "making a tenant",
		lines: []line{
			{metric: "squashed-p50-ms", title: "from the template, p50", unit: "ms"},
			{metric: "squashed-p99-ms", title: "from the template, p99", unit: "ms", target: most(150)},
			{metric: "pool-p50-ms", title: "from the pool, p50", unit: "ms"},
			{metric: "pool-p99-ms", title: "from the pool, p99", unit: "ms", target: most(10)},
			{metric: "steps-p99-ms", title: "by all steps, p99", unit: "ms", note: "What the template saves: no tenant is made so."},
		},
	},
	{
		name: "Fleet", pkg: "./store/tenancy", time: "1x", quick: []string{"-fleet.tenants=40"}, group: "Migrating 1,000 tenants by one step", short: "migrating all",
		lines: []line{
			{metric: "whole-s", title: "by one process", unit: "s", target: most(10)},
			{metric: "killed-and-resumed-s", title: "killed in the middle and resumed by another", unit: "s", target: most(10)},
			{metric: "drift-s", title: "comparing all of them with what a new tenant gets", unit: "s"},
		},
	},
	{
		name: "FleetNothingToDo", pkg: "./store/tenancy", time: "5x", quick: []string{"-fleet.entries=500"}, group: "Finding that 10,000 tenants lack nothing", short: "nothing to migrate",
		lines: []line{{metric: "max-s", title: "the longest of five", unit: "s", target: most(1)}},
	},
	{
		name: "FleetForeground", pkg: "./store/tenancy", time: "1x", quick: []string{"-fleet.tenants=40"}, group: "Bets while 1,000 tenants are migrated", short: "bets, migrating all",
		lines: []line{
			{metric: "before-p99-ms", title: "p99 before", unit: "ms"},
			{metric: "during-p99-ms", title: "p99 during", unit: "ms"},
			{metric: "rise-%", title: "rise of the p99", unit: "%", target: most(20)},
			{metric: "run-s", title: "the longest of eight runs", unit: "s", target: most(10)},
		},
	},
	{
		name: "Scope", pkg: "./store/internal/db", time: "3000x", group: "The tenant's scope, over a bare transaction of the same work", short: "scope",
		lines: []line{
			{part: "look/tenants=1", metric: "overhead-%", title: "a look-up, one tenant", unit: "%"},
			{part: "look/tenants=100", metric: "overhead-%", title: "a look-up, 100 tenants in turns", unit: "%"},
			{part: "write/tenants=1", metric: "overhead-%", title: "a durable line, one tenant", unit: "%"},
			{part: "write/tenants=100", metric: "overhead-%", title: "a durable line, 100 tenants in turns", unit: "%"},
			{part: "look/tenants=100", metric: "scoped-µs", title: "a look-up, 100 tenants in turns, median", unit: "µs"},
			{part: "write/tenants=100", metric: "scoped-µs", title: "a durable line, 100 tenants in turns, median", unit: "µs"},
		},
	},
	{
		name: "Lookup", pkg: "./store/tenancy", time: "1s", group: "Finding the casino of a host, among 10,000", short: "look-up",
		lines: []line{
			{part: "exact", metric: "ns/op", title: "a domain", unit: "ns"},
			{part: "wildcard", metric: "ns/op", title: "a name under a wildcard", unit: "ns"},
			{part: "unknown", metric: "ns/op", title: "a host of nobody", unit: "ns"},
		},
	},
	{
		name: "BackendMemory", pkg: "./store/internal/db", time: "1x", quick: []string{"-memory.schemas=50", "-memory.recycle=10"}, group: "Memory of a server process of PostgreSQL, by the schemas that it touched", short: "server process",
		lines: []line{
			{metric: "none-pss-MB", title: "none, PSS", unit: "MB"},
			{metric: "none-rss-MB", title: "none, RSS", unit: "MB"},
			{metric: "tenth-pss-MB", title: "100, PSS", unit: "MB"},
			{metric: "tenth-rss-MB", title: "100, RSS", unit: "MB"},
			{metric: "all-pss-MB", title: "1,000, PSS", unit: "MB"},
			{metric: "all-rss-MB", title: "1,000, RSS", unit: "MB"},
			{metric: "replaced-pss-MB", title: "1,000, replaced after every 100, PSS", unit: "MB", note: "The largest of the processes. A node replaces its connections by their age."},
			{metric: "replaced-rss-MB", title: "1,000, replaced after every 100, RSS", unit: "MB"},
		},
	},
	{
		name: "ForeignLoad", pkg: "./web", time: "1x", quick: []string{"-foreign.turns=1", "-foreign.window=1s"}, group: "Bets beside a casino at ten times its plan's limits", short: "bets, another floods",
		lines: []line{
			{metric: "quiet-p99-ms", title: "p99 beside nobody", unit: "ms"},
			{metric: "commands-clients-p99-ms", title: "commands: p99 beside clients that a server of their own refuses", unit: "ms"},
			{metric: "commands-rise-%", title: "commands: rise of that p99", unit: "%", target: most(10), note: foreignNote},
			{metric: "connects-clients-p99-ms", title: "connects: p99 beside the clients", unit: "ms"},
			{metric: "connects-rise-%", title: "connects: rise of that p99", unit: "%", target: most(10)},
			{metric: "lists-clients-p99-ms", title: "the API's heaviest lists: p99 beside the clients", unit: "ms"},
			{metric: "lists-rise-%", title: "the API's heaviest lists: rise of that p99", unit: "%", target: most(10)},
			{metric: "storage-clients-p99-ms", title: "bets and new tables when its storage is used up: p99 beside the clients", unit: "ms"},
			{metric: "storage-rise-%", title: "bets and new tables when its storage is used up: rise of that p99", unit: "%", target: most(10)},
			{metric: "lock-clients-p99-ms", title: "a lock on its tables, with commands and lists: p99 beside the clients", unit: "ms"},
			{metric: "lock-rise-%", title: "a lock on its tables, with commands and lists: rise of that p99", unit: "%", target: most(10)},
			{metric: "commands/s", title: "commands that it sent", unit: "/s"},
			{metric: "connects/s", title: "connects that it tried", unit: "/s"},
			{metric: "lists/s", title: "lists that it asked for", unit: "/s"},
		},
	},
}

const foreignNote = "Node, clients and PostgreSQL share the machine. Beside the clients means that they ask a server in their own process, which refuses everything: what they cost the machine without the node."

func most(x float64) []report.Goal { return []report.Goal{report.AtMost(x)} }

// chosen returns the benchmarks whose names a regular expression matches.
func chosen(only string) (out []bench, err error) {
	expr, err := regexp.Compile(only)
	if err != nil {
		return nil, err
	}
	for _, b := range benches {
		if expr.MatchString(b.name) {
			out = append(out, b)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("there is no benchmark like %q", only)
	}
	return out, nil
}

// timeLimit is for one benchmark.
const timeLimit = 40 * time.Minute

// run runs the benchmark, and returns what it printed.
func (b bench) run(ctx context.Context, root string, quick bool) ([]byte, error) {
	args := []string{"test", "-count=1", "-run", "^$", "-bench", "^Benchmark" + b.name + "$", "-benchtime", b.time, "-timeout", timeLimit.String(), b.pkg, "-args"}
	if quick {
		args = append(args, b.quick...)
	} else {
		args = append(args, b.args...)
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = root
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) } // the test as well, which ends its database
	cmd.WaitDelay = 30 * time.Second
	cmd.Env = os.Environ()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", b.name, err, tail(out))
	}
	return out, nil
}

// tail returns the end of what a program printed.
func tail(out []byte) []byte {
	const most = 2000
	return bytes.TrimSpace(out[max(0, len(out)-most):])
}

// figures are those of benchmarks, by name, with that of the part, and unit.
type figures map[string]map[string]float64

var (
	cores  = regexp.MustCompile(`-\d+$`)
	figure = regexp.MustCompile(`(-?[0-9.]+(?:e[+-]?\d+)?) ([A-Za-zµ%][A-Za-z0-9µ%-]*(?:/[a-z]+)?)(?:\s|$)`)
)

// read takes the figures from what a benchmark printed. What is logged may stand between its name and its figures.
func (f figures) read(out []byte) error {
	n := 0
	for _, part := range bytes.Split(append([]byte("\n"), out...), []byte("\nBenchmark"))[1:] {
		name, rest, _ := bytes.Cut(part, []byte("\t"))
		key := cores.ReplaceAllString(string(bytes.TrimSpace(bytes.SplitN(name, []byte("\n"), 2)[0])), "")
		for _, m := range figure.FindAllSubmatch(rest, -1) {
			v, err := strconv.ParseFloat(string(m[1]), 64)
			if err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
			if f[key] == nil {
				f[key] = map[string]float64{}
			}
			f[key][string(m[2])] = v
			n++
		}
	}
	if n == 0 {
		return fmt.Errorf("no figures: %s", tail(out))
	}
	return nil
}

// measure returns the line as it is reported. What was not measured is absent.
func (l line) measure(b bench, found figures) report.Measure {
	key := b.name
	if l.part != "" {
		key += "/" + l.part
	}
	values := report.Values{}
	if v, ok := found[key][l.metric]; ok {
		values.Add(report.Ours, v)
	}
	m := report.New(b.group, b.short+": "+l.title, l.unit, true, values, l.target...)
	m.Note = l.note
	return m
}
