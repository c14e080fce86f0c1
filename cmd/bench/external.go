package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/pitboss-hub/pitboss/cmd/bench/report"
)

const (
	tables  = 200
	players = 2000
	// offered is a little above the 12,000 that are to be accepted.
	offered = 12_100
	// idleRooms are opened to see what one takes.
	idleRooms = 1000
)

// bets measures the whole program on its database: accepted bets beside pgbench's simple-update on
// the same cluster, memory of an idle room, and the price of a tenant's scope.
func (b *bench) bets() step {
	accepted, p99, room, scope := report.Values{}, report.Values{}, report.Values{}, report.Values{}
	var note string
	st := step{trials: []trial{{title: "bets, pgbench and idle rooms on one cluster", seconds: 100, do: func(ctx context.Context) error {
		d, err := b.openDev(ctx)
		if err != nil {
			return err
		}
		defer d.process.stop()
		var failed []error
		var best float64
		var each []string
		for _, clients := range []int{8, 32} {
			tps, err := d.pgbench(ctx, clients, b.quick)
			if err != nil {
				failed = append(failed, err)
				continue
			}
			best = max(best, tps)
			each = append(each, fmt.Sprintf("%s/s with %d clients", report.Number(tps), clients))
		}
		if best > 0 {
			accepted.Add("pgbench", best)
			note = "pgbench is the better of " + strings.Join(each, " and ") + "."
		}
		switch r, err := d.load(ctx, b.quick); {
		case errors.Is(err, errNoLoad):
			note += " Ours is not measured: this build of pitboss has no command load."
		case err != nil:
			failed = append(failed, err)
		default:
			accepted.Add(report.Ours, r.accepted)
			p99.Add(report.Ours, r.p99)
		}
		kib, err := d.idleRooms(ctx)
		if err != nil {
			failed = append(failed, err)
		} else {
			room.Add(report.Ours, kib)
		}
		return errors.Join(failed...)
	}}, {title: "tenant scope against a bare begin", seconds: 60, do: func(ctx context.Context) error {
		ratios, err := b.scope(ctx)
		scope[report.Ours] = ratios
		return err
	}}}}
	st.measures = func() []report.Measure {
		const group = "Bets and rooms: the whole program on PostgreSQL"
		ms := []report.Measure{
			report.New(group, fmt.Sprintf("accepted bets, %d tables, %d players", tables, players), "1/s", false, accepted,
				report.AtLeast(12_000), report.AtLeastTimes(2, "pgbench")),
			report.New(group, "p99 until a bet is accepted", "ms", true, p99, report.AtMost(50)),
			report.New(group, "memory per idle room", "KiB", true, room, report.AtMost(24)),
			report.New(group, "a transaction in a tenant's scope over a bare one", "", true, scope, report.AtMost(1.1)),
		}
		ms[0].Note = note
		return ms
	}
	return st
}

// dev is a running "pitboss dev" with a database of its own.
type dev struct {
	bench       *bench
	dir         string
	http, admin string // addresses
	process     *process
	environment map[string]string // what it left for other commands
}

func (b *bench) product() string { return filepath.Join(b.bin, "product") }

func (b *bench) openDev(ctx context.Context) (*dev, error) {
	dir, err := os.MkdirTemp(b.bin, "dev-")
	if err != nil {
		return nil, err
	}
	// PostgreSQL does not run as root, and must get to its folder.
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, err
	}
	addrs, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	d := &dev{bench: b, dir: dir, http: addrs[0], admin: addrs[1]}
	args := []string{"--dir", dir, "--log-level", "error", "dev", "--listen", d.http, "--admin-listen", d.admin}
	// Profiles, for memory; not by a flag, which builds of before do not know.
	d.process, err = start(-1, dir, b.product(), args, []string{"PITBOSS_PPROF=true"}, nil)
	if err != nil {
		return nil, err
	}
	if err := d.ready(ctx); err != nil {
		d.process.stop()
		return nil, err
	}
	return d, nil
}

