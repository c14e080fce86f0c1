package journal_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/pitboss-hub/pitboss/rooms/placement"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store/journal"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

func TestAppendIsReadBackByteForByte(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	ref := storetest.Table(t, s, admin)
	storetest.Fund(t, s, ref.Tenant, "alice", 1000)
	j := s.Journal

	saved := storetest.Claim(t, s, ref, "node-1")
	want := rooms.Saved{Config: rooms.Config{Room: ref.Room, Game: "roulette", Name: "Table", Settings: json.RawMessage(`{"min_bet": 100}`)}, Status: rooms.Open, Epoch: 1}
	if diff := cmp.Diff(want, saved); diff != "" {
		t.Fatal(diff)
	}
	seed := game.Seed{1, 2, 3}
	opened := rooms.Entry{Records: []rooms.Record{storetest.Record(1, 1, "round.opened", `{"b":1,  "a":"\u0000 ü"}`)}}
	first := storetest.Bet(1, 2, "alice", 300)
	answers, err := j.Append(t.Context(), ref, rooms.Batch{Epoch: 1, Entries: []rooms.Entry{opened, first}, Commit: seed, Status: rooms.Open})
	if err != nil {
		t.Fatal(err)
	}
	wantAnswers := []rooms.Answer{
		{Epoch: 1, Seq: 1},
		{Epoch: 1, Seq: 2, Balance: 700, BalanceVersion: 2, Balances: []rooms.PlayerBalance{{Player: "alice", Balance: 700, Version: 2}}},
	}
	if diff := cmp.Diff(wantAnswers, answers); diff != "" {
		t.Error(diff)
	}

	saved = storetest.Claim(t, s, ref, "node-2")
	want.Epoch, want.Seq, want.Seed, want.SeedEpoch = 2, 2, seed, 1
	want.Tail = []rooms.Record{opened.Records[0], first.Records[0]}
	if diff := cmp.Diff(want, saved); diff != "" {
		t.Error(diff)
	}
	snapshot := json.RawMessage(`{"results": [1,  2]}`)
	closed := rooms.Entry{
		Records: []rooms.Record{storetest.Record(2, 3, "wheel.spun", `{}`), storetest.Record(2, 4, "room.closed", `{}`)},
		Moves:   []game.Posting{{Kind: game.Payout, Player: "alice", Amount: 600, Ref: "round 1"}},
		Audit:   &rooms.Audit{Actor: "op", Action: "room.close", Target: ref.Room, Before: json.RawMessage(`{"a":  1}`)},
	}
	closed.Records[0].Reveals = true
	answers, err = j.Append(t.Context(), ref, rooms.Batch{Epoch: 2, Seq: 2, Entries: []rooms.Entry{closed}, Snapshot: snapshot, Reveal: true, Status: rooms.Closed})
	if err != nil {
		t.Fatal(err)
	}
	wantAnswers = []rooms.Answer{{Epoch: 2, Seq: 4, Balances: []rooms.PlayerBalance{{Player: "alice", Balance: 1300, Version: 3}}}}
	if diff := cmp.Diff(wantAnswers, answers); diff != "" {
		t.Error(diff)
	}
	saved = storetest.Claim(t, s, ref, "node-3")
	want = rooms.Saved{Config: want.Config, Status: rooms.Closed, Epoch: 3, Seq: 4, Snapshot: snapshot, SnapshotSeq: 4}
	if diff := cmp.Diff(want, saved); diff != "" {
		t.Error(diff)
	}

	since, err := j.Since(t.Context(), ref, 1, 2)
	if diff := cmp.Diff([]rooms.Record{first.Records[0], closed.Records[0]}, since); err != nil || diff != "" {
		t.Error(err, diff)
	}
	bytes := 0
	for _, r := range []rooms.Record{first.Records[0], closed.Records[0]} {
		bytes += len(r.Data)
	}
	round, err := s.Journal.Round(t.Context(), ref, 1, 4, 1<<20)
	if err != nil || len(round.Records) != 4 || round.Game != "roulette" {
		t.Errorf("round of %q: %d events, %v", round.Game, len(round.Records), err)
	}
	for name, most := range map[string][2]int{"events": {3, 1 << 20}, "bytes": {4, bytes}} {
		if round, err = s.Journal.Round(t.Context(), ref, 1, most[0], most[1]); !errors.Is(err, journal.ErrTooLong) || round.Records != nil {
			t.Errorf("too many %s: %d events, %v", name, len(round.Records), err)
		}
	}
	if round, err = s.Journal.Round(t.Context(), ref, 9, 4, 1<<20); err != nil || len(round.Records) != 0 {
		t.Errorf("a round that there was not: %d events, %v", len(round.Records), err)
	}
	if round, err = s.Journal.Round(t.Context(), ref, 1, 4, 1<<20); err != nil || round.Reveal != nil {
		t.Errorf("a round that reveals its seed itself: %+v, %v", round.Reveal, err)
	}
	ghost := tenant.New()
	for name, nowhere := range map[string]rooms.Ref{"room": {Tenant: ref.Tenant, Room: "nowhere"}, "tenant": {Tenant: ghost, Room: ref.Room}} {
		if _, err = s.Journal.Round(t.Context(), nowhere, 1, 4, 1<<20); !errors.Is(err, rooms.ErrNotFound) {
			t.Errorf("no such %s: %v", name, err)
		}
	}
	lines, err := storetest.LastLines(t.Context(), s, ref.Tenant, 1)
	if diff := cmp.Diff(*closed.Audit, lines[0].Audit); err != nil || diff != "" {
		t.Error(err, diff)
	}
	storetest.Sound(t, s, ref.Tenant)
}

func TestConflictNamesEveryEntryThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	ref := storetest.Table(t, s, admin)
	other := rooms.Ref{Tenant: ref.Tenant, Room: "table-2"}
	storetest.OpenRoom(t, s, other)
	storetest.Fund(t, s, ref.Tenant, "alice", 1000)
	storetest.Fund(t, s, ref.Tenant, "bob", 100)
	storetest.Claim(t, s, ref, "n")
	storetest.Claim(t, s, other, "n")
	j := s.Journal

	answered := storetest.Bet(1, 1, "alice", 100)
	first, err := j.Append(t.Context(), ref, rooms.Batch{Epoch: 1, Entries: []rooms.Entry{answered}})
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := storetest.Bet(1, 1, "alice", 100)
	if _, err := j.Append(t.Context(), other, rooms.Batch{Epoch: 1, Entries: []rooms.Entry{elsewhere}}); err != nil {
		t.Fatal(err)
	}
	again, reused := storetest.Bet(1, 2, "alice", 100), storetest.Bet(1, 3, "alice", 100)
	again.Command, reused.Command = answered.Command, elsewhere.Command
	batch := rooms.Batch{Epoch: 1, Seq: 1, Entries: []rooms.Entry{
		again,                             // 0: answered
		reused,                            // 1: reused
		storetest.Bet(1, 4, "bob", 101),   // 2: unfunded
		storetest.Bet(1, 5, "bob", 100),   // 3: fine, since the one before has no effect
		storetest.Bet(1, 6, "bob", 1),     // 4: unfunded, since the one before has
		storetest.Bet(1, 7, "nobody", 1),  // 5: unfunded: never had any money
		storetest.Bet(1, 8, "alice", 800), // 6: fine
		storetest.Bet(1, 9, "alice", 1),   // 7: unfunded
		{Records: []rooms.Record{storetest.Record(1, 10, "x", `{}`)}, Moves: []game.Posting{{Kind: game.Payout, Player: "carol", Amount: 5}}},
	}}
	before := storetest.Sound(t, s, ref.Tenant)
	_, err = j.Append(t.Context(), ref, batch)
	var conflict *rooms.Conflict
	if !errors.As(err, &conflict) {
		t.Fatalf("got %v, want a conflict", err)
	}
	first[0].Balances = nil // not kept
	want := &rooms.Conflict{
		Answered: map[int]rooms.Answer{0: first[0]},
		Reused:   map[int]bool{1: true},
		Unfunded: map[int]bool{2: true, 4: true, 5: true, 7: true},
	}
	if diff := cmp.Diff(want, conflict); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(before, storetest.Sound(t, s, ref.Tenant)); diff != "" {
		t.Errorf("a conflict moved money: %s", diff)
	}
	if saved := storetest.Claim(t, s, ref, "n"); saved.Seq != 1 || len(saved.Tail) != 1 {
		t.Errorf("a conflict wrote events: %+v", saved)
	}
}

