package tenancy

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Budget bounds the catalogue of one database. A server process remembers the tables that it has touched for as long as it
// lives, and what is in the catalogue is locked, dumped and vacuumed one by one: past some thousand tenants another database
// serves better than a larger one.
type Budget struct {
	Relations int64 // tables, indexes and sequences of the database
	Roles     int64 // of the whole server
}

// DefaultBudget is the Budget of an Admin that was given none: about 2,000 tenants.
var DefaultBudget = Budget{Relations: 200_000, Roles: 5_000}

// Usage counts what is used up of a Budget.
type Usage struct {
	Budget
	CatalogBytes int64 // of pg_class, pg_attribute and pg_index, with their indexes
}

// ErrCatalogBudget means that the database has as many tables or roles as it may, so that no tenant is made; its text
// has the numbers.
var ErrCatalogBudget = errors.New("store: the database's catalogue is full: create the casino in another database, or raise the budget")

const selectUsage = `
select (select count(*) from pg_class), (select count(*) from pg_roles),
  (select sum(pg_total_relation_size(c))::bigint from unnest('{pg_class,pg_attribute,pg_index}'::regclass[]) as c)`

// Usage returns what the database's catalogue has of what it may have.
func (a *Admin) Usage(ctx context.Context) (u Usage, err error) {
	err = a.pool.QueryRow(ctx, selectUsage).Scan(&u.Relations, &u.Roles, &u.CatalogBytes)
	if err != nil {
		err = fmt.Errorf("store: size of the catalogue: %w", err)
	}
	return u, err
}

// Limits returns the Admin's Budget, with the defaults in it.
func (a *Admin) Limits() Budget {
	b := a.Budget
	if b.Relations == 0 {
		b.Relations = DefaultBudget.Relations
	}
	if b.Roles == 0 {
		b.Roles = DefaultBudget.Roles
	}
	return b
}

// checkBudget returns ErrCatalogBudget if the catalogue has no place for another tenant. Those that are made at the same
// time do not see each other.
func (a *Admin) checkBudget(ctx context.Context, tx pgx.Tx) error {
	var has Budget
	err := tx.QueryRow(ctx, `select (select count(*) from pg_class), (select count(*) from pg_roles)`).Scan(&has.Relations, &has.Roles)
	if err != nil {
		return err
	}
	return a.Limits().Check(has)
}

// Check returns ErrCatalogBudget if something has reached its limit.
func (b Budget) Check(has Budget) error {
	switch {
	case has.Relations >= b.Relations:
		return fmt.Errorf("%w: it has %d tables, indexes and sequences of %d (--max-relations)", ErrCatalogBudget, has.Relations, b.Relations)
	case has.Roles >= b.Roles:
		return fmt.Errorf("%w: the server has %d roles of %d (--max-roles)", ErrCatalogBudget, has.Roles, b.Roles)
	}
	return nil
}
