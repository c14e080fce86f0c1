package answers

import "github.com/pitboss-hub/pitboss/auth/tenant"

// Waiting returns how many keys of a tenant wait.
func (a *Answers) Waiting(id tenant.ID) int { return a.lanes.Waiting(id) }
