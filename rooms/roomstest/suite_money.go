package roomstest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

func commandIsAnsweredOnce(t *testing.T, f Fixture) {
	f.Fund(t, "alice", 100)
	w := own(t, f, f.Room(t, "table-1"))
	one := bet("alice", 30)
	first := w.must(t, w.batch(one))[0]
	w.must(t, w.batch(event("between"), bet("alice", 20)))
	w.epoch = claim(t, f, w.ref).Epoch // also after the owner has changed
	first.Balances = nil               // not kept
	again := bet("alice", 99)          // the id counts, not what is in it
	again.Command = &rooms.CommandKey{Player: "alice", ID: strings.ToUpper(one.Command.ID)}
	c := w.conflict(t, w.batch(event("x"), again))
	if diff := cmp.Diff(&rooms.Conflict{
		Answered: map[int]rooms.Answer{1: first}, Reused: map[int]bool{}, Unfunded: map[int]bool{},
	}, c); diff != "" {
		t.Error(diff)
	}
	if first.Balance != 70 || first.Seq != 1 {
		t.Errorf("the answer was %+v", first)
	}
	f.wants(t, map[game.PlayerID]game.Money{"alice": 50})
}

func refusalIsAnsweredOnce(t *testing.T, f Fixture) {
	f.Fund(t, "alice", 100)
	w := own(t, f, f.Room(t, "table-1"))
	no := rooms.Entry{Refusal: game.Refuse(game.CodeBettingClosed, "Too late.")}
	id := uuid.NewString()
	got := w.must(t, w.batch(event("one"), of(no, "alice", id), event("two")))
	if got[1].Refusal == nil || got[1].Seq != 1 || got[1].Balance != 100 || got[2].Seq != 2 {
		t.Errorf("answers: %+v", got)
	}
	c := w.conflict(t, w.batch(moving(of(event("bet.placed"), "alice", id), game.Stake, "alice", 10)))
	if diff := cmp.Diff(map[int]rooms.Answer{0: got[1]}, c.Answered); diff != "" {
		t.Error(diff)
	}
	nobody := w.must(t, w.batch(of(no, "nobody", uuid.NewString())))
	if nobody[0].Balance != 0 || nobody[0].BalanceVersion != 0 {
		t.Errorf("the answer to a player without an account: %+v", nobody[0])
	}
	f.wants(t, map[game.PlayerID]game.Money{"alice": 100})
}

func refusalEndsAndAnAcceptedCommandDoesNot(t *testing.T, f Fixture) {
	f.Fund(t, "alice", 100)
	w := own(t, f, f.Room(t, "table-1"))
	yes, no := bet("alice", 30), of(rooms.Entry{Refusal: game.Refuse(game.CodeBettingClosed, "Too late.")}, "alice", uuid.NewString())
	w.must(t, w.batch(yes, no))
	late := bet("alice", 10)
	late.Command.ID = no.Command.ID
	if c := w.conflict(t, w.batch(yes, late)); c.Answered[0].Refusal != nil || c.Answered[0].Seq != 1 || c.Answered[1].Refusal == nil {
		t.Errorf("at once: %+v", c)
	}
	f.ForgetRefusals(t)
	if c := w.conflict(t, w.batch(yes, late)); len(c.Answered) != 1 || c.Answered[0].Balance != 70 {
		t.Errorf("after a refusal's life: %+v", c)
	}
	w.must(t, w.batch(late)) // its id is free, and now it is taken
	c := w.conflict(t, w.batch(no))
	if a := c.Answered[0]; a.Refusal != nil || a.Balance != 60 {
		t.Errorf("refused after it was accepted: %+v", c)
	}
	f.wants(t, map[game.PlayerID]game.Money{"alice": 60})
}

