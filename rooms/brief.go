package rooms

import (
	"encoding/json"
	"fmt"

	"github.com/pitboss-hub/pitboss/rooms/game"
)

// Brief is what the lobby shows of a room's table, as of a position in the room's journal.
type Brief struct {
	Epoch int64           `json:"epoch"`
	Seq   int64           `json:"seq"`
	Data  json.RawMessage `json:"data"` // of game.Briefer
}

// keepBrief keeps the brief as of the last committed event, for whoever asks Briefs. A brief that is too long, and
// that of a closed room, is none.
func (r *room) keepBrief() {
	g, ok := r.rules.(game.Briefer)
	if !ok {
		return
	}
	if r.status == Closed {
		r.brief.Store(nil)
		return
	}
	data, err := json.Marshal(g.Brief())
	if err != nil {
		panic(fmt.Sprintf("brief of %s: %v", r.ref, err)) // a bug in the game
	}
	if len(data) > game.BriefMax {
		r.d.hit(r.ref.Tenant, limitBrief)
		r.brief.Store(nil)
		return
	}
	r.brief.Store(&Brief{r.epoch, r.seq, data})
}

// Briefs returns the briefs of the rooms that this node owns, as far as it can know without asking.
func (d *Directory) Briefs() map[Ref]Brief {
	briefs := map[Ref]Brief{}
	if !d.trusted() {
		return briefs
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	for ref, r := range d.rooms {
		if b := r.brief.Load(); b != nil {
			briefs[ref] = *b
		}
	}
	return briefs
}
