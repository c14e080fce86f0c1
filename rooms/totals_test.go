package rooms_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/rooms"
)

// sums returns the totals that were told, with their seqs, and when the first of them was
// followed by the next.
func (f *casino) sums() (out []string) {
	for _, m := range f.hub.take() {
		if p := read(f, m.Frame); p.Method == "room.totals" {
			if m.Key == "" || m.Seq != 0 || m.Top != 0 {
				f.Errorf("totals are a state that the next ones replace: %+v", m)
			}
			out = append(out, fmt.Sprintf("%d %s", p.Params.Seq, p.Params.Data))
		}
	}
	return out
}

func TestTotalsAreToldNowAndThenIfTheyChanged(t *testing.T) {
	inCasino(t, func(f *casino) {
		table := f.roomOf("sum", "sums", `{"betting_ms": 60000}`)
		f.open(table)
		bet := func() rooms.Answer { return f.sendTo(table, betCommand("alice", uuid.NewString(), 1)).accepted() }
		expect := func(want ...string) {
			f.Helper()
			if got := f.sums(); fmt.Sprint(got) != fmt.Sprint(want) {
				f.Errorf("told: %q, not %q", got, want)
			}
		}
		expect(`1 {"staked":0}`)
		f.pass(time.Second)
		bet()
		expect(`2 {"staked":1}`)
		for range 9 {
			f.pass(50 * time.Millisecond)
			bet()
		}
		expect()
		f.pass(50 * time.Millisecond)
		expect(`11 {"staked":10}`)
		for range 100 {
			f.pass(100 * time.Millisecond)
			bet()
		}
		if n := len(f.sums()); n < 18 || n > 21 {
			f.Errorf("told %d times in 10 s", n)
		}
		f.pass(20 * time.Second)
		expect(`111 {"staked":110}`)
		f.note(table, 3, 5) // events that change no totals
		f.pass(time.Second)
		expect()

		// Somebody who comes has seen these: what is told last may not be what he knows.
		joined, err := f.Join(f.Context(), table, "bob", nil)
		if err != nil || joined.Totals != nil || joined.View == nil {
			f.Errorf("%+v, %v", joined, err)
		}
		f.note(table, 1, 5)
		expect(`115 {"staked":110}`)
		joined, err = f.Join(f.Context(), table, "bob", resume(1, 114))
		if err != nil || string(joined.Totals) != `{"staked":110}` || len(joined.Events) != 1 {
			f.Errorf("%+v, %v", joined, err)
		}
		f.hub.mu.Lock()
		f.hub.listening = false
		f.hub.mu.Unlock()
		f.pass(time.Second)
		bet()
		expect()
	})
}

func TestTheNextOwnerTellsTheTotalsWithItsFirstBeat(t *testing.T) {
	onCluster(t, 2, func(c *cluster) {
		table := c.roomOf("sum", "sums", `{"betting_ms": 60000}`)
		c.pass(time.Second)
		owner := c.ownerOf(table)
		c.betAt(owner, table, uuid.NewString(), 7).accepted()
		c.pass(time.Second)
		c.hub.take()
		owner.kill()
		c.pass(10 * time.Second)
		beats := 0
		for _, m := range c.hub.take() {
			switch p := read(c, m.Frame); {
			case m.Topic != table.Topic():
			case p.Method == "room.beat":
				beats++
			case p.Method == "room.totals":
				if beats != 1 || p.Params.Seq != 2 || p.Params.Epoch != 2 || string(p.Params.Data) != `{"staked":7}` {
					c.Errorf("after %d beats: %s", beats, m.Frame)
				}
				return
			}
		}
		c.Errorf("no totals after %d beats", beats)
	})
}
