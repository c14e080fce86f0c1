package webhooks

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/seal"
)

// Limits of endpoints.
const (
	// EndpointsMax is how many endpoints a tenant has at most.
	EndpointsMax = 16
	// URLBytesMax bounds an endpoint's URL.
	URLBytesMax = 2048
	// DescriptionRunesMax bounds its description.
	DescriptionRunesMax = 200
)

// RotationOverlap is how long a former secret signs beside the new one, unless it is dropped at once.
const RotationOverlap = 24 * time.Hour

const (
	secretSize    = 32 // bytes
	secretPrefix  = "whsec_"
	purposeSecret = "secret of webhook " // before the endpoint's id
)

var (
	// ErrNoEndpoint means that the tenant has no such endpoint.
	ErrNoEndpoint = errors.New("store: no such webhook endpoint")
	// ErrTooManyEndpoints means that the tenant has EndpointsMax endpoints.
	ErrTooManyEndpoints = fmt.Errorf("store: there are %d webhook endpoints already", EndpointsMax)
	// ErrNotActive means that an endpoint is paused or disabled.
	ErrNotActive = errors.New("store: the webhook endpoint is not active: resume it first")
	// ErrNoDelivery means that an endpoint was never told of such a fact, or longer ago than KeepFor.
	ErrNoDelivery = errors.New("store: no such delivery")
	// ErrPending means that a delivery is still to be made.
	ErrPending = errors.New("store: the delivery has not ended yet")
)

// State says whether an endpoint is told anything.
type State string

// The states of an endpoint: deliveries are made; they wait; there are no new ones, and those of before wait.
const (
	Active   State = "active"
	Paused   State = "paused"
	Disabled State = "disabled"
)

// Kinds returns the catalogue of facts.
func Kinds() []Kind { return db.FactKinds() }

// Kind describes one type of facts.
type Kind = db.FactKind

// Endpoint is where a casino is told what happens.
type Endpoint struct {
	ID           uuid.UUID `json:"id"`
	URL          string    `json:"url"`
	Description  string    `json:"description"`
	Types        []string  `json:"types"` // none: all
	State        State     `json:"state"`
	Reason       string    `json:"reason,omitempty"` // of the state
	Since        time.Time `json:"since"`
	FailingSince time.Time `json:"failing_since,omitzero"` // zero: the last attempt succeeded
	FormerUntil  time.Time `json:"former_until,omitzero"`  // until when the former secret signs too
	CreatedAt    time.Time `json:"created_at"`
}

// Spec is what people say of an endpoint.
type Spec struct {
	URL         string
	Description strict.Line
	Types       []string
}

// By says who changes something, and why.
type By struct {
	Actor  string
	Reason strict.Line // may be empty
	rooms.Origin
}

// Endpoints keeps the endpoints of all tenants. It may be used by many goroutines.
type Endpoints struct {
	db  *db.DB
	box *seal.Box
}

// NewEndpoints returns the endpoints of all tenants. box seals their secrets.
func NewEndpoints(d *db.DB, box *seal.Box) *Endpoints { return &Endpoints{d, box} }

const (
	endpointColumns = `id, url, description, types, state, reason, since, failing_since,
  case when former_until > now() then former_until end, created_at`

	selectEndpoints = `select ` + endpointColumns + ` from webhook_endpoint where created_at > '-infinity' order by created_at, id`
	selectEndpoint  = `select ` + endpointColumns + ` from webhook_endpoint where id = $1`
	lockEndpoint    = selectEndpoint + ` for no key update`

	// lockTenant is what creating an endpoint, and whatever makes deliveries, waits for: the counts are exact,
	// and of each key one delivery is the first.
	lockTenant = `select from webhook_deliverer where one for no key update`

	enlist = `insert into platform.webhook (tenant) values ($1) on conflict do nothing`

	countEndpoints = `select count(*) from webhook_endpoint where created_at > '-infinity'`

	insertEndpoint = `
insert into webhook_endpoint (id, url, description, types, secret, after_fact)
values ($1, $2, $3, $4, $5, (select coalesce(max(seq), 0) from fact)) returning ` + endpointColumns

	updateEndpoint = `
update webhook_endpoint set url = $2, description = $3, types = $4 where id = $1 returning ` + endpointColumns

	// updateState lets an endpoint that was disabled miss what happened meanwhile.
	updateState = `
update webhook_endpoint set
  after_fact = case when state = 'disabled' and $2 <> 'disabled' then (select coalesce(max(seq), 0) from fact) else after_fact end,
  state = $2, reason = $3, since = clock_timestamp(), failing_since = case when $2 = 'active' then null else failing_since end
where id = $1 returning ` + endpointColumns

	// retryNow makes what waits for its next attempt due.
	retryNow = `
update webhook_delivery set next_at = clock_timestamp(), attempts = 0
where endpoint = $1 and state = 'pending' and next_at is not null`

	rotateSecret = `
update webhook_endpoint set secret = $2,
  former_secret = case when $3 then null else secret end,
  former_until = case when $3 then null else clock_timestamp() + $4::interval end
where id = $1 returning ` + endpointColumns

	deleteEndpoint = `delete from webhook_endpoint where id = $1`
)