// commandIDBelongsToOneBody sends other commands under the ids of one that was accepted and one
// that was refused, each as if it would be accepted and as if it would be refused.
func commandIDBelongsToOneBody(t *testing.T, f Fixture) {
	f.Fund(t, "alice", 100)
	w := own(t, f, f.Room(t, "table-1"))
	refuse := func(id string, digest int64) rooms.Entry {
		e := of(rooms.Entry{Refusal: game.Refuse(game.CodeLimitReached, "No.")}, "alice", id)
		e.Digest = digest
		return e
	}
	accept := func(id string, digest int64) rooms.Entry {
		e := bet("alice", 10)
		e.Command.ID, e.Digest = id, digest
		return e
	}
	yes, no, old := uuid.NewString(), uuid.NewString(), uuid.NewString()
	w.must(t, w.batch(accept(yes, 7), refuse(no, -7), accept(old, 0)))
	for _, again := range []func(string, int64) rooms.Entry{accept, refuse} {
		for _, c := range []struct {
			id       string
			digest   int64
			answered bool
		}{{yes, 7, true}, {yes, 8, false}, {yes, 0, true}, {no, -7, true}, {no, 7, false}, {no, 0, true}, {old, 9, true}} {
			conflict := w.conflict(t, w.batch(event("x"), again(c.id, c.digest)))
			if _, answered := conflict.Answered[1]; answered != c.answered || conflict.Reused[1] == c.answered {
				t.Errorf("%s with digest %d: %+v", c.id, c.digest, conflict)
			}
		}
	}
	f.wants(t, map[game.PlayerID]game.Money{"alice": 80})
}

// commandIDBelongsToOneAnswer refuses what was accepted and accepts what was refused, in the same
// room and in another one.
func commandIDBelongsToOneAnswer(t *testing.T, f Fixture) {
	f.Fund(t, "alice", 100)
	here, there := own(t, f, f.Room(t, "table-1")), own(t, f, f.Room(t, "table-2"))
	refuse := func(e rooms.Entry) rooms.Entry {
		return of(rooms.Entry{Refusal: game.Refuse(game.CodeBettingClosed, "Too late.")}, "alice", e.Command.ID)
	}
	yes, no := bet("alice", 10), bet("alice", 20)
	first := here.must(t, here.batch(yes, refuse(no)))
	first[0].Balances = nil
	c := here.conflict(t, here.batch(refuse(yes), no))
	if diff := cmp.Diff(map[int]rooms.Answer{0: first[0], 1: first[1]}, c.Answered); diff != "" {
		t.Error(diff)
	}
	c = there.conflict(t, there.batch(refuse(yes), no, event("x")))
	if diff := cmp.Diff(map[int]bool{0: true, 1: true}, c.Reused); diff != "" || len(c.Answered) > 0 {
		t.Error(diff, c)
	}
	f.wants(t, map[game.PlayerID]game.Money{"alice": 90})
}

func commandIDBelongsToOneRoomAndPlayer(t *testing.T, f Fixture) {
	f.Fund(t, "alice", 100)
	f.Fund(t, "bob", 100)
	here, there := own(t, f, f.Room(t, "table-1")), own(t, f, f.Room(t, "table-2"))
	one := bet("alice", 30)
	here.must(t, here.batch(one))
	c := there.conflict(t, there.batch(one))
	if diff := cmp.Diff(&rooms.Conflict{
		Answered: map[int]rooms.Answer{}, Reused: map[int]bool{0: true}, Unfunded: map[int]bool{},
	}, c); diff != "" {
		t.Error(diff)
	}
	bobs := bet("bob", 10)
	bobs.Command.ID = one.Command.ID // another player's ids are other ids
	there.must(t, there.batch(bobs))
	f.wants(t, map[game.PlayerID]game.Money{"alice": 70, "bob": 90})
}

