package store

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pitboss-hub/pitboss/store/access"
	"github.com/pitboss-hub/pitboss/store/answers"
	"github.com/pitboss-hub/pitboss/store/approvals"
	"github.com/pitboss-hub/pitboss/store/audit"
	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/jobs"
	"github.com/pitboss-hub/pitboss/store/journal"
	"github.com/pitboss-hub/pitboss/store/seal"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/store/webhooks"
)

// Options says where the database is.
type Options struct {
	// URL of the application's login (see tenancy.Admin.Migrate).
	URL string
	// ControlURL is the URL of the control lane's connections, as the same login: it bypasses a pooler, in
	// whose queue they must not wait. It defaults to URL.
	ControlURL string
	// Box opens what was sealed under the master key.
	Box *seal.Box
	// Log defaults to slog.Default().
	Log *slog.Logger
	// Application is the name in pg_stat_activity, unless a URL sets one. Defaults to "pitboss".
	Application string
	// MaxConns is the largest number of connections for tenants' scopes. It defaults to 16.
	MaxConns int32
	// VerifiedDomainsOnly leaves domains that are not verified out of the directory, but for those that DNS
	// cannot have (RFC 6761 §6.3).
	VerifiedDomainsOnly bool
}

// Store is the database as the application's login sees it, and the parts that are built on it. It may be
// used by many goroutines.
type Store struct {
	*db.DB
	Box *seal.Box // under the master key

	Tenants      *tenancy.Directory // of all tenants, in memory; has to Run
	Brands       *tenancy.Brands
	APIKeys      *tenancy.APIKeys // has to Run
	EndedAPIKeys *db.Sweeper      // has to Run
	Storage      *tenancy.Storage // has to Run

	Journal  *journal.Journal
	Leases   *journal.Leases
	Rooms    *journal.Rooms
	Ledger   *journal.Ledger
	Refusals *db.Sweeper // has to Run

	Revocations *access.Revocations // in memory; has to Run
	Tickets     *access.Tickets

	Audit   *audit.Log
	Answers *answers.Answers // has to Run

	Webhooks   *webhooks.Endpoints
	Deliveries *webhooks.Queue
	Approvals  *approvals.Approvals

	Jobs *jobs.Queue
}

// Open connects, checks the schema's version and the master key, and loads the directory of
// tenants and the revocations. It returns migrations.ErrNewer, tenancy.ErrOlderSchema, tenancy.ErrEncoding,
// ErrExecMode or seal.ErrMasterKey.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Box == nil {
		return nil, fmt.Errorf("%w: none was given", seal.ErrMasterKey)
	}
	d, err := db.Open(ctx, db.Options{URL: o.URL, ControlURL: o.ControlURL, Log: o.Log, Application: o.Application, MaxConns: o.MaxConns})
	if err != nil {
		return nil, err
	}
	tenants := tenancy.NewDirectory(d, o.Box, o.VerifiedDomainsOnly)
	ledger := journal.NewLedger(d, approvals.Desk{})
	s := &Store{
		DB: d, Box: o.Box, Tenants: tenants, Brands: tenancy.NewBrands(d, tenants), APIKeys: tenancy.NewAPIKeys(d, tenants), EndedAPIKeys: tenancy.NewEndedAPIKeys(d), Storage: tenancy.NewStorage(d, tenants),
		Journal: journal.New(d, o.Box), Leases: journal.NewLeases(d), Rooms: journal.NewRooms(d), Ledger: ledger, Refusals: journal.NewRefusals(d, tenants.IDs),
		Revocations: access.NewRevocations(d), Tickets: access.NewTickets(d), Audit: audit.New(d),
		Answers:  answers.New(d, o.Box, tenants.IDs),
		Webhooks: webhooks.NewEndpoints(d, o.Box), Deliveries: webhooks.NewQueue(d, o.Box),
		Jobs:      jobs.NewQueue(d, o.Box),
		Approvals: approvals.New(d, map[string]approvals.Execute{journal.KindCredit: ledger.Approved}),
	}
	err = tenancy.CheckSchema(ctx, d, o.Box)
	if err == nil {
		err = d.Settle(ctx)
	}
	if err == nil {
		err = s.Tenants.Reload(ctx)
	}
	if err == nil {
		err = s.Revocations.Load(ctx)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Describe implements prometheus.Collector.
func (s *Store) Describe(out chan<- *prometheus.Desc) {
	s.DB.Describe(out)
	s.Tenants.Describe(out)
	s.Storage.Describe(out)
}

// Collect implements prometheus.Collector.
func (s *Store) Collect(out chan<- prometheus.Metric) {
	s.DB.Collect(out)
	s.Tenants.Collect(out)
	s.Storage.Collect(out)
}
