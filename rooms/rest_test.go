package rooms_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/rooms"
)

func TestARoomThatIsToRestEndsItsRoundAndIsOpenedByNobody(t *testing.T) {
	onCluster(t, 2, func(c *cluster) {
		refs := c.tables(4)
		owner := c.ownerOf(c.table)
		c.betAt(owner, c.table, uuid.NewString(), 10).accepted() // a round is under way
		c.rests.Store(true)
		c.pass(300 * time.Millisecond)
		if c.ownerOf(c.table) != owner {
			c.Error("the room stopped in the middle of its round")
		}
		c.pass(3 * time.Second)
		if got := c.types(c.table); !slices.Contains(got, "coin.tossed") {
			c.Errorf("its round was not played: %v", got)
		}
		if got := c.owners(); got[""] != len(refs) {
			c.Errorf("the rooms are %v", got)
		}
		if err := owner.Open(t.Context(), c.table); err != nil {
			c.Errorf("Open: %v", err)
		}
		bet := c.betAt(owner, c.table, uuid.NewString(), 10)
		c.pass(15 * time.Second)
		bet.failed(rooms.ErrUnavailable)
		if got := c.owners(); got[""] != len(refs) {
			c.Errorf("they did not stay so: %v", got)
		}

		c.rests.Store(false)
		c.pass(time.Second)
		if got := c.owners(); got[""] != 0 {
			c.Errorf("afterwards they are %v", got)
		}
		c.betAt(owner, c.table, uuid.NewString(), 10).accepted()
	})
}

func TestARoundIsEndedAlsoIfItsNodeDiesWhenItsRoomIsToRest(t *testing.T) {
	onCluster(t, 2, func(c *cluster) {
		c.table = c.room("slow", `{"betting_ms":20000}`)
		c.pass(time.Second)
		owner := c.ownerOf(c.table)
		c.betAt(owner, c.table, uuid.NewString(), 10).accepted()
		c.rests.Store(true)
		c.pass(time.Second)
		owner.kill()
		c.pass(5 * time.Second)
		if c.ownerOf(c.table) == owner {
			c.Fatal("the dead node owns it")
		}
		c.pass(30 * time.Second)
		if got := c.types(c.table); !slices.Contains(got, "coin.tossed") {
			c.Errorf("its round was not played: %v", got)
		}
		if got := c.owners()[""]; got == 0 {
			c.Errorf("it does not rest: %v", c.owners())
		}
	})
}

// TestARoundThatItsNodeLeftWhileItsRoomIsToRestIsEndedByTheNext restarts the only node in the middle of a round of a room that
// is to rest: nobody may take the room for one at rest.
func TestARoundThatItsNodeLeftWhileItsRoomIsToRestIsEndedByTheNext(t *testing.T) {
	onCluster(t, 1, func(c *cluster) {
		c.table = c.room("slow", `{"betting_ms":20000}`)
		c.pass(time.Second)
		owner := c.ownerOf(c.table)
		c.betAt(owner, c.table, uuid.NewString(), 10).accepted()
		c.rests.Store(true)
		c.pass(time.Second)
		ctx, cancel := context.WithTimeout(context.Background(), 6*time.Second)
		defer cancel()
		if err := owner.Drain(ctx); err != nil {
			c.Error(err)
		}
		owner.end()
		delete(c.nodes, owner.name)
		c.add("next")
		c.pass(40 * time.Second)
		if got := c.types(c.table); !slices.Contains(got, "coin.tossed") {
			c.Errorf("its round was not played: %v", got)
		}
	})
}
