// Command tenancy measures what tenants cost: to make, to migrate, to find, to keep apart, and when one of them takes more than its
// share. It runs Go's benchmarks of the repository one after the other, prints one table, and writes docs/benchmarks/tenancy.json.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/pitboss-hub/pitboss/cmd/bench/report"
)

func main() {
	quick := flag.Bool("quick", false, "few tenants and short windows: shows that all of it runs, and nothing else")
	only := flag.String("only", "", "the benchmarks to run, a regular expression of their names, without Benchmark; all if it is not given")
	out := flag.String("out", "", "the folder where tenancy.json goes (default docs/benchmarks; nowhere with -quick or -only)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *quick, *only, *out); err != nil {
		fmt.Fprintln(os.Stderr, "bench-tenancy:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, quick bool, only, out string) error {
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/pitboss-hub/pitboss").Output()
	if err != nil {
		return fmt.Errorf("run this in cmd/bench of the repository (make bench-tenancy does): %w", err)
	}
	dir := strings.TrimSpace(string(root))
	if out == "" && !quick && only == "" {
		out = filepath.Join(dir, "docs", "benchmarks")
	}
	wanted, err := chosen(only)
	if err != nil {
		return err
	}
	found := figures{}
	var failed []error
	for i, bench := range wanted {
		fmt.Fprintf(os.Stderr, "[%d/%d] %s\n", i+1, len(wanted), bench.name)
		began := time.Now()
		text, err := bench.run(ctx, dir, quick)
		if ctx.Err() != nil {
			return errors.New("stopped; nothing that was started is left")
		}
		if err == nil {
			err = found.read(text)
		}
		if err != nil { // its lines are there, without figures
			failed = append(failed, err)
			fmt.Fprintln(os.Stderr, "  failed:", err)
			continue
		}
		fmt.Fprintf(os.Stderr, "  %s\n", time.Since(began).Round(time.Second))
	}
	var ms []report.Measure
	for _, bench := range wanted {
		for _, l := range bench.lines {
			ms = append(ms, l.measure(bench, found))
		}
	}
	if quick {
		for i := range ms {
			ms[i].Met, ms[i].Note = nil, "A quick run: of a small part of the tenants and of the time that the line says."
		}
	}
	if quick {
		fmt.Fprintln(os.Stderr, "quick: the tenants are a small part of those that the lines say")
	}
	if err := report.WriteTable(os.Stdout, ms); err != nil {
		return err
	}
	if out != "" {
		if err := write(filepath.Join(out, "tenancy.json"), ms); err != nil {
			return err
		}
	}
	return errors.Join(failed...)
}

func write(file string, ms []report.Measure) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer fmt.Fprintln(os.Stderr, "written:", file)
	return errors.Join(report.WriteJSON(f, ms), f.Close())
}
