package briefs

import (
	"errors"
	"fmt"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

// briefsPerMessage is how many briefs are in one message between nodes at most: 150 KiB of the longest.
const briefsPerMessage = 256

// message is a node's message to the others: briefs of its tables, those that changed or all.
type message struct {
	Briefs []tableBrief `json:"briefs"`
}

// tableBrief is the brief of a table.
type tableBrief struct {
	Tenant tenant.ID `json:"tenant"`
	Room   string    `json:"room"`
	rooms.Brief
}

var errNoBrief = errors.New("briefs: this is no brief")

// check returns the room of a brief that another node sent, or an error if there can be no such brief.
func (b *tableBrief) check() (rooms.Ref, error) {
	ref, err := rooms.NewRef(b.Tenant, b.Room)
	switch {
	case err != nil:
		return ref, err
	case b.Tenant.IsZero(), b.Epoch <= 0, b.Seq < 0, len(b.Data) < 2, len(b.Data) > game.BriefMax, b.Data[0] != '{':
		return ref, fmt.Errorf("%w: %s, epoch %d, seq %d, %d bytes", errNoBrief, ref, b.Epoch, b.Seq, len(b.Data))
	}
	return ref, nil
}

// writer splits briefs into messages.
type writer struct{ messages []message }

func (w *writer) write(ref rooms.Ref, b rooms.Brief) {
	if n := len(w.messages); n == 0 || len(w.messages[n-1].Briefs) == briefsPerMessage {
		w.messages = append(w.messages, message{})
	}
	last := &w.messages[len(w.messages)-1]
	last.Briefs = append(last.Briefs, tableBrief{ref.Tenant, ref.Room, b})
}
