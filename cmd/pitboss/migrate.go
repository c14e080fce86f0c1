package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/mattn/go-isatty"
	"github.com/schollz/progressbar/v3"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

type migrateCmd struct {
	Run    migrateRunCmd    `cmd:"" default:"withargs" help:"Migrate what is behind; the default. Several may run at once, and one that was killed is resumed by the next."`
	Status migrateStatusCmd `cmd:"" help:"Show which versions the casinos have, and how far the last run is."`
	Pause  migratePauseCmd  `cmd:"" help:"Make the run that is under way stop before its next casino."`
	Resume migrateResumeCmd `cmd:"" help:"Go on with a run that is paused."`
	Cancel migrateCancelCmd `cmd:"" help:"End a run; what is migrated stays so."`
	Drift  migrateDriftCmd  `cmd:"" help:"Compare all casinos' tables, indexes, constraints, triggers and rights with what a new casino gets. Exits with 1 if any differs."`
}

type migrateRunCmd struct {
	DryRun      bool     `help:"Print what would be done, with its SQL, and change nothing."`
	Tenants     []string `help:"Migrate these casinos only." placeholder:"SLUG,…"`
	Canary      []string `help:"These casinos come first, and if one fails the run stops. Without it, of 20 casinos or more, one is chosen." placeholder:"SLUG,…"`
	MaxFailures int      `help:"How many casinos may fail before the run stops." default:"5"`
	runWork     `embed:""`
}

// runWork holds the flags of the commands that work on a run.
type runWork struct {
	Workers int  `help:"Casinos at once, in this process." default:"4"`
	JSON    bool `help:"Print JSON, of the run when it is over, or of the plan."`
}

// rollout returns what the flags say.
func (c migrateRunCmd) rollout() tenancy.Rollout {
	slugs := func(names []string) (out []tenant.Slug) {
		for _, n := range names {
			out = append(out, tenant.Slug(n))
		}
		return out
	}
	return tenancy.Rollout{Tenants: slugs(c.Tenants), Canaries: slugs(c.Canary), Workers: c.Workers, MaxFailures: &c.MaxFailures}
}

// Run implements the command.
func (c migrateRunCmd) Run(p *program) error {
	if c.MaxFailures < 0 {
		return errors.New("--max-failures is at least 0")
	}
	if err := c.check(); err != nil {
		return err
	}
	if c.DryRun {
		return p.withAdmin(func(admin *tenancy.Admin) error {
			plan, err := admin.PlanRoll(p.ctx, c.rollout())
			switch {
			case err != nil:
				return err
			case c.JSON:
				return p.printJSON(plan)
			}
			p.printPlan(plan)
			return nil
		})
	}
	return c.run(p, c.rollout())
}

// check returns an error for flags that cannot be.
func (c runWork) check() error {
	if c.Workers < 1 || c.Workers > tenancy.MaxWorkers {
		return fmt.Errorf("--workers: a process has 1 to %d workers", tenancy.MaxWorkers)
	}
	return nil
}

// run migrates, shows how far it is, and prints what came of it.
func (c runWork) run(p *program, r tenancy.Rollout) error {
	if c.JSON {
		return p.roll(r, func(waits []tenancy.Waiting, s tenancy.FleetStatus, failed error) error {
			out := struct {
				tenancy.FleetStatus
				Waits []tenancy.Waiting `json:"waits"`
				Error string            `json:"error,omitempty"`
			}{FleetStatus: s, Waits: append([]tenancy.Waiting{}, waits...)}
			if failed != nil {
				out.Error = errorText(failed)
			}
			return p.printJSON(out)
		})
	}
	r.Progress = p.showProgress()
	return p.roll(r, func(waits []tenancy.Waiting, s tenancy.FleetStatus, _ error) error {
		named, ahead := s.Versions[s.Template]-s.Ahead[s.Template], total(s.Ahead)
		p.printf("%d of %d casinos", named, total(s.Versions)-ahead)
		if ahead > 0 {
			p.printf(", and %d of %d made ahead,", s.Ahead[s.Template], ahead)
		}
		p.printf(" are of version %d.\n", s.Template)
		for _, w := range waits {
			p.printf("Step %s of the %s waits for older nodes: %s. Run pitboss migrate again when they are replaced.\n", w.Step, w.Scope, strings.Join(w.Nodes, ", "))
		}
		return nil
	})
}

