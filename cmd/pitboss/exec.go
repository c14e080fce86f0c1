package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/script"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

const (
	// execParallelMax bounds how many casinos are worked on at a time: a file has a connection of its own for each.
	execParallelMax = 8
	// execOutputMax bounds the output of a command that is kept for each casino, in bytes.
	execOutputMax = 1 << 20
	// execSlug stands for the casino's slug in a command.
	execSlug = "{}"
)

type tenantExecCmd struct {
	Tenant   []string      `xor:"which" help:"These casinos." placeholder:"SLUG,…"`
	All      bool          `xor:"which" help:"All casinos, but for those that --status leaves out."`
	Status   []string      `help:"Of all casinos those that are trial, active, grace, unpaid, maintenance, suspended, archived or out_of_order. Without it, an SQL file is run for all but archived ones." placeholder:"STATUS,…"`
	Parallel int           `help:"Casinos at a time." default:"4"`
	Timeout  time.Duration `help:"How long one casino may take." default:"1m"`
	File     string        `help:"An SQL file: one transaction for each casino, as its role, with the application's rights and no others. - is the standard input." placeholder:"FILE"`
	Write    bool          `help:"The file may write; it is audited in each casino. Without it the transactions are read-only."`
	Reason   strict.Line   `help:"Why, if the file may write; for the audit log."`
	Rows     int           `help:"How many rows are shown of each statement." default:"100"`
	JSON     bool          `help:"Print JSON."`
	Command  []string      `arg:"" optional:"" help:"After --: a pitboss command, with {} for the casino's slug."`
}

// Help implements kong's long help.
func (tenantExecCmd) Help() string {
	return "Runs an SQL file, or another command of pitboss, for each of some casinos. One that fails holds up no others. Exits with 1 if any failed, or was not reached.\n\n" +
		"pitboss tenant exec --all --file count.sql\npitboss tenant exec --tenant a,b -- room list --tenant {} --json"
}

// execReport says what became of one casino.
type execReport struct {
	Tenant  string          `json:"tenant"`
	Status  string          `json:"status"` // ok, failed, not_run
	TookMS  int64           `json:"took_ms"`
	Error   string          `json:"error,omitempty"`
	Results []script.Result `json:"results,omitempty"` // of a file
	Output  string          `json:"output,omitempty"`  // of a command
}

const (
	execOK     = "ok"
	execFailed = "failed"
	execNotRun = "not_run"
)

// execFor runs something for a casino.
type execFor func(ctx context.Context, t *tenancy.Tenant, r *execReport) error

// Run implements the command.
func (c tenantExecCmd) Run(p *program) error {
	if err := c.check(p); err != nil {
		return err
	}
	s, err := p.openStore()
	if err != nil {
		return err
	}
	defer s.Close()
	list, err := c.tenants(s)
	if err != nil {
		return err
	}
	do := c.command(p)
	if c.File != "" {
		if do, err = c.script(s); err != nil {
			return err
		}
	}
	return c.report(p, c.each(p, list, do))
}

// insideExec is the key of a context's value that says that a command runs in another one.
type insideExec struct{}

// refusedInExec are commands that are not run for casinos: they serve, or are of none.
var refusedInExec = []string{"dev", "cluster", "serve", "load", "health", "version", "doctor", "platform"}

// check returns an error if the flags do not go together.
func (c tenantExecCmd) check(p *program) error {
	switch {
	case p.ctx.Value(insideExec{}) != nil:
		return errors.New("tenant exec runs no tenant exec")
	case len(c.Tenant) == 0 && !c.All:
		return errors.New("say for which casinos: --tenant SLUG,… or --all")
	case c.File != "" && len(c.Command) > 0:
		return errors.New("give one of --file FILE and a pitboss command after --, not both")
	case c.File == "" && len(c.Command) == 0:
		return errors.New("say what to run: --file FILE, or a pitboss command after --")
	case len(c.Command) > 0 && (c.Write || c.Reason != ""):
		return errors.New("--write and --reason are of SQL files: a command has flags of its own")
	case c.Write && c.Reason == "":
		return errors.New("--write needs a --reason, for the audit log of each casino")
	case c.Reason != "" && !c.Write:
		return errors.New("--reason is of --write: a file that reads is not audited")
	case c.Parallel < 1 || c.Parallel > execParallelMax:
		return fmt.Errorf("--parallel is 1 to %d", execParallelMax)
	case c.Timeout <= 0 || c.Rows < 0:
		return errors.New("--timeout is more than nothing, and --rows no less")
	case len(c.Command) > 0 && (strings.HasPrefix(c.Command[0], "-") || slices.Contains(refusedInExec, c.Command[0])):
		return fmt.Errorf("%q is not run for a casino", c.Command[0])
	case len(c.Command) > 1 && c.Command[0] == "tenant" && slices.Contains(c.Command, "purge"):
		return errors.New("casinos are purged one by one, by typing the slug of each")
	case len(c.Command) > 0 && !slices.ContainsFunc(c.Command, func(a string) bool { return strings.Contains(a, execSlug) }):
		return fmt.Errorf("say by %s where the casino's slug goes in the command", execSlug)
	}
	known := []string{}
	for _, g := range tenancy.Life {
		known = append(known, string(g.Status))
	}
	for _, s := range c.Status {
		if !slices.Contains(known, s) {
			return fmt.Errorf("there is no status %q; there are %s", s, strings.Join(known, ", "))
		}
	}
	return nil
}