func oneOfConcurrentDuplicatesIsWritten(t *testing.T, f Fixture) {
	f.Fund(t, "alice", 1000)
	tables := []*writer{own(t, f, f.Room(t, "table-1")), own(t, f, f.Room(t, "table-2")), own(t, f, f.Room(t, "table-3"))}
	for range 10 {
		one := bet("alice", 10)
		errs := make(chan error, len(tables))
		for _, w := range tables {
			go func() { // ends with its send
				_, err := w.append(t, w.batch(one))
				errs <- err
			}()
		}
		written := 0
		for range tables {
			err := <-errs
			var c *rooms.Conflict
			switch {
			case err == nil:
				written++
			case !errors.As(err, &c) || !c.Reused[0]:
				t.Errorf("got %v, want Reused", err)
			}
		}
		if written != 1 {
			t.Fatalf("written in %d rooms", written)
		}
	}
	f.wants(t, map[game.PlayerID]game.Money{"alice": 900})
}

func conflictNamesAllAndWritesNothing(t *testing.T, f Fixture) {
	f.Fund(t, "alice", 1000)
	f.Fund(t, "bob", 100)
	w, there := own(t, f, f.Room(t, "table-1")), own(t, f, f.Room(t, "table-2"))
	seen, elsewhere := bet("alice", 100), bet("alice", 100)
	first := w.must(t, w.batch(seen))[0]
	there.must(t, there.batch(elsewhere))
	b := w.batch(
		seen,              // 0: answered before; has no effect
		elsewhere,         // 1: another room's
		bet("bob", 101),   // 2: too much; has no effect
		bet("bob", 100),   // 3: fine, since 2 had no effect
		bet("bob", 1),     // 4: nothing is left
		bet("nobody", 1),  // 5: never had anything
		bet("alice", 800), // 6: fine, since 0 and 1 had no effect
		moving(event("paid"), game.Payout, "bob", 5), // 7: fine
		bet("bob", 5), // 8: fine after 7
		moving(bet("alice", 1), game.Stake, "bob", 1), // 9: bob cannot; alice's part is not done
		bet("alice", 1), // 10: nothing is left
	)
	b.Commit, b.Snapshot, b.Status = game.Seed{9}, json.RawMessage(`{}`), rooms.Closing
	first.Balances = nil
	c := w.conflict(t, b)
	if diff := cmp.Diff(&rooms.Conflict{
		Answered: map[int]rooms.Answer{0: first},
		Reused:   map[int]bool{1: true},
		Unfunded: map[int]bool{2: true, 4: true, 5: true, 9: true, 10: true},
	}, c); diff != "" {
		t.Error(diff)
	}
	f.wants(t, map[game.PlayerID]game.Money{"alice": 800, "bob": 100, "nobody": 0})
	if s := claim(t, f, w.ref); s.Seq != 1 || !s.Seed.IsZero() || s.Snapshot != nil || s.Status != rooms.Open {
		t.Errorf("a conflict left something: %+v", s)
	}
}

func answersHaveTheBalanceAfterEachEntry(t *testing.T, f Fixture) {
	f.Fund(t, "alice", 100)
	f.Fund(t, "bob", 50)
	w := own(t, f, f.Room(t, "table-1"))
	won := moving(moving(event("round.settled"), game.Payout, "bob", 25), game.Payout, "alice", 7)
	got := w.must(t, w.batch(bet("alice", 10), bet("alice", 20), won, moving(event("bet.removed"), game.Refund, "alice", 3)))
	balances := map[game.PlayerID]game.Money{"alice": 100, "bob": 50}
	versions := map[game.PlayerID]int64{}
	for i, want := range [][]rooms.PlayerBalance{
		{{Player: "alice", Balance: 90}}, {{Player: "alice", Balance: 70}},
		{{Player: "bob", Balance: 75}, {Player: "alice", Balance: 77}}, {{Player: "alice", Balance: 80}},
	} {
		if len(got[i].Balances) != len(want) {
			t.Fatalf("entry %d: %+v, want %+v", i, got[i].Balances, want)
		}
		for k, b := range got[i].Balances {
			if b.Player != want[k].Player || b.Balance != want[k].Balance {
				t.Errorf("entry %d: %+v, want %+v", i, b, want[k])
			}
			if b.Version <= versions[b.Player] {
				t.Errorf("entry %d: version %d after %d", i, b.Version, versions[b.Player])
			}
			balances[b.Player], versions[b.Player] = b.Balance, b.Version
		}
	}
	if got[1].Balance != 70 || got[1].BalanceVersion != got[1].Balances[0].Version || got[2].Balance != 0 {
		t.Errorf("the commands' own balances: %+v", got)
	}
	f.wants(t, balances)
}

