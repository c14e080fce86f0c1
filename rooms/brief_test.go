package rooms_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/roomstest"
)

// briefAt returns what a node says of a room, "" if it says nothing.
func briefAt(d *rooms.Directory, ref rooms.Ref) string {
	synctest.Wait()
	b, ok := d.Briefs()[ref]
	if !ok {
		return ""
	}
	return fmt.Sprintf("%d.%d %s", b.Epoch, b.Seq, b.Data)
}

func TestABriefIsThatOfTheLastCommittedEvent(t *testing.T) {
	inCasino(t, func(f *casino) {
		table := f.roomOf("sum", "sums", `{"betting_ms": 60000}`)
		expect := func(want string) {
			f.Helper()
			if got := briefAt(f.Directory, table); got != want {
				f.Errorf("the brief is %q, not %q", got, want)
			}
		}
		expect("")
		f.open(table)
		expect(`1.1 {"bets":0,"notes":""}`)
		f.sendTo(table, betCommand("alice", uuid.NewString(), 1)).accepted()
		expect(`1.2 {"bets":1,"notes":""}`)
		f.failAt(roomstest.BeforeAppend)
		f.sendTo(table, betCommand("alice", uuid.NewString(), 1)).failed(rooms.ErrUnavailable)
		f.pass(time.Second)
		if got := briefAt(f.Directory, table); !strings.HasSuffix(got, `{"bets":1,"notes":""}`) {
			f.Errorf("a bet that was not written is in the brief: %s", got)
		}
		if got := briefAt(f.Directory, f.table); got != "" {
			f.Errorf("a game without a brief has %s", got)
		}
		f.restart()
		expect("")
		f.open(table)
		expect(`3.2 {"bets":1,"notes":""}`) // the second owner was made by the append that failed
		f.note(table, 1, game.BriefMax)
		expect("")
		if got := counted(f, f.registry)["pitboss_room_limit_hits_total brief"]; got != 1 {
			f.Errorf("briefs that were too long: %v", got)
		}
		f.pass(2 * time.Minute)
		f.Close(table, "")
		f.pass(2 * time.Minute)
		expect("")
	})
}

func TestAClosedRoomHasNoBrief(t *testing.T) {
	inCasino(t, func(f *casino) {
		table := f.roomOf("sum", "sums", `{}`)
		f.open(table)
		f.Close(table, "")
		f.pass(time.Second)
		if got := briefAt(f.Directory, table); got != "" {
			f.Errorf("the brief is %s", got)
		}
	})
}

func TestOnlyTheOwnerHasABriefAndTheNextOneALaterEpoch(t *testing.T) {
	onCluster(t, 2, func(c *cluster) {
		table := c.roomOf("sum", "sums", `{"betting_ms": 60000}`)
		c.pass(time.Second)
		owner := c.ownerOf(table)
		c.betAt(owner, table, uuid.NewString(), 7).accepted()
		for _, m := range c.nodes {
			want := ""
			if m == owner {
				want = `1.2 {"bets":1,"notes":""}`
			}
			if got := briefAt(m.Directory, table); got != want {
				c.Errorf("%s says %q, not %q", m.name, got, want)
			}
		}
		owner.link.set(true) // it cannot renew its lease: somebody else may own the room
		c.pass(10 * time.Second)
		if got := briefAt(owner.Directory, table); got != "" {
			c.Errorf("a node whose lease has run out says %s", got)
		}
		if got := briefAt(c.ownerOf(table).Directory, table); got != `2.2 {"bets":1,"notes":""}` {
			c.Errorf("the next owner says %q", got)
		}
		owner.link.set(false)
		c.pass(time.Second)
	})
}
