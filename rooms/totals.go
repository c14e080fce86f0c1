package rooms

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

// totalsEvery is the shortest time between two messages with a room's totals. A socket needs the latest
// only, so two a second of up to 9 KB are what Limits.RoomBytes has room for.
const totalsEvery = 500 * time.Millisecond

// sums are the totals of a game that has some (game.Totaler).
type sums struct {
	timer     *time.Timer // fires when they are to be published; nil: it was never set
	scheduled bool        // the timer is set
	at        time.Time   // when they were published last
	published json.RawMessage
	latest    json.RawMessage // as of seq
	seq       int64
}

// due returns the channel of the timer at which the totals are to be published, nil if it is not set.
func (s *sums) due() <-chan time.Time {
	if s.timer == nil {
		return nil
	}
	return s.timer.C
}

func (s *sums) stop() {
	if s.timer != nil {
		s.timer.Stop()
	}
}

// totalsChanged schedules the totals for publication, unless they are what was published last.
func (r *room) totalsChanged() {
	if _, ok := r.rules.(game.Totaler); !ok || r.sums.scheduled {
		return
	}
	r.sums.scheduled = true
	wait := max(0, totalsEvery-time.Since(r.sums.at))
	if r.sums.timer == nil {
		r.sums.timer = time.NewTimer(wait)
		return
	}
	r.sums.timer.Reset(wait)
}

// totals returns the game's totals as of the last committed event; nil if it has none.
func (r *room) totals() (json.RawMessage, error) {
	g, ok := r.rules.(game.Totaler)
	if !ok {
		return nil, nil
	}
	if r.sums.latest == nil || r.sums.seq != r.seq {
		data, err := json.Marshal(g.Totals())
		if err != nil {
			return nil, fmt.Errorf("totals of %s: %w", r.ref, err)
		}
		r.sums.latest, r.sums.seq = data, r.seq
	}
	return r.sums.latest, nil
}

// publishTotals publishes the totals, if they changed and anybody listens.
func (r *room) publishTotals(ctx context.Context) {
	r.sums.scheduled = false
	if !r.listened() {
		r.sums.published = nil
		return
	}
	data, err := r.totals()
	if err != nil {
		panic(err.Error()) // a bug in the game
	}
	if data == nil || bytes.Equal(data, r.sums.published) {
		return
	}
	r.sums.published, r.sums.at = data, time.Now()
	m := hub.Message{
		Topic: r.ref.Topic(), Class: hub.ClassState, Key: "totals", Epoch: r.epoch,
		Frame: wire.Push(wire.PushRoomTotals, wire.Totals{Room: r.ref.Room, Epoch: r.epoch, Seq: r.seq, Data: data}),
	}
	r.charge([]hub.Message{m}, 1, r.d.clock())
	r.publish(ctx, m)
}
