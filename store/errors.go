package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"
)

var (
	// ErrUnavailable means that the database can not do it now, or that it is not known whether it
	// did: it is away, full or read-only, or something is locked. It may be asked again.
	ErrUnavailable = errors.New("store: the database can not do this now")
	// ErrBusy means that a tenant has all of its connections in use and enough that wait for them:
	// nothing was done.
	ErrBusy = errors.New("store: too much is under way")

	// ErrNoTenant means that there is no such tenant.
	ErrNoTenant = errors.New("store: no such tenant")
	// ErrInvalid means that an argument is missing or malformed; its text says which.
	ErrInvalid = errors.New("store: invalid argument")
)

// SQLSTATEs that the store acts on.
const (
	stateSerialization   = "40001"
	stateDeadlock        = "40P01"
	stateUnique          = "23505"
	stateCheck           = "23514"
	stateNotNull         = "23502"
	stateForeignKey      = "23503"
	stateDuplicateObject = "42710"
	stateLockTimeout     = "55P03"
	stateReadOnly        = "25006"
	stateIdleTooLong     = "25P03"
	stateDiskFull        = "53100"
	stateNoSuchSetting   = "22023" // SET ROLE to a role that is not there
	stateDenied          = "42501"
	stateWrongPassword   = "28P01"
	stateNoAuthorization = "28000"
	stateNoTable         = "42P01"
	stateNoSchema        = "3F000"
	stateNotReady        = "55000" // as a standby, for what only a primary can do
	stateWentBack        = "PB001" // by platform.generation
)

// sqlState returns the SQLSTATE of a server's error; "" if err is none.
func sqlState(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

// violates reports whether err says that the constraint of that name was violated.
func violates(err error, constraint string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == stateUnique || pg.Code == stateCheck) && pg.ConstraintName == constraint
}

// transient reports whether the server said no for what no row is to blame for: connections,
// resources, an operator, the system, other transactions (classes 08, 53, 57, 58, 40), locks.
func transient(state string) bool {
	return slices.Contains([]string{stateLockTimeout, stateReadOnly, stateIdleTooLong, stateNotReady, stateWentBack}, state) ||
		slices.Contains([]string{"08", "53", "57", "58", "40"}, class(state))
}

func class(state string) string { return state[:min(2, len(state))] }

// judged says of an error what it means to whoever asked. lost says that the connection was.
func judged(err error, lost bool) error {
	switch state := sqlState(err); {
	case err == nil, errors.Is(err, ErrUnavailable), errors.Is(err, context.Canceled):
		return err
	case transient(state), state == "" && (lost || errors.Is(err, context.DeadlineExceeded)):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

// undone reports whether err says that the server undid the transaction: it goes on to talk to
// us, and so what it was asked for did not happen. What a pooler says in its stead, without a
// severity that is not translated, means no more than that a connection was lost.
func undone(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.SeverityUnlocalized == "ERROR" && class(pg.Code) != "08"
}
