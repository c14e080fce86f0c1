package rooms_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/roomstest"
)

var errBroken = errors.New("the connection broke")

// failAt makes the next call at this moment fail.
func (f *casino) failAt(want roomstest.Moment) {
	failed := false
	f.journal.Hook(func(_ context.Context, at roomstest.Moment, _ rooms.Ref, _ rooms.Batch) error {
		if at != want || failed {
			return nil
		}
		failed = true
		return errBroken
	})
}

// stallAt holds every call at this moment up until the returned function is called.
func (f *casino) stallAt(want roomstest.Moment) (release func()) {
	gate := make(chan struct{})
	f.journal.Hook(func(ctx context.Context, at roomstest.Moment, _ rooms.Ref, _ rooms.Batch) error {
		if at != want {
			return nil
		}
		select {
		case <-gate:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	return func() { f.journal.Hook(nil); close(gate) }
}

func TestNothingIsToldBeforeItIsCommitted(t *testing.T) {
	for _, at := range []roomstest.Moment{roomstest.BeforeAppend, roomstest.AfterAppend} {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			inCasino(t, func(f *casino) {
				f.hub.take()
				release := f.stallAt(at)
				before := f.noted.Load()
				bet := f.bet("alice", 100)
				if !bet.open() {
					f.Error("a bet was answered before Append returned")
				}
				if f.noted.Load() != before {
					f.Error("it is said to be committed before Append returned")
				}
				if told := f.hub.take(); len(told) > 0 {
					f.Error("told before Append returned:", summary(f, told))
				}
				release()
				a := bet.accepted()
				if a.Seq != 2 || a.Epoch != 1 || a.Balance != 900 {
					f.Errorf("the answer is %+v", a)
				}
				if n := f.noted.Load() - before; n != 1 {
					f.Errorf("%d batches are said to be committed", n)
				}
				want := []string{"2 coin.placed", "alice has 900"}
				if diff := cmp.Diff(want, summary(f, f.hub.take())); diff != "" {
					f.Error(diff)
				}
			})
		})
	}
}

func TestFailedAppendLeavesNoTrace(t *testing.T) {
	inCasino(t, func(f *casino) {
		f.hub.take()
		f.failAt(roomstest.BeforeAppend)
		bet := f.bet("alice", 100)
		bet.failed(rooms.ErrUnavailable)
		if told := f.hub.take(); len(told) > 0 {
			f.Error("told:", summary(f, told))
		}
		f.has("alice", 1000)
		again := f.sendTo(f.table, betCommand("alice", bet.id, 100)).accepted()
		if again.Seq != 2 || again.Epoch != 2 {
			f.Errorf("the answer is %+v", again)
		}
		f.has("alice", 900)
	})
}

func TestWrittenBatchOfUnknownOutcomeIsToldOnceAndAnsweredWhenAsked(t *testing.T) {
	inCasino(t, func(f *casino) {
		f.hub.take()
		f.failAt(roomstest.AfterAppend)
		before := f.noted.Load()
		bet := f.bet("alice", 100)
		bet.failed(rooms.ErrUnavailable)
		if f.noted.Load() == before {
			f.Error("nobody is told of a batch that may be written")
		}
		want := []string{"2 coin.placed", "alice has 900"}
		if diff := cmp.Diff(want, summary(f, f.hub.take())); diff != "" {
			f.Error(diff)
		}
		again := f.sendTo(f.table, betCommand("alice", bet.id, 100)).accepted()
		if again.Seq != 2 || again.Epoch != 1 || again.Balance != 900 {
			f.Errorf("the answer is %+v", again)
		}
		f.bet("alice", 1).accepted()
		want = []string{"3 coin.placed", "alice has 899"}
		if diff := cmp.Diff(want, summary(f, f.hub.take())); diff != "" {
			f.Error(diff)
		}
		f.has("alice", 899)
	})
}

func TestRoomSaysSoWhileTheDatabaseIsAway(t *testing.T) {
	inCasino(t, func(f *casino) {
		f.hub.take()
		var away atomic.Bool
		away.Store(true)
		written := make(chan struct{}, 1)
		f.journal.Hook(func(_ context.Context, at roomstest.Moment, _ rooms.Ref, _ rooms.Batch) error {
			if !away.Load() {
				return nil
			}
			if at == roomstest.BeforeAppend {
				written <- struct{}{}
				return nil // the first one goes through, and its answer is lost
			}
			return errBroken
		})
		f.bet("alice", 100).failed(rooms.ErrUnavailable)
		<-written
		start := time.Now()
		for range 20 {
			f.pass(700 * time.Millisecond)
			f.bet("bob", 10).failed(rooms.ErrUnavailable)
		}
		if _, err := f.Join(f.Context(), f.table, "bob", nil); !errors.Is(err, rooms.ErrUnavailable) {
			f.Errorf("Join: %v", err)
		}
		if told := f.hub.take(); len(told) > 0 {
			f.Errorf("told within %s: %v", time.Since(start), summary(f, told))
		}
		away.Store(false)
		f.pass(2 * time.Second)
		// The bet is told; betting has ended meanwhile, and the toss follows at once.
		got := summary(f, f.hub.take())
		if len(got) < 4 || got[0] != "2 coin.placed" || got[1] != "alice has 900" || got[2] != "3 coin.tossed" {
			f.Errorf("told: %q", got)
		}
		f.bet("bob", 10).accepted()
	})
}

func TestCommandActsOnceAcrossRestarts(t *testing.T) {
	inCasino(t, func(f *casino) {
		bet := f.bet("alice", 100)
		first := bet.accepted()
		no := f.bet("alice", 5000)
		no.refused(game.CodeLimitReached)
		for range 3 {
			f.restart()
			again := f.sendTo(f.table, betCommand("alice", strings.ToUpper(bet.id), 100)).accepted()
			first.Balances = nil // not kept
			if diff := cmp.Diff(first, again); diff != "" {
				f.Error(diff)
			}
			f.sendTo(f.table, betCommand("alice", no.id, 5000)).refused(game.CodeLimitReached)
		}
		f.has("alice", 900)
	})
}

func TestCommandTwiceInOneBatchActsOnceAndIsAnsweredTwice(t *testing.T) {
	inCasino(t, func(f *casino) {
		release := f.stallAt(roomstest.BeforeAppend)
		f.bet("alice", 1) // keeps the room busy while the others gather
		synctest.Wait()
		id := uuid.NewString()
		var twins []*reply
		for _, spelling := range []string{id, strings.ToUpper(id), "{" + id + "}"} {
			twins = append(twins, f.sendTo(f.table, betCommand("alice", spelling, 100)))
		}
		bobs := f.sendTo(f.table, betCommand("bob", id, 10))
		release()
		first := twins[0].accepted()
		for _, twin := range twins[1:] {
			if diff := cmp.Diff(first, twin.accepted()); diff != "" {
				f.Error(diff)
			}
		}
		if bobs.accepted().Seq == first.Seq {
			f.Error("bob's command is alice's")
		}
		f.has("alice", 899)
		f.has("bob", 40)
	})
}

func TestNoUUIDIsRefusedAndNotRemembered(t *testing.T) {
	inCasino(t, func(f *casino) {
		f.sendTo(f.table, betCommand("alice", "first bet", 100)).refused(game.CodeInvalidCommand)
		f.has("alice", 1000)
		f.bet("alice", 1).accepted()
	})
}

func TestEmptyWalletRefusesOnlyItsOwnBet(t *testing.T) {
	inCasino(t, func(f *casino) {
		release := f.stallAt(roomstest.BeforeAppend)
		f.bet("alice", 1)
		synctest.Wait()
		var alices, bobs []*reply
		for range 10 { // bob has money for five of his ten
			alices = append(alices, f.bet("alice", 20))
			bobs = append(bobs, f.bet("bob", 10))
		}
		f.hub.take()
		release()
		for i := range alices {
			alices[i].accepted()
			if i < 5 {
				bobs[i].accepted()
			} else {
				bobs[i].refused(game.CodeInsufficientFunds)
			}
		}
		f.sendTo(f.table, betCommand("bob", bobs[9].id, 10)).refused(game.CodeInsufficientFunds)
		f.has("alice", 799)
		f.has("bob", 0)
		if got := len(f.types(f.table)); got != 1+1+15 {
			f.Errorf("%d events", got)
		}
	})
}

func TestConflictAnswersRepeatsAndDecidesTheRestAnew(t *testing.T) {
	inCasino(t, func(f *casino) {
		other := f.room("table-2", `{}`)
		f.open(other)
		there := f.sendTo(other, betCommand("alice", uuid.NewString(), 10))
		there.accepted()
		first := f.bet("alice", 100)
		want := first.accepted()

		release := f.stallAt(roomstest.BeforeAppend)
		f.bet("alice", 1)
		synctest.Wait()
		repeat := f.sendTo(f.table, betCommand("alice", first.id, 100))
		reused := f.sendTo(f.table, betCommand("alice", there.id, 10))
		poor := f.bet("bob", 51)
		fine := f.bet("bob", 50)
		release()
		want.Balances = nil
		if diff := cmp.Diff(want, repeat.accepted()); diff != "" {
			f.Error(diff)
		}
		reused.failed(rooms.ErrCommandReused)
		poor.refused(game.CodeInsufficientFunds)
		if a := fine.accepted(); a.Balance != 0 || a.Seq != 4 {
			f.Errorf("the answer is %+v", a)
		}
		f.has("alice", 1000-10-100-1)
	})
}

func TestFencedRoomIsDroppedSilently(t *testing.T) {
	inCasino(t, func(f *casino) {
		f.bet("alice", 1).accepted()
		f.hub.take()
		if _, err := f.journal.Claim(f.Context(), f.table, "thief", rooms.AnyEpoch); err != nil {
			f.Fatal(err)
		}
		f.bet("alice", 100).failed(rooms.ErrUnavailable)
		f.bet("alice", 100).failed(rooms.ErrUnavailable)
		if told := f.hub.take(); len(told) > 0 {
			f.Error("told:", summary(f, told))
		}
		if list := f.List(f.tenant); len(list) != 0 {
			f.Errorf("listed: %+v", list)
		}
		if err := f.Open(f.Context(), f.table); !errors.Is(err, rooms.ErrUnavailable) {
			f.Errorf("Open at once: %v", err)
		}
		f.has("alice", 999)
		f.pass(5 * time.Second)
		f.open(f.table)
		f.hub.take()
		if a := f.bet("alice", 100).accepted(); a.Epoch != 3 {
			f.Errorf("the answer is %+v", a)
		}
	})
}

func TestMailboxIsBounded(t *testing.T) {
	inCasino(t, func(f *casino) {
		release := f.stallAt(roomstest.BeforeAppend)
		f.Fund("carol", 10_000)
		first := f.bet("carol", 1)
		synctest.Wait()
		var in []*reply
		for range rooms.MailboxMax {
			in = append(in, f.bet("carol", 1))
		}
		over := f.bet("carol", 1)
		over.failed(rooms.ErrBusy)
		if _, err := f.Join(f.Context(), f.table, "carol", nil); !errors.Is(err, rooms.ErrBusy) {
			f.Errorf("Join: %v", err)
		}
		release()
		first.accepted()
		for _, r := range in {
			r.accepted()
		}
		f.sendTo(f.table, betCommand("carol", over.id, 1)).accepted() // busy is no answer
		f.has("carol", 10_000-rooms.MailboxMax-2)
	})
}

func TestDrainAnswersAllAndTakesNoMore(t *testing.T) {
	inCasino(t, func(f *casino) {
		release := f.stallAt(roomstest.BeforeAppend)
		first := f.bet("alice", 1)
		synctest.Wait()
		var waiting []*reply
		for range 600 { // more than a batch
			waiting = append(waiting, f.bet("alice", 1))
		}
		drained := make(chan error, 1)
		go func() { drained <- f.Drain(f.Context()) }() // ends when released
		synctest.Wait()
		f.bet("alice", 1).failed(rooms.ErrUnavailable)
		if err := f.Open(f.Context(), f.room("table-2", `{}`)); !errors.Is(err, rooms.ErrUnavailable) {
			f.Errorf("Open while draining: %v", err)
		}
		release()
		if err := <-drained; err != nil {
			f.Fatal(err)
		}
		first.accepted()
		taken := game.Money(1)
		for _, r := range waiting {
			if a, err := r.answered(); err == nil && a.Refusal == nil {
				taken++
			} else if !errors.Is(err, rooms.ErrUnavailable) {
				f.Errorf("the answer is %+v, %v", a, err)
			}
		}
		f.has("alice", 1000-taken)
		if err := f.Drain(f.Context()); err != nil {
			f.Errorf("draining twice: %v", err)
		}
	})
}

func TestAppendInHandOutlivesTheEnd(t *testing.T) {
	inCasino(t, func(f *casino) {
		release := f.stallAt(roomstest.BeforeAppend)
		bet := f.bet("alice", 100)
		synctest.Wait()
		waiting := f.bet("alice", 1)
		ended := make(chan struct{})
		go func() { f.end(); close(ended) }() // ends when released
		if !bet.open() {
			f.Error("an append was given up because the node ends")
		}
		release()
		<-ended
		bet.accepted()
		if _, err := waiting.answered(); err != nil && !errors.Is(err, rooms.ErrUnavailable) {
			f.Errorf("what waited is answered with %v", err)
		}
	})
}

func TestDrainGivesUpWithItsContext(t *testing.T) {
	inCasino(t, func(f *casino) {
		release := f.stallAt(roomstest.BeforeAppend)
		bet := f.bet("alice", 1)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(f.Context(), time.Second)
		defer cancel()
		if err := f.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
			f.Errorf("Drain: %v", err)
		}
		release()
		bet.accepted()
	})
}

