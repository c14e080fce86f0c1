package rooms_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/placement"
	"github.com/pitboss-hub/pitboss/rooms/roomstest"
)

// within begins the casino's node anew with limits.
func (f *casino) within(l rooms.Limits) {
	f.Helper()
	f.limits = l
	f.restart()
	f.hub.take()
}

// hits is how often a limit was hit, as the metric has it.
func hits(t testing.TB, from prometheus.Gatherer, limit string) int {
	t.Helper()
	families, err := from.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != "pitboss_room_limit_hits_total" {
			continue
		}
		for _, m := range family.GetMetric() {
			if m.GetLabel()[0].GetValue() == limit {
				return int(m.GetCounter().GetValue())
			}
		}
	}
	return 0
}

// tally counts how commands were answered, and returns those that were not.
func tally(f *casino, replies []*reply) (accepted int, refused map[error]int, again []*reply) {
	f.Helper()
	refused = map[error]int{}
	for _, r := range replies {
		a, err := r.answered()
		switch {
		case err != nil:
			again = append(again, r)
			refused[err]++
		case a.Refusal != nil:
			f.Fatalf("refused: %v", a.Refusal)
		default:
			accepted++
		}
	}
	return accepted, refused, again
}

// published is how many bytes everybody was sent of a room, and the seqs of its events.
func (f *casino) published() (bytes int, seqs []int64) {
	for _, m := range f.hub.take() {
		if m.Topic.Kind() != "room" {
			continue
		}
		bytes += len(m.Frame)
		if m.Seq > 0 {
			seqs = append(seqs, m.Seq)
		}
	}
	return bytes, seqs
}

func TestARoomPublishesNoMoreThanAnOrdinaryLinkTakes(t *testing.T) {
	inCasino(t, func(f *casino) {
		table := f.room("busy", `{"betting_ms": 20000}`)
		f.open(table)
		f.limits = rooms.Limits{}
		f.end()
		f.node = f.start()
		f.open(table)
		f.hub.take()
		var waiting []*reply
		for p := range 100 {
			who := game.PlayerID(fmt.Sprint("p", p))
			f.Fund(who, 1000)
			for range 10 {
				waiting = append(waiting, f.sendTo(table, betCommand(who, uuid.NewString(), 1)))
			}
		}
		accepted, refused, waiting := tally(f, waiting)
		bytes, seqs := f.published()
		if refused[rooms.ErrBusy] != len(waiting) || len(waiting) == 0 || hits(f, f.registry, "room_bytes") != len(waiting) {
			f.Errorf("%d accepted, refused: %v, and the metric says %d", accepted, refused, hits(f, f.registry, "room_bytes"))
		}
		if burst := 96 << 10; bytes < burst-400 || bytes > burst+400 {
			f.Errorf("%d bytes were published at once, for %d bets", bytes, accepted)
		}
		// Busy is no answer: the same command is decided when there is room for what it says.
		for second := 1; len(waiting) > 0; second++ {
			if second > 10 {
				f.Fatalf("%d bets are never accepted", len(waiting))
			}
			f.pass(time.Second)
			var again []*reply
			for _, r := range waiting {
				again = append(again, f.sendTo(table, betCommand(r.by, r.id, 1)))
			}
			_, _, waiting = tally(f, again)
			more, seen := f.published()
			if seqs = append(seqs, seen...); more > 80<<10+400 {
				f.Errorf("%d bytes were published in a second", more)
			}
		}
		f.pass(20 * time.Second) // what the room does by itself is never held back
		_, seen := f.published()
		seqs = append(seqs, seen...)
		for i, seq := range seqs {
			if seq != int64(i+2) {
				f.Fatalf("event %d is at place %d", seq, i+2)
			}
		}
		if got := f.types(table); len(got) != 1+1000+2 {
			f.Errorf("%d events", len(got))
		}
	})
}

func TestWhatOnePlayerIsToldIsBoundedAndNobodyElsesBets(t *testing.T) {
	inCasino(t, func(f *casino) {
		limits := unlimited
		limits.PlayerBytes = rooms.Rate{PerSecond: 1000, Burst: 2000}
		f.within(limits)
		var alices, bobs []*reply
		for range 30 {
			alices = append(alices, f.bet("alice", 1))
		}
		for range 3 {
			bobs = append(bobs, f.bet("bob", 1))
		}
		accepted, refused, _ := tally(f, alices)
		if accepted < 10 || accepted > 16 || refused[rooms.ErrBusy] != 30-accepted || hits(f, f.registry, "player_bytes") != 30-accepted {
			f.Errorf("%d of 30 are accepted, refused: %v", accepted, refused)
		}
		if n, _, _ := tally(f, bobs); n != 3 {
			f.Errorf("%d of bob's are", n)
		}
		f.pass(500 * time.Millisecond)
		f.bet("alice", 1).accepted()
	})
}

