package tenancy

import (
	"cmp"
	"fmt"
	"regexp"
	"time"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/jwks"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
)

const (
	maxDomains   = 32  // of a tenant
	maxName      = 100 // characters of a tenant's display name
	maxAncestors = 32  // origins that may frame a tenant's pages
)

// Tenant describes a tenant. It is never changed: a change makes a new one.
type Tenant struct {
	ID             tenant.ID
	Slug           tenant.Slug
	Name           string
	Domains        []string // the primary one first
	OnTrial        bool
	PaidUntil      time.Time // zero: no end
	CreatedOn      time.Time
	Currency       string // ISO 4217
	Exponent       int    // minor units are 10^-Exponent
	FrameAncestors []string
	// CreditApprovalAbove is the amount, in minor units, above which a credit needs a second person; nil: none does.
	CreditApprovalAbove *int64
	Plan                TenantPlan   // the zero one: the installation's own limits
	Jurisdiction        Jurisdiction // the zero one: no rules but the games' own

	Set          Status    // what people set of its life: Provisioning, Active, Maintenance, Suspended or Archived; Status is what time makes of it
	StatusReason string    // why, unless it is Active
	BackAt       time.Time // of Maintenance: when it is likely to be over; zero: nobody knows
	OutOfOrder   string    // why it cannot be served, if it cannot; for the platform's people
	Former       []Former  // slugs that it had
	Brand        Brand
	Version      int64 // rises with each change

	keys          tenantKeys
	schemaVersion int
}

// tenantKeys holds the keys of a tenant.
type tenantKeys struct {
	active  []auth.Key      // the newest first
	sets    []jwks.Source   // where others are published, without the tenant
	retired map[string]bool // by kid
}

// Former is a slug that a tenant had.
type Former struct {
	Slug  tenant.Slug
	Until time.Time // when the last token that names it has expired
}

// Status returns the tenant's status at a moment.
func (t *Tenant) Status(now time.Time) Status {
	s := life{t.Set, t.OnTrial, t.PaidUntil}.at(now)
	if t.OutOfOrder != "" && s != Suspended && s != Archived && s != Provisioning {
		return OutOfOrder
	}
	return s
}

// FormerSlugs returns the slugs that the tenant had and that its tokens may still name at a moment.
func (t *Tenant) FormerSlugs(now time.Time) (out []tenant.Slug) {
	for _, f := range t.Former {
		if now.Before(f.Until) {
			out = append(out, f.Slug)
		}
	}
	return out
}

// DisplayName returns the name that players see.
func (t *Tenant) DisplayName() string { return cmp.Or(string(t.Brand.Name), t.Name) }

// SameMoney reports whether an amount means the same at t and at u.
func (t *Tenant) SameMoney(u *Tenant) bool {
	return t.Currency == u.Currency && t.Exponent == u.Exponent
}

// NewTenant describes a tenant that is to be made.
type NewTenant struct {
	Slug           tenant.Slug
	Name           strict.Line // as people see it
	Domains        []string    // the primary one first; at least one
	Currency       string      // ISO 4217, which also says how many digits it has
	OnTrial        bool
	PaidUntil      *time.Time // nil: no end
	FrameAncestors []string   // origins that may show the player's page in a frame
	WithoutSchema  bool       // no schema is made until Provision: the tenant stays Provisioning
}

var (
	currencyForm = regexp.MustCompile(`^[A-Z]{3,5}$`)
	ancestorForm = regexp.MustCompile(`^https?://[a-z0-9.*-]+(:[0-9]{1,5})?$`)
)

// valid checks n and returns its domains in their normal form.
func (n NewTenant) valid() (domains []string, err error) {
	if _, err := tenant.ParseSlug(string(n.Slug)); err != nil {
		return nil, err
	}
	if err := checkName(&n.Name); err != nil {
		return nil, err
	}
	if err := checkPaid(n.PaidUntil); err != nil {
		return nil, err
	}
	if len(n.Domains) == 0 || len(n.Domains) > maxDomains {
		return nil, fmt.Errorf("%w: it has 1 to %d domains", ErrTenant, maxDomains)
	}
	if err := checkAncestors(n.FrameAncestors); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, d := range n.Domains {
		name, err := ParseDomain(d)
		if err != nil {
			return nil, err
		}
		if seen[name] {
			return nil, fmt.Errorf("%w: %s is named twice", ErrTenant, name)
		}
		seen[name] = true
		domains = append(domains, name)
	}
	return domains, nil
}

// checkName trims a tenant's name, and returns ErrTenant if it cannot be one.
func checkName(name *strict.Line) error {
	if !strict.Trim(name, 1, maxName) || strict.CheckLine(string(*name)) != nil {
		return fmt.Errorf("%w: a name has 1 to %d characters, in one line", ErrTenant, maxName)
	}
	return nil
}

// paidSince is the earliest that a tenant may be paid until: what is before is a slip of the pen, or a zero time.
var paidSince = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// checkPaid returns ErrTenant if a tenant cannot be paid until then. It may be nil.
func checkPaid(until *time.Time) error {
	if until != nil && until.Before(paidSince) {
		return fmt.Errorf("%w: it cannot be paid until %s, which is before 2000", ErrTenant, until.UTC().Format(time.DateOnly))
	}
	return nil
}

// checkAncestors returns ErrTenant unless a tenant may have these frame ancestors.
func checkAncestors(origins []string) error {
	if len(origins) > maxAncestors {
		return fmt.Errorf("%w: it has at most %d frame ancestors", ErrTenant, maxAncestors)
	}
	for _, o := range origins {
		if err := checkAncestor(o); err != nil {
			return err
		}
	}
	return nil
}
