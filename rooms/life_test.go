package rooms_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/roomstest"
)

func TestTickComesWhenTheGameWantsIt(t *testing.T) {
	inCasino(t, func(f *casino) {
		if got := f.types(f.table); !slices.Equal(got, []string{"coin.opened"}) {
			f.Fatalf("a wake in the past is not now: %v", got)
		}
		f.pass(time.Hour) // nobody bets, nothing happens
		bet := time.Now()
		f.bet("alice", 100).accepted()
		f.pass(999 * time.Millisecond)
		f.bet("alice", 1).accepted()
		if got := f.types(f.table); slices.Contains(got, "coin.tossed") {
			f.Errorf("tossed too soon: %v", got)
		}
		f.pass(time.Millisecond)
		events := f.journal.Events(f.table)
		if len(events) != 5 || events[3].Type != "coin.tossed" || !events[3].At.Equal(bet.Add(time.Second)) || events[4].Type != "coin.opened" {
			f.Errorf("events: %+v", events)
		}
		for _, e := range events {
			if e.At.Location() != time.UTC || e.At.Nanosecond()%1e6 != 0 {
				f.Errorf("event %d is of %v", e.Seq, e.At)
			}
		}
		if events[3].Round != 1 || events[4].Round != 2 {
			f.Errorf("rounds: %+v", events)
		}
	})
}

func TestLateBetIsNeverInTheRoundItMissed(t *testing.T) {
	inCasino(t, func(f *casino) {
		f.bet("alice", 100).accepted()
		release := f.stallAt(roomstest.BeforeAppend)
		busy := f.bet("alice", 1) // its append takes until after the end of betting
		f.pass(2 * time.Second)
		late := f.bet("alice", 1)
		release()
		busy.accepted()
		a, err := late.answered()
		if err != nil {
			f.Fatal(err)
		}
		if a.Refusal == nil && f.journal.Events(f.table)[a.Seq-1].Round != 2 { // the Tick was first
			f.Errorf("a bet that came late is in round 1: %+v", a)
		}
	})
}

func TestRestartKeepsTheSeedAndPaysOnce(t *testing.T) {
	inCasino(t, func(f *casino) {
		f.bet("alice", 100).accepted()
		f.end()
		f.pass(time.Hour) // betting ended long ago
		f.node = f.start()
		f.open(f.table)
		events := f.journal.Events(f.table)
		var opened coinOpened
		var tossed coinTossed
		if len(events) != 4 || json.Unmarshal(events[0].Data, &opened) != nil || json.Unmarshal(events[2].Data, &tossed) != nil {
			f.Fatalf("events: %v", f.types(f.table))
		}
		if tossed.Seed.Commit() != opened.Commitment {
			f.Error("the toss is not from the seed that was committed before the restart")
		}
		want := game.Money(900)
		if tossed.Heads {
			want = 1100
		}
		f.has("alice", want)
		f.restart()
		f.has("alice", want)
	})
}

func TestGameThatCheatsWithSeedsIsStopped(t *testing.T) {
	for cheat, want := range map[string][]string{
		"commit": nil,
		"reveal": {"coin.opened", "coin.placed"},
		"forget": {"coin.opened", "coin.placed"},
		"swap":   {"coin.opened", "coin.placed", "coin.tossed"},
	} {
		t.Run(cheat, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newCasino(t)
				f.Fund("alice", 100)
				table := f.room("cheat", fmt.Sprintf(`{"cheat":%q,"keep":%t}`, cheat, cheat == "swap"))
				f.open(table)
				_, _ = f.sendTo(table, betCommand("alice", uuid.NewString(), 1)).answered() // opened or not
				f.pass(time.Second)
				if diff := cmp.Diff(want, f.types(table)); diff != "" {
					t.Error(diff)
				}
				f.sendTo(table, betCommand("alice", uuid.NewString(), 1)).failed(rooms.ErrUnavailable)
			})
		})
	}
}

