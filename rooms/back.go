package rooms

import (
	"maps"
	"slices"
)

// goBack gives up this node's rooms, as if other nodes owned them: they were read from a history, and
// told of it, that the database does not have any more. Those that are this node's are claimed anew.
func (d *Directory) goBack(generation int64) {
	d.mu.RLock()
	here := slices.Collect(maps.Values(d.rooms))
	d.mu.RUnlock()
	for _, r := range here {
		d.dismiss(r)
	}
	d.meter.wentBack.Inc()
	d.o.Log.Warn("the database has gone back: this node's rooms are claimed anew", "generation", generation, "rooms", len(here))
	if d.o.WentBack != nil {
		d.o.WentBack(generation)
	}
}
