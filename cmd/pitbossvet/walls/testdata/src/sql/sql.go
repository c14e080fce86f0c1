// Package sql has statements of all kinds.
package sql

import (
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"lib"
)

const columns = `id, name`

const selectRoom = `select ` + columns + ` from room where id = $1`

func constants(tx pgx.Tx, q *pgx.Batch, all bool) {
	sql := selectRoom
	if all {
		sql += ` or true`
	}
	tx.Exec(nil, sql)
	q.Queue(selectRoom, "x")
	for _, each := range []string{`select 1`, selectRoom} {
		tx.Query(nil, each)
	}
	queue(q, selectRoom)
	lib.Run(tx, `select 2`)
}

// queue takes a statement, and so its callers are looked at.
func queue(q *pgx.Batch, sql string) { q.Queue(sql) } // want queue:`takes SQL as \[1\]`

type named struct{ sql string }

func built(tx pgx.Tx, conn *pgxpool.Conn, q *pgx.Batch, name string, n named) {
	tx.Exec(nil, "select "+strings.ToUpper(name)) // want `SQL that is no constant`
	conn.Exec(nil, fmt.Sprintf("select %d", 1))   // want `SQL that is no constant`
	sql := `select 1`
	sql = fmt.Sprint(sql)
	q.Queue(sql)                            // want `SQL that is no constant`
	q.Queue(n.sql)                          // want `SQL that is no constant`
	queue(q, fmt.Sprint("select ", name))   // want `SQL that is no constant`
	lib.Run(tx, fmt.Sprint("select", name)) // want `SQL that is no constant`
	func(sql string) { q.Queue(sql) }(name) // want `SQL that is no constant`
	pointed := `select 1`
	change(&pointed)
	q.Queue(pointed)                                       // want `SQL that is no constant`
	_ = pgx.QueuedQuery{SQL: n.sql}                        // want `SQL that is no constant`
	_ = pgx.TxOptions{BeginQuery: fmt.Sprint("begin ", n)} // want `SQL that is no constant`
}

func change(*string) {}

// allowed builds a statement, and says why it may.
//
//pitboss:sql the name is quoted
func allowed(tx pgx.Tx, name string) { tx.Exec(nil, fmt.Sprintf("drop table %q", name)) }

// unexplained does not say why.
//
//pitboss:sql
func unexplained(tx pgx.Tx, name string) { // want `//pitboss:sql wants a reason`
	tx.Exec(nil, fmt.Sprintf("drop table %q", name))
}

const (
	stars      = `select * from account`                      // want `names all columns`
	starsOf    = `select a.* from account a`                  // want `names all columns`
	starsInner = `select x from (select * from account) as a` // want `names all columns`
	listed     = `select * from (select id from account) as a`
	starsLate  = `select id, a.* from account a`              // want `names all columns`
	starsAfter = `select id, * from account`                  // want `names all columns`
	starsOnce  = `select distinct on (id) "a".* from account` // want `names all columns`
	returned   = `delete from account returning *`            // want `names all columns`
	returnedOf = `delete from account a returning a.*`        // want `names all columns`
	counted    = `select id, count(*), 2 * 3 from account`
	qualified  = `select id from t_casino_a_abcdef.account`   // want `names a tenant's schema`
	quoted     = `delete from "t_casino_a_abcdef"."account"`  // want `names a tenant's schema`
	quotedBoth = `select id from "tpl"."account"`             // want `names the template's schema`
	quotedAll  = `select id from "public" . "account"`        // want `names the schema public`
	template   = `select id from tpl.account`                 // want `names the template's schema`
	everybodys = `insert into public.account (id) values (1)` // want `names the schema public`
	reset      = `reset role`                                 // want `changes the role`
	local      = `set local role x`                           // want `changes the role`
	configured = `select set_config('role', $1, true)`        // want `changes the role`
	session    = `set session authorization default`          // want `changes the role`
	assigned   = `set role = x`                               // want `changes the role`
	assignedTo = `set local "role" to x`                      // want `changes the role`
	byName     = `set session session_authorization = x`      // want `changes the role`
	resetAll   = `select 1; reset all`                        // want `changes the role`
	discarded  = `discard all`                                // want `changes the role`
	anyOf      = `select set_config($1, $2, false)`           // want `changes the role`
	path       = `set search_path = x`                        // want `changes the search_path`
	pathLocal  = `begin; set local "search_path" to x`        // want `changes the search_path`
	pathReset  = `reset search_path`                          // want `changes the search_path`
	pathAlias  = `set schema 'x'`                             // want `changes the search_path`
	pathConfig = `select set_config('search_path', $1, true)` // want `changes the search_path`
	timeout    = `set local lock_timeout = '1s'`
	column     = `update approval set role = $1`
	told       = `select pg_notify('x', 'y')` // want `tells all of the database`
	listened   = `listen news`                // want `tells all of the database`
	locked     = `select pg_advisory_lock(1)` // want `locks for a session`
	xact       = `select pg_advisory_xact_lock(1)`
	platform   = `select id from platform.tenant`
	prose      = "a seed that was made public. It is listened to."
)
