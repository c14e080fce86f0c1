package journal

import (
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store/internal/db"
)

const deleteRefusals = `
delete from refusal where (player, id) in (
  select player, id from refusal where at < clock_timestamp() - $1::interval order by at limit $2)`

// NewRefusals returns what deletes the refusals of commands of the tenants that tenants returns, once they were kept for as
// long as they must be.
func NewRefusals(d *db.DB, tenants func() []tenant.ID) *db.Sweeper {
	return &db.Sweeper{DB: d, Tenants: tenants, Table: "refusal", Delete: deleteRefusals, Life: rooms.RefusalLife}
}