func scanEndpoint(row pgx.CollectableRow) (e Endpoint, err error) {
	var failing, former *time.Time
	err = row.Scan((*[16]byte)(&e.ID), &e.URL, &e.Description, &e.Types, (*string)(&e.State), &e.Reason, &e.Since, &failing, &former, &e.CreatedAt)
	e.Since, e.CreatedAt, e.FailingSince, e.FormerUntil = e.Since.UTC(), e.CreatedAt.UTC(), utc(failing), utc(former)
	return e, err
}

// utc returns a time that may be null.
func utc(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

// one runs a statement that returns one endpoint, or ErrNoEndpoint.
func one(ctx context.Context, tx pgx.Tx, sql string, args ...any) (Endpoint, error) {
	rows, _ := tx.Query(ctx, sql, args...) // its error comes from CollectOneRow
	e, err := pgx.CollectOneRow(rows, scanEndpoint)
	if errors.Is(err, pgx.ErrNoRows) {
		return e, ErrNoEndpoint
	}
	return e, err
}

// List returns a tenant's endpoints, the oldest first.
func (s *Endpoints) List(ctx context.Context, id tenant.ID) (out []Endpoint, err error) {
	err = s.db.Tenant(id).ReadTx(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		rows, _ := tx.Query(ctx, selectEndpoints) // its error comes from CollectRows
		out, err = pgx.CollectRows(rows, scanEndpoint)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store: webhook endpoints: %w", err)
	}
	return out, nil
}

// Get returns one endpoint, or ErrNoEndpoint.
func (s *Endpoints) Get(ctx context.Context, id tenant.ID, endpoint uuid.UUID) (out Endpoint, err error) {
	err = s.db.Tenant(id).ReadTx(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		out, err = one(ctx, tx, selectEndpoint, endpoint.String())
		return err
	})
	if err != nil {
		return Endpoint{}, fmt.Errorf("store: webhook endpoint %s: %w", endpoint, err)
	}
	return out, nil
}

// ErrURLTooLong is a SpecError.
var ErrURLTooLong error = &SpecError{fmt.Sprintf("url: want at most %d bytes", URLBytesMax)}

// SpecError says what is wrong with a Spec, for whoever gave it. It is a store.ErrInvalid.
type SpecError struct{ text string }

// Error implements error.
func (e *SpecError) Error() string { return e.text }

// Unwrap returns store.ErrInvalid.
func (*SpecError) Unwrap() error { return db.ErrInvalid }

// check trims a Spec, and returns a *SpecError. Whether a URL's address may be called is decided when it is
// called.
func (p *Spec) check() error {
	u, err := url.Parse(p.URL)
	switch {
	case len(p.URL) > URLBytesMax:
		return ErrURLTooLong
	case err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Hostname() == "" || u.User != nil || u.Fragment != "" || strings.ContainsFunc(p.URL, unicode.IsControl) || !utf8.ValidString(p.URL):
		return &SpecError{"url: want an absolute https URL without a user and a fragment"}
	case !validPort(u.Port()):
		return &SpecError{"url: want a port from 1 to 65535"}
	case !strict.Trim(&p.Description, 0, DescriptionRunesMax) || strict.CheckLine(string(p.Description)) != nil:
		return &SpecError{fmt.Sprintf("description: want one line of at most %d characters", DescriptionRunesMax)}
	}
	for _, t := range p.Types {
		if t == db.FactWebhookTest || db.FactVersion(t) == 0 {
			return &SpecError{fmt.Sprintf("types: there is no type %q to choose: want some of %s, or none for all", t, choosable())}
		}
	}
	slices.Sort(p.Types)
	p.Types = slices.Compact(p.Types)
	if p.Types == nil {
		p.Types = []string{}
	}
	return nil
}

