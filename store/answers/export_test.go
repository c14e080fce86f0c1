package answers

import (
	"context"
	"errors"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

// Waiting returns how many keys of a tenant wait.
func (a *Answers) Waiting(id tenant.ID) int { return a.lanes.Waiting(id) }

// BeginTogether takes the keys of requests in one transaction, as Begin does with what waits.
func (a *Answers) BeginTogether(ctx context.Context, id tenant.ID, requests ...Request) error {
	steps := make([]*step, len(requests))
	for i, r := range requests {
		steps[i] = &step{Request: r}
	}
	return errors.Join(a.lanes.Together(ctx, id, steps)...)
}
