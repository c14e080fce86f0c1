package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/schollz/progressbar/v3"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/store/localpg"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

// tenantChange holds the flags of commands that change one tenant.
type tenantChange struct {
	Slug string `arg:"" help:"The casino's slug."`
	JSON bool   `help:"Print JSON."`
}

// change does something to the tenant and prints what it is then.
func (c tenantChange) change(p *program, do func(*tenancy.Admin, tenant.Slug) (now tenant.Slug, err error)) error {
	return p.withAdmin(func(admin *tenancy.Admin) error {
		slug, err := do(admin, tenant.Slug(c.Slug))
		if err != nil {
			return err
		}
		t, err := admin.Tenant(p.ctx, slug)
		if err != nil {
			return err
		}
		if c.JSON {
			return p.printJSON(describe(&t))
		}
		is := t.Status(time.Now())
		p.printf("%s is %s%s\n", t.Slug, is, untilWhen(is, t.BackAt))
		return nil
	})
}

// untilWhen returns how long a status lasts, for people: only maintenance has such a time, which players are told.
func untilWhen(is tenancy.Status, back time.Time) string {
	switch {
	case is != tenancy.Maintenance:
		return ""
	case back.IsZero():
		return " until it is resumed; players are told no time"
	}
	return " until it is resumed; players are told to come back at " + back.UTC().Format(time.RFC3339)
}

type tenantSuspendCmd struct {
	tenantChange `embed:""`
	Reason       strict.Line `required:"" help:"Why; kept with the casino."`
}

// Run implements the command.
func (c tenantSuspendCmd) Run(p *program) error {
	return c.change(p, func(admin *tenancy.Admin, slug tenant.Slug) (tenant.Slug, error) {
		return slug, admin.Suspend(p.ctx, slug, c.Reason)
	})
}

type tenantResumeCmd struct {
	tenantChange `embed:""`
}

// Run implements the command.
func (c tenantResumeCmd) Run(p *program) error {
	return c.change(p, func(admin *tenancy.Admin, slug tenant.Slug) (tenant.Slug, error) {
		return slug, admin.Resume(p.ctx, slug)
	})
}

type tenantMaintenanceCmd struct {
	tenantChange `embed:""`
	For          *time.Duration `xor:"back" help:"Players are told to come back after this time; 0, or neither flag, for no time." placeholder:"30m"`
	Until        *instant       `xor:"back" help:"Players are told to come back at this time." placeholder:"RFC3339"`
	Reason       strict.Line    `required:"" help:"Why; kept with the casino."`
}

// Help implements kong's long help.
func (tenantMaintenanceCmd) Help() string {
	return "Players' sockets are closed within a second, and tables rest at the end of their rounds. Operators and API keys are let in. It lasts until 'pitboss tenant resume', whatever players were told, which is at most 30 days ahead."
}

// back returns when players are told to come back; zero: they are told no time.
func (c tenantMaintenanceCmd) back(now time.Time) (back time.Time, err error) {
	switch {
	case c.For != nil && *c.For < 0:
		return back, errors.New("--for is no less than 0")
	case c.For != nil && *c.For > 0:
		back = now.Add(*c.For)
	case c.Until != nil:
		back = c.Until.Time
	}
	return back, nil
}

// Run implements the command.
func (c tenantMaintenanceCmd) Run(p *program) error {
	back, err := c.back(time.Now())
	if err != nil {
		return err
	}
	return c.change(p, func(admin *tenancy.Admin, slug tenant.Slug) (tenant.Slug, error) {
		return slug, admin.Maintain(p.ctx, slug, back, c.Reason)
	})
}

type tenantRenameCmd struct {
	tenantChange `embed:""`
	To           string      `arg:"" help:"The new slug."`
	Reason       strict.Line `required:"" help:"Why; for the audit log."`
}

// Help implements kong's long help.
func (tenantRenameCmd) Help() string {
	return "Tokens that name the former slug are good for 30 days more, which is as long as any can be. No other casino ever gets it."
}

// Run implements the command.
func (c tenantRenameCmd) Run(p *program) error {
	to, err := tenant.ParseSlug(c.To)
	if err != nil {
		return err
	}
	return p.withAdmin(func(admin *tenancy.Admin) error {
		t, err := admin.Rename(p.ctx, tenant.Slug(c.Slug), to, c.Reason)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return p.printJSON(describe(&t))
		}
		p.printf("%s is now %s\n", c.Slug, t.Slug)
		for _, f := range t.Former {
			p.printf("Tokens may name %s until %s.\n", f.Slug, f.Until.UTC().Format(time.RFC3339))
		}
		return nil
	})
}

type tenantProvisionCmd struct {
	tenantChange  `embed:""`
	catalogBudget `embed:""`
}

// Run implements the command.
func (c tenantProvisionCmd) Run(p *program) error {
	return c.change(p, func(admin *tenancy.Admin, slug tenant.Slug) (tenant.Slug, error) {
		if err := c.bound(admin); err != nil {
			return slug, err
		}
		_, err := admin.Provision(p.ctx, slug)
		return slug, err
	})
}

type tenantArchiveCmd struct {
	tenantChange `embed:""`
	Archives     string      `help:"The folder for the archive. Defaults to 'archive' in --dir." env:"PITBOSS_ARCHIVES" placeholder:"FOLDER" type:"path"`
	Reason       strict.Line `required:"" help:"Why; for the audit log."`
}

// Help implements kong's long help.
func (tenantArchiveCmd) Help() string {
	return "Suspends the casino, waits until its rounds have ended, and writes its schema to a file, which is restored and compared. Run it again if it was interrupted; 'pitboss tenant resume' brings the casino back."
}

