package store

import (
	"fmt"
	"net"
	"regexp"
	"strings"
	"time"

	"golang.org/x/net/idna"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
)

// GracePeriod is how long a tenant is served after the day until which it paid.
const GracePeriod = 7 * 24 * time.Hour

const (
	maxDomains  = 32  // of a tenant
	maxDomain   = 253 // bytes of a domain name
	maxName     = 100 // characters of a tenant's display name
	maxExponent = 8
)

// Status is where a tenant is in its life.
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

// Tenant is what is known of a tenant. It is never changed; a change makes another one.
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
	Suspended      bool
	SuspendedFor   string // why, if it is
	OutOfOrder     string // why it cannot be served, if it cannot; for the platform's people
	Version        int64  // rises with each change

	keys []auth.Key
}

// Status is the tenant's status at a moment.
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

// NewTenant is what a tenant is made from.
type NewTenant struct {
	Slug           tenant.Slug
	Name           strict.Line // as people see it
	Domains        []string    // the primary one first; at least one
	Currency       string
	Exponent       int
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
	switch {
	case !strict.Trim(&n.Name, 1, maxName) || strict.CheckLine(string(n.Name)) != nil:
		return nil, fmt.Errorf("%w: a name has 1 to %d characters, in one line", ErrTenant, maxName)
	case !currencyForm.MatchString(n.Currency):
		return nil, fmt.Errorf("%w: a currency is 3 to 5 capital letters, not %q", ErrTenant, n.Currency)
	case n.Exponent < 0 || n.Exponent > maxExponent:
		return nil, fmt.Errorf("%w: a currency's exponent is 0 to %d, not %d", ErrTenant, maxExponent, n.Exponent)
	case len(n.Domains) == 0 || len(n.Domains) > maxDomains:
		return nil, fmt.Errorf("%w: it has 1 to %d domains", ErrTenant, maxDomains)
	}
	for _, a := range n.FrameAncestors {
		if !ancestorForm.MatchString(a) {
			return nil, fmt.Errorf("%w: a frame ancestor is an origin as https://casino.example, not %q", ErrTenant, a)
		}
	}
	seen := map[string]bool{}
	for _, d := range n.Domains {
		name, err := NormalizeHost(d)
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

// NormalizeHost is the form in which a request's Host, or a domain, is looked up: without
// port and trailing dot, in lower case, international names in their ASCII form. It returns
// ErrDomain.
func NormalizeHost(host string) (string, error) {
	name := host
	if strings.Contains(name, ":") {
		h, _, err := net.SplitHostPort(name)
		if err != nil {
			return "", fmt.Errorf("%w: %q", ErrDomain, host)
		}
		name = h
	}
	name = strings.TrimSuffix(name, ".")
	ascii, err := idna.Lookup.ToASCII(name)
	if err != nil || ascii == "" || len(ascii) > maxDomain {
		return "", fmt.Errorf("%w: %q", ErrDomain, host)
	}
	for _, label := range strings.Split(ascii, ".") {
		if label == "" || len(label) > 63 {
			return "", fmt.Errorf("%w: %q", ErrDomain, host)
		}
	}
	return ascii, nil
}
