package store

import "github.com/pitboss-hub/pitboss/store/internal/db"

// The errors that any part may return.
var (
	// ErrUnavailable means that the database cannot do it now, or that it is not known whether it
	// did: it is away, full or read-only, or something is locked. It may be asked again.
	ErrUnavailable = db.ErrUnavailable
	// ErrBusy means that a tenant has all of its connections in use and enough that wait for them:
	// nothing was done.
	ErrBusy = db.ErrBusy
	// ErrNoTenant means that there is no such tenant.
	ErrNoTenant = db.ErrNoTenant
	// ErrInvalid means that an argument is missing or malformed; its text says which.
	ErrInvalid = db.ErrInvalid
	// ErrDisk means that the database can be read and takes no writes: its disk is full or broken, or
	// it is a standby.
	ErrDisk = db.ErrDisk
)