func TestPanicStopsOnlyItsRoom(t *testing.T) {
	for _, where := range []string{"decide", "apply", "form", "error", "view"} {
		t.Run(where, func(t *testing.T) {
			inCasino(t, func(f *casino) {
				other := f.room("table-2", `{}`)
				f.open(other)
				f.bet("alice", 100).accepted()
				f.hub.take()
				if where == "view" {
					if _, err := f.Join(f.Context(), f.table, "boom", nil); !errors.Is(err, rooms.ErrUnavailable) {
						f.Errorf("Join: %v", err)
					}
				} else {
					release := f.stallAt(roomstest.BeforeAppend)
					f.bet("alice", 1)
					synctest.Wait()
					before := f.bet("alice", 10)
					boom := f.sendTo(f.table, command("alice", uuid.NewString(), "boom", fmt.Sprintf(`{"where":%q}`, where)))
					release()
					before.failed(rooms.ErrUnavailable)
					boom.failed(rooms.ErrUnavailable)
				}
				f.bet("alice", 10).failed(rooms.ErrUnavailable)
				f.sendTo(other, betCommand("alice", uuid.NewString(), 7)).accepted()
				if !strings.Contains(f.log.String(), "out of order") || !strings.Contains(f.log.String(), "coin_harness_test.go") && where != "error" {
					f.Error("the log does not say where it happened")
				}
				for _, s := range summary(f, f.hub.take()) {
					if strings.Contains(s, "boom") {
						f.Error("told:", s)
					}
				}
				f.pass(5 * time.Second)
				f.open(f.table)
				f.bet("alice", 10).accepted()
			})
		})
	}
}