func total(versions map[int]int) (n int) {
	for v := range maps.Values(versions) {
		n += v
	}
	return n
}

// roll migrates, and reports with tell also when that failed, unless it was not begun.
func (p *program) roll(r tenancy.Rollout, tell func(waits []tenancy.Waiting, now tenancy.FleetStatus, failed error) error) error {
	return p.withAdmin(func(admin *tenancy.Admin) error {
		if p.Database == "" {
			return errors.New("set PITBOSS_DATABASE_URL too: its user and password become the app's login")
		}
		waits, err := admin.Roll(p.ctx, p.Database, r)
		if errors.Is(err, store.ErrInvalid) || errors.Is(err, store.ErrNoTenant) {
			return err
		}
		if tell == nil {
			for _, w := range waits {
				p.log.Warn("a step waits for older nodes: migrate again when they are replaced", "step", w.Step, "of", w.Scope, "nodes", w.Nodes)
			}
			return err
		}
		s, failed := admin.FleetStatus(p.ctx)
		if failed != nil {
			return errors.Join(err, failed)
		}
		return errors.Join(err, tell(waits, s, err))
	})
}

// migrate brings the database to this binary's version, for commands that do more than that.
func migrate(p *program) error { return p.roll(tenancy.Rollout{}, nil) }

// showProgress returns what shows how far a run is: a bar at a terminal, else a line for each wave.
func (p *program) showProgress() func(tenancy.RunStatus) {
	if f, ok := p.out.(*os.File); ok && isatty.IsTerminal(f.Fd()) {
		return progressBar(f)
	}
	said := ""
	return func(s tenancy.RunStatus) {
		wave := slices.IndexFunc(s.Waves, func(w tenancy.Wave) bool { return w.Done+w.Failed < w.Tenants })
		if now := fmt.Sprint(s.ID, wave, s.State); now == said {
			return
		} else {
			said = now
		}
		if wave >= 0 && s.State == tenancy.RunRunning {
			p.printf("run %d to version %d: wave %d of %d, %d of %d casinos done, %d failed\n", s.ID, s.Target, wave+1, len(s.Waves), s.Done, s.Total(), s.Failed)
		} else {
			p.printf("run %d to version %d: %s, %d of %d casinos done, %d failed\n", s.ID, s.Target, s.State, s.Done, s.Total(), s.Failed)
		}
	}
}

// progressBar returns what shows runs as bars at a terminal.
func progressBar(to io.Writer) func(tenancy.RunStatus) {
	var bar *progressbar.ProgressBar
	var run int64
	return func(s tenancy.RunStatus) {
		if bar == nil || run != s.ID {
			run = s.ID
			bar = progressbar.NewOptions(s.Total(), progressbar.OptionSetWriter(to), progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true),
				progressbar.OptionFullWidth(), progressbar.OptionOnCompletion(func() { _, _ = fmt.Fprintln(to) }))
		}
		bar.Describe(fmt.Sprintf("run %d to version %d, %d failed", s.ID, s.Target, s.Failed))
		_ = bar.Set(s.Done + s.Failed) // it fails past its end only
		if s.State != tenancy.RunRunning && !bar.IsFinished() {
			_ = bar.Exit()
			_, _ = fmt.Fprintln(to)
		}
	}
}

// printPlan writes a plan for people to read.
func (p *program) printPlan(plan tenancy.Plan) {
	steps := func(scope string, list []tenancy.PlannedStep) {
		for _, s := range list {
			phase := s.Phase
			if phase == "" {
				phase = "no phase"
			}
			p.printf("-- %s step %04d_%s (%s)\n%s\n", scope, s.Version, s.Name, phase, strings.TrimSpace(s.SQL))
		}
	}
	steps("platform", plan.Platform)
	for _, g := range plan.Groups {
		p.printf("-- %d casinos of version %d: %s\n", len(g.Tenants), g.From, strings.Join(g.Tenants, ", "))
		if len(g.Steps) == 0 {
			p.printf("-- only their roles or rights are missing\n")
		}
		steps("tenant", g.Steps)
	}
	if len(plan.Platform)+len(plan.Groups) == 0 {
		p.printf("Nothing is behind.\n")
	}
}

