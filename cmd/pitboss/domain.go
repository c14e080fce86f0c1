package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

type domainCmd struct {
	Add     domainAddCmd     `cmd:"" help:"Serve a casino at one more host."`
	Remove  domainRemoveCmd  `cmd:"" help:"Serve a casino at a host no more; sockets that came by it are closed within a second."`
	Primary domainPrimaryCmd `cmd:"" help:"Choose a casino's primary domain."`
	List    domainListCmd    `cmd:"" help:"List a casino's domains."`
}

// domainChange holds the flags of the commands that change a domain.
type domainChange struct {
	Tenant string      `required:"" help:"The casino's slug."`
	Domain string      `arg:"" help:"The host's name alone, as play.casino.example."`
	Reason strict.Line `required:"" help:"Why; for the audit log."`
	JSON   bool        `help:"Print JSON."`
}

// domainInfo is a domain as the command line shows it.
type domainInfo struct {
	Domain  string `json:"domain"`
	Primary bool   `json:"primary"`
}

func domainsOf(t *tenancy.Tenant) []domainInfo {
	list := []domainInfo{}
	for i, d := range t.Domains {
		list = append(list, domainInfo{d, i == 0})
	}
	return list
}

type domainChanger func(ctx context.Context, slug tenant.Slug, domain string, reason strict.Line) (tenancy.Tenant, error)

// run changes a domain, and prints the casino's domains afterwards.
func (c domainChange) run(p *program, with func(*tenancy.Admin) domainChanger) error {
	return p.withAdmin(func(admin *tenancy.Admin) error {
		t, err := with(admin)(p.ctx, tenant.Slug(c.Tenant), c.Domain, c.Reason)
		if err != nil {
			return err
		}
		return p.printDomains(&t, c.JSON)
	})
}

func (p *program) printDomains(t *tenancy.Tenant, asJSON bool) error {
	if asJSON {
		return p.printJSON(domainsOf(t))
	}
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "DOMAIN\tPRIMARY")
	for _, d := range domainsOf(t) {
		primary := ""
		if d.Primary {
			primary = "yes"
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\n", d.Domain, primary)
	}
	return w.Flush()
}

type domainAddCmd struct {
	domainChange `embed:""`
}

// Run implements the command.
func (c domainAddCmd) Run(p *program) error {
	return c.run(p, func(a *tenancy.Admin) domainChanger { return a.AddDomain })
}

type domainRemoveCmd struct {
	domainChange `embed:""`
}

// Run implements the command.
func (c domainRemoveCmd) Run(p *program) error {
	return c.run(p, func(a *tenancy.Admin) domainChanger { return a.RemoveDomain })
}

type domainPrimaryCmd struct {
	domainChange `embed:""`
}

// Run implements the command.
func (c domainPrimaryCmd) Run(p *program) error {
	return c.run(p, func(a *tenancy.Admin) domainChanger { return a.SetPrimaryDomain })
}

type domainListCmd struct {
	Tenant string `required:"" help:"The casino's slug."`
	JSON   bool   `help:"Print JSON."`
}

// Run implements the command.
func (c domainListCmd) Run(p *program) error {
	return p.withAdmin(func(admin *tenancy.Admin) error {
		t, err := admin.Tenant(p.ctx, tenant.Slug(c.Tenant))
		if err != nil {
			return err
		}
		return p.printDomains(&t, c.JSON)
	})
}
