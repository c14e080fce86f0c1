package rooms

import "context"

// LookAround is what a node does every lookEvery.
func (d *Directory) LookAround(ctx context.Context) {
	if d.look(ctx) {
		d.tend(ctx)
	}
}
