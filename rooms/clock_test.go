package rooms_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/roomstest"
)

// set sets the time of day, which is that of all else plus by.
func (f *casino) set(by time.Duration) { f.skew.Store(int64(by)) }

// tossed reports whether a round of a table was decided.
func (f *casino) tossed(ref rooms.Ref) bool {
	synctest.Wait()
	return slices.Contains(f.types(ref), "coin.tossed")
}

var steps = map[string]time.Duration{
	"30 s back": -30 * time.Second, "30 s forward": 30 * time.Second, "an hour back": -time.Hour, "an hour forward": time.Hour,
}

func TestBettingLastsAsLongAsItShouldWhenTheClockIsSet(t *testing.T) {
	t.Parallel()
	for name, step := range steps {
		t.Run(name, func(t *testing.T) {
			inCasino(t, func(f *casino) {
				ref := f.room("table-2", `{"betting_ms":20000}`)
				f.open(ref)
				synctest.Wait()
				bet := func() {
					t.Helper()
					f.sendTo(ref, betCommand("alice", uuid.NewString(), 10)).accepted()
				}
				bet()
				f.pass(4 * time.Second)
				f.set(step)
				bet()
				f.pass(15900 * time.Millisecond)
				if f.tossed(ref) {
					t.Error("bets were closed early")
				}
				f.pass(200 * time.Millisecond)
				if !f.tossed(ref) {
					t.Error("bets are still open")
				}
			})
		})
	}
}

func TestBettingLastsAsLongAsItShouldWhenTheClockIsSetAndNobodyBetsAfterwards(t *testing.T) {
	t.Parallel()
	for name, step := range steps {
		t.Run(name, func(t *testing.T) {
			inCasino(t, func(f *casino) {
				f.bet("alice", 10).accepted()
				f.pass(400 * time.Millisecond)
				f.set(step)
				f.pass(500 * time.Millisecond)
				if f.tossed(f.table) {
					t.Error("bets were closed early")
				}
				f.pass(200 * time.Millisecond)
				if !f.tossed(f.table) {
					t.Error("bets are still open")
				}
			})
		})
	}
}

// TestABetTakenWhileTheClockWasAheadFreezesNoTable is about the clock of the owner that died.
func TestABetTakenWhileTheClockWasAheadFreezesNoTable(t *testing.T) {
	inCasino(t, func(f *casino) {
		f.set(time.Hour)
		f.restart()
		f.bet("alice", 10).accepted()
		f.end()
		f.set(0)
		f.node = f.start()
		f.open(f.table)
		f.pass(1100 * time.Millisecond)
		if !f.tossed(f.table) {
			t.Error("the round is not over")
		}
		f.pass(time.Second)
		placed := f.bet("alice", 10).accepted() // time does not stand still
		f.pass(1100 * time.Millisecond)
		events := f.journal.Events(f.table)
		last := events[len(events)-1]
		if placed.Seq == 0 || last.Type == "coin.placed" || last.At.After(time.Now()) {
			t.Errorf("%s at %v", last.Type, last.At)
		}
	})
}

// TestADeadlineThatCannotBeMovedYetIsMovedWhenItCan has a database that is away when the clock is set.
func TestADeadlineThatCannotBeMovedYetIsMovedWhenItCan(t *testing.T) {
	inCasino(t, func(f *casino) {
		ref := f.room("table-2", `{"betting_ms":20000}`)
		f.open(ref)
		synctest.Wait()
		f.sendTo(ref, betCommand("alice", uuid.NewString(), 10)).accepted()
		f.journal.Hook(func(_ context.Context, at roomstest.Moment, _ rooms.Ref, _ rooms.Batch) error {
			if at == roomstest.BeforeAppend {
				return rooms.ErrNotWritten
			}
			return nil
		})
		f.set(-time.Hour)
		f.pass(6 * time.Second) // a beat
		f.journal.Hook(nil)
		f.pass(14100 * time.Millisecond)
		if !f.tossed(ref) {
			t.Error("bets are still open")
		}
	})
}

func TestPlayersQuotasGoByAClockThatNobodySets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newCasino(t)
		f.end()
		f.limits = rooms.Limits{PlayerCommands: rooms.Rate{PerSecond: 10, Burst: 10}}
		f.node = f.start()
		f.Fund("alice", 1000)
		f.open(f.table)
		synctest.Wait()
		for _, step := range []time.Duration{0, -30 * time.Second, time.Hour, 0} {
			f.set(step)
			f.pass(2 * time.Second)
			limited := 0
			for range 15 {
				if _, err := f.bet("alice", 1).answered(); errors.Is(err, rooms.ErrRateLimited) {
					limited++
				}
			}
			if limited < 4 || limited > 6 {
				t.Errorf("after the clock was set by %v, %d of 15 were too many", step, limited)
			}
			f.pass(2 * time.Second)
		}
		f.end()
	})
}

func TestAnOperatorVoidsARoundAndEveryStakeIsBack(t *testing.T) {
	inCasino(t, func(f *casino) {
		f.bet("alice", 100).accepted()
		f.bet("bob", 50).accepted()
		op := game.Actor{Player: "olivia", Staff: true}
		void := rooms.Command{ID: uuid.NewString(), By: op, Address: "192.0.2.1", Type: rooms.TypeVoid, Body: []byte(`{"type":"room.void","reason":"the clock was wrong"}`)}
		player := void
		player.ID, player.By = uuid.NewString(), game.Actor{Player: "alice"}
		f.sendTo(f.table, player).refused(game.CodeForbidden)
		for _, body := range []string{`{"type":"room.void"}`, `{"type":"room.void","reason":""}`, `{"type":"room.void","reason":"a\u0000"}`, `{"type":"room.void","reason":"a","more":1}`} {
			bad := void
			bad.ID, bad.Body = uuid.NewString(), []byte(body)
			f.sendTo(f.table, bad).refused(game.CodeInvalidCommand)
		}
		first := f.sendTo(f.table, void).accepted()
		f.has("alice", 1000)
		f.has("bob", 50)
		if again := f.sendTo(f.table, void).accepted(); again.Seq != first.Seq {
			t.Errorf("again it is event %d, not %d", again.Seq, first.Seq)
		}
		next := void
		next.ID = uuid.NewString()
		f.sendTo(f.table, next).refused(game.CodeNothingToVoid)
		audits := f.journal.Audits(f.tenant)
		if n := len(audits); n != 1 || audits[0].Action != rooms.TypeVoid || audits[0].Reason != "the clock was wrong" || audits[0].Actor != "olivia" || audits[0].Target != f.table.Room {
			t.Errorf("%+v", audits)
		}
		f.pass(time.Second)
		f.bet("alice", 10).accepted() // the next round has a seed of its own
		f.pass(1100 * time.Millisecond)
		if !f.tossed(f.table) {
			t.Error("no round after it")
		}
	})
}