// tenants returns those that were chosen, by slug.
func (c tenantExecCmd) tenants(s *store.Store) (list []*tenancy.Tenant, err error) {
	now := time.Now()
	wanted := map[tenant.Slug]bool{}
	for _, slug := range c.Tenant {
		t, ok := s.Tenants.Named(tenant.Slug(slug))
		if !ok {
			return nil, noTenant(slug)
		}
		if err := t.Open(); errors.Is(err, tenancy.ErrStatus) {
			return nil, err
		}
		wanted[t.Slug] = true
	}
	for _, t := range s.Tenants.Known() {
		status := t.Status(now)
		switch {
		case len(wanted) > 0 && !wanted[t.Slug]:
		case len(c.Status) > 0 && !slices.Contains(c.Status, string(status)):
		case c.All && len(c.Status) == 0 && c.File != "" && status == tenancy.Archived:
		default:
			list = append(list, t)
		}
	}
	if len(list) == 0 {
		return nil, errors.New("no casino is of that status")
	}
	return list, nil
}

// script returns what runs the file.
func (c tenantExecCmd) script(s *store.Store) (execFor, error) {
	in, name := io.Reader(os.Stdin), "standard input"
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }()
		in, name = f, filepath.Base(c.File)
	}
	text, err := io.ReadAll(io.LimitReader(in, script.BytesMax+1))
	if err != nil {
		return nil, err
	}
	parsed, err := script.Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	o := script.Options{
		Write: c.Write, Timeout: c.Timeout, Rows: c.Rows, By: actor(), Name: string(strict.CleanLine(name, 200)), Reason: c.Reason,
		Digest: fmt.Sprintf("%x", sha256.Sum256(text)),
	}
	return func(ctx context.Context, t *tenancy.Tenant, r *execReport) (err error) {
		if err := t.Open(); errors.Is(err, tenancy.ErrStatus) {
			return err
		}
		if t.ID.IsZero() {
			return fmt.Errorf("%w: %s", tenancy.ErrOutOfOrder, t.OutOfOrder)
		}
		r.Results, err = parsed.Run(ctx, s.DB, t.ID, o)
		if errors.Is(err, script.ErrReadOnly) {
			err = fmt.Errorf("%w: add --write and --reason if it is to write", err)
		}
		return err
	}, nil
}

// command returns what runs the command, in this process, on the same databases.
func (c tenantExecCmd) command(p *program) execFor {
	var flags []string
	for _, f := range [][2]string{
		{"--dir", p.Dir}, {"--database-url", p.Database}, {"--control-database-url", p.Control}, {"--admin-database-url", p.Admin},
		{"--master-key", p.MasterKey}, {"--log-format", p.LogFormat}, {"--log-level", p.LogLevel},
	} {
		if f[1] != "" {
			flags = append(flags, f[0]+"="+f[1])
		}
	}
	return func(ctx context.Context, t *tenancy.Tenant, r *execReport) error {
		args := slices.Clone(flags)
		for _, a := range c.Command {
			args = append(args, strings.ReplaceAll(a, execSlug, string(t.Slug)))
		}
		var out someOutput
		err := run(context.WithValue(ctx, insideExec{}, true), args, streams{&out, &out}, p.seams)
		r.Output = out.String()
		if errors.Is(err, errShown) {
			err = errors.New("see its output")
		}
		return err
	}
}