// ready waits until the node serves.
func (d *dev) ready(ctx context.Context) error {
	if err := d.process.answers(ctx, d.admin, time.Minute); err != nil {
		return err
	}
	until := time.Now().Add(time.Minute)
	for {
		_, err := fetch(ctx, http.MethodGet, "http://"+d.admin+"/readyz", "", "", nil)
		if err == nil {
			break
		}
		if time.Now().After(until) || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
	text, err := os.ReadFile(filepath.Join(d.dir, "env"))
	if err != nil {
		return err
	}
	d.environment = map[string]string{}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			d.environment[name] = value
		}
	}
	return nil
}

// pgbench runs simple-update in a schema of its own, and returns transactions per second.
func (d *dev) pgbench(ctx context.Context, clients int, quick bool) (float64, error) {
	url := d.environment["PITBOSS_ADMIN_DATABASE_URL"]
	seconds := "10"
	if quick {
		seconds = "4"
	}
	var out []byte
	for _, args := range [][]string{
		{"psql", "-q", "-c", "drop schema if exists pgbench cascade", "-c", "create schema pgbench", url},
		{"pgbench", "-i", "-s", "50", "-q", url},
		{"pgbench", "-n", "-N", "-c", strconv.Itoa(clients), "-j", "2", "-T", seconds, url},
	} {
		cmd := exec.CommandContext(ctx, postgres(args[0]), args[1:]...)
		cmd.Env = append(os.Environ(), "PGOPTIONS=-c search_path=pgbench -c client_min_messages=warning")
		var err error
		if out, err = cmd.CombinedOutput(); err != nil {
			return 0, fmt.Errorf("%s: %w: %s", args[0], err, bytes.TrimSpace(out))
		}
	}
	return pgbenchTPS(out)
}

var tpsLine = regexp.MustCompile(`(?m)^tps = ([0-9.]+)`)

func pgbenchTPS(out []byte) (float64, error) {
	found := tpsLine.FindSubmatch(out)
	if found == nil {
		return 0, fmt.Errorf("pgbench said nothing of tps: %s", out)
	}
	return strconv.ParseFloat(string(found[1]), 64)
}

var errNoLoad = errors.New("there is no command load")

type loaded struct{ accepted, p99 float64 }

// load runs "pitboss load", whose checks must pass.
func (d *dev) load(ctx context.Context, quick bool) (loaded, error) {
	help, _ := exec.CommandContext(ctx, d.bench.product(), "--help").CombinedOutput()
	if !regexp.MustCompile(`(?m)^\s+load\b`).Match(help) {
		return loaded{}, errNoLoad
	}
	seconds := "30s"
	if quick {
		seconds = "15s"
	}
	return d.drive(ctx, strconv.Itoa(tables), strconv.Itoa(players), strconv.Itoa(offered), seconds)
}

// drive runs "pitboss load" at casino-x.
func (d *dev) drive(ctx context.Context, tables, players, rate, duration string, more ...string) (loaded, error) {
	_, port, err := net.SplitHostPort(d.http)
	if err != nil {
		return loaded{}, err
	}
	args := []string{
		"--dir", d.dir, "load", "--url", "http://casino-x.localhost:" + port,
		"--games", "roulette:" + tables, "--players", players, "--rate", rate, "--duration", duration, "--json",
	}
	out, err := d.bench.output(ctx, -1, d.bench.product(), append(args, more...)...)
	if err != nil {
		return loaded{}, err
	}
	return readLoad(out)
}

// readLoad reads the report of "pitboss load --json".
func readLoad(text []byte) (loaded, error) {
	var r struct {
		Accepted   float64 `json:"accepted_rate"`
		Acceptance struct {
			P99 float64 `json:"p99_ms"`
		} `json:"acceptance"`
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return loaded{}, fmt.Errorf("pitboss load: %w", err)
	}
	if r.Accepted == 0 || r.Acceptance.P99 == 0 {
		return loaded{}, fmt.Errorf("pitboss load said neither accepted_rate nor acceptance.p99_ms: %.200s", text)
	}
	return loaded{r.Accepted, r.Acceptance.P99}, nil
}

