package tenancy

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/migrations"
	"github.com/pitboss-hub/pitboss/store/seal"
)

var selectInstance = `
select (select coalesce(max(version), 0) from platform.migration where scope = 'platform'),
       (select coalesce(max(version), 0) from platform.migration where scope = 'tenant'),
       ` + migrations.NotServed(1) + `,
       i.master_check, current_setting('server_encoding')
from platform.instance i`

// CheckSchema returns an error unless this binary can serve the database and its secrets are sealed under
// box's key: the database has every step that the binary needs, and of others only those that it can live
// with (see migrations.Phase). It returns migrations.ErrNewer, ErrOlderSchema, ErrEncoding or seal.ErrMasterKey.
//
//pitboss:sql the condition is a constant of the migrations, of the numbers of two parameters
func CheckSchema(ctx context.Context, d *db.DB, box *seal.Box) error {
	var platform, tenants int
	var newer bool
	var sealed []byte
	known := migrations.Embedded
	var encoding string
	err := d.Platform(ctx, func(conn *pgxpool.Conn) error {
		return conn.QueryRow(ctx, selectInstance, known.Platform.Last(), known.Tenant.Last()).Scan(&platform, &tenants, &newer, &sealed, &encoding)
	})
	switch state := db.SQLState(err); {
	case state == db.StateNoTable || state == db.StateNoColumn || state == db.StateNoSchema || state == db.StateDenied || errors.Is(err, pgx.ErrNoRows):
		return fmt.Errorf("%w (%w)", ErrOlderSchema, err)
	case err != nil:
		return fmt.Errorf("store: read the schema's version: %w", err)
	}
	if err := checkEncoding(encoding); err != nil {
		return err
	}
	if newer {
		return known.Check(platform, tenants)
	}
	if platform < known.Platform.Needs() || tenants < known.Tenant.Needs() {
		return ErrOlderSchema
	}
	return checkMaster(box, sealed)
}

// checkMaster returns seal.ErrMasterKey if sealed, which may be nil, was sealed under another key.
func checkMaster(box *seal.Box, sealed []byte) error {
	if sealed == nil {
		return nil
	}
	if _, err := box.Open(tenant.ID{}, purposeCheck, sealed); err != nil {
		return err
	}
	return nil
}