func TestASeedThatServesLaterRoundsIsKeptUntilItIsTold(t *testing.T) {
	inCasino(t, func(f *casino) {
		table := f.room("keep", `{"keep":true}`)
		f.open(table)
		open := f.journal.Seed(table)
		for round := range 3 {
			f.sendTo(table, betCommand("alice", uuid.NewString(), 1)).accepted()
			f.pass(2 * time.Second)
			if seed := f.journal.Seed(table); seed.IsZero() || seed != open && !open.IsZero() {
				f.Errorf("after round %d the open seed is another", round+1)
			} else {
				open = seed
			}
			if round == 1 { // another process goes on with it
				f.restart()
				f.open(table)
			}
		}
		f.Close(table, "end of shift")
		f.pass(time.Second)
		if !f.journal.Seed(table).IsZero() {
			f.Error("the table is closed, and its seed still sealed")
		}
		var revealed []rooms.Record
		for _, rec := range f.journal.Events(table) {
			if rec.Reveals {
				revealed = append(revealed, rec)
			}
		}
		if len(revealed) != 1 || revealed[0].Type != "coin.told" || !strings.Contains(string(revealed[0].Data), open.Hex()) {
			f.Errorf("revealed by %+v", revealed)
		}
		if opened := slices.DeleteFunc(f.types(table), func(typ string) bool { return typ != "coin.opened" }); len(opened) != 4 {
			f.Errorf("%d rounds were opened", len(opened))
		}
	})
}

func TestNoRandomnessNoNewRound(t *testing.T) {
	inCasino(t, func(f *casino) {
		bet := f.bet("alice", 100)
		bet.accepted()
		broken := errors.New("the engine is unhealthy")
		f.seeds.Store(&broken)
		f.pass(time.Minute)
		// The round at hand has its seed: it ends, and is paid.
		if got := f.types(f.table); !slices.Equal(got, []string{"coin.opened", "coin.placed", "coin.tossed"}) {
			f.Errorf("events: %v", got)
		}
		f.bet("alice", 1).refused(game.CodeBettingClosed)
		f.seeds.Store(nil)
		f.pass(2 * time.Second)
		if got := f.types(f.table); got[len(got)-1] != "coin.opened" || len(got) != 4 {
			f.Errorf("events: %v", got)
		}
		f.bet("alice", 1).accepted()
	})
}

// A table without randomness asks for it again and again, and goes on as soon as it is
// there even if players send commands all the time.
func TestBusyTableResumesWhenRandomnessIsBack(t *testing.T) {
	inCasino(t, func(f *casino) {
		f.bet("alice", 1).accepted()
		broken := errors.New("the engine is unhealthy")
		f.seeds.Store(&broken)
		f.pass(10 * time.Second)
		f.seeds.Store(nil)
		for range 30 {
			f.pass(100 * time.Millisecond)
			f.bet("bob", -1)
		}
		f.bet("bob", 1).accepted()
	})
}

func TestSnapshotKeepsReplayShort(t *testing.T) {
	inCasino(t, func(f *casino) {
		f.Fund("carol", 100_000)
		for range 3*rooms.SnapshotEvery + 7 {
			f.bet("carol", 1)
			if f.drawn.Load()%7 == 0 {
				f.pass(100 * time.Millisecond)
			}
		}
		synctest.Wait()
		before, err := f.Join(f.Context(), f.table, "carol", nil)
		if err != nil {
			f.Fatal(err)
		}
		f.end()
		saved, err := f.journal.Claim(f.Context(), f.table, "looker", rooms.AnyEpoch)
		if err != nil {
			f.Fatal(err)
		}
		if saved.SnapshotSeq == 0 || len(saved.Tail) >= rooms.SnapshotEvery+rooms.BatchMax {
			f.Errorf("snapshot at %d of %d, a tail of %d", saved.SnapshotSeq, saved.Seq, len(saved.Tail))
		}
		f.node = f.start()
		f.open(f.table)
		after, err := f.Join(f.Context(), f.table, "carol", nil)
		if err != nil || after.Seq != before.Seq || string(after.View) != string(before.View) {
			f.Errorf("before: %d %s, after: %d %s, %v", before.Seq, before.View, after.Seq, after.View, err)
		}
	})
}

