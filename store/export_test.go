package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store/migrations"
)

// Pool is the application's login without any scope, for tests that show what it may not.
func (d *DB) Pool() *pgxpool.Pool { return d.pool }

// ControlPool is the same, of the control lane.
func (d *DB) ControlPool() *pgxpool.Pool { return d.control }

// Pool is the owner's login.
func (a *Admin) Pool() *pgxpool.Pool { return a.pool }

// WithTenantStep makes the admin that of a newer binary, whose tenants have one more table.
func (a *Admin) WithTenantStep(sql string) {
	next := a.known.Tenant.Last() + 1
	a.known.Tenant.Steps = append(append([]migrations.Step{}, a.known.Tenant.Steps...), migrations.Step{Version: next, Name: "test", SQL: sql})
}

// BeforeRefusals makes the admin that of the first version, whose tenants have no table of them.
func (a *Admin) BeforeRefusals() {
	a.known.Tenant.Steps = a.known.Tenant.Steps[:1]
	a.known.Tenant.Grants = strings.ReplaceAll(a.known.Tenant.Grants, "grant select, insert, delete on :schema.refusal to :role;", "")
}

// TenantVersion is the newest tenant migration that the admin knows.
func (a *Admin) TenantVersion() int { return a.known.Tenant.Last() }

// BreakProvisioning makes CreateTenant fail after it made everything.
func (a *Admin) BreakProvisioning() {
	a.known.Tenant.Grants += "; select 1/0"
}

// BareBegin runs fn in a transaction of the application's login, without a scope.
func (d *DB) BareBegin(ctx context.Context, fn func(tx pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, d.pool, fn)
}

// SetExecMode opens a second pool like the first with another mode; for benchmarks.
func (d *DB) SetExecMode(ctx context.Context, url string, mode pgx.QueryExecMode, conns int32) error {
	pool, err := openPool(ctx, url, "", mode, conns)
	if err != nil {
		return fmt.Errorf("another mode: %w", err)
	}
	d.pool.Close()
	d.pool = pool
	return nil
}

// Buggy is the epoch of a batch that Together makes a plan of that panics.
const Buggy = -1

// Together appends the batches in one transaction, as Append does with what waits.
func (j *Journal) Together(ctx context.Context, refs []rooms.Ref, batches []rooms.Batch) ([][]rooms.Answer, []error) {
	plans := make([]*plan, len(refs))
	for i, ref := range refs {
		p, err := newPlan(ref, batches[i])
		if err == nil {
			p.move, err = j.move(ref, batches[i])
		}
		if err != nil {
			panic(err)
		}
		if batches[i].Epoch == Buggy {
			p.b.Epoch, p.ids = 1, nil // compute reaches behind the end of it
		}
		plans[i] = p
	}
	j.together(ctx, refs[0].Tenant, plans)
	answers, errs := make([][]rooms.Answer, len(plans)), make([]error, len(plans))
	for i, p := range plans {
		answers[i], errs[i] = p.answers, p.err
	}
	return answers, errs
}

// Sweep deletes what has expired now rather than in a minute.
func (r *Revocations) Sweep(ctx context.Context) error { return r.sweep(ctx) }

// LateClaim is what a Claim that read a room's status some time ago tells the index.
func (j *Journal) LateClaim(ctx context.Context, ref rooms.Ref, read rooms.Status, node string, epoch int64) error {
	return j.index(ctx, updateIndex, ref, string(read), node, epoch)
}

// LateAppend is what an Append that was committed some time ago tells the index.
func (j *Journal) LateAppend(ctx context.Context, ref rooms.Ref, wrote rooms.Status) error {
	return j.index(ctx, closeIndex, ref, string(wrote))
}

// WaitForDisk makes the last write that the disk refused long past.
func (d *DB) WaitForDisk() {
	d.disk.mu.Lock()
	defer d.disk.mu.Unlock()
	d.disk.last = d.disk.last.Add(-failingFor)
}

// Undone is what an append takes an error for.
var Undone = undone
