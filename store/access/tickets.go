package access

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/seal"
)

var (
	_ auth.Sealer = (*seal.Box)(nil)
	_ auth.Uses   = (*Tickets)(nil)
)

// Tickets remembers which tickets were used, on whatever node.
type Tickets struct{ db *db.DB }

// NewTickets returns the tickets of all tenants.
func NewTickets(d *db.DB) *Tickets { return &Tickets{d} }

// useTicket lets the database's clock alone decide whether the ticket is valid, and delete it when it is
// not: so no node's clock makes it valid twice.
const useTicket = `
insert into platform.ticket_used (nonce, expires) select $1, $2 where clock_timestamp() < $2
on conflict do nothing`

// Use implements auth.Uses.
func (t *Tickets) Use(ctx context.Context, nonce []byte, until time.Time) (first bool, err error) {
	err = t.db.Platform(ctx, func(conn *pgxpool.Conn) error {
		tag, err := conn.Exec(ctx, useTicket, nonce, until)
		first = tag.RowsAffected() == 1
		return err
	})
	if err != nil {
		return false, fmt.Errorf("store: use a ticket: %w", err)
	}
	return first, nil
}
