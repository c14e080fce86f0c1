package db

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Pool is the application's login without any scope, for tests that show what it may not.
func (d *DB) Pool() *pgxpool.Pool { return d.pool }

// ControlPool is the same, of the control lane.
func (d *DB) ControlPool() *pgxpool.Pool { return d.control }

// BareBegin runs fn in a transaction of the application's login, without a scope.
func (d *DB) BareBegin(ctx context.Context, fn func(tx pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, d.pool, fn)
}

// SetExecMode opens a second pool like the first with another mode; for benchmarks.
func (d *DB) SetExecMode(ctx context.Context, url string, mode pgx.QueryExecMode, conns int32) error {
	pool, err := OpenPool(ctx, url, "", mode, conns)
	if err != nil {
		return fmt.Errorf("another mode: %w", err)
	}
	d.pool.Close()
	d.pool = pool
	return nil
}

// WaitForDisk makes the last write that the disk refused long past.
func (d *DB) WaitForDisk() {
	d.disk.mu.Lock()
	defer d.disk.mu.Unlock()
	d.disk.last = d.disk.last.Add(-failingFor)
}

// Undone is what an append takes an error for.
var Undone = undone

// SweepAlone is the statement by which a sweep reserves a table.
const SweepAlone = sweepAlone

// Gate is the gate of one tenant.
type Gate struct{ g *gate }

// NewGate returns a gate for so many connections, and one for lists that shares them.
func NewGate(conns int) (others, lists Gate) {
	g := newGate(conns, func() {}, nil)
	return Gate{g}, Gate{&gate{in: g.in, refused: g.refused, pauses: true}}
}

// Enter waits for a place at the gate.
func (g Gate) Enter(ctx context.Context) error { return g.g.enter(ctx) }

// Leave leaves it after a connection was used.
func (g Gate) Leave(took time.Duration) { g.g.leave(took) }

// The pause of a gate for lists.
const (
	PauseFactor = pauseFactor
	PauseMax    = pauseMax
)