func auditIsWrittenWithItsBatchOnly(t *testing.T, f Fixture) {
	f.Fund(t, "alice", 10)
	w := own(t, f, f.Room(t, "table-1"))
	line := func(what string) rooms.Entry {
		e := of(event("promotion.published"), "op", uuid.NewString())
		e.Audit = &rooms.Audit{
			Actor: "op", Action: "roomstest." + what, Target: "promo-1", Reason: "because", After: json.RawMessage(`{"title":"ü"}`),
			Origin: rooms.Origin{Address: "127.0.0.1", Credential: "token:t-1", Request: "r-1"},
		}
		return e
	}
	_ = w.conflict(t, w.batch(line("conflict"), bet("alice", 11)))
	fenced := w.batch(line("fenced"))
	fenced.Epoch, fenced.Entries[0].Records[0].Epoch = fenced.Epoch+1, fenced.Epoch+1
	if _, err := w.append(t, fenced); !errors.Is(err, rooms.ErrFenced) {
		t.Errorf("got %v, want ErrFenced", err)
	}
	written := w.batch(line("written"), event("x"), line("too"))
	w.must(t, written)
	var got []rooms.Audit
	for _, a := range f.Audits(t) {
		if strings.HasPrefix(a.Action, "roomstest.") {
			got = append(got, a)
		}
	}
	if diff := cmp.Diff([]rooms.Audit{*written.Entries[0].Audit, *written.Entries[2].Audit}, got); diff != "" {
		t.Error(diff)
	}
}

// moneyIsConserved plays random batches at two tables and keeps books of its own.
func moneyIsConserved(t *testing.T, f Fixture) {
	chance := Random(t)
	tables := []*writer{own(t, f, f.Room(t, "table-1")), own(t, f, f.Room(t, "table-2"))}
	want := map[game.PlayerID]game.Money{}
	var players []game.PlayerID
	for i := range 5 {
		who := game.PlayerID(fmt.Sprint("p", i))
		want[who] = game.Money(chance.IntN(300) + 1)
		f.Fund(t, who, want[who])
		players = append(players, who)
	}
	for range 40 {
		w := tables[chance.IntN(2)]
		var entries []rooms.Entry
		for range 1 + chance.IntN(6) {
			who, amount := players[chance.IntN(len(players))], game.Money(chance.IntN(120)+1)
			switch chance.IntN(4) {
			case 0:
				entries = append(entries, moving(event("round.settled"), game.Payout, who, amount))
			case 1:
				entries = append(entries, moving(event("bet.removed"), game.Refund, who, amount))
			default:
				entries = append(entries, bet(who, amount))
			}
		}
		for len(entries) > 0 {
			answers, err := w.append(t, w.batch(entries...))
			var c *rooms.Conflict
			if errors.As(err, &c) {
				var rest []rooms.Entry
				for i, e := range entries {
					if !c.Unfunded[i] {
						rest = append(rest, e)
					}
				}
				if len(rest) == len(entries) {
					t.Fatalf("a conflict that names nothing: %v", c)
				}
				entries = rest
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			for i, e := range entries {
				m := e.Moves[0]
				if m.Kind == game.Stake {
					m.Amount = -m.Amount
				}
				want[m.Player] += m.Amount
				if got := answers[i].Balances[0].Balance; got != want[m.Player] || got < 0 {
					t.Fatalf("%s has %d, the books say %d", m.Player, got, want[m.Player])
				}
			}
			break
		}
	}
	f.wants(t, want)
}
