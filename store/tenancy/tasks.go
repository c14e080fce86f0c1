package tenancy

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/migrations"
	"github.com/pitboss-hub/pitboss/store/seal"
)

// Tools are what tasks need besides the database.
type Tools struct {
	Archiver Archiver
	DNS      Resolver
	AppURL   string // of the application's login, for migrations
	// Progress, if not nil, notes how far a migration is.
	Progress func(step string, done, of int64)
	Doctor   func(context.Context) (any, error)
}

// Task is something that the platform's people ask for by its name, with an input in JSON.
type Task struct {
	// Within bounds how long it may take. Zero is quickWithin: such a task changes rows alone, and need not wait for others.
	Within time.Duration
	// Input returns a new input, for its decoding by package strict.
	Input func() any
	// Do does it to the tenant of a slug, which is "" if the task is about no tenant that is there. What it does may be begun
	// again. secret is what nobody is told twice.
	Do func(ctx context.Context, a *Admin, slug tenant.Slug, in any, t Tools) (result any, secret string, err error)
	// Done returns the result of one that is begun again, and whose change was committed before. It is nil for a task that
	// can be done twice.
	Done func(ctx context.Context, a *Admin, slug tenant.Slug, in any) (result any, err error)
}

// task returns a Task of a function of its own input.
func task[In any](do func(ctx context.Context, a *Admin, slug tenant.Slug, in *In, t Tools) (result any, secret string, err error)) Task {
	return Task{
		Input: func() any { return new(In) },
		Do: func(ctx context.Context, a *Admin, slug tenant.Slug, in any, t Tools) (any, string, error) {
			return do(ctx, a, slug, in.(*In), t)
		},
	}
}

const (
	// quickWithin bounds the tasks that change rows alone, makeWithin those that make a schema or ask DNS, and longWithin those
	// whose length depends on how much there is; they can be begun again, and go on.
	quickWithin = 20 * time.Second
	makeWithin  = 2 * time.Minute
	longWithin  = 12 * time.Hour
	// lookWithin bounds the tasks that look at all tenants and change nothing.
	lookWithin = time.Hour
)

// ErrTooLong means that a task was stopped because it took too long; its text says how long it may take.
var ErrTooLong = errors.New("store: the job was stopped")

// within returns a Task that may take longer than those that change rows alone.
func within(most time.Duration, t Task) Task {
	t.Within = most
	return t
}