// validPort reports whether a URL's port is one, or not given.
func validPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && n > 0
}

// choosable returns the types of which an endpoint can be told.
func choosable() string {
	var out []string
	for _, k := range db.FactKinds() {
		if k.Type != db.FactWebhookTest {
			out = append(out, k.Type)
		}
	}
	return strings.Join(out, ", ")
}

// Create adds an endpoint, and returns the secret that signs what it is told, which is not shown again. It
// returns ErrTooManyEndpoints, a *SpecError or store.ErrNoTenant.
func (s *Endpoints) Create(ctx context.Context, id tenant.ID, spec Spec, by By) (e Endpoint, secret string, err error) {
	if err := spec.check(); err != nil {
		return Endpoint{}, "", err
	}
	endpoint, err := uuid.NewV7()
	if err != nil {
		return Endpoint{}, "", fmt.Errorf("store: no randomness: %w", err)
	}
	secret, sealed, err := s.newSecret(id, endpoint)
	if err != nil {
		return Endpoint{}, "", err
	}
	err = s.db.Tenant(id).LoginTx(ctx, func(tx pgx.Tx) error {
		q := &pgx.Batch{}
		q.Queue(enlist, id.String())
		q.Queue(db.EnterScope, id.Role())
		if err := tx.SendBatch(ctx, q).Close(); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, lockTenant); err != nil {
			return err
		}
		var have int
		if err := tx.QueryRow(ctx, countEndpoints).Scan(&have); err != nil {
			return err
		}
		if have >= EndpointsMax {
			return ErrTooManyEndpoints
		}
		e, err = one(ctx, tx, insertEndpoint, endpoint.String(), spec.URL, string(spec.Description), spec.Types, sealed)
		if err != nil {
			return err
		}
		return write(ctx, tx, "webhook.create", nil, &e, by)
	})
	if state := db.SQLState(err); state == db.StateForeignKey || state == db.StateNoSuchSetting || state == db.StateDenied {
		err = fmt.Errorf("%w (%w)", db.ErrNoTenant, err)
	}
	if err != nil {
		return Endpoint{}, "", fmt.Errorf("store: create a webhook endpoint: %w", err)
	}
	return e, secret, nil
}

// newSecret returns a secret as people copy it, and sealed.
func (s *Endpoints) newSecret(id tenant.ID, endpoint uuid.UUID) (text string, sealed []byte, err error) {
	raw := make([]byte, secretSize)
	if _, err := rand.Read(raw); err != nil {
		return "", nil, fmt.Errorf("store: no randomness: %w", err)
	}
	sealed, err = s.box.Seal(id, purposeSecret+endpoint.String(), raw)
	return secretPrefix + base64.StdEncoding.EncodeToString(raw), sealed, err
}

// line is what audit lines have of an endpoint.
type line struct {
	URL         string   `json:"url"`
	Description string   `json:"description"`
	Types       []string `json:"types"`
	State       State    `json:"state"`
	FormerUntil string   `json:"former_until,omitempty"`
}

// lineOf returns what audit lines have of an endpoint, as JSON.
func lineOf(e Endpoint) (json.RawMessage, error) {
	l := line{URL: e.URL, Description: e.Description, Types: e.Types, State: e.State}
	if !e.FormerUntil.IsZero() {
		l.FormerUntil = e.FormerUntil.Format("2006-01-02T15:04:05.000Z07:00")
	}
	return json.Marshal(l)
}

// write writes the audit line of a change of an endpoint, of which one of before and after may be nil.
func write(ctx context.Context, tx pgx.Tx, action string, before, after *Endpoint, by By) error {
	a := rooms.Audit{Actor: by.Actor, Action: action, Reason: string(by.Reason), Origin: by.Origin}
	for _, x := range []struct {
		e    *Endpoint
		into *json.RawMessage
	}{{before, &a.Before}, {after, &a.After}} {
		if x.e == nil {
			continue
		}
		raw, err := lineOf(*x.e)
		if err != nil {
			return err
		}
		a.Target, *x.into = x.e.ID.String(), raw
	}
	return db.WriteAudit(ctx, tx, a)
}