// token returns a token for a subject of a casino.
func (d *dev) token(ctx context.Context, slug, role string) (string, error) {
	out, err := d.bench.output(ctx, -1, d.bench.product(), "--dir", d.dir, "token", "--tenant", slug, "--subject", "bench", "--role", role)
	return strings.TrimSpace(string(out)), err
}

// idleRooms opens rooms that nobody enters, and returns how many KiB of heap and stacks are
// in use more for each.
func (d *dev) idleRooms(ctx context.Context) (float64, error) {
	token, err := d.token(ctx, "casino-x", "operator")
	if err != nil {
		return 0, err
	}
	before, err := d.memory(ctx)
	if err != nil {
		return 0, err
	}
	for i := range idleRooms {
		body := fmt.Appendf(nil, `{"room":"idle-%d","game":"roulette"}`, i)
		if _, err := fetch(ctx, http.MethodPost, "http://"+d.http+"/v1/rooms", "casino-x.localhost", token, body); err != nil {
			return 0, err
		}
	}
	after, err := d.memory(ctx)
	return (after - before) / 1024 / idleRooms, err
}

var memoryLine = regexp.MustCompile(`(?m)^# (HeapInuse|Stack) = ([0-9]+)`)

// memory returns the node's heap and stacks in use after a collection, in bytes.
func (d *dev) memory(ctx context.Context) (float64, error) {
	text, err := fetch(ctx, http.MethodGet, "http://"+d.admin+"/debug/pprof/heap?gc=1&debug=1", "", "", nil)
	if err != nil {
		return 0, err
	}
	return memoryIn(text)
}

func memoryIn(text []byte) (sum float64, err error) {
	found := memoryLine.FindAllSubmatch(text, -1)
	if len(found) != 2 {
		return 0, errors.New("the heap profile says nothing of memory in use")
	}
	for _, f := range found {
		v, err := strconv.ParseFloat(string(f[2]), 64)
		if err != nil {
			return 0, err
		}
		sum += v
	}
	return sum, nil
}

// scope runs the store's benchmark, and returns for each of its runs by how much the dearest
// scoped transaction is dearer than the bare one of the same work.
func (b *bench) scope(ctx context.Context) ([]float64, error) {
	count := strconv.Itoa(b.rounds())
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^BenchmarkScope$", "-benchtime", "3000x", "-count", count, "./store/internal/db")
	cmd.Dir = b.root
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", cmd, err, bytes.TrimSpace(out))
	}
	return scopeRatios(out)
}

var benchLine = regexp.MustCompile(`(?m)^BenchmarkScope/(\S+)\s+\d+\s.*?(-?[0-9.e+]+) overhead-%`)

// scopeRatios returns, for each run, the most expensive of its cases.
func scopeRatios(out []byte) ([]float64, error) {
	times := map[string]int{} // how often a case was seen: its run
	var worst []float64
	for _, f := range benchLine.FindAllSubmatch(out, -1) {
		percent, err := strconv.ParseFloat(string(f[2]), 64)
		if err != nil {
			return nil, err
		}
		run := times[string(f[1])]
		times[string(f[1])]++
		if len(worst) <= run {
			worst = append(worst, 0)
		}
		worst[run] = max(worst[run], 1+percent/100)
	}
	if len(worst) == 0 {
		return nil, fmt.Errorf("BenchmarkScope said nothing: %s", out)
	}
	return worst, nil
}

// fetch makes an HTTP request that must succeed, and returns the body.
func fetch(ctx context.Context, method, url, host, token string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Host = host
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s: %.200s", method, url, resp.Status, text)
	}
	return text, err
}