// archived is the output of the command for programs.
type archived struct {
	Slug   string         `json:"slug"`
	Status tenancy.Status `json:"status"`
	*tenancy.ArchiveFile
	PurgeFrom time.Time `json:"purge_from,omitzero"` // when it can be purged
	Error     string    `json:"error,omitempty"`     // why it has no archive
}

// Run implements the command.
func (c tenantArchiveCmd) Run(p *program) error {
	return p.withAdmin(func(admin *tenancy.Admin) error {
		show, end := p.showSteps(c.JSON)
		f, err := admin.Archive(p.ctx, tenant.Slug(c.Slug), c.Reason, p.archiver(c.Archives, show))
		end()
		out := archived{Slug: c.Slug, Status: tenancy.Archived, ArchiveFile: &f, PurgeFrom: f.VerifiedAt.Add(tenancy.PurgeAfter)}
		if err != nil {
			out = archived{Slug: c.Slug}
			out.Status, err = c.left(p, admin, err)
			out.Error = errorText(err)
		}
		if c.JSON {
			return errors.Join(err, p.printJSON(out))
		}
		if err != nil {
			return err
		}
		p.printf("%s is archived: %d rows, %d bytes in %s, sha256 %s\nIt can be purged from %s on.\n",
			c.Slug, f.Rows, f.Bytes, f.File, f.SHA256, out.PurgeFrom.UTC().Format(time.DateOnly))
		return nil
	})
}

// lookAfter bounds how long it takes to tell what an interrupted command left.
const lookAfter = 5 * time.Second

// left returns the status that a casino is left in, and the error with what to do.
func (c tenantArchiveCmd) left(p *program, admin *tenancy.Admin, err error) (tenancy.Status, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p.ctx), lookAfter)
	defer cancel()
	interrupted := p.ctx.Err() != nil
	if interrupted {
		err = errInterrupted // not what failed by it
	}
	t, unknown := admin.Tenant(ctx, tenant.Slug(c.Slug))
	if unknown != nil {
		return "", err
	}
	is := t.Status(time.Now())
	switch again := fmt.Sprintf("run 'pitboss tenant archive %[1]s' again, or 'pitboss tenant resume %[1]s'", c.Slug); is {
	case tenancy.Suspended:
		err = fmt.Errorf("%w: %s is suspended, without an archive: %s", err, c.Slug, again)
	case tenancy.Archived:
		err = fmt.Errorf("%w: %s is shut, and this archive was not written: %s", err, c.Slug, again)
	default:
		err = fmt.Errorf("%w: %s is %s, as it was", err, c.Slug, is)
	}
	return is, err
}

// archiver returns what writes archives to a folder, by pg_dump.
func (p *program) archiver(dir string, show func(what string, done, of int64)) tenancy.Archiver {
	return tenancy.Archiver{
		Dir: cmp.Or(dir, filepath.Join(p.Dir, "archive")),
		Dump: func(ctx context.Context, schema string, out io.Writer) error {
			return localpg.Dump(ctx, p.Admin, schema, out)
		},
		Check:    localpg.CheckDump,
		Progress: show,
	}
}

type tenantPurgeCmd struct {
	tenantChange `embed:""`
	Confirm      string      `help:"The slug again. Without it, it is asked for at a terminal." placeholder:"SLUG"`
	Reason       strict.Line `required:"" help:"Why; for the audit log."`
}

// Help implements kong's long help.
func (tenantPurgeCmd) Help() string {
	return "Deletes an archived casino for good: its schema, its role, its domains and keys. Its archive has to be 30 days old and where it was written; one that was never provisioned needs none. Nobody gets its slug again. Run it again if it was interrupted."
}

// Run implements the command.
func (c tenantPurgeCmd) Run(p *program) error {
	typed := c.Confirm
	if typed == "" {
		if !isatty.IsTerminal(os.Stdin.Fd()) {
			return errors.New("type the slug again with --confirm: this deletes the casino for good")
		}
		p.printf("This deletes %s for good. Type its slug to go on: ", c.Slug)
		line, err := bufio.NewReader(os.Stdin).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		typed = strings.TrimSpace(line)
	}
	return p.withAdmin(func(admin *tenancy.Admin) error {
		show, end := p.showSteps(c.JSON)
		err := admin.Purge(p.ctx, tenant.Slug(c.Slug), typed, c.Reason, func(done, of int64) { show("dropping tables", done, of) })
		end()
		switch {
		case err != nil:
			return err
		case c.JSON:
			return p.printJSON(map[string]string{"slug": c.Slug, "status": string(tenancy.Purged)})
		}
		p.printf("%s is purged\n", c.Slug)
		return nil
	})
}

// showSteps returns what shows how far something is, a bar for each of its steps at a terminal, else a line for each; and
// what ends that.
func (p *program) showSteps(quiet bool) (show func(what string, done, of int64), end func()) {
	f, ok := p.out.(*os.File)
	if quiet {
		return func(string, int64, int64) {}, func() {}
	}
	if !ok || !isatty.IsTerminal(f.Fd()) {
		said := ""
		return func(what string, _, _ int64) {
			if what != said {
				said = what
				p.printf("%s …\n", what)
			}
		}, func() {}
	}
	var bar *progressbar.ProgressBar
	step := ""
	end = func() {
		if bar != nil {
			_ = bar.Finish()
			_, _ = fmt.Fprintln(f)
		}
	}
	return func(what string, done, of int64) {
		if what != step {
			end()
			step = what
			bar = progressbar.NewOptions64(-1, progressbar.OptionSetWriter(f), progressbar.OptionSetDescription(what), progressbar.OptionShowCount(), progressbar.OptionFullWidth())
		}
		if of > 0 {
			bar.ChangeMax64(of)
		}
		_ = bar.Set64(done)
	}, end
}