func TestWhatIsDecidedAnewIsNotChargedTwice(t *testing.T) {
	inCasino(t, func(f *casino) {
		limits := unlimited
		limits.RoomBytes = rooms.Rate{PerSecond: 1, Burst: 20 * 170} // 20 events of coin.placed
		f.within(limits)
		release := f.stallAt(roomstest.BeforeAppend)
		all := []*reply{f.bet("alice", 1)}
		synctest.Wait()
		for range 9 {
			all = append(all, f.bet("alice", 1))
		}
		var poor []*reply
		for range 5 {
			poor = append(poor, f.bet("bob", 51)) // each of them lets the room decide anew
		}
		for range 30 {
			all = append(all, f.bet("alice", 1))
		}
		release()
		accepted, refused, _ := tally(f, all)
		for range 10 { // what bob's bets would have taken is there for others
			all = append(all, f.bet("alice", 1))
		}
		more, _, _ := tally(f, all)
		bytes, _ := f.published()
		if bytes < 20*170-158 || bytes > 21*170 || more <= accepted || refused[rooms.ErrBusy] != 40-accepted {
			f.Errorf("%d are accepted, then %d, of %d bytes; refused: %v", accepted, more, bytes, refused)
		}
		for _, r := range poor {
			r.refused(game.CodeInsufficientFunds)
		}
	})
}

func TestTheOwnerCountsAPlayersCommandsWhateverNodeTheyComeBy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		c.limits = rooms.Limits{}
		for n := range 2 {
			c.add(fmt.Sprint("n", n))
		}
		c.pass(time.Second)
		owner, other := c.ownerOf(c.table), c.others(c.table)[0]
		send := func(n int) []*reply {
			var out []*reply
			for i := range n {
				out = append(out, c.betAt([]*member{owner, other}[i%2], c.table, uuid.NewString(), 1))
			}
			c.pass(10 * time.Millisecond)
			return out
		}
		accepted, refused, _ := tally(c.casino, send(300))
		if accepted != 200 || refused[rooms.ErrRateLimited] != 100 {
			t.Errorf("at once: %d accepted, refused: %v", accepted, refused)
		}
		// The hub of a node knows nothing of it: a socket that is new is no new player.
		c.pass(time.Second - 10*time.Millisecond)
		accepted, refused, _ = tally(c.casino, send(100))
		if accepted < 50 || accepted > 51 || refused[rooms.ErrRateLimited] != 100-accepted {
			t.Errorf("a second later: %d accepted, refused: %v", accepted, refused)
		}
		if n := hits(t, owner.reg, "player_commands"); n < 149 || n > 150 {
			t.Errorf("the owner counted %d", n)
		}
		if n := hits(t, other.reg, "player_commands"); n != 0 {
			t.Errorf("the other node counted %d", n)
		}
		for _, m := range c.nodes {
			m.end()
		}
		c.sound()
	})
}

// TestANodesOwnTriesCostAPlayerNothing has a node without a lease be asked: it tries again and again
// by itself until it has one.
func TestANodesOwnTriesCostAPlayerNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		c.limits = rooms.Limits{}
		m := c.add("n0")
		c.pass(time.Second)
		m.link.set(true)
		c.pass(placement.LeaseTTL)
		var bets []*reply
		for range 10 {
			bets = append(bets, c.betAt(m, c.table, uuid.NewString(), 1))
		}
		var joins sync.WaitGroup
		for range 4 {
			joins.Go(func() {
				if _, err := m.Join(c.Context(), c.table, "alice", nil); err != nil {
					t.Error(err)
				}
			})
		}
		c.pass(3 * time.Second)
		m.link.set(false)
		c.pass(time.Second)
		for _, r := range bets {
			r.accepted()
		}
		joins.Wait()
		if n := hits(t, m.reg, "player_commands"); n != 0 {
			t.Errorf("the limit was hit %d times", n)
		}
		m.end()
		c.sound()
	})
}