// change changes an endpoint, which it has locked, with an audit line. It returns ErrNoEndpoint.
func (s *Endpoints) change(ctx context.Context, id tenant.ID, endpoint uuid.UUID, action string, by By, do func(context.Context, pgx.Tx, Endpoint) (Endpoint, error)) (after Endpoint, err error) {
	if len(by.Reason) > 0 {
		if err := db.CheckReason(by.Reason); err != nil {
			return Endpoint{}, err
		}
	}
	err = s.db.Tenant(id).Tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockTenant); err != nil {
			return err
		}
		before, err := one(ctx, tx, lockEndpoint, endpoint.String())
		if err != nil {
			return err
		}
		if after, err = do(ctx, tx, before); err != nil {
			return err
		}
		if after.ID == (uuid.UUID{}) {
			return write(ctx, tx, action, &before, nil, by)
		}
		return write(ctx, tx, action, &before, &after, by)
	})
	if err != nil {
		return Endpoint{}, fmt.Errorf("store: %s %s: %w", action, endpoint, err)
	}
	return after, nil
}

// Change gives an endpoint another URL, description and types, unless check, which gets it as it is, returns an error. It
// returns ErrNoEndpoint, a *SpecError or that error.
func (s *Endpoints) Change(ctx context.Context, id tenant.ID, endpoint uuid.UUID, spec Spec, check func(Endpoint) error, by By) (Endpoint, error) {
	if err := spec.check(); err != nil {
		return Endpoint{}, err
	}
	return s.change(ctx, id, endpoint, "webhook.change", by, func(ctx context.Context, tx pgx.Tx, before Endpoint) (Endpoint, error) {
		if err := check(before); err != nil {
			return before, err
		}
		return one(ctx, tx, updateEndpoint, endpoint.String(), spec.URL, string(spec.Description), spec.Types)
	})
}

// Pause lets an endpoint's deliveries wait. It returns ErrNoEndpoint.
func (s *Endpoints) Pause(ctx context.Context, id tenant.ID, endpoint uuid.UUID, by By) (Endpoint, error) {
	return s.change(ctx, id, endpoint, "webhook.pause", by, func(ctx context.Context, tx pgx.Tx, before Endpoint) (Endpoint, error) {
		if before.State != Active {
			return before, ErrNotActive
		}
		return one(ctx, tx, updateState, endpoint.String(), Paused, string(by.Reason))
	})
}

// Resume makes the deliveries that wait due, and an endpoint active. One that was disabled is not told what
// happened meanwhile. It returns ErrNoEndpoint.
func (s *Endpoints) Resume(ctx context.Context, id tenant.ID, endpoint uuid.UUID, by By) (Endpoint, error) {
	return s.change(ctx, id, endpoint, "webhook.resume", by, func(ctx context.Context, tx pgx.Tx, _ Endpoint) (Endpoint, error) {
		if _, err := tx.Exec(ctx, retryNow, endpoint.String()); err != nil {
			return Endpoint{}, err
		}
		return one(ctx, tx, updateState, endpoint.String(), Active, string(by.Reason))
	})
}

// Rotate gives an endpoint a new secret, which it returns. The former one signs too for RotationOverlap,
// unless drop says that it is to be dropped at once. It returns ErrNoEndpoint.
func (s *Endpoints) Rotate(ctx context.Context, id tenant.ID, endpoint uuid.UUID, drop bool, by By) (e Endpoint, secret string, err error) {
	secret, sealed, err := s.newSecret(id, endpoint)
	if err != nil {
		return Endpoint{}, "", err
	}
	e, err = s.change(ctx, id, endpoint, "webhook.rotate", by, func(ctx context.Context, tx pgx.Tx, _ Endpoint) (Endpoint, error) {
		return one(ctx, tx, rotateSecret, endpoint.String(), sealed, drop, RotationOverlap)
	})
	if err != nil {
		return Endpoint{}, "", err
	}
	return e, secret, nil
}

// Delete removes an endpoint, and what it was still to be told, unless check, which gets it as it is and may be nil,
// returns an error. It returns ErrNoEndpoint or that error.
func (s *Endpoints) Delete(ctx context.Context, id tenant.ID, endpoint uuid.UUID, check func(Endpoint) error, by By) error {
	_, err := s.change(ctx, id, endpoint, "webhook.delete", by, func(ctx context.Context, tx pgx.Tx, before Endpoint) (Endpoint, error) {
		if check != nil {
			if err := check(before); err != nil {
				return before, err
			}
		}
		_, err := tx.Exec(ctx, deleteEndpoint, endpoint.String())
		return Endpoint{}, err
	})
	return err
}
