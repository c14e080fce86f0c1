package tenancy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
)

const (
	// challengeLabel is the name below a domain at which DNS has its challenge.
	challengeLabel = "_pitboss-challenge."
	// verifyTimeout bounds the look-up of a challenge in DNS.
	verifyTimeout = 10 * time.Second
	// maxRecords is how many TXT records of a name are compared with the challenge.
	maxRecords = 64

	reasonFound    = "DNS has the challenge"
	reasonNotFound = "DNS does not have the challenge"
)

// Resolver asks DNS. LookupTXT returns the TXT records of an absolute name, each in one piece, or a *net.DNSError that says
// by IsNotFound that there are none.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

var _ Resolver = (*net.Resolver)(nil)

// Domain is a tenant's domain as the platform's people see it.
type Domain struct {
	Name      string
	Primary   bool
	Verified  time.Time // when DNS had the challenge; zero: it never had
	Challenge string    // what the TXT record says by which it is verified
}

// Record returns the name of the TXT record by which the domain is verified, or "" if DNS cannot have one: the names
// below localhost are everybody's own (RFC 6761 §6.3).
func (d Domain) Record() string {
	if isLocal(d.Name) {
		return ""
	}
	return challengeLabel + strings.TrimPrefix(d.Name, wildcard)
}

// isLocal reports whether a domain is one that browsers look for on their own machine.
func isLocal(domain string) bool {
	return domain == "localhost" || strings.HasSuffix(domain, ".localhost")
}

const (
	domainRows = `
select domain, is_primary, verified_at, challenge from platform.domain where tenant = $1
order by is_primary desc, domain`
	markVerified     = `update platform.domain set verified_at = now() where domain = $1 and tenant = $2`
	selectUnverified = `select domain from platform.domain where verified_at is null`
)

// Domains returns a tenant's domains, the primary one first. It returns store.ErrNoTenant.
func (a *Admin) Domains(ctx context.Context, slug tenant.Slug) ([]Domain, error) {
	t, err := a.Tenant(ctx, slug)
	if err != nil {
		return nil, err
	}
	var list []Domain
	err = a.inTx(ctx, func(tx pgx.Tx) error {
		list, err = domainRowsOf(ctx, tx, t.ID)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store: domains of %s: %w", slug, err)
	}
	return list, nil
}

func domainRowsOf(ctx context.Context, tx pgx.Tx, id tenant.ID) ([]Domain, error) {
	rows, _ := tx.Query(ctx, domainRows, id.String()) // its error comes from CollectRows
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (d Domain, err error) {
		var verified *time.Time
		err = row.Scan(&d.Name, &d.Primary, &verified, &d.Challenge)
		if verified != nil {
			d.Verified = verified.UTC()
		}
		return d, err
	})
}

// verification is what DNS said of a domain, as audit lines show it.
type verification struct {
	Verified bool `json:"verified"`
}

// VerifyDomain asks DNS whether whoever has a tenant's domain set its challenge, and marks the domain as verified if so. A
// domain that was verified stays so until it is removed. What DNS said is in the audit log, either way. It returns
// ErrUnverified, which says what DNS has instead, ErrDomain or store.ErrNoTenant.
func (a *Admin) VerifyDomain(ctx context.Context, slug tenant.Slug, domain string, dns Resolver) error {
	name := asKept(domain)
	list, err := a.Domains(ctx, slug)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(d Domain) bool { return d.Name == name })
	if i < 0 {
		return fmt.Errorf("%w of %s: %q", ErrDomain, slug, name)
	}
	asked := list[i]
	if asked.Record() == "" {
		return fmt.Errorf("%w: DNS has no names below localhost, and %s needs no verification", ErrDomain, name)
	}
	missing := lookForChallenge(ctx, dns, asked)
	found, reason := missing == nil, strict.Line(reasonFound)
	if !found {
		reason = reasonNotFound
	}
	err = a.changeIf(ctx, Status.changeable, slug, "domain.verify", name, reason, func(tx pgx.Tx, id tenant.ID) (before, after any, err error) {
		list, err := domainRowsOf(ctx, tx, id)
		if err != nil {
			return nil, nil, err
		}
		i := slices.IndexFunc(list, func(d Domain) bool { return d.Name == name && d.Challenge == asked.Challenge })
		if i < 0 { // removed while DNS was asked
			return nil, nil, fmt.Errorf("%w of %s: %q", ErrDomain, slug, name)
		}
		was := verification{!list[i].Verified.IsZero()}
		if !found {
			return was, was, nil
		}
		_, err = tx.Exec(ctx, markVerified, name, id.String())
		return was, verification{true}, err
	})
	if err != nil {
		return err
	}
	return missing
}

// lookForChallenge returns nil if DNS has a domain's challenge, or an ErrUnverified that says what it has instead.
func lookForChallenge(ctx context.Context, dns Resolver, d Domain) error {
	ctx, cancel := context.WithTimeout(ctx, verifyTimeout)
	defer cancel()
	records, err := dns.LookupTXT(ctx, d.Record()+".") // absolute: no domain of this machine's is tried behind it
	var failed *net.DNSError
	switch {
	case errors.As(err, &failed) && failed.IsNotFound:
		return fmt.Errorf("%w: %s: DNS has no TXT record %s; set it to %s", ErrUnverified, d.Name, d.Record(), d.Challenge)
	case err != nil:
		return fmt.Errorf("%w: %s: DNS did not answer, try again: %w", ErrUnverified, d.Name, err)
	}
	more := ""
	if len(records) > maxRecords {
		records, more = records[:maxRecords], " and more, which were not looked at"
	}
	if slices.Contains(records, d.Challenge) {
		return nil
	}
	return fmt.Errorf("%w: %s: the TXT record %s is not %s: DNS has %s%s", ErrUnverified, d.Name, d.Record(), d.Challenge, shown(records), more)
}

// shown returns the first of some records for people.
func shown(records []string) string {
	var out []string
	for _, r := range records[:min(len(records), 3)] {
		out = append(out, fmt.Sprintf("%.60q", r))
	}
	if n := len(records) - len(out); n > 0 {
		out = append(out, fmt.Sprintf("%d more", n))
	}
	return strings.Join(out, ", ")
}

// dropUnverified takes from tenants the domains that have to be verified and are not.
func dropUnverified(ctx context.Context, tx pgx.Tx, tenants []Tenant) error {
	rows, _ := tx.Query(ctx, selectUnverified) // its error comes from CollectRows
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	unverified := map[string]bool{}
	for _, domain := range list {
		unverified[domain] = !isLocal(domain)
	}
	for i := range tenants {
		tenants[i].Domains = slices.DeleteFunc(tenants[i].Domains, func(domain string) bool { return unverified[domain] })
	}
	return nil
}
