package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/store/seal"
)

var (
	_ auth.Sealer = (*seal.Box)(nil)
	_ auth.Uses   = (*Store)(nil)
)

// The database's clock alone says whether the ticket is good, and deletes it when it is not: so
// no node's clock makes it good twice.
const useTicket = `
insert into platform.ticket_used (nonce, expires) select $1, $2 where clock_timestamp() < $2
on conflict do nothing`

// Use implements auth.Uses.
func (s *Store) Use(ctx context.Context, nonce []byte, until time.Time) (first bool, err error) {
	err = s.platform(ctx, func(conn *pgxpool.Conn) error {
		tag, err := conn.Exec(ctx, useTicket, nonce, until)
		first = tag.RowsAffected() == 1
		return err
	})
	if err != nil {
		return false, fmt.Errorf("store: use a ticket: %w", err)
	}
	return first, nil
}

// Box is what seals secrets under the master key.
func (s *Store) Box() *seal.Box { return s.box }