func TestResumeFillsTheGapInTheViewersForm(t *testing.T) {
	inCasino(t, func(f *casino) {
		for range 4 {
			f.bet("alice", 1).accepted()
		}
		f.restart() // epoch 2
		f.bet("alice", 2).accepted()
		f.bet("bob", 3).accepted() // event 7
		join := func(who game.PlayerID, epoch, seq int64) rooms.Joined {
			f.Helper()
			j, err := f.Join(f.Context(), f.table, who, resume(epoch, seq))
			if err != nil {
				f.Fatal(err)
			}
			if j.Epoch != 2 || j.Seq != 7 || (j.View == nil) == (j.Events == nil) {
				f.Fatalf("joined: %+v", j)
			}
			return j
		}
		for _, c := range []struct {
			epoch, seq int64
			known      bool
		}{
			{1, 1, true}, {1, 4, true}, {1, 5, true}, {2, 6, true}, {2, 7, true},
			{2, 5, true},  // told after the restart, before the next event
			{2, 4, false}, // at 4 it was always epoch 1
			{1, 6, false}, {1, 7, false}, {3, 7, false}, {0, 3, false},
			{2, 8, false}, {1, 0, false}, {1, -5, false}, {1, 1 << 40, false},
		} {
			j := join("alice", c.epoch, c.seq)
			if (j.Events != nil) != c.known {
				f.Errorf("resume at %+v: %d events, view %s", c, len(j.Events), j.View)
			}
			for i, e := range j.Events {
				if e.Seq != c.seq+1+int64(i) {
					f.Errorf("resume at %+v: event %d is %d", c, i, e.Seq)
				}
			}
			if c.known && int64(len(j.Events)) != 7-c.seq {
				f.Errorf("resume at %+v: %d events", c, len(j.Events))
			}
		}
		last := join("alice", 2, 5).Events
		if string(last[0].Data) != `{"amount":2,"heads":true,"mine":true}` || string(last[1].Data) != `{"amount":3}` {
			f.Errorf("alice is told %s and %s", last[0].Data, last[1].Data)
		}
		if e := join("", 2, 5).Events[0]; string(e.Data) != `{"amount":2}` {
			f.Errorf("everybody is told %s", e.Data)
		}
		if v := join("bob", 9, 9).View; string(v) != `{"bets":6,"mine":3,"notes":0,"round":1}` {
			f.Errorf("bob sees %s", v)
		}
		// What is stored can be shown like what is resumed.
		rec := f.journal.Events(f.table)[5]
		e, err := f.Public("coin", "table-1", rec, "alice")
		if diff := cmp.Diff(last[0], e); err != nil || diff != "" {
			f.Error(err, diff)
		}
		if _, err := f.Public("chess", "table-1", rec, ""); !errors.Is(err, rooms.ErrGame) {
			f.Errorf("an event of no game: %v", err)
		}
	})
}

func TestResumeReachesPastMemoryButNotForever(t *testing.T) {
	inCasino(t, func(f *casino) {
		const notes = 1500
		f.note(f.table, notes, 1)
		for _, c := range []struct {
			missed int64
			known  bool
		}{
			{0, true}, {1, true}, {500, true}, {900, true}, // in memory
			{930, true}, {940, false}, {notes, false}, // more than 128 KiB, of which each takes 140 bytes
			{-1, true}, // a restart: memory has the events since the last snapshot only
			{0, true}, {1, true}, {512, true}, {1100, false}, {notes, false},
		} {
			if c.missed < 0 {
				f.restart()
				continue
			}
			seq := int64(notes + 1)
			j, err := f.Join(f.Context(), f.table, "", resume(1, seq-c.missed))
			if err != nil || j.Seq != seq || (j.Events != nil) != c.known || (c.known && int64(len(j.Events)) != c.missed) {
				f.Errorf("%d missed: at %d, %d events, %v", c.missed, j.Seq, len(j.Events), err)
			}
		}
	})
}