// each runs something for each tenant, some at a time, and sends a report of each when it is done. When the program is
// told to end, those that have not begun are not run, and those that have are cancelled.
func (c tenantExecCmd) each(p *program, list []*tenancy.Tenant, do execFor) <-chan execReport {
	reports := make(chan execReport)
	next := make(chan *tenancy.Tenant)
	var workers sync.WaitGroup
	for range min(c.Parallel, len(list)) {
		workers.Go(func() {
			for t := range next {
				reports <- c.one(p.ctx, t, do)
			}
		})
	}
	go func() { // ends when all are reported
		for _, t := range list {
			next <- t
		}
		close(next)
		workers.Wait()
		close(reports)
	}()
	return reports
}

func (c tenantExecCmd) one(ctx context.Context, t *tenancy.Tenant, do execFor) execReport {
	r := execReport{Tenant: string(t.Slug), Status: execNotRun}
	if ctx.Err() != nil {
		return r
	}
	began := time.Now()
	under, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	err := do(under, t, &r)
	r.TookMS = time.Since(began).Milliseconds()
	switch r.Status = execOK; {
	case err == nil:
		return r
	case c.File != "" && ctx.Err() != nil: // what failed by it tells nothing
		err = errInterrupted
	case c.File != "" && under.Err() != nil:
		err = fmt.Errorf("it took more than %v", c.Timeout)
	case ctx.Err() != nil:
		err = fmt.Errorf("%w: %w", errInterrupted, err)
	case under.Err() != nil:
		err = fmt.Errorf("it took more than %v: %w", c.Timeout, err)
	}
	r.Status, r.Error = execFailed, errorText(err)
	return r
}

// report prints what became of each, and returns an error unless all is well.
func (c tenantExecCmd) report(p *program, reports <-chan execReport) error {
	counts := map[string]int{}
	all := []execReport{}
	for r := range reports {
		counts[r.Status]++
		if c.JSON {
			all = append(all, r)
		} else {
			p.printExec(r)
		}
	}
	var err error
	if n := counts[execFailed] + counts[execNotRun]; n > 0 {
		err = fmt.Errorf("%d casinos failed, %d were not run", counts[execFailed], counts[execNotRun])
	}
	if c.JSON {
		slices.SortFunc(all, func(x, y execReport) int { return strings.Compare(x.Tenant, y.Tenant) })
		return errors.Join(err, p.printJSON(map[string]any{"tenants": all, "ok": counts[execOK], "failed": counts[execFailed], "not_run": counts[execNotRun]}))
	}
	p.printf("%d ok, %d failed, %d not run\n", counts[execOK], counts[execFailed], counts[execNotRun])
	return err
}

// printExec writes a report for people to read.
func (p *program) printExec(r execReport) {
	switch r.Status {
	case execOK:
		p.printf("%s: ok, %d ms\n", r.Tenant, r.TookMS)
	case execFailed:
		p.printf("%s\n", p.red(fmt.Sprintf("%s: failed, %d ms: %s", r.Tenant, r.TookMS, r.Error)))
	default:
		p.printf("%s: not run\n", r.Tenant)
	}
	if r.Output != "" {
		for line := range strings.Lines(strings.TrimRight(r.Output, "\n") + "\n") {
			p.printf("  %s", line)
		}
	}
	for _, s := range r.Results {
		if len(s.Columns) == 0 {
			p.printf("  %s\n", s.Tag)
			continue
		}
		w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintf(w, "  %s\n", strings.Join(s.Columns, "\t"))
		for _, row := range s.Rows {
			cells := make([]string, len(row))
			for i, cell := range row {
				if cell != nil {
					cells[i] = string(strict.CleanLine(*cell, 200)) // a terminal obeys what is in a text
				}
			}
			_, _ = fmt.Fprintf(w, "  %s\n", strings.Join(cells, "\t"))
		}
		_ = w.Flush()
		if s.More > 0 {
			p.printf("  and %d rows more\n", s.More)
		}
	}
}

// someOutput keeps the beginning of what is written.
type someOutput struct {
	mu   sync.Mutex
	text bytes.Buffer
	cut  bool
}

// Write implements io.Writer. It never fails.
func (o *someOutput) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	left := execOutputMax - o.text.Len()
	o.cut = o.cut || len(b) > left
	_, _ = o.text.Write(b[:min(len(b), left)])
	return len(b), nil
}

// String returns what was written.
func (o *someOutput) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.cut {
		return o.text.String() + "\n…\n"
	}
	return o.text.String()
}
