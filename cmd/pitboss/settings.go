package main

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

type tenantSetCmd struct {
	Slug         string       `arg:"" help:"The casino's slug."`
	Name         *strict.Line `help:"The name that people see."`
	PaidUntil    string       `help:"Served until that day begins, in UTC, and 7 days of grace more, but for a trial; 'never' for no end." placeholder:"YYYY-MM-DD"`
	OnTrial      *bool        `negatable:"" help:"On trial, or not any more."`
	Frame        []string     `name:"frame-ancestor" help:"The origins whose pages may show this casino's in a frame; repeat for more. They take the place of those before." placeholder:"https://HOST"`
	NoFrame      bool         `name:"no-frame-ancestors" help:"No page may show this casino's in a frame."`
	Currency     *string      `help:"ISO 4217 code. Only before money was moved; sockets come back with it." placeholder:"CODE"`
	Approval     string       `name:"credit-approval-above" help:"Credits above this amount, in minor units, need a second person; 'never' for none." placeholder:"N"`
	Plan         string       `help:"What the casino may use, by 'pitboss plan'; 'none' for the installation's own limits." placeholder:"NAME"`
	Jurisdiction string       `help:"Where the casino deals, by 'pitboss jurisdiction'; 'none' for no rules but the games' own." placeholder:"NAME"`
	Reason       strict.Line  `required:"" help:"Why; for the audit log."`
	JSON         bool         `help:"Print JSON."`
}

// Help implements kong's long help.
func (tenantSetCmd) Help() string {
	return "What is not named stays. Every running node has the change within a second."
}

// settings returns the settings in the flags.
func (c tenantSetCmd) settings() (tenancy.Settings, error) {
	to := tenancy.Settings{Name: c.Name, OnTrial: c.OnTrial, Currency: c.Currency}
	switch {
	case len(c.Frame) > 0 && c.NoFrame:
		return to, errors.New("--frame-ancestor and --no-frame-ancestors contradict each other")
	case len(c.Frame) > 0 || c.NoFrame:
		to.FrameAncestors = &c.Frame
	}
	var err error
	if to.PaidUntil, err = paidUntil(c.PaidUntil); err != nil {
		return to, err
	}
	to.NoEnd = c.PaidUntil == "never"
	if c.Approval != "" {
		above := int64(tenancy.NoApproval)
		if c.Approval != "never" {
			if above, err = strconv.ParseInt(c.Approval, 10, 64); err != nil || above < 0 {
				return to, fmt.Errorf("--credit-approval-above is an amount in minor units, or 'never', not %q", c.Approval)
			}
		}
		to.CreditApprovalAbove = &above
	}
	to.Plan, to.Jurisdiction = named(c.Plan), named(c.Jurisdiction)
	if to == (tenancy.Settings{}) {
		return to, errors.New("there is nothing to set: see 'pitboss tenant set --help'")
	}
	return to, nil
}

// paidUntil returns the day in a flag: nil for none given, and for 'never'.
func paidUntil(text string) (*time.Time, error) {
	if text == "" || text == "never" {
		return nil, nil
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return nil, fmt.Errorf("--paid-until: want a day as 2026-12-31, not %q, or 'never'", text)
	}
	return &day, nil
}

// named returns the name in a flag: nil for none given.
func named(name string) *string {
	if name == "" {
		return nil
	}
	return &name
}

// Run implements the command.
func (c tenantSetCmd) Run(p *program) error {
	to, err := c.settings()
	if err != nil {
		return err
	}
	return p.withAdmin(func(admin *tenancy.Admin) error {
		t, err := admin.SetTenant(p.ctx, tenant.Slug(c.Slug), to, c.Reason)
		if err != nil {
			return err
		}
		if c.JSON {
			return p.printJSON(describe(&t))
		}
		p.printTenant(describe(&t))
		return nil
	})
}
