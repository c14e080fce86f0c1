package access

import "context"

// Sweep deletes what has expired now rather than in a minute.
func (r *Revocations) Sweep(ctx context.Context) error { return r.sweep(ctx) }
