package placement

import "context"

// LookAround is what a node does every refreshEvery.
func (a *Agent) LookAround(ctx context.Context) {
	if a.refresh(ctx) {
		<-a.reconcile(ctx)
	}
}
