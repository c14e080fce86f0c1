// Package lib takes statements of other packages.
package lib

import "github.com/jackc/pgx/v5"

// Run runs a statement.
func Run(tx pgx.Tx, sql string) { tx.Exec(nil, sql+` limit 1`) } // want Run:`takes SQL as \[1\]`