func TestRefusalIsAnsweredForGood(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	ref := storetest.Table(t, s, admin)
	storetest.Claim(t, s, ref, "n")
	e := rooms.Entry{Command: &rooms.CommandKey{Player: "alice", ID: uuid.NewString()}, Refusal: game.Refuse(game.CodeBettingClosed, "too late")}
	got, err := s.Journal.Append(t.Context(), ref, rooms.Batch{Epoch: 1, Entries: []rooms.Entry{e}})
	if err != nil {
		t.Fatal(err)
	}
	want := rooms.Answer{Epoch: 1, Refusal: e.Refusal}
	if diff := cmp.Diff([]rooms.Answer{want}, got); diff != "" {
		t.Error(diff)
	}
	_, err = s.Journal.Append(t.Context(), ref, rooms.Batch{Epoch: 1, Entries: []rooms.Entry{e}})
	var conflict *rooms.Conflict
	if !errors.As(err, &conflict) {
		t.Fatalf("got %v", err)
	}
	if diff := cmp.Diff(map[int]rooms.Answer{0: want}, conflict.Answered); diff != "" {
		t.Error(diff)
	}
}

func TestFormerOwnerIsFenced(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	ref := storetest.Table(t, s, admin)
	storetest.Fund(t, s, ref.Tenant, "alice", 1000)
	storetest.Claim(t, s, ref, "old")
	storetest.Claim(t, s, ref, "new")
	j := s.Journal
	for name, b := range map[string]rooms.Batch{
		"epoch":   {Epoch: 1, Entries: []rooms.Entry{storetest.Bet(1, 1, "alice", 100)}},
		"seq":     {Epoch: 2, Seq: 7, Entries: []rooms.Entry{storetest.Bet(2, 8, "alice", 100)}},
		"nothing": {Epoch: 1},
	} {
		if _, err := j.Append(t.Context(), ref, b); !errors.Is(err, rooms.ErrFenced) {
			t.Errorf("%s: got %v, want ErrFenced", name, err)
		}
	}
	if got := storetest.Balance(t, s, ref.Tenant, "alice"); got != 1000 {
		t.Errorf("alice has %d", got)
	}
	if _, err := j.Claim(t.Context(), rooms.Ref{Tenant: ref.Tenant, Room: "no-such"}, "n", rooms.AnyEpoch); !errors.Is(err, rooms.ErrNotFound) {
		t.Errorf("Claim of no room: %v", err)
	}
}

func TestMalformedBatchWritesNothing(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	ref := storetest.Table(t, s, admin)
	storetest.Fund(t, s, ref.Tenant, "alice", 1000)
	storetest.Claim(t, s, ref, "n")
	broken := func(f func(*rooms.Entry)) []rooms.Entry {
		e := storetest.Bet(1, 1, "alice", 100)
		f(&e)
		return []rooms.Entry{e}
	}
	twice := storetest.Bet(1, 2, "alice", 1)
	one := storetest.Bet(1, 1, "alice", 1)
	twice.Command = one.Command
	for name, entries := range map[string][]rooms.Entry{
		"gap":             broken(func(e *rooms.Entry) { e.Records[0].Seq = 2 }),
		"epoch":           broken(func(e *rooms.Entry) { e.Records[0].Epoch = 2 }),
		"negative amount": broken(func(e *rooms.Entry) { e.Moves[0].Amount = -1 }),
		"unknown kind":    broken(func(e *rooms.Entry) { e.Moves[0].Kind = "gift" }),
		"no UUID":         broken(func(e *rooms.Entry) { e.Command.ID = "x" }),
		"broken JSON":     broken(func(e *rooms.Entry) { e.Records[0].Data = json.RawMessage(`{`) }),
		"command twice":   {one, twice},
	} {
		_, err := s.Journal.Append(t.Context(), ref, rooms.Batch{Epoch: 1, Entries: entries})
		if err == nil || errors.Is(err, rooms.ErrFenced) || errors.As(err, new(*rooms.Conflict)) {
			t.Errorf("%s: got %v, want a plain error", name, err)
		}
	}
	if saved := storetest.Claim(t, s, ref, "n"); saved.Seq != 0 {
		t.Errorf("something was written: %+v", saved)
	}
	if got := storetest.Balance(t, s, ref.Tenant, "alice"); got != 1000 {
		t.Errorf("alice has %d", got)
	}
}

