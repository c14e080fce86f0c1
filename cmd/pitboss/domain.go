package main

import (
	"context"
	"fmt"
	"net"
	"text/tabwriter"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

type domainCmd struct {
	Add     domainAddCmd     `cmd:"" help:"Serve a casino at one more host, or at every host of one more part (*.casino.example)."`
	Remove  domainRemoveCmd  `cmd:"" help:"Serve a casino at a host no more; sockets that came by it are closed within a second."`
	Primary domainPrimaryCmd `cmd:"" help:"Choose a casino's primary domain."`
	Verify  domainVerifyCmd  `cmd:"" help:"Ask DNS whether whoever has a domain set the TXT record of its casino."`
	List    domainListCmd    `cmd:"" help:"List a casino's domains, which are verified, and the TXT records by which they are."`
}

// domainChange holds the flags of the commands that change a domain.
type domainChange struct {
	Tenant string      `required:"" help:"The casino's slug."`
	Domain string      `arg:"" help:"The host's name alone, as play.casino.example, or a wildcard as *.casino.example."`
	Reason strict.Line `required:"" help:"Why; for the audit log."`
	JSON   bool        `help:"Print JSON."`
}

// domainInfo is a domain as the command line shows it.
type domainInfo struct {
	Domain     string     `json:"domain"`
	Primary    bool       `json:"primary"`
	VerifiedAt *time.Time `json:"verified_at,omitempty"`
	// Record is the record in DNS by which the domain is verified, unless DNS cannot have one.
	Record *dnsRecord `json:"record,omitempty"`
}

// dnsRecord is a record in DNS.
type dnsRecord struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Value string `json:"value"`
}

func infoOf(d tenancy.Domain) domainInfo {
	info := domainInfo{Domain: d.Name, Primary: d.Primary}
	if !d.Verified.IsZero() {
		info.VerifiedAt = &d.Verified
	}
	if name := d.Record(); name != "" {
		info.Record = &dnsRecord{name, "TXT", d.Challenge}
	}
	return info
}

type domainChanger func(ctx context.Context, slug tenant.Slug, domain string, reason strict.Line) (tenancy.Tenant, error)

// run changes a domain, and prints the casino's domains afterwards.
func (c domainChange) run(p *program, with func(*tenancy.Admin) domainChanger) error {
	return p.withAdmin(func(admin *tenancy.Admin) error {
		if _, err := with(admin)(p.ctx, tenant.Slug(c.Tenant), c.Domain, c.Reason); err != nil {
			return err
		}
		return p.printDomains(admin, c.Tenant, c.JSON)
	})
}

// printDomains prints the domains of a casino.
func (p *program) printDomains(admin *tenancy.Admin, slug string, asJSON bool) error {
	domains, err := admin.Domains(p.ctx, tenant.Slug(slug))
	if err != nil {
		return err
	}
	list := []domainInfo{}
	for _, d := range domains {
		list = append(list, infoOf(d))
	}
	if asJSON {
		return p.printJSON(list)
	}
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "DOMAIN\tPRIMARY\tVERIFIED\tTXT RECORD")
	for _, d := range list {
		primary, verified, record := "", "no", ""
		if d.Primary {
			primary = "yes"
		}
		switch {
		case d.Record == nil:
			verified = "not needed"
		case d.VerifiedAt != nil:
			verified = d.VerifiedAt.Format(time.DateOnly)
		default:
			record = d.Record.Name + " = " + d.Record.Value
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", d.Domain, primary, verified, record)
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

type domainVerifyCmd struct {
	Tenant string `required:"" help:"The casino's slug."`
	Domain string `arg:"" help:"One of the casino's domains."`
	DNS    string `name:"dns" help:"The name server to ask, such as the domain's own, which has a new record at once. Defaults to this machine's." placeholder:"HOST:PORT"`
	JSON   bool   `help:"Print JSON."`
}

// Run implements the command.
func (c domainVerifyCmd) Run(p *program) error {
	dns, err := c.resolver()
	if err != nil {
		return err
	}
	return p.withAdmin(func(admin *tenancy.Admin) error {
		if err := admin.VerifyDomain(p.ctx, tenant.Slug(c.Tenant), c.Domain, dns); err != nil {
			return err
		}
		return p.printDomains(admin, c.Tenant, c.JSON)
	})
}

// resolver returns what asks DNS.
func (c domainVerifyCmd) resolver() (tenancy.Resolver, error) {
	if c.DNS == "" {
		return net.DefaultResolver, nil
	}
	if _, _, err := net.SplitHostPort(c.DNS); err != nil {
		return nil, fmt.Errorf("--dns is a host and a port, as 192.0.2.53:53: %w", err)
	}
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, c.DNS)
	}}, nil
}

type domainListCmd struct {
	Tenant string `required:"" help:"The casino's slug."`
	JSON   bool   `help:"Print JSON."`
}

// Run implements the command.
func (c domainListCmd) Run(p *program) error {
	return p.withAdmin(func(admin *tenancy.Admin) error { return p.printDomains(admin, c.Tenant, c.JSON) })
}
