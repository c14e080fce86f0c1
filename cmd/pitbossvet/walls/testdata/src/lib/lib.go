// Package lib takes statements of other packages.
package lib

import "github.com/jackc/pgx/v5"

// Run runs a statement.
func Run(tx pgx.Tx, sql string) { tx.Exec(nil, sql+` limit 1`) } // want Run:`takes SQL as \[1\]`

// Asker has a method that takes statements.
var Asker interface {
	Query(ctx any, sql string, args ...any) (any, error)
}