func TestSameCommandInTwoRoomsAtOnceHasOneEffect(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	a := storetest.Table(t, s, admin)
	b := rooms.Ref{Tenant: a.Tenant, Room: "table-2"}
	storetest.OpenRoom(t, s, b)
	storetest.Fund(t, s, a.Tenant, "alice", 1_000_000)
	storetest.Claim(t, s, a, "n")
	storetest.Claim(t, s, b, "n")
	refs := []rooms.Ref{a, b}
	seqs := []int64{0, 0}
	for range 30 {
		id := uuid.NewString()
		errs := make(chan error, 2)
		for i, ref := range refs {
			go func() { // ends with the sends below
				e := storetest.Bet(1, seqs[i]+1, "alice", 100)
				e.Command.ID = id
				_, err := journal.New(s.DB, s.Box).Append(t.Context(), ref, rooms.Batch{Epoch: 1, Seq: seqs[i], Entries: []rooms.Entry{e}})
				if err == nil {
					seqs[i]++
				}
				errs <- err
			}()
		}
		won := 0
		for range refs {
			err := <-errs
			var conflict *rooms.Conflict
			switch {
			case err == nil:
				won++
			case !errors.As(err, &conflict) || !conflict.Reused[0]:
				t.Fatalf("the loser got %v", err)
			}
		}
		if won != 1 {
			t.Fatalf("%d rooms took the command", won)
		}
	}
	if got := storetest.Balance(t, s, a.Tenant, "alice"); got != 1_000_000-30*100 {
		t.Errorf("alice has %d", got)
	}
	storetest.Sound(t, s, a.Tenant)
}

