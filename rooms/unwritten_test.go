package rooms_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/roomstest"
)

// What a game cannot read it never could: the refusal needs no row, no look-up and no append, and
// so it costs the database nothing.
func TestWhatTheGameCanNotReadLeavesNoRow(t *testing.T) {
	inCasino(t, func(f *casino) {
		var appends atomic.Int64
		f.journal.Hook(func(context.Context, roomstest.Moment, rooms.Ref, rooms.Batch) error { appends.Add(1); return nil })
		var ids []string
		for _, c := range []rooms.Command{
			command("alice", uuid.NewString(), "bet", `{"amount":"1"}`),
			command("alice", uuid.NewString(), "bet", `{`),
			command("alice", uuid.NewString(), "dance", `{}`),
		} {
			r := f.sendTo(f.table, c)
			r.refused(game.CodeInvalidCommand)
			ids = append(ids, r.id)
		}
		if n := appends.Load(); n != 0 {
			f.Errorf("%d calls of the journal", n)
		}
		for _, id := range ids {
			f.sendTo(f.table, betCommand("alice", id, 1)).accepted()
		}
	})
}

func TestOneIDIsOneCommand(t *testing.T) {
	inCasino(t, func(f *casino) {
		bet, no := f.bet("alice", 100), f.bet("alice", 5000)
		bet.accepted()
		no.refused(game.CodeLimitReached)
		release := f.stallAt(roomstest.BeforeAppend)
		f.bet("alice", 1) // keeps the room busy while the others gather
		synctest.Wait()
		id := uuid.NewString()
		one := f.sendTo(f.table, betCommand("alice", id, 10))
		same := f.sendTo(f.table, command("alice", id, "bet", `{ "amount": 10, "heads": true }`))
		other := f.sendTo(f.table, betCommand("alice", id, 20))
		release()
		first := one.accepted()
		if diff := cmp.Diff(first, same.accepted()); diff != "" {
			f.Error(diff)
		}
		other.failed(rooms.ErrCommandReused)
		for range 2 {
			for _, each := range []*reply{bet, no, one} {
				f.sendTo(f.table, betCommand("alice", each.id, 30)).failed(rooms.ErrCommandReused)
				f.sendTo(f.table, command("alice", each.id, "note", `{"text":"x"}`)).failed(rooms.ErrCommandReused)
			}
			f.sendTo(f.table, command("alice", bet.id, "bet", `{ "amount" : 100, "heads" : true }`)).accepted()
			f.restart()
		}
		f.has("alice", 889)
	})
}

// A command goes from node to node as JSON, where some characters get another spelling.
func TestACommandIsTheSameFromEveryNode(t *testing.T) {
	inCasino(t, func(f *casino) {
		note := command("op", uuid.NewString(), "note", `{"text":"<b> & \u003cb>  "}`)
		note.By.Staff = true
		f.sendTo(f.table, note).accepted()
		body, err := json.Marshal(note)
		if err != nil {
			f.Fatal(err)
		}
		var forwarded rooms.Command
		if err := json.Unmarshal(body, &forwarded); err != nil || string(forwarded.Body) == string(note.Body) {
			f.Fatalf("%s, %v", forwarded.Body, err)
		}
		f.sendTo(f.table, forwarded).accepted()
	})
}

// failing makes every append fail with err until the returned function is called, and counts
// claims.
func (f *casino) failing(err error) (mend func(), claims *atomic.Int64) {
	var mended atomic.Bool
	claims = &atomic.Int64{}
	f.journal.Hook(func(_ context.Context, at roomstest.Moment, _ rooms.Ref, _ rooms.Batch) error {
		switch {
		case at == roomstest.BeforeClaim:
			claims.Add(1)
		case at == roomstest.BeforeAppend && !mended.Load():
			return err
		}
		return nil
	})
	return func() { mended.Store(true) }, claims
}

// TestAnAppendThatWasNotWrittenMakesNoClaim has the database say no for reasons of its own while
// a round comes to its end: the room answers "unavailable", goes on from what is committed, and
// its Ticks come again.
func TestAnAppendThatWasNotWrittenMakesNoClaim(t *testing.T) {
	inCasino(t, func(f *casino) {
		f.bet("alice", 100).accepted()
		f.hub.take()
		mend, claims := f.failing(fmt.Errorf("the disk is full: %w", rooms.ErrNotWritten))
		lost := f.bet("alice", 10)
		lost.failed(rooms.ErrUnavailable)
		if j, err := f.Join(f.Context(), f.table, "alice", nil); err != nil || j.Seq != 2 {
			f.Errorf("Join: %+v, %v", j, err)
		}
		f.pass(time.Minute) // betting has ended
		f.bet("alice", 10).failed(rooms.ErrUnavailable)
		if n := strings.Count(f.log.String(), "cannot be written"); n != 1 {
			f.Errorf("it was said %d times", n)
		}
		if told := f.hub.take(); len(told) > 0 && !strings.HasPrefix(summary(f, told)[0], "room.beat") {
			f.Error("told:", summary(f, told))
		}
		mend()
		f.pass(2 * time.Second)
		if got := f.types(f.table); !slices.Equal(got, []string{"coin.opened", "coin.placed", "coin.tossed", "coin.opened"}) {
			f.Errorf("events: %v", got)
		}
		if a := f.sendTo(f.table, betCommand("alice", lost.id, 10)).accepted(); a.Epoch != 1 || claims.Load() != 0 {
			f.Errorf("the answer is %+v after %d claims", a, claims.Load())
		}
	})
}

// TestAPoisonousCommandRefusesOnlyItself has an operator's note that no database can keep come
// among bets: the room is not restarted, and whoever sends the note again hears the same.
func TestAPoisonousCommandRefusesOnlyItself(t *testing.T) {
	inCasino(t, func(f *casino) {
		release := f.stallAt(roomstest.BeforeAppend)
		f.bet("alice", 1)
		synctest.Wait()
		note := command("op", uuid.NewString(), "note", `{"text":"a\u0000b"}`)
		note.By.Staff = true
		var bets []*reply
		for range 7 {
			bets = append(bets, f.bet("alice", 10))
		}
		poison := f.sendTo(f.table, note)
		for range 6 {
			bets = append(bets, f.bet("bob", 5))
		}
		release()
		poison.refused(game.CodeInvalidCommand)
		for i, b := range bets {
			if a := b.accepted(); a.Epoch != 1 || a.Seq != int64(3+i) {
				f.Errorf("bet %d: %+v", i, a)
			}
		}
		f.sendTo(f.table, note).refused(game.CodeInvalidCommand)
		f.restart()
		f.sendTo(f.table, note).refused(game.CodeInvalidCommand)
		f.has("alice", 929)
		f.has("bob", 20)
	})
}

// A game that moves a negative amount makes a batch that the journal refuses: that command is
// refused, and the room goes on.
func TestBatchThatTheJournalRefusesDoesNotStopTheRoom(t *testing.T) {
	inCasino(t, func(f *casino) {
		f.sendTo(f.table, command("alice", uuid.NewString(), "boom", `{"where":"amount"}`)).refused(game.CodeInvalidCommand)
		if a := f.bet("alice", 10).accepted(); a.Epoch != 1 {
			f.Errorf("the room was claimed anew: %+v", a)
		}
		f.has("alice", 990)
	})
}
