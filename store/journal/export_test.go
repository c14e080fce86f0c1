package journal

import (
	"cmp"
	"context"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
)

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
	answers, errs := make([][]rooms.Answer, len(plans)), j.lanes.Together(ctx, refs[0].Tenant, plans)
	for i, p := range plans {
		answers[i], errs[i] = p.answers, cmp.Or(p.err, errs[i])
	}
	return answers, errs
}

// Together gives credits in one transaction, as Give does with what waits, and then those that need one of their own.
func (l *Ledger) Together(ctx context.Context, id tenant.ID, credits []Credit) ([]Credited, []error) {
	work := make([]*pending, len(credits))
	for i, c := range credits {
		work[i] = &pending{asked: c}
	}
	out, errs := make([]Credited, len(work)), l.pending.Together(ctx, id, work)
	for i, g := range work {
		if errs[i] == nil && g.alone {
			errs[i] = l.together(ctx, id, work[i:i+1])
		}
		out[i], errs[i] = g.out, cmp.Or(errs[i], g.err)
	}
	return out, errs
}

// Waiting returns how many credits of a tenant wait.
func (l *Ledger) Waiting(id tenant.ID) int { return l.pending.Waiting(id) }

// LateClaim is what a Claim that read a room's status some time ago tells the index.
func (j *Journal) LateClaim(ctx context.Context, ref rooms.Ref, read rooms.Status, node string, epoch int64) error {
	return j.index(ctx, updateIndex, ref, string(read), node, epoch)
}

// LateAppend is what an Append that was committed some time ago tells the index.
func (j *Journal) LateAppend(ctx context.Context, ref rooms.Ref, wrote rooms.Status) error {
	return j.index(ctx, closeIndex, ref, string(wrote))
}

// The statements of a player's history, for EXPLAIN.
const (
	SelectTransfers = selectTransfers
	SelectPlayed    = selectPlayed
)