func TestStaffCommandIsAuditedWithItsEvent(t *testing.T) {
	inCasino(t, func(f *casino) {
		note := command("op", uuid.NewString(), "note", `{"text":"wheel checked"}`)
		f.sendTo(f.table, note).refused(game.CodeForbidden) // a player of that name
		note.ID, note.By.Staff = uuid.NewString(), true
		f.failAt(roomstest.BeforeAppend)
		f.sendTo(f.table, note).failed(rooms.ErrUnavailable)
		if got := f.journal.Audits(f.tenant); len(got) != 0 {
			f.Errorf("audited: %+v", got)
		}
		f.sendTo(f.table, note).accepted()
		f.sendTo(f.table, note).accepted()
		want := []rooms.Audit{{
			Actor: "op", Action: "note", Target: "wheel checked", After: json.RawMessage(`{"text":"wheel checked"}`), Origin: rooms.Origin{Address: "127.0.0.1"},
		}}
		if diff := cmp.Diff(want, f.journal.Audits(f.tenant)); diff != "" {
			f.Error(diff)
		}
		view, err := f.StaffView(f.Context(), f.table)
		if err != nil || string(view) != `{"notes":["wheel checked"]}` {
			f.Errorf("staff see %s, %v", view, err)
		}
	})
}

func TestCloseEndsTheRoomAfterTheRound(t *testing.T) {
	inCasino(t, func(f *casino) {
		bet := f.bet("alice", 100)
		bet.accepted()
		for range 3 { // asking again changes nothing
			f.Close(f.table, "end of shift")
		}
		synctest.Wait()
		if list := f.List(f.tenant); len(list) != 1 || list[0].Status != rooms.Closing || f.journal.Status(f.table) != rooms.Closing {
			f.Errorf("listed: %+v, journal: %s", list, f.journal.Status(f.table))
		}
		f.restart()
		f.Close(f.table, "end of shift")
		f.pass(2 * time.Second)
		if got := f.types(f.table); !slices.Equal(got, []string{"coin.opened", "coin.placed", "coin.closing", "coin.tossed", "room.closed"}) {
			f.Errorf("events: %v", got)
		}
		if list := f.List(f.tenant); len(list) != 0 || f.journal.Status(f.table) != rooms.Closed {
			f.Errorf("listed: %+v, journal: %s", list, f.journal.Status(f.table))
		}
		// Who comes late finds answers and events for a while.
		f.sendTo(f.table, betCommand("alice", bet.id, 100)).accepted()
		f.bet("alice", 1).refused(game.CodeRoomClosed)
		if j, err := f.Join(f.Context(), f.table, "alice", resume(1, 3)); err != nil || len(j.Events) != 2 {
			f.Errorf("joined: %+v, %v", j, err)
		}
		f.pass(3 * time.Minute)
		f.bet("alice", 1).failed(rooms.ErrNotFound)
		if err := f.Open(f.Context(), f.table); err != nil {
			f.Errorf("opening a closed room: %v", err)
		}
		f.bet("alice", 1).failed(rooms.ErrNotFound)
	})
}

func TestBeatTellsTheSeqToWhoListensWhenNothingElseDoes(t *testing.T) {
	inCasino(t, func(f *casino) {
		f.hub.take()
		f.pass(11 * time.Second)
		told := f.hub.take()
		if diff := cmp.Diff([]string{"room.beat 1", "room.beat 1"}, summary(f, told)); diff != "" {
			f.Error(diff)
		}
		if told[0].Key == "" || told[0].Seq != 0 {
			f.Errorf("a beat is state that the next one replaces: %+v", told[0])
		}
		for range 10 {
			f.bet("alice", 1).accepted()
			f.pass(900 * time.Millisecond)
		}
		for _, s := range summary(f, f.hub.take()) {
			if s[:9] == "room.beat" {
				f.Error("a beat though there were events:", s)
			}
		}
		f.hub.mu.Lock()
		f.hub.listening = false
		f.hub.mu.Unlock()
		f.pass(time.Hour)
		if told := f.hub.take(); len(told) > 2 { // the end of the last round
			f.Errorf("%d messages for nobody", len(told))
		}
	})
}

