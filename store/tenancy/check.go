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

const selectInstance = `
select (select coalesce(max(version), 0) from platform.migration where scope = 'platform'),
       (select coalesce(max(version), 0) from platform.migration where scope = 'tenant'),
       i.master_check, current_setting('server_encoding')
from platform.instance i`

// CheckSchema returns an error unless the database is of this binary's version and its secrets are
// sealed under box's key. It returns migrations.ErrNewer, ErrOlderSchema, ErrEncoding or seal.ErrMasterKey.
func CheckSchema(ctx context.Context, d *db.DB, box *seal.Box) error {
	var platform, tenants int
	var sealed []byte
	var encoding string
	err := d.Platform(ctx, func(conn *pgxpool.Conn) error {
		return conn.QueryRow(ctx, selectInstance).Scan(&platform, &tenants, &sealed, &encoding)
	})
	switch state := db.SQLState(err); {
	case state == db.StateNoTable || state == db.StateNoSchema || state == db.StateDenied || errors.Is(err, pgx.ErrNoRows):
		return fmt.Errorf("%w (%w)", ErrOlderSchema, err)
	case err != nil:
		return fmt.Errorf("store: read the schema's version: %w", err)
	}
	if err := checkEncoding(encoding); err != nil {
		return err
	}
	if err := migrations.Embedded.Check(platform, tenants); err != nil {
		return err
	}
	if platform < migrations.Embedded.Platform.Last() || tenants < migrations.Embedded.Tenant.Last() {
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