func TestARefusalThatIsKeptCostsTenCommands(t *testing.T) {
	inCasino(t, func(f *casino) {
		limits := unlimited
		limits.PlayerCommands = rooms.Rate{PerSecond: 50, Burst: 200}
		f.within(limits)
		for range 20 {
			f.bet("alice", 5000).refused(game.CodeLimitReached)
		}
		f.bet("alice", 1).failed(rooms.ErrRateLimited)
		f.bet("bob", 1).accepted() // others' are theirs
		f.sendTo(f.room2(), betCommand("alice", uuid.NewString(), 1)).accepted()
		f.pass(20 * time.Millisecond)
		f.bet("alice", 1).accepted()
		f.bet("alice", 1).failed(rooms.ErrRateLimited)
	})
}

// room2 is another table, open.
func (f *casino) room2() rooms.Ref {
	f.Helper()
	ref := f.room("table-2", `{}`)
	f.open(ref)
	return ref
}

func TestAJoinCostsCommandsToo(t *testing.T) {
	inCasino(t, func(f *casino) {
		f.within(rooms.Limits{})
		at := resume(1, 1)
		for i := range 41 {
			_, err := f.Join(f.Context(), f.table, "alice", at)
			if want := i == 40; errors.Is(err, rooms.ErrRateLimited) != want || !want && err != nil {
				f.Fatalf("join %d: %v", i+1, err)
			}
		}
		for _, who := range []game.PlayerID{"bob", "", ""} {
			if _, err := f.Join(f.Context(), f.table, who, at); err != nil {
				f.Errorf("%q: %v", who, err)
			}
		}
		f.pass(100 * time.Millisecond)
		if _, err := f.Join(f.Context(), f.table, "alice", nil); err != nil {
			f.Error(err)
		}
	})
}

func TestWhoHasAllOfHisLimitsAgainIsForgotten(t *testing.T) {
	inCasino(t, func(f *casino) {
		f.within(rooms.Limits{})
		for i := range 600 {
			f.sendTo(f.table, command(game.PlayerID(fmt.Sprint("p", i)), uuid.NewString(), "bet", `{"amount":0}`)).refused(game.CodeLimitReached)
			f.pass(10 * time.Millisecond)
			if n := f.Remembered(f.table); n > 150 { // a refusal is there again after 200 ms
				f.Fatalf("after %d players, %d are remembered", i, n)
			}
		}
		f.pass(6 * time.Second)
		if n := f.Remembered(f.table); n != 0 {
			f.Errorf("%d are remembered in an idle room", n)
		}
	})
}

// A batch that the journal cannot keep is decided again by halves; what was answered busy in it
// is not decided then, though there is room for it.
func TestWhatWasAnsweredBusyIsNotDecidedAfterAll(t *testing.T) {
	inCasino(t, func(f *casino) {
		limits := unlimited
		limits.RoomBytes = rooms.Rate{PerSecond: 1, Burst: 8 * 158}
		f.within(limits)
		release := f.stallAt(roomstest.BeforeAppend)
		all := []*reply{f.bet("alice", 1)}
		synctest.Wait()
		bad := f.sendTo(f.table, command("bob", uuid.NewString(), "boom", `{"where":"amount"}`))
		for range 12 {
			all = append(all, f.bet("alice", 1))
		}
		release()
		accepted, refused, _ := tally(f, all)
		if refused[rooms.ErrBusy] != 13-accepted || accepted == 13 {
			f.Errorf("%d accepted, refused: %v", accepted, refused)
		}
		bad.refused(game.CodeInvalidCommand)
		f.has("alice", 1000-game.Money(accepted))
		if got := len(f.types(f.table)); got != 1+accepted {
			f.Errorf("%d events", got)
		}
	})
}

func TestWithoutStorageNoStakeIsTakenAndThoseThatAreThereArePlayedAndPaid(t *testing.T) {
	inCasino(t, func(f *casino) {
		id := uuid.NewString()
		bet := betCommand("alice", id, 10)
		f.sendTo(f.table, bet).accepted()
		f.storage.Store(1 << 20)
		f.sendTo(f.table, bet).accepted() // sent again, it is the bet of before
		no, err := f.bet("bob", 10).answered()
		if err != nil || no.Refusal == nil || no.Refusal.Code != game.CodeLimitReached || *no.Refusal.Params != (game.Params{Limit: rooms.LimitStorage, Value: 1 << 20}) {
			f.Errorf("answered %+v, %v", no.Refusal, err)
		}
		if n := hits(t, f.registry, rooms.LimitStorage); n == 0 {
			f.Error("no metric tells of it")
		}
		f.pass(time.Minute)
		if !slices.Contains(f.types(f.table), "coin.tossed") {
			f.Errorf("the round was not played: %v", f.types(f.table))
		}
		f.storage.Store(0)
		f.bet("bob", 10).accepted()
	})
}