func TestHubThatTakesNothingStopsNoGame(t *testing.T) {
	inCasino(t, func(f *casino) {
		f.hub.err = errBroken
		f.bet("alice", 100).accepted()
		f.pass(time.Second)
		synctest.Wait()
		if got := f.types(f.table); !slices.Contains(got, "coin.tossed") {
			f.Errorf("the round did not go on: %v", got)
		}
	})
}

func TestEveryoneGetsTheirOwnForm(t *testing.T) {
	inCasino(t, func(f *casino) {
		f.hub.take()
		f.bet("alice", 100).accepted()
		told := f.hub.take()[0]
		if told.Class != hub.ClassState || told.Seq != 2 || told.Epoch != 1 || told.Topic != f.table.Topic() {
			f.Errorf("told: %+v", told)
		}
		if p := read(f, told.Frame); string(p.Params.Data) != `{"amount":100}` || p.Params.At.IsZero() || p.Params.Room != "table-1" {
			f.Errorf("everybody was told %s", told.Frame)
		}
		if len(told.Private) != 1 || told.Private[0].Player != "alice" ||
			string(read(f, told.Private[0].Frame).Params.Data) != `{"amount":100,"heads":true,"mine":true}` {
			f.Errorf("alice was told %+v", told.Private)
		}
		f.pass(time.Second)
		if toss := f.hub.take()[0]; toss.Class != hub.ClassResult {
			f.Errorf("a result is of class %d", toss.Class)
		}
	})
}
