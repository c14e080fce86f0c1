package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/mattn/go-isatty"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/cache"
	"github.com/pitboss-hub/pitboss/store/doctor"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

// errNotExamined means that "pitboss doctor" could not do its work: it says nothing of the deployment.
var errNotExamined = errors.New("the deployment was not examined to the end")

// catalogBudget holds the flags that bound the catalogue.
type catalogBudget struct {
	Relations int64 `name:"max-relations" help:"How many tables, indexes and sequences the database may have: no casino's schema is made past it. Defaults to ${max_relations}." env:"PITBOSS_MAX_RELATIONS" placeholder:"N"`
	Roles     int64 `name:"max-roles" help:"How many roles the server may have. Defaults to ${max_roles}." env:"PITBOSS_MAX_ROLES" placeholder:"N"`
}

// bound gives the limits to what makes casinos.
func (b catalogBudget) bound(admin *tenancy.Admin) error {
	if b.Relations < 0 || b.Roles < 0 {
		return errors.New("--max-relations and --max-roles are at least 1")
	}
	admin.Budget = tenancy.Budget{Relations: b.Relations, Roles: b.Roles}
	return nil
}

type doctorCmd struct {
	Tenants       []string      `help:"Try these casinos, and add up their books only. Without it a sample is tried and all books are added up." placeholder:"SLUG,…"`
	Redis         string        `name:"redis-url" help:"The nodes' Redis, whose names and clock are looked at." env:"PITBOSS_REDIS_URL" placeholder:"URL"`
	Timeout       time.Duration `help:"Give up after this time." default:"10m"`
	JSON          bool          `help:"Print JSON."`
	catalogBudget `embed:""`
}

// Help implements kong's long help.
func (doctorCmd) Help() string {
	return "Tries every way in which a casino could see another's data, as nodes' login and by nodes' database URL, and compares what the database says of casinos with what is there. It changes nothing. " +
		"Exits with 0 if every check passed (warnings are none), with 1 if one failed, and with 2 if it could not examine the deployment to the end."
}

// examination is the output of the command for programs.
type examination struct {
	OK     bool            `json:"ok"` // no check failed, and all were made
	Checks []doctor.Result `json:"checks"`
	Error  string          `json:"error,omitempty"` // why not all were made
}

// Run implements the command.
func (c doctorCmd) Run(p *program) error {
	if c.Timeout <= 0 {
		return fmt.Errorf("%w: --timeout is more than nothing", errNotExamined)
	}
	ctx, cancel := context.WithTimeout(p.ctx, c.Timeout)
	defer cancel()
	under := *p
	under.ctx = ctx
	var out examination
	out.Checks = []doctor.Result{}
	counts := map[doctor.Status]int{}
	tell := func(r doctor.Result) {
		counts[r.Status]++
		out.Checks = append(out.Checks, r)
		if !c.JSON {
			p.printResult(r)
		}
	}
	err := c.examine(&under, tell)
	if err != nil {
		err = fmt.Errorf("%w: %w", errNotExamined, err)
		out.Error = errorText(err)
	} else if n := counts[doctor.Fail]; n > 0 {
		err = fmt.Errorf("%d of %d checks failed", n, len(out.Checks))
	}
	out.OK = err == nil
	if c.JSON {
		return errors.Join(err, p.printJSON(out))
	}
	p.printf("%d passed, %d failed, %d warnings, %d skipped\n", counts[doctor.Pass], counts[doctor.Fail], counts[doctor.Warn], counts[doctor.Skipped])
	return err
}

// examine makes the checks.
func (c doctorCmd) examine(p *program, tell func(doctor.Result)) error {
	admin, err := p.openAdmin()
	if err != nil {
		return err
	}
	defer admin.Close()
	if err := c.bound(admin); err != nil {
		return err
	}
	s, err := p.openStore()
	if err != nil {
		return err
	}
	defer s.Close()
	limits, realm := admin.Limits(), s.Realm()
	o := doctor.Options{
		OwnerURL: p.Admin, URL: p.Database, ControlURL: p.Control, Tenants: c.Tenants, Settings: tenancy.LoginSettings(),
		Relations: limits.Relations, Roles: limits.Roles, Realm: cache.RealmText(realm[:]),
		Drift:  func(ctx context.Context) ([]string, int, error) { return driftLines(ctx, admin) },
		Broken: func(ctx context.Context) ([]string, error) { return outOfOrder(ctx, admin) },
		Balance: func(ctx context.Context, id tenant.ID) (string, error) {
			return imbalance(ctx, s, id)
		},
	}
	if c.Redis != "" {
		o.Redis = func(ctx context.Context) (doctor.Seen, error) {
			seen, err := cache.Look(ctx, c.Redis, realm[:])
			return doctor.Seen(seen), err
		}
	}
	if f, ok := p.out.(*os.File); ok && !c.JSON && isatty.IsTerminal(f.Fd()) {
		show, end := p.showSteps(false)
		defer end()
		o.Progress = func(done, of int) { show("adding up books", int64(done), int64(of)) }
	}
	d, err := doctor.Open(p.ctx, o)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Run(p.ctx, tell)
}

// driftLines returns what differs in schemas.
func driftLines(ctx context.Context, admin *tenancy.Admin) (lines []string, compared int, err error) {
	d, err := admin.Drift(ctx)
	for _, t := range d.Drifted {
		for _, line := range t.Diff {
			lines = append(lines, t.TenantName.String()+" "+line)
		}
	}
	return lines, d.Checked, err
}

// outOfOrder returns why tenants cannot be served.
func outOfOrder(ctx context.Context, admin *tenancy.Admin) (lines []string, err error) {
	list, err := admin.ListTenants(ctx)
	for _, t := range list {
		if t.OutOfOrder != "" {
			lines = append(lines, string(t.Slug)+" is out of order: "+t.OutOfOrder)
		}
	}
	return lines, err
}

// imbalance adds up a tenant's books, and returns what does not.
func imbalance(ctx context.Context, s *store.Store, id tenant.ID) (string, error) {
	b, err := s.Ledger.TrialBalance(ctx, id)
	if err != nil || b.OK {
		return "", err
	}
	for _, a := range b.Accounts {
		if a.Balance != a.Posted {
			return fmt.Sprintf("the account of %s %s has %d and its transfers add up to %d, in minor units; all balances to %d", a.Kind, a.Owner, a.Balance, a.Posted, b.Sum), nil
		}
	}
	return fmt.Sprintf("all balances add up to %d, in minor units", b.Sum), nil
}

// printResult writes a result for people to read.
func (p *program) printResult(r doctor.Result) {
	status := string(r.Status)
	if r.Status == doctor.Fail {
		status = p.red(status) + "   "
	}
	p.printf("%-7s %-10s %s\n", status, r.Check, r.What)
	for _, e := range r.Evidence {
		p.printf("        %-10s %s\n", "", e)
	}
}