type migrateStatusCmd struct {
	JSON bool `help:"Print JSON."`
}

// Run implements the command.
func (c migrateStatusCmd) Run(p *program) error {
	return p.withAdmin(func(admin *tenancy.Admin) error {
		s, err := admin.FleetStatus(p.ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			return p.printJSON(s)
		}
		p.printf("This binary's version is %d, the template's %d.\n", s.Wants, s.Template)
		for _, v := range slices.Sorted(maps.Keys(s.Versions)) {
			p.printf("version %d: %d casinos", v, s.Versions[v]-s.Ahead[v])
			if n := s.Ahead[v]; n > 0 {
				p.printf(" and %d made ahead", n)
			}
			p.printf("\n")
		}
		if s.Run == nil {
			return nil
		}
		p.printf("run %d to version %d, by %s: %s", s.Run.ID, s.Run.Target, s.Run.By, s.Run.State)
		if s.Run.Reason != "" {
			p.printf(" (%s)", s.Run.Reason)
		}
		p.printf("\n")
		for _, w := range s.Run.Waves {
			p.printf("  wave %d: %d casinos, %d done, %d failed\n", w.Wave, w.Tenants, w.Done, w.Failed)
		}
		for _, f := range s.Run.Failures {
			p.printf("  %s: %s\n", f.TenantName, f.Text)
		}
		return nil
	})
}

// runChange holds the flags of the commands that change a run.
type runChange struct {
	Reason strict.Line `required:"" help:"Why; for the audit log."`
}

// change changes the run, and prints what it is then.
func (c runChange) change(p *program, asJSON bool, do func(*tenancy.Admin) error) error {
	return p.withAdmin(func(admin *tenancy.Admin) error {
		if err := do(admin); err != nil {
			return err
		}
		s, err := admin.FleetStatus(p.ctx)
		switch {
		case err != nil:
			return err
		case asJSON:
			return p.printJSON(s.Run)
		}
		p.printf("run %d to version %d is %s\n", s.Run.ID, s.Run.Target, s.Run.State)
		return nil
	})
}

type migratePauseCmd struct {
	runChange `embed:""`
	JSON      bool `help:"Print JSON."`
}

// Run implements the command.
func (c migratePauseCmd) Run(p *program) error {
	return c.change(p, c.JSON, func(admin *tenancy.Admin) error { return admin.PauseRun(p.ctx, c.Reason) })
}

type migrateResumeCmd struct {
	runChange `embed:""`
	runWork   `embed:""`
}

// Run implements the command.
func (c migrateResumeCmd) Run(p *program) error {
	if err := c.check(); err != nil {
		return err
	}
	err := p.withAdmin(func(admin *tenancy.Admin) error { return admin.ResumeRun(p.ctx, c.Reason) })
	if err != nil {
		return err
	}
	return c.run(p, tenancy.Rollout{Workers: c.Workers})
}

type migrateCancelCmd struct {
	runChange `embed:""`
	JSON      bool `help:"Print JSON."`
}

// Run implements the command.
func (c migrateCancelCmd) Run(p *program) error {
	return c.change(p, c.JSON, func(admin *tenancy.Admin) error { return admin.CancelRun(p.ctx, c.Reason) })
}

type migrateDriftCmd struct {
	JSON bool `help:"Print JSON."`
}

// Run implements the command.
func (c migrateDriftCmd) Run(p *program) error {
	return p.withAdmin(func(admin *tenancy.Admin) error {
		d, err := admin.Drift(p.ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			err = p.printJSON(d)
		} else {
			for _, t := range d.Drifted {
				p.printf("%s\n  %s\n", t.TenantName, strings.Join(t.Diff, "\n  "))
			}
			for _, t := range d.Behind {
				p.printf("%s is of another version\n", t)
			}
			p.printf("%d schemas of version %d were compared, %d casinos are of other versions.\n", d.Checked, d.Version, len(d.Behind))
		}
		if err == nil && len(d.Drifted) > 0 {
			err = fmt.Errorf("%d schemas differ from what a new casino gets", len(d.Drifted))
		}
		return err
	})
}