// QuickTasks returns the names of the tasks that change rows alone, in order: they are done within seconds.
func QuickTasks() (names []string) {
	for name, t := range Tasks {
		if t.Within == 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Named is the result of tasks that make or change a tenant: its slug then, and its status.
type Named struct {
	Slug   tenant.Slug `json:"slug"`
	Status Status      `json:"status"`
}

// changed returns a Task that changes the tenant of its slug.
func changed[In any](do func(ctx context.Context, a *Admin, slug tenant.Slug, in *In) error) Task {
	return once(named, task(func(ctx context.Context, a *Admin, slug tenant.Slug, in *In, _ Tools) (any, string, error) {
		if err := do(ctx, a, slug, in); err != nil {
			return nil, "", err
		}
		now, err := named(ctx, a, slug, in)
		return now, "", err
	}))
}

// once returns a Task that is not done twice.
func once(done func(ctx context.Context, a *Admin, slug tenant.Slug, in any) (any, error), t Task) Task {
	t.Done = done
	return t
}

// named returns the Named of a tenant as it is now.
func named(ctx context.Context, a *Admin, slug tenant.Slug, _ any) (any, error) {
	_, status, err := a.statusOf(ctx, slug)
	return Named{slug, status}, err
}

// ErrSecretLost means that a process died between making a secret and recording it.
var ErrSecretLost = errors.New("store: the key was made, and its secret is lost: end it and make another")

// secretLost is the Done of tasks that make a secret.
func secretLost(context.Context, *Admin, tenant.Slug, any) (any, error) { return nil, ErrSecretLost }

// Inputs of tasks.
type (
	// Reasoned is the input of a task that needs nothing but a reason.
	Reasoned struct {
		Reason strict.Line `json:"reason"`
	}
	// NewTenantInput is the input of tenant.create.
	NewTenantInput struct {
		Slug           tenant.Slug `json:"slug"`
		Name           strict.Line `json:"name"`
		Domains        []string    `json:"domains"`
		Currency       string      `json:"currency"`
		OnTrial        bool        `json:"on_trial,omitempty"`
		PaidUntil      *time.Time  `json:"paid_until,omitempty"`
		FrameAncestors []string    `json:"frame_ancestors,omitempty"`
		AutoCreate     *bool       `json:"auto_create_schema,omitempty"` // false: Provision makes the schema later
	}
	// SettingsInput is the input of tenant.set. What is absent stays as it is.
	SettingsInput struct {
		Name                *strict.Line `json:"name,omitempty"`
		OnTrial             *bool        `json:"on_trial,omitempty"`
		PaidUntil           *time.Time   `json:"paid_until,omitempty"`
		NoEnd               bool         `json:"no_end,omitempty"` // it is served without end
		FrameAncestors      *[]string    `json:"frame_ancestors,omitempty"`
		Currency            *string      `json:"currency,omitempty"`
		CreditApprovalAbove *int64       `json:"credit_approval_above,omitempty"` // NoApproval: none
		Plan                *string      `json:"plan,omitempty"`                  // "none", or "": none
		Jurisdiction        *string      `json:"jurisdiction,omitempty"`          // "none", or "": none
		Reason              strict.Line  `json:"reason"`
	}
	// MaintenanceInput is the input of tenant.maintain.
	MaintenanceInput struct {
		BackAt *time.Time  `json:"back_at,omitempty"`
		Reason strict.Line `json:"reason"`
	}
	// RenameInput is the input of tenant.rename.
	RenameInput struct {
		To     tenant.Slug `json:"to"`
		Reason strict.Line `json:"reason"`
	}
	// PurgeInput is the input of tenant.purge.
	PurgeInput struct {
		Confirm string      `json:"confirm"` // the slug, typed again
		Reason  strict.Line `json:"reason"`
	}
	// DomainInput is the input of tasks about a domain.
	DomainInput struct {
		Domain string      `json:"domain"`
		Reason strict.Line `json:"reason,omitempty"`
	}
	// SigningKeyInput is the input of signing_key.rotate.
	SigningKeyInput struct {
		Retire bool        `json:"retire,omitempty"` // the secrets that there were are no longer good
		Reason strict.Line `json:"reason"`
	}
	// APIKeyInput is the input of api_key.create.
	APIKeyInput struct {
		Name      strict.Line `json:"name"`
		Scopes    []string    `json:"scopes"`
		Addresses []string    `json:"addresses,omitempty"`
		ExpiresAt *time.Time  `json:"expires_at,omitempty"`
		Reason    strict.Line `json:"reason"`
	}
	// APIKeyEndInput is the input of api_key.revoke.
	APIKeyEndInput struct {
		Key    string      `json:"key"`
		Reason strict.Line `json:"reason"`
	}
	// EntryInput is the input of entry.create.
	EntryInput struct {
		Role   auth.Role   `json:"role"`
		Reason strict.Line `json:"reason"`
	}
	// RolloutInput is the input of migrate and migrate.plan: a Rollout. Resume is why a paused run goes on, if one is paused.
	RolloutInput struct {
		Tenants     []tenant.Slug `json:"tenants,omitempty"`
		Canaries    []tenant.Slug `json:"canaries,omitempty"`
		Workers     int           `json:"workers,omitempty"`
		MaxFailures *int          `json:"max_failures,omitempty"`
		Resume      strict.Line   `json:"resume,omitempty"`
	}
)

func (in *RolloutInput) rollout() Rollout {
	return Rollout{Tenants: in.Tenants, Canaries: in.Canaries, Workers: in.Workers, MaxFailures: in.MaxFailures}
}

// run returns a Task that changes the run of migrations that is open, and whose result is the state of the fleet then.
func run(change func(*Admin) func(context.Context, strict.Line) error) Task {
	return task(func(ctx context.Context, a *Admin, _ tenant.Slug, in *Reasoned, _ Tools) (any, string, error) {
		if err := change(a)(ctx, in.Reason); err != nil {
			return nil, "", err
		}
		s, err := a.FleetStatus(ctx)
		return s, "", err
	})
}

// Tasks holds every task, by its name.
var Tasks = map[string]Task{
	"tenant.create": within(makeWithin, once(func(ctx context.Context, a *Admin, _ tenant.Slug, in any) (any, error) {
		return named(ctx, a, in.(*NewTenantInput).Slug, in)
	}, task(func(ctx context.Context, a *Admin, _ tenant.Slug, in *NewTenantInput, _ Tools) (any, string, error) {
		n := NewTenant{
			Slug: in.Slug, Name: in.Name, Domains: in.Domains, Currency: in.Currency, OnTrial: in.OnTrial, FrameAncestors: in.FrameAncestors,
			WithoutSchema: in.AutoCreate != nil && !*in.AutoCreate, PaidUntil: in.PaidUntil,
		}
		t, err := a.CreateTenant(ctx, n)
		return Named{t.Slug, t.Status(time.Now())}, "", err
	}))),
	"tenant.provision": within(makeWithin, changed(func(ctx context.Context, a *Admin, slug tenant.Slug, _ *struct{}) error {
		_, err := a.Provision(ctx, slug)
		return err
	})),
	"tenant.set": changed(func(ctx context.Context, a *Admin, slug tenant.Slug, in *SettingsInput) error {
		to := Settings{Name: in.Name, OnTrial: in.OnTrial, PaidUntil: in.PaidUntil, NoEnd: in.NoEnd, FrameAncestors: in.FrameAncestors, Currency: in.Currency, CreditApprovalAbove: in.CreditApprovalAbove, Plan: in.Plan, Jurisdiction: in.Jurisdiction}
		_, err := a.SetTenant(ctx, slug, to, in.Reason)
		return err
	}),
	"tenant.suspend": changed(func(ctx context.Context, a *Admin, slug tenant.Slug, in *Reasoned) error {
		return a.Suspend(ctx, slug, in.Reason)
	}),
	"tenant.resume": changed(func(ctx context.Context, a *Admin, slug tenant.Slug, _ *struct{}) error { return a.Resume(ctx, slug) }),
	"tenant.maintain": changed(func(ctx context.Context, a *Admin, slug tenant.Slug, in *MaintenanceInput) error {
		var back time.Time
		if in.BackAt != nil {
			back = *in.BackAt
		}
		return a.Maintain(ctx, slug, back, in.Reason)
	}),
	"tenant.rename": once(func(ctx context.Context, a *Admin, _ tenant.Slug, in any) (any, error) {
		return named(ctx, a, in.(*RenameInput).To, in)
	}, task(func(ctx context.Context, a *Admin, slug tenant.Slug, in *RenameInput, _ Tools) (any, string, error) {
		t, err := a.Rename(ctx, slug, in.To, in.Reason)
		return Named{t.Slug, t.Status(time.Now())}, "", err
	})),
	"tenant.archive": within(longWithin, task(func(ctx context.Context, a *Admin, slug tenant.Slug, in *Reasoned, t Tools) (any, string, error) {
		f, err := a.Archive(ctx, slug, in.Reason, t.Archiver)
		return f, "", err
	})),
	"tenant.purge": within(longWithin, task(func(ctx context.Context, a *Admin, slug tenant.Slug, in *PurgeInput, _ Tools) (any, string, error) {
		if err := a.Purge(ctx, slug, in.Confirm, in.Reason, func(int64, int64) {}); err != nil {
			return nil, "", err
		}
		now, err := named(ctx, a, slug, in)
		return now, "", err
	})),
	"domain.add": changed(func(ctx context.Context, a *Admin, slug tenant.Slug, in *DomainInput) error {
		_, err := a.AddDomain(ctx, slug, in.Domain, in.Reason)
		return err
	}),
	"domain.remove": changed(func(ctx context.Context, a *Admin, slug tenant.Slug, in *DomainInput) error {
		_, err := a.RemoveDomain(ctx, slug, in.Domain, in.Reason)
		return err
	}),
	"domain.primary": changed(func(ctx context.Context, a *Admin, slug tenant.Slug, in *DomainInput) error {
		_, err := a.SetPrimaryDomain(ctx, slug, in.Domain, in.Reason)
		return err
	}),
	"domain.verify": within(makeWithin, task(func(ctx context.Context, a *Admin, slug tenant.Slug, in *DomainInput, t Tools) (any, string, error) {
		return in, "", a.VerifyDomain(ctx, slug, in.Domain, t.DNS)
	})),
	"signing_key.rotate": once(secretLost, task(func(ctx context.Context, a *Admin, slug tenant.Slug, in *SigningKeyInput, _ Tools) (any, string, error) {
		k, secret, _, err := a.RotateKey(ctx, slug, in.Retire, in.Reason)
		return k, base64.StdEncoding.EncodeToString(secret), err
	})),
	"api_key.create": once(secretLost, task(func(ctx context.Context, a *Admin, slug tenant.Slug, in *APIKeyInput, _ Tools) (any, string, error) {
		n := NewAPIKey{Name: in.Name, Scopes: in.Scopes, Addresses: in.Addresses}
		if in.ExpiresAt != nil {
			n.ExpiresAt = *in.ExpiresAt
		}
		k, text, err := a.CreateAPIKey(ctx, slug, n, in.Reason)
		return k, text.Reveal(), err
	})),
	"api_key.revoke": task(func(ctx context.Context, a *Admin, slug tenant.Slug, in *APIKeyEndInput, _ Tools) (any, string, error) {
		k, err := a.RevokeAPIKey(ctx, slug, in.Key, in.Reason)
		return k, "", err
	}),
	"entry.create": task(func(ctx context.Context, a *Admin, slug tenant.Slug, in *EntryInput, _ Tools) (any, string, error) {
		return a.Enter(ctx, slug, in.Role, in.Reason)
	}),
	"migrate": within(longWithin, task(func(ctx context.Context, a *Admin, _ tenant.Slug, in *RolloutInput, t Tools) (any, string, error) {
		if in.Resume != "" { // one that was resumed already, as by this job before its process died, goes on all the same
			if err := a.ResumeRun(ctx, in.Resume); err != nil && !errors.Is(err, ErrRun) {
				return nil, "", err
			}
		}
		r := in.rollout()
		r.Progress = func(s RunStatus) {
			if t.Progress != nil {
				t.Progress("migrate", int64(s.Done+s.Failed), int64(s.Total()))
			}
		}
		if _, err := a.Roll(ctx, t.AppURL, r); err != nil {
			return nil, "", err
		}
		s, err := a.FleetStatus(ctx)
		return s, "", err
	})),
	"migrate.plan": within(makeWithin, task(func(ctx context.Context, a *Admin, _ tenant.Slug, in *RolloutInput, _ Tools) (any, string, error) {
		p, err := a.PlanRoll(ctx, in.rollout())
		return p, "", err
	})),
	"migrate.pause":  run(func(a *Admin) func(context.Context, strict.Line) error { return a.PauseRun }),
	"migrate.cancel": run(func(a *Admin) func(context.Context, strict.Line) error { return a.CancelRun }),
	"doctor": within(lookWithin, task(func(ctx context.Context, _ *Admin, _ tenant.Slug, _ *struct{}, t Tools) (any, string, error) {
		report, err := t.Doctor(ctx)
		return report, "", err
	})),
	"drift": within(lookWithin, task(func(ctx context.Context, a *Admin, _ tenant.Slug, _ *struct{}, _ Tools) (any, string, error) {
		d, err := a.Drift(ctx)
		return d, "", err
	})),
}

// Asker is on whose behalf a task is done, and as which job.
type Asker struct {
	Actor string
	rooms.Origin
	Job   uuid.UUID // zero: none
	Again bool      // the job was begun before
}

// DoTask does a task by its name, on behalf of somebody. It returns store.ErrInvalid for a task that is not known, or an input
// that is not its own, and ErrTooLong.
func (a *Admin) DoTask(ctx context.Context, kind string, slug tenant.Slug, input []byte, by Asker, t Tools) (result any, secret string, err error) {
	k, ok := Tasks[kind]
	if !ok {
		return nil, "", fmt.Errorf("%w: there is no task %q", db.ErrInvalid, kind)
	}
	return a.doTask(ctx, k, slug, input, by, t)
}

func (a *Admin) doTask(ctx context.Context, k Task, slug tenant.Slug, input []byte, by Asker, t Tools) (result any, secret string, err error) {
	if slug != "" { // what a node queued may be anything: the platform itself is no tenant
		if _, err := tenant.ParseSlug(string(slug)); err != nil {
			return nil, "", fmt.Errorf("%w: %w", db.ErrInvalid, err)
		}
	}
	in := k.Input()
	if err := strict.Decode(input, in); err != nil {
		return nil, "", fmt.Errorf("%w: %w", db.ErrInvalid, err)
	}
	b := a.As(by.Actor, by.Origin)
	b.job = by.Job
	if by.Again {
		if result, done, err := a.wasApplied(ctx, b, k, slug, in); done || err != nil {
			return result, "", err
		}
	}
	most := cmp.Or(k.Within, quickWithin)
	bounded, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	result, secret, err = k.Do(bounded, b, slug, in, t)
	if err == nil || bounded.Err() == nil || ctx.Err() != nil {
		return result, secret, err
	}
	// It may have ended after all: only its answer was late.
	if result, done, err := a.wasApplied(ctx, b, k, slug, in); done || err != nil {
		return result, "", err
	}
	return nil, "", fmt.Errorf("%w: it may take %s: look at how far it came, and ask again: %s", ErrTooLong, most, err.Error()) // its kind does not count: the task is not done again by itself
}

// wasApplied returns what a job's task changed, if it was committed before.
func (a *Admin) wasApplied(ctx context.Context, by *Admin, k Task, slug tenant.Slug, in any) (result any, done bool, err error) {
	if k.Done == nil || by.job == uuid.Nil {
		return nil, false, nil
	}
	if err := a.pool.QueryRow(ctx, `select applied from platform.job where id = $1`, by.job).Scan(&done); err != nil || !done {
		return nil, false, err
	}
	result, err = k.Done(ctx, by, slug, in)
	return result, true, err
}

// codes holds what clients go by of an error of a task. The first that errors.Is finds counts.
var codes = []struct {
	err  error
	code string
}{
	{ErrSlugTaken, "slug_taken"},
	{ErrDomainTaken, "domain_taken"},
	{ErrUnverified, "domain_unverified"},
	{ErrStatus, "status_conflict"},
	{ErrConfirm, "confirmation_needed"},
	{ErrPurgeEarly, "purge_too_early"},
	{ErrRoundsOpen, "rounds_open"},
	{ErrArchive, "archive_invalid"},
	{ErrStaked, "currency_in_use"},
	{ErrNoPlan, "invalid_params"},
	{ErrNoJurisdiction, "invalid_params"},
	{ErrCatalogBudget, "limit_reached"},
	{ErrSecretLost, "secret_lost"},
	{ErrNoSecret, "signing_key_missing"},
	{ErrTooLong, "unavailable"},
	{ErrOlderNode, "unavailable"},
	{ErrTooManyAPIKeys, "limit_reached"},
	{ErrNoAPIKey, "not_found"},
	{ErrAPIKeyEnded, "key_ended"},
	{db.ErrNoTenant, "tenant_not_found"},
	{db.ErrInvalid, "invalid_params"},
	{ErrTenant, "invalid_params"},
	{ErrDomain, "invalid_params"},
	{tenant.ErrSlug, "invalid_params"},
	{ErrOutOfOrder, "tenant_out_of_order"},
	{ErrRun, "migration_stopped"},
	{ErrOlderSchema, "migration_needed"},
	{migrations.ErrNewer, "migration_needed"},
	{seal.ErrMasterKey, "unavailable"},
	{db.ErrUnavailable, "unavailable"},
	{context.DeadlineExceeded, "unavailable"},
}

// CodeOf returns what a client goes by of an error of a task, and what a person is told of it. One that is not known is told
// nobody: it is in the log.
func CodeOf(err error) (code, text string) {
	var key *APIKeyError
	if errors.As(err, &key) {
		return "invalid_params", key.Error()
	}
	for _, c := range codes {
		if errors.Is(err, c.err) {
			return c.code, strings.ReplaceAll(err.Error(), "store: ", "")
		}
	}
	return "internal", "Something went wrong; the log of the platform's process has it under the job's id."
}
