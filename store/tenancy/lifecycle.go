package tenancy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
)

// GracePeriod is how long a tenant is served after the day until which it paid. A trial has no such time.
const GracePeriod = 7 * 24 * time.Hour

// Status is where a tenant is in its life: Life lists what each means.
type Status string

// The statuses.
const (
	Provisioning Status = "provisioning" // it has no schema yet, or a schema and no name
	Trial        Status = "trial"
	Active       Status = "active"
	Grace        Status = "grace"  // paid_until is over, by less than GracePeriod
	Unpaid       Status = "unpaid" // the grace is over, or the trial
	Maintenance  Status = "maintenance"
	Suspended    Status = "suspended"
	Archived     Status = "archived" // nobody may write in its schema any more
	Purged       Status = "purged"   // it has no schema any more
	// OutOfOrder is a tenant that cannot be served because of what is stored of it.
	OutOfOrder Status = "out_of_order"
)

// Rounds says what becomes of a tenant's rounds.
type Rounds string

// What becomes of rounds.
const (
	RoundsRun  Rounds = "run"
	RoundsEnd  Rounds = "end"  // those under way end, and are paid; then the tables rest. The lobby goes on
	RoundsNone Rounds = "none" // nothing runs
)

// Action is what people do to a tenant's status.
type Action string

// The actions.
const (
	Suspend  Action = "suspend"
	Maintain Action = "maintain"
	Resume   Action = "resume" // to what the calendar says
	Archive  Action = "archive"
	Purge    Action = "purge"
)

// Stage is a status with what it means.
type Stage struct {
	Status  Status
	Players bool // are let in
	Staff   bool // operator and support: are let in
	API     bool // API keys and services are let in
	Rounds  Rounds
	May     []Action // what may be done
	Then    string   // what time alone makes of it; "": nothing
}

// Life is the life of a tenant: what each status lets in, and what can follow it.
var Life = []Stage{
	{Provisioning, false, false, false, RoundsNone, []Action{Purge}, ""},
	{Trial, true, true, true, RoundsRun, []Action{Suspend, Maintain}, "unpaid at paid_until"},
	{Active, true, true, true, RoundsRun, []Action{Suspend, Maintain}, "grace at paid_until"},
	{Grace, true, true, true, RoundsRun, []Action{Suspend, Maintain}, fmt.Sprintf("unpaid %d days after paid_until", GracePeriod/(24*time.Hour))},
	{Unpaid, false, false, false, RoundsEnd, []Action{Suspend}, ""},
	{Maintenance, false, true, true, RoundsEnd, []Action{Suspend, Maintain, Resume}, "unpaid, as if it were active"},
	{Suspended, false, false, false, RoundsEnd, []Action{Suspend, Maintain, Resume, Archive}, ""},
	{Archived, false, false, false, RoundsNone, []Action{Resume, Archive, Purge}, ""},
	{Purged, false, false, false, RoundsNone, []Action{Purge}, ""}, // those that repeat themselves do what an interrupted one left
	{OutOfOrder, false, false, false, RoundsRun, []Action{Suspend, Maintain, Resume}, ""},
}

// stageOf returns a status's stage. One that is not known lets nobody in.
func stageOf(s Status) Stage {
	if i := slices.IndexFunc(Life, func(g Stage) bool { return g.Status == s }); i >= 0 {
		return Life[i]
	}
	return Stage{Status: s, Rounds: RoundsNone}
}

// Served reports whether a tenant of this status is let in, players and all.
func (s Status) Served() bool { return stageOf(s).Players }

// Rounds returns what becomes of the rounds of a tenant of this status.
func (s Status) Rounds() Rounds { return stageOf(s).Rounds }

// LetsIn reports whether a tenant of this status lets in those of a role.
func (s Status) LetsIn(role auth.Role) bool {
	g := stageOf(s)
	switch role {
	case auth.Operator, auth.Support:
		return g.Staff
	case auth.APIKey, auth.Service:
		return g.API
	}
	return g.Players
}

// LetsAnybodyIn reports whether a tenant of this status lets in anybody at all.
func (s Status) LetsAnybodyIn() bool { g := stageOf(s); return g.Players || g.Staff || g.API }

// ErrStatus means that a tenant's status does not allow what was asked for; its text says what it allows.
var ErrStatus = errors.New("store: the tenant's status does not allow that")

// may returns ErrStatus unless an action may be done to a tenant of this status.
func (s Status) may(a Action) error {
	can := stageOf(s).May
	if slices.Contains(can, a) {
		return nil
	}
	if len(can) == 0 {
		return fmt.Errorf("%w: it is %s", ErrStatus, s)
	}
	names := make([]string, len(can))
	for i, c := range can {
		names[i] = string(c)
	}
	return fmt.Errorf("%w: it is %s, and what can be done is: %s", ErrStatus, s, strings.Join(names, ", "))
}

// changeable returns ErrStatus if nothing is changed of the tenant of a slug, which is set to this status, but the status
// itself: an archive would lack it.
func (s Status) changeable(slug tenant.Slug) error {
	switch s {
	case Archived:
		return fmt.Errorf("%w: %s is archived: resume it first", ErrStatus, slug)
	case Purged:
		return fmt.Errorf("%w: %s is purged", ErrStatus, slug)
	}
	return nil
}

// open returns ErrStatus unless the tenant of a slug, which is set to this status, has a schema that may be used.
func (s Status) open(slug tenant.Slug) error {
	if s == Provisioning {
		return fmt.Errorf("%w: %[2]s has no schema yet: pitboss tenant provision %[2]s", ErrStatus, slug)
	}
	return s.changeable(slug)
}

// Open returns ErrStatus if the tenant has no schema that may be used, since it was not provisioned yet or is archived, or
// ErrOutOfOrder.
func (t *Tenant) Open() error {
	if err := t.Set.open(t.Slug); err != nil {
		return err
	}
	if t.OutOfOrder != "" {
		return fmt.Errorf("%w: %s: %s", ErrOutOfOrder, t.Slug, t.OutOfOrder)
	}
	return nil
}

// life is what is stored of a tenant's life.
type life struct {
	set       Status // what people set it to: Active, Maintenance, Suspended, Archived, Purged, or Provisioning
	onTrial   bool
	paidUntil time.Time // zero: no end
}

// at returns the status at a moment.
func (l life) at(now time.Time) Status {
	due := !l.paidUntil.IsZero() && !now.Before(l.paidUntil)
	switch {
	case l.set != Active && (l.set != Maintenance || !due):
		return l.set
	case due && l.set == Maintenance && !l.onTrial && now.Before(l.paidUntil.Add(GracePeriod)):
		return Maintenance
	case due && (l.onTrial || !now.Before(l.paidUntil.Add(GracePeriod))):
		return Unpaid
	case due:
		return Grace
	case l.onTrial:
		return Trial
	}
	return Active
}
