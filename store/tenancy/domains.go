package tenancy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/store/internal/db"
)

const (
	domainsOf    = `select domain from platform.domain where tenant = $1 order by is_primary desc, domain`
	selectHolder = `
select d.domain, t.slug from platform.domain d join platform.tenant t on t.id = d.tenant
where d.domain = any($1) order by d.domain limit 1`
	insertDomain  = `insert into platform.domain (domain, tenant) values ($1, $2)`
	deleteDomain  = `delete from platform.domain where domain = $1 and tenant = $2`
	clearPrimary  = `update platform.domain set is_primary = false where tenant = $1 and is_primary`
	choosePrimary = `update platform.domain set is_primary = true where domain = $1 and tenant = $2`
)

// tenantDomains holds a tenant's domains as audit lines show them, the primary one first.
type tenantDomains struct {
	Domains []string `json:"domains"`
}

// AddDomain adds a domain to a tenant, which every node serves there within a second: a name, or a wildcard as
// *.casino.example, which is every name of one more part that nobody has as such. It returns
// ErrDomain, ErrDomainTaken, which names the tenant that has it, store.ErrNoTenant, ErrTenant or store.ErrInvalid.
func (a *Admin) AddDomain(ctx context.Context, slug tenant.Slug, domain string, reason strict.Line) (Tenant, error) {
	name, err := parseServed(domain)
	if err == nil {
		err = a.OwnHosts.Check(name)
	}
	if err != nil {
		return Tenant{}, err
	}
	return a.changeDomains(ctx, slug, "domain.add", reason, func(tx pgx.Tx, id tenant.ID, have []string) error {
		if len(have) >= maxDomains {
			return fmt.Errorf("%w: it has %d domains, and may have no more", ErrTenant, maxDomains)
		}
		_, err := tx.Exec(ctx, insertDomain, name, id.String())
		return err
	}, name)
}

// RemoveDomain takes a domain from its tenant, whose sockets that came by it are closed. The primary
// domain stays: make another one primary before. It returns ErrDomain, store.ErrNoTenant or store.ErrInvalid.
func (a *Admin) RemoveDomain(ctx context.Context, slug tenant.Slug, domain string, reason strict.Line) (Tenant, error) {
	name := asKept(domain)
	return a.changeDomains(ctx, slug, "domain.remove", reason, func(tx pgx.Tx, id tenant.ID, have []string) error {
		if err := a.checkOwn(ctx, slug, name, have); err != nil {
			return err
		}
		if name == have[0] {
			return fmt.Errorf("%w: %s is the primary one: make another one primary before", ErrDomain, name)
		}
		_, err := tx.Exec(ctx, deleteDomain, name, id.String())
		return err
	}, name)
}

// SetPrimaryDomain makes one of a tenant's domains the first. It returns ErrDomain, store.ErrNoTenant or
// store.ErrInvalid.
func (a *Admin) SetPrimaryDomain(ctx context.Context, slug tenant.Slug, domain string, reason strict.Line) (Tenant, error) {
	name := asKept(domain)
	return a.changeDomains(ctx, slug, "domain.primary", reason, func(tx pgx.Tx, id tenant.ID, have []string) error {
		if err := a.checkOwn(ctx, slug, name, have); err != nil {
			return err
		}
		if isWildcard(name) {
			return fmt.Errorf("%w: %s is a wildcard, and links are made from the primary one: choose an exact one", ErrDomain, name)
		}
		if _, err := tx.Exec(ctx, clearPrimary, id.String()); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, choosePrimary, name, id.String())
		return err
	}, name)
}

// asKept returns the form in which a domain is kept. One that was added before names were checked is
// found as it was written.
func asKept(domain string) string {
	if name, err := parseServed(domain); err == nil {
		return name
	}
	return strings.ToLower(strings.TrimSuffix(domain, "."))
}

// checkOwn returns an ErrDomain that names the tenant that has the domain, unless have contains it.
func (a *Admin) checkOwn(ctx context.Context, slug tenant.Slug, name string, have []string) error {
	if slices.Contains(have, name) {
		return nil
	}
	var owner string
	if err := a.pool.QueryRow(ctx, selectHolder, []string{name}).Scan(new(string), &owner); err == nil {
		return fmt.Errorf("%w of %s: %s is %s's", ErrDomain, slug, name, owner)
	}
	return fmt.Errorf("%w of %s: %q; it has %s", ErrDomain, slug, name, strings.Join(have, ", "))
}

func (a *Admin) changeDomains(ctx context.Context, slug tenant.Slug, action string, reason strict.Line,
	change func(tx pgx.Tx, id tenant.ID, have []string) error, name string,
) (Tenant, error) {
	if err := db.CheckReason(reason); err != nil {
		return Tenant{}, err
	}
	err := a.changeIf(ctx, Status.changeable, slug, action, name, reason, func(tx pgx.Tx, id tenant.ID) (before, after any, err error) {
		have, err := readDomains(ctx, tx, id)
		if err != nil {
			return nil, nil, err
		}
		if err := change(tx, id, have); err != nil {
			return nil, nil, err
		}
		now, err := readDomains(ctx, tx, id)
		return tenantDomains{have}, tenantDomains{now}, err
	})
	if db.Violates(err, "domain_name") {
		return Tenant{}, a.domainTaken(ctx, name)
	}
	if err != nil {
		return Tenant{}, err
	}
	return a.Tenant(ctx, slug)
}

func readDomains(ctx context.Context, tx pgx.Tx, id tenant.ID) ([]string, error) {
	rows, _ := tx.Query(ctx, domainsOf, id.String()) // its error comes from CollectRows
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// domainTaken returns an ErrDomainTaken that names the first of these domains that is taken, and its tenant.
func (a *Admin) domainTaken(ctx context.Context, domains ...string) error {
	var domain, slug string
	err := a.pool.QueryRow(ctx, selectHolder, domains).Scan(&domain, &slug)
	if err != nil {
		return ErrDomainTaken // it was, a moment ago
	}
	return fmt.Errorf("%w: %s is %s's", ErrDomainTaken, domain, slug)
}
