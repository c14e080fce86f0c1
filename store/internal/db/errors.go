package db

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"
)

var (
	// ErrUnavailable means that the database cannot do it now, or that the outcome is unknown: the database
	// is unreachable, full or read-only, or something is locked. The request may be repeated.
	ErrUnavailable = errors.New("store: the database is unavailable")
	// ErrBusy means that all of a tenant's connections are in use and too many callers wait for them:
	// nothing was done.
	ErrBusy = errors.New("store: too many requests are waiting")

	// ErrExecMode means that a database URL asks for statements that are described in one message and executed
	// by the next one. A pooler in transaction mode may have lent the connection to another client in between,
	// and would execute that client's statement.
	ErrExecMode = errors.New("store: default_query_exec_mode=describe_exec is not safe behind a pooler: use cache_describe")

	// ErrPooled means that what is asked would leave something on a pooler's connection.
	ErrPooled = errors.New("store: the URL leads to a pooler, which would keep what is set on a connection: give the server's own address as the control URL (PITBOSS_CONTROL_DATABASE_URL)")

	// ErrNoTenant means that there is no such tenant.
	ErrNoTenant = errors.New("store: no such tenant")
	// ErrInvalid means that an argument is missing or malformed; its text says which.
	ErrInvalid = errors.New("store: invalid argument")
)

// SQLSTATEs that the store acts on.
const (
	stateSerialization   = "40001"
	stateDeadlock        = "40P01"
	stateStalePlan       = "0A000" // the result of a prepared statement has other columns than when it was prepared
	StateUnique          = "23505"
	stateCheck           = "23514"
	StateNotNull         = "23502"
	StateForeignKey      = "23503"
	StateDuplicateObject = "42710"
	StateLockTimeout     = "55P03"
	StateReadOnly        = "25006"
	StateCanceled        = "57014" // also by statement_timeout
	StateProtocol        = "08P01" // also a statement that wants parameters and gets none
	stateIdleTooLong     = "25P03"
	stateDiskFull        = "53100"
	StateNoSuchSetting   = "22023" // SET ROLE to a role that is not there
	StateDenied          = "42501"
	StateWrongPassword   = "28P01"
	StateNoAuthorization = "28000"
	StateNoTable         = "42P01"
	StateNoColumn        = "42703"
	StateNoSchema        = "3F000"
	stateNotReady        = "55000" // as a standby, for what only a primary can do
	stateWentBack        = "PB001" // by platform.generation
)

// SQLState returns the SQLSTATE of a server's error; "" if err is not one.
func SQLState(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

// Violates reports whether err says that the constraint of that name was violated.
func Violates(err error, constraint string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == StateUnique || pg.Code == stateCheck || pg.Code == StateForeignKey) && pg.ConstraintName == constraint
}

// Transient reports whether the cause of a SQLSTATE is not the statement itself but connections, resources,
// an operator, the system, other transactions (classes 08, 53, 57, 58, 40) or locks.
func Transient(state string) bool {
	return slices.Contains([]string{StateLockTimeout, StateReadOnly, stateIdleTooLong, stateNotReady, stateWentBack}, state) ||
		slices.Contains([]string{"08", "53", "57", "58", "40"}, Class(state))
}

// Class returns the class of a SQLSTATE.
func Class(state string) string { return state[:min(2, len(state))] }

// classify adds ErrUnavailable to an error that says that the database cannot do it now. lost reports
// whether the connection was lost.
func classify(err error, lost bool) error {
	switch state := SQLState(err); {
	case err == nil, errors.Is(err, ErrUnavailable), errors.Is(err, context.Canceled):
		return err
	case Transient(state), state == "" && (lost || errors.Is(err, context.DeadlineExceeded)):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

// undone reports whether err says that the server undid the transaction: the connection still works, so
// nothing was written. An error that a pooler made up, which lacks the severity that is not translated,
// says only that a connection was lost.
func undone(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.SeverityUnlocalized == "ERROR" && Class(pg.Code) != "08"
}
