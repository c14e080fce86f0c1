// Command bench runs Pitboss and the servers that it is compared with in turn on this
// machine, and says how they did: a table, docs/benchmarks/latest.json and a page with
// charts. docs/benchmarks/README.md says what is measured, and how.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/pitboss-hub/pitboss/cmd/bench/report"
)

// timeLimit is for a whole run.
const timeLimit = 50 * time.Minute

func main() {
	quick := flag.Bool("quick", false, "one short window each: a look, no proof")
	only := flag.String("only", "", "steps to run, a list: "+strings.Join(stepNames(), ", "))
	out := flag.String("out", "", "where latest.json and index.html go (default docs/benchmarks; nowhere with -quick or -only)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, timeLimit)
	defer cancel()
	if err := run(ctx, *quick, *only, *out); err != nil {
		if ctx.Err() != nil {
			err = errors.New("stopped; nothing that was started is left")
		}
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench is one run.
type bench struct {
	quick  bool
	root   string                        // of the repository
	bin    string                        // where the programs are that it runs
	best   map[string]map[string]float64 // by shape and server: the greatest rate carried, publications per second
	trials []trial                       // that failed
}

// trial is one window, or whatever else takes a while.
type trial struct {
	title   string
	seconds float64 // about
	do      func(context.Context) error
	err     error
}

// step is some trials, and what they say together.
type step struct {
	name     string
	trials   []trial
	measures func() []report.Measure
}

func run(ctx context.Context, quick bool, only, out string) error {
	root, err := repository(ctx)
	if err != nil {
		return err
	}
	if out == "" && !quick && only == "" {
		out = filepath.Join(root, "docs", "benchmarks")
	}
	b := &bench{quick: quick, root: root, best: map[string]map[string]float64{}}
	if b.bin, err = os.MkdirTemp("", "pitboss-bench-"); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(b.bin) }()
	fmt.Fprintln(os.Stderr, "building …")
	if err := b.build(ctx); err != nil {
		return err
	}
	if cores() < 2 {
		fmt.Fprintln(os.Stderr, "This machine has one core: servers and client share it, and figures are worth little.")
	}
	steps, err := b.steps(only)
	if err != nil {
		return err
	}
	before := cpuTime()
	if err := b.walk(ctx, steps); err != nil {
		return err
	}
	stolen := cpuTime().stolenSince(before)
	var ms []report.Measure
	for _, s := range steps {
		ms = append(ms, s.measures()...)
	}
	if err := report.WriteTable(os.Stdout, ms); err != nil {
		return err
	}
	if out != "" {
		if err := write(out, facts(ctx, root, quick, stolen), ms); err != nil {
			return err
		}
		fmt.Fprintln(os.Stderr, "written:", out)
	}
	for _, t := range b.trials {
		fmt.Fprintf(os.Stderr, "%s: %v\n", t.title, t.err)
	}
	if len(b.trials) > 0 {
		return fmt.Errorf("%d of the measurements failed", len(b.trials))
	}
	return nil
}

// walk does the trials in order. One that fails is remembered, and its value is missing.
func (b *bench) walk(ctx context.Context, steps []step) error {
	var all []trial
	var left, planned float64
	for _, s := range steps {
		all = append(all, s.trials...)
	}
	for _, t := range all {
		left += t.seconds
	}
	began := time.Now()
	for i, t := range all {
		pace := 1.0
		if planned > 20 {
			pace = time.Since(began).Seconds() / planned
		}
		fmt.Fprintf(os.Stderr, "[%*d/%d] %s, about %s to go  %s\n", len(fmt.Sprint(len(all))), i+1, len(all), clock(time.Since(began).Seconds()), clock(left*pace), t.title)
		if t.err = t.do(ctx); t.err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			fmt.Fprintln(os.Stderr, "  failed:", t.err)
			b.trials = append(b.trials, t)
		}
		left, planned = left-t.seconds, planned+t.seconds
	}
	return nil
}

func clock(seconds float64) string {
	s := int(seconds)
	return fmt.Sprintf("%02d:%02d", s/60, s%60)
}

func (b *bench) steps(only string) ([]step, error) {
	var steps []step
	for _, name := range strings.FieldsFunc(only, func(r rune) bool { return r == ',' || r == ' ' }) {
		if !slices.Contains(stepNames(), name) {
			return nil, fmt.Errorf("there is no step %q: %s", name, strings.Join(stepNames(), ", "))
		}
	}
	for _, s := range allSteps {
		if only == "" || slices.Contains(strings.Split(strings.ReplaceAll(only, " ", ","), ","), s.name) {
			made := s.make(b)
			made.name = s.name
			steps = append(steps, made)
		}
	}
	return steps, nil
}

func stepNames() (names []string) {
	for _, s := range allSteps {
		names = append(names, s.name)
	}
	return names
}

// write leaves the report where the last one was.
func write(dir string, f report.Facts, ms []report.Measure) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	list, err := os.Create(filepath.Join(dir, "latest.json"))
	if err != nil {
		return err
	}
	page, err := os.Create(filepath.Join(dir, "index.html"))
	if err != nil {
		return errors.Join(err, list.Close())
	}
	return errors.Join(report.WriteJSON(list, ms), list.Close(), report.WritePage(page, f, ms), page.Close())
}
