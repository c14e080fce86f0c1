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

// GracePeriod is how long a tenant is served after the day until which it paid.
const GracePeriod = 7 * 24 * time.Hour

const (
	maxDomains   = 32  // of a tenant
	maxName      = 100 // characters of a tenant's display name
	maxAncestors = 32  // origins that may frame a tenant's pages
)

// Status says whether a tenant is served, and why or why not.
type Status string

// The statuses. Those that are Served get in; the others are refused with a reason.
const (
	Active    Status = "active"
	Trial     Status = "trial"
	Grace     Status = "grace" // paid_until is over, by less than GracePeriod
	Unpaid    Status = "unpaid"
	Suspended Status = "suspended"
	// OutOfOrder is a tenant that cannot be served because of what is stored of it.
	OutOfOrder Status = "out_of_order"
)

// Served reports whether a tenant of this status is let in.
func (s Status) Served() bool { return s == Active || s == Trial || s == Grace }

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

	Suspended    bool
	SuspendedFor string // why, if it is
	OutOfOrder   string // why it cannot be served, if it cannot; for the platform's people
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

// Status returns the tenant's status at a moment.
func (t *Tenant) Status(now time.Time) Status {
	switch {
	case t.OutOfOrder != "":
		return OutOfOrder
	case t.Suspended:
		return Suspended
	case !t.PaidUntil.IsZero() && !now.Before(t.PaidUntil.Add(GracePeriod)):
		return Unpaid
	case !t.PaidUntil.IsZero() && !now.Before(t.PaidUntil):
		return Grace
	case t.OnTrial:
		return Trial
	}
	return Active
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
	PaidUntil      time.Time // zero: no end
	FrameAncestors []string  // origins that may show the player's page in a frame
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
