package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/pitboss-hub/pitboss/cmd/bench/report"
)

// facts returns the facts about the machine and the run.
func facts(ctx context.Context, root string, quick bool, stolen string) report.Facts {
	f := report.Facts{
		{Name: "Date", Value: time.Now().UTC().Format("2 January 2006, 15:04 UTC")},
		{Name: "Commit", Value: said(ctx, root, "git", "describe", "--always", "--dirty")},
		{Name: "CPU", Value: cpuModel()},
		{Name: "Cores", Value: strings.TrimSpace(said(ctx, root, "nproc") + " (server on one, client on another)")},
		{Name: "Stolen", Value: stolen},
		{Name: "Kernel", Value: said(ctx, root, "uname", "-sr")},
		{Name: "Go", Value: strings.TrimPrefix(runtime.Version(), "go")},
		{Name: "PostgreSQL", Value: said(ctx, root, postgres("postgres"), "--version")},
		{Name: "Redis", Value: said(ctx, root, "redis-server", "--version")},
		{Name: "Centrifuge", Value: said(ctx, filepath.Join(root, "cmd", "bench"), "go", "list", "-m", "-f", "{{.Version}}", "github.com/centrifugal/centrifuge")},
	}
	if quick {
		f = append(f, report.Fact{Name: "Run", Value: "quick: one short window each"})
	}
	return f
}

func said(ctx context.Context, dir, program string, args ...string) string {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

func cpuModel() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// cpu is the CPU time that the machine has had since its start, in ticks of the kernel.
type cpu struct{ busy, stolen float64 }

// cpuTime reads the first line of proc(5)'s /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal.
func cpuTime() cpu {
	text, _ := os.ReadFile("/proc/stat")
	var n [8]float64
	line, _, _ := strings.Cut(string(text), "\n")
	for i, field := range strings.Fields(line) {
		if i > 0 && i <= len(n) {
			n[i-1], _ = strconv.ParseFloat(field, 64)
		}
	}
	return cpu{busy: n[0] + n[1] + n[2] + n[5] + n[6], stolen: n[7]}
}

// stolenSince returns what a hypervisor gave to others while this machine wanted to run: with much
// of it, times to wait say more about the neighbours than about the servers.
func (c cpu) stolenSince(before cpu) string {
	stolen := c.stolen - before.stolen
	wanted := c.busy - before.busy + stolen
	if wanted <= 0 {
		return "unknown"
	}
	return fmt.Sprintf("%.1f %% of the CPU time that was wanted", 100*stolen/wanted)
}

// postgres returns the path of one of PostgreSQL's programs, the newest that is installed.
func postgres(name string) string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(found) > 0 {
		return found[len(found)-1]
	}
	return name
}