func TestNothingThatComesLateTakesAClosingBack(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	ref := storetest.Table(t, s, admin)
	storetest.Claim(t, s, ref, "node-1")
	says := func(want rooms.Status, node string, epoch int64) {
		t.Helper()
		var got placement.Assignment
		err := storetest.Owner(t, admin).QueryRow(t.Context(), `select state, node, epoch from platform.room where tenant = $1 and room = $2`, ref.Tenant.String(), ref.Room).
			Scan((*string)(&got.Status), &got.Node, &got.Epoch)
		if err != nil || got.Status != want || got.Node != node || got.Epoch != epoch {
			t.Errorf("the index says %+v, %v; want %s, %s, %d", got, err, want, node, epoch)
		}
	}
	if err := s.Rooms.Close(t.Context(), ref, "op", "broken wheel", rooms.Origin{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Journal.LateClaim(t.Context(), ref, rooms.Open, "node-2", 2); err != nil {
		t.Fatal(err)
	}
	says(rooms.Closing, "node-2", 2)
	for _, wrote := range []rooms.Status{rooms.Closed, rooms.Closing} {
		if err := s.Journal.LateAppend(t.Context(), ref, wrote); err != nil {
			t.Fatal(err)
		}
		says(rooms.Closed, "node-2", 2)
	}
	if err := s.Journal.LateClaim(t.Context(), ref, rooms.Closing, "node-3", 3); err != nil {
		t.Fatal(err)
	}
	says(rooms.Closed, "node-3", 3)
}

func TestCloseRoomReachesTheOwnerAndStays(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	ref := storetest.Table(t, s, admin)
	storetest.Claim(t, s, ref, "node-1")
	live := func() (found placement.Assignment, all int) {
		t.Helper()
		floor, err := s.Leases.Assignments(t.Context(), placement.Mark{})
		if err != nil {
			t.Fatal(err)
		}
		list := floor.Assignments
		for _, r := range list {
			if r.Ref == ref {
				found = r
			}
		}
		return found, len(list)
	}
	want := placement.Assignment{Ref: ref, Status: rooms.Open, Node: "node-1", Epoch: 1}
	if got, all := live(); got != want || all != 2 { // and the lobby
		t.Fatalf("the index says %+v of %d", got, all)
	}
	for range 2 { // asking twice is the same as once
		if err := s.Rooms.Close(t.Context(), ref, "op", "broken wheel", rooms.Origin{Address: "10.0.0.1"}); err != nil {
			t.Fatal(err)
		}
	}
	want.Status, want.Reason = rooms.Closing, "broken wheel"
	if got, _ := live(); got != want {
		t.Errorf("the index says %+v", got)
	}
	// The owner, who has not heard of it, writes on: the room stays told.
	e := rooms.Entry{Records: []rooms.Record{storetest.Record(1, 1, "x", `{}`)}}
	if _, err := s.Journal.Append(t.Context(), ref, rooms.Batch{Epoch: 1, Entries: []rooms.Entry{e}, Status: rooms.Open}); err != nil {
		t.Fatal(err)
	}
	if r, err := s.Rooms.Get(t.Context(), ref); err != nil || r.Status != rooms.Closing || r.Seq != 1 {
		t.Errorf("the room is %+v, %v", r, err)
	}
	e = rooms.Entry{Records: []rooms.Record{storetest.Record(1, 2, game.TypeClosed, `{}`)}}
	if _, err := s.Journal.Append(t.Context(), ref, rooms.Batch{Epoch: 1, Seq: 1, Entries: []rooms.Entry{e}, Status: rooms.Closed}); err != nil {
		t.Fatal(err)
	}
	if got, all := live(); all != 1 {
		t.Errorf("the index says %+v of %d", got, all)
	}
	if err := s.Rooms.Close(t.Context(), ref, "op", "again", rooms.Origin{}); err != nil {
		t.Error(err)
	}
	if got, all := live(); all != 1 {
		t.Errorf("after closing a closed room the index says %+v", got)
	}
	lines, err := storetest.LastLines(t.Context(), s, ref.Tenant, 1)
	if err != nil || lines[0].Action != "room.close" || lines[0].Reason != "broken wheel" || lines[0].Address != "10.0.0.1" {
		t.Errorf("audit: %+v, %v", lines, err)
	}
	c := rooms.Config{Room: ref.Room, Game: "roulette", Name: "Again"}
	if err := s.Rooms.Open(t.Context(), ref.Tenant, c, "op", rooms.Origin{}); !errors.Is(err, rooms.ErrExists) {
		t.Errorf("opening a room of a used id: %v", err)
	}
	c.Room = "Not An ID"
	if err := s.Rooms.Open(t.Context(), ref.Tenant, c, "op", rooms.Origin{}); !errors.Is(err, rooms.ErrRoomID) {
		t.Errorf("opening a room of no id: %v", err)
	}
	if err := s.Rooms.Close(t.Context(), rooms.Ref{Tenant: ref.Tenant, Room: "no-such"}, "op", "x", rooms.Origin{}); !errors.Is(err, rooms.ErrNotFound) {
		t.Errorf("closing no room: %v", err)
	}
}

func TestARoundComesWithTheEventOfALaterOneThatRevealsASeed(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	ref := storetest.Table(t, s, admin)
	saved := storetest.Claim(t, s, ref, "node-1")
	var records []rooms.Record
	add := func(round int64, typ string, reveals bool) {
		r := storetest.Record(saved.Epoch, int64(len(records))+1, typ, `{}`)
		r.Round, r.Reveals = round, reveals
		records = append(records, r)
	}
	add(1, "round.opened", false)
	add(1, "round.settled", false)
	add(2, "round.opened", false)
	add(2, "seed.revealed", true)
	add(3, "round.opened", false)
	add(3, "seed.revealed", true)
	add(4, "round.opened", false)
	_, err := s.Journal.Append(t.Context(), ref, rooms.Batch{Epoch: saved.Epoch, Entries: []rooms.Entry{{Records: records}}, Status: rooms.Open})
	if err != nil {
		t.Fatal(err)
	}
	for round, want := range map[int64]*rooms.Record{1: &records[3], 2: nil, 3: nil, 4: nil} {
		got, err := s.Journal.Round(t.Context(), ref, round, 10, 1<<20)
		if diff := cmp.Diff(want, got.Reveal); err != nil || diff != "" {
			t.Errorf("round %d: %v\n%s", round, err, diff)
		}
	}
}
