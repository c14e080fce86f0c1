package store

import "github.com/pitboss-hub/pitboss/store/internal/db"

// The errors that any part may return.
var (
	// ErrUnavailable means that the database cannot do it now, or that the outcome is unknown: the database
	// is unreachable, full or read-only, or something is locked. The request may be repeated.
	ErrUnavailable = db.ErrUnavailable
	// ErrBusy means that all of a tenant's connections are in use and too many callers wait for them:
	// nothing was done.
	ErrBusy = db.ErrBusy
	// ErrExecMode means that a database URL asks for default_query_exec_mode=describe_exec, which is not safe
	// behind a pooler.
	ErrExecMode = db.ErrExecMode
	// ErrPooled means that an operator's script was to be run through a pooler, which would keep what it sets.
	ErrPooled = db.ErrPooled
	// ErrNoTenant means that there is no such tenant.
	ErrNoTenant = db.ErrNoTenant
	// ErrInvalid means that an argument is missing or malformed; its text says which.
	ErrInvalid = db.ErrInvalid
	// ErrDisk means that the database can be read but not written: its disk is full or broken, or it is a
	// standby.
	ErrDisk = db.ErrDisk
)
