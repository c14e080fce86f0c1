package db

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

const (
	// sweepEvery is the average time between two sweeps of a node.
	sweepEvery = time.Hour
	// SweepPortion is the largest number of rows that one transaction of a Sweeper deletes.
	SweepPortion = 1000

	// sweepAlone lets one node at a time sweep a table of a tenant: two would wait for each other's rows.
	sweepAlone = `select pg_try_advisory_xact_lock(hashtextextended($1 || ' ' || current_user, 0))`
)

// Sweeper deletes rows of all tenants, or of the platform, that were kept for as long as they must be.
type Sweeper struct {
	DB      *DB
	Tenants func() []tenant.ID // nil: the rows are the platform's
	Table   string             // of which the rows are
	// Delete is the statement that deletes rows older than the interval $1, at most $2 of them.
	Delete string
	Life   time.Duration
}

// Run deletes old rows until ctx ends, then returns nil. It may run on any number of nodes.
func (s *Sweeper) Run(ctx context.Context) error {
	for {
		t := time.NewTimer(sweepEvery/2 + rand.N(sweepEvery))
		select {
		case <-ctx.Done():
			t.Stop()
			return nil
		case <-t.C:
		}
		owners := []tenant.ID{{}}
		if s.Tenants != nil {
			owners = s.Tenants()
		}
		for _, id := range owners {
			if err := s.Sweep(ctx, id); err != nil && ctx.Err() == nil && !errors.Is(err, ErrNoTenant) {
				s.DB.Log.WarnContext(ctx, "old rows are not deleted", "tenant", id, "table", s.Table, "error", err)
			}
		}
	}
}

// Sweep deletes the old rows of a tenant, or of the platform if id is zero, a portion at a time.
//
//pitboss:sql Delete is a constant of whoever made the Sweeper
func (s *Sweeper) Sweep(ctx context.Context, id tenant.ID) error {
	run := s.DB.PlatformTx
	if !id.IsZero() {
		run = s.DB.Tenant(id).Tx
	}
	for more := true; more; {
		err := run(ctx, func(ctx context.Context, tx pgx.Tx) error {
			more = false
			var alone bool
			if err := tx.QueryRow(ctx, sweepAlone, s.Table).Scan(&alone); err != nil || !alone {
				return err
			}
			tag, err := tx.Exec(ctx, s.Delete, s.Life, SweepPortion)
			more = tag.RowsAffected() == SweepPortion
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
