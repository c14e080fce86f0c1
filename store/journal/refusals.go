package journal

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store/internal/db"
)

const (
	// refusalSweep is the average time between two sweeps of a node.
	refusalSweep = time.Hour
	// refusalPortion is the largest number of refusals that one transaction deletes.
	refusalPortion = 1000
)

const (
	// sweepAlone lets one node at a time sweep a tenant: two would wait for each other's rows.
	sweepAlone = `select pg_try_advisory_xact_lock(hashtextextended('refusal ' || current_user, 0))`

	deleteRefusals = `
delete from refusal where (player, id) in (
  select player, id from refusal where at < clock_timestamp() - $1::interval order by at limit $2)`
)

// Refusals deletes the refusals of commands that were kept for as long as they must be.
type Refusals struct {
	db      *db.DB
	tenants func() []tenant.ID
}

// NewRefusals returns the refusals of the tenants that tenants returns.
func NewRefusals(d *db.DB, tenants func() []tenant.ID) *Refusals { return &Refusals{d, tenants} }

// Run deletes old refusals of all tenants until ctx ends, then returns nil. It may run on any number of nodes.
func (r *Refusals) Run(ctx context.Context) error {
	for {
		t := time.NewTimer(refusalSweep/2 + rand.N(refusalSweep))
		select {
		case <-ctx.Done():
			t.Stop()
			return nil
		case <-t.C:
		}
		for _, id := range r.tenants() {
			if err := r.Sweep(ctx, id); err != nil && ctx.Err() == nil && !errors.Is(err, db.ErrNoTenant) {
				r.db.Log.WarnContext(ctx, "old refusals are not deleted", "tenant", id.String(), "error", err)
			}
		}
	}
}

// Sweep deletes a tenant's old refusals, a portion at a time.
func (r *Refusals) Sweep(ctx context.Context, id tenant.ID) error {
	for more := true; more; {
		err := r.db.Tenant(id).Tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
			more = false
			var alone bool
			if err := tx.QueryRow(ctx, sweepAlone).Scan(&alone); err != nil || !alone {
				return err
			}
			tag, err := tx.Exec(ctx, deleteRefusals, rooms.RefusalLife, refusalPortion)
			more = tag.RowsAffected() == refusalPortion
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
