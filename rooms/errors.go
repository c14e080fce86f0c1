package rooms

import (
	"errors"
	"fmt"
)

var (
	// ErrBusy means that a room's mailbox is full, or that the room has published as much as its sockets
	// can receive (Limits): nothing was decided.
	ErrBusy = errors.New("rooms: the room is busy")
	// ErrRateLimited means that a player sends more to a room than Limits.PlayerCommands: nothing was
	// decided.
	ErrRateLimited = errors.New("rooms: the player exceeds the rate limit")
	// ErrUnavailable means that the outcome of a command is unknown, or that the room cannot decide now:
	// the same command may be sent again.
	ErrUnavailable = errors.New("rooms: the room is unavailable")
	// ErrCommandReused means that the player used this command id for another command.
	ErrCommandReused = errors.New("rooms: this command id was used for something else")
	// ErrGame means that there is no such game, or that it cannot be played with the settings that
	// a room has.
	ErrGame = errors.New("rooms: no such game")

	// errRules means that a game's own code panicked.
	errRules = errors.New("rooms: the game's rules panicked")
)

// SettingsError says, in the game's words, what is wrong with the name or the settings that a room is to be
// opened with.
type SettingsError struct{ Err error }

// Error implements error.
func (e *SettingsError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *SettingsError) Unwrap() error { return e.Err }

// LimitStorage is the name of the limit of a tenant's storage.
const LimitStorage = "storage_bytes"

// PlanError says that a tenant has as much as its plan allows.
type PlanError struct {
	Limit string // the limit's name
	Value int64
}

// Error implements error.
func (e *PlanError) Error() string {
	return fmt.Sprintf("rooms: the plan allows no more: %s is %d", e.Limit, e.Value)
}
