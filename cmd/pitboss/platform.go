package main

import (
	"cmp"
	"context"
	"errors"
	"net"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pitboss-hub/pitboss/store/doctor"
	"github.com/pitboss-hub/pitboss/store/jobs"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

// poolEvery is how often the tenants that are made ahead are counted.
const poolEvery = 2 * time.Second

type platformCmd struct {
	platformWork `embed:""`
}

// platformWork holds the flags of what the platform's process does.
type platformWork struct {
	Ready         int    `help:"Casinos whose schemas are made ahead, so that a new one needs none." default:"4" env:"PITBOSS_READY" placeholder:"N"`
	Jobs          int    `help:"Jobs at once, and one more that is quick, as a suspension." default:"2" env:"PITBOSS_JOBS" placeholder:"N"`
	Redis         string `name:"redis-url" help:"The nodes' Redis, which the doctor looks at." env:"PITBOSS_REDIS_URL" placeholder:"URL"`
	catalogBudget `embed:""`
	Archives      string `help:"The folder for archives of casinos. Defaults to 'archive' in --dir." env:"PITBOSS_ARCHIVES" placeholder:"FOLDER" type:"path"`
}

// Help implements kong's long help.
func (platformCmd) Help() string {
	return "The one process with the owner's login: it does what is asked of the platform's API, which nodes serve at --platform-host, and makes schemas ahead. Several may run; one that is killed is taken over from within 15 seconds. It listens nowhere. 'pitboss dev' runs it beside its node."
}

// Validate implements kong's check.
func (c platformWork) Validate() error {
	if c.Ready < 0 || c.Ready > 1000 {
		return errors.New("--ready is 0 to 1000")
	}
	if c.Jobs < 1 || c.Jobs > 64 {
		return errors.New("--jobs is 1 to 64")
	}
	return nil
}

// Run implements the command.
func (c platformCmd) Run(p *program) error {
	p.log.Info("the platform's process runs", "ready", c.Ready, "jobs", c.Jobs, "version", version)
	return c.run(p.ctx, p)
}

// run does jobs and makes tenants ahead until ctx ends.
func (c platformWork) run(ctx context.Context, p *program) error {
	admin, err := p.openAdmin()
	if err != nil {
		return err
	}
	defer admin.Close()
	if err := c.bound(admin); err != nil {
		return err
	}
	quick, err := p.openAdmin() // connections that long jobs do not have
	if err != nil {
		return err
	}
	defer quick.Close()
	if p.Database == "" {
		return errors.New("set PITBOSS_DATABASE_URL too: migrations make its user the app's login")
	}
	box, err := p.box()
	if err != nil {
		return err
	}
	tools := tenancy.Tools{
		Archiver: p.archiver(cmp.Or(c.Archives, filepath.Join(p.Dir, "archive")), nil), DNS: net.DefaultResolver, AppURL: p.Database,
		Doctor: func(ctx context.Context) (any, error) {
			under, examined := *p, examination{Checks: []doctor.Result{}, OK: true}
			under.ctx = ctx
			err := doctorCmd{Redis: c.Redis, JSON: true, catalogBudget: c.catalogBudget}.examine(&under, func(r doctor.Result) {
				examined.Checks, examined.OK = append(examined.Checks, r), examined.OK && r.Status != doctor.Fail
			})
			return examined, err
		},
	}
	w, err := jobs.OpenWorker(ctx, jobs.Options{
		URL: p.Admin, Box: box, Log: p.log, Jobs: c.Jobs, Quick: tenancy.QuickTasks(), Code: tenancy.CodeOf,
		Do: func(ctx context.Context, t jobs.Task) (jobs.Outcome, error) {
			with := tools
			with.Progress, with.Archiver.Progress = t.Progress, t.Progress
			by := admin
			if slices.Contains(tenancy.QuickTasks(), t.Kind) {
				by = quick
			}
			result, secret, err := by.DoTask(ctx, t.Kind, t.Subject, t.Input, tenancy.Asker{Actor: t.Actor, Origin: t.Origin, Job: t.ID, Again: t.Again}, with)
			return jobs.Outcome{Result: result, Secret: secret}, err
		},
	})
	if err != nil {
		return err
	}
	defer w.Close()
	var parts errgroup.Group
	parts.Go(func() error { return w.Run(ctx) })
	parts.Go(func() error { return c.keepPool(ctx, p, admin) })
	return parts.Wait()
}

// keepPool makes tenants ahead until ctx ends.
func (c platformWork) keepPool(ctx context.Context, p *program, admin *tenancy.Admin) error {
	tick := time.NewTicker(poolEvery)
	defer tick.Stop()
	failing := false
	for {
		_, err := admin.FillPool(ctx, c.Ready)
		if ctx.Err() != nil {
			return nil
		}
		if (err != nil) != failing {
			failing = err != nil
			p.log.Warn("casinos are made ahead", "yes", !failing, "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
