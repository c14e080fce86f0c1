package webhooks

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

// takeMost bounds the tenants that a process takes over in one look, so that processes share them.
const takeMost = 64

const (
	renewLeases = `
update platform.webhook set expires = clock_timestamp() + $2::interval where holder = $1 returning tenant`

	// takeLeases asks for now() where an index has to answer; clock_timestamp() is another time for each row.
	takeLeases = `
update platform.webhook w set holder = $1, expires = clock_timestamp() + $2::interval
where w.tenant = any(array(
  select f.tenant from platform.webhook f
  where f.expires < now() and f.holder is distinct from $1
  order by f.expires limit $3 for update skip locked))
returning w.tenant`

	releaseLeases = `update platform.webhook set expires = '-infinity', holder = null where holder = $1`
)

// Hold renews the leases of a process for ttl and, if more is set, takes some that nobody holds. It returns
// the tenants for which the process, and no other, may deliver.
func (s *Queue) Hold(ctx context.Context, holder uuid.UUID, ttl time.Duration, more bool) (out []tenant.ID, err error) {
	err = s.db.Platform(ctx, func(conn *pgxpool.Conn) error {
		q := &pgx.Batch{}
		collect := func(rows pgx.Rows) error {
			names, err := pgx.CollectRows(rows, pgx.RowTo[string])
			for _, name := range names {
				if id, err := tenant.Parse(name); err == nil { // else the tenant is out of order, and says so
					out = append(out, id)
				}
			}
			return err
		}
		q.Queue(renewLeases, holder.String(), ttl).Query(collect)
		if more {
			q.Queue(takeLeases, holder.String(), ttl, takeMost).Query(collect)
		}
		return conn.SendBatch(ctx, q).Close()
	})
	if err != nil {
		return nil, fmt.Errorf("store: leases of webhooks: %w", err)
	}
	return out, nil
}

// Release gives the leases of a process back.
func (s *Queue) Release(ctx context.Context, holder uuid.UUID) error {
	err := s.db.Platform(ctx, func(conn *pgxpool.Conn) error {
		_, err := conn.Exec(ctx, releaseLeases, holder.String())
		return err
	})
	if err != nil {
		return fmt.Errorf("store: release the leases of webhooks: %w", err)
	}
	return nil
}