func TestOpenIsOnceAndSaysWhatIsWrong(t *testing.T) {
	inCasino(t, func(f *casino) {
		table := f.room("table-2", `{}`)
		release := f.stallAt(roomstest.BeforeClaim)
		var opens sync.WaitGroup
		for range 5 {
			opens.Go(func() {
				if err := f.Open(f.Context(), table); err != nil {
					f.Error(err)
				}
			})
		}
		synctest.Wait()
		f.sendTo(table, betCommand("alice", uuid.NewString(), 1)).failed(rooms.ErrUnavailable)
		f.bet("alice", 1).accepted() // another room's claim holds nothing up
		release()
		opens.Wait()
		synctest.Wait()
		if a := f.sendTo(table, betCommand("alice", uuid.NewString(), 1)).accepted(); a.Epoch != 1 {
			f.Errorf("claimed %d times", a.Epoch)
		}
		none := rooms.Ref{Tenant: f.tenant, Room: "no-such"}
		if err := f.Open(f.Context(), none); !errors.Is(err, rooms.ErrNotFound) {
			f.Errorf("no room: %v", err)
		}
		f.sendTo(none, betCommand("alice", uuid.NewString(), 1)).failed(rooms.ErrNotFound)
		chess, err := f.journal.OpenRoom(f.tenant, rooms.Config{Room: "chess", Game: "chess"})
		if err != nil {
			f.Fatal(err)
		}
		if err := f.Open(f.Context(), chess); !errors.Is(err, rooms.ErrGame) {
			f.Errorf("no game: %v", err)
		}
		if err := f.Open(f.Context(), f.room("bad", `{"betting_ms":-1}`)); !errors.Is(err, rooms.ErrGame) {
			f.Errorf("bad settings: %v", err)
		}
		var got []string
		for _, info := range f.List(f.tenant) {
			got = append(got, fmt.Sprint(info.Room, " ", info.Status))
		}
		if diff := cmp.Diff([]string{"table-1 open", "table-2 open"}, got); diff != "" {
			f.Error(diff)
		}
	})
}

func TestConfigIsCheckedAndCompleted(t *testing.T) {
	t.Parallel()
	kinds := map[string]game.Kind{"coin": coinKind, "lobby": coinKind}
	c := rooms.Config{Room: "table-1", Game: "coin"}
	if err := rooms.CheckConfig(kinds, &c); err != nil || c.Name != "table-1" || string(c.Settings) != `{}` {
		t.Errorf("%+v, %v", c, err)
	}
	long := make([]byte, 200)
	for i := range long {
		long[i] = 'x'
	}
	for _, c := range []struct {
		rooms.Config
		want error
	}{
		{rooms.Config{Room: "Table 1", Game: "coin"}, rooms.ErrRoomID},
		{rooms.Config{Room: "", Game: "coin"}, rooms.ErrRoomID},
		{rooms.Config{Room: "t", Game: "chess"}, rooms.ErrGame},
		{rooms.Config{Room: "t", Game: "lobby"}, rooms.ErrGame},
	} {
		if err := rooms.CheckConfig(kinds, &c.Config); !errors.Is(err, c.want) {
			t.Errorf("%+v: got %v, want %v", c.Config, err, c.want)
		}
	}
	for _, c := range []rooms.Config{
		{Room: "t", Game: "coin", Name: string(long)},
		{Room: "t", Game: "coin", Settings: json.RawMessage(`{"betting_ms":0}`)},
		{Room: "t", Game: "coin", Settings: json.RawMessage(`[`)},
	} {
		var wrong *rooms.SettingsError
		if err := rooms.CheckConfig(kinds, &c); !errors.As(err, &wrong) || errors.Is(err, rooms.ErrGame) {
			t.Errorf("%+v: got %v, want a SettingsError", c, err)
		}
	}
}
