package journal_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/journal"
	"github.com/pitboss-hub/pitboss/store/list"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

func TestCreditHasOneEffectForOneCommand(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	id := storetest.Tenant(t, admin)
	c := journal.Credit{Player: "alice", Amount: 1000, Currency: "EUR", Exponent: 2, Reason: "deposit", Actor: "op", Origin: rooms.Origin{Address: "10.0.0.1"}, CommandID: uuid.NewString()}
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			if b, v, err := s.Ledger.Credit(t.Context(), id, c); err != nil || b != 1000 || v != 1 {
				t.Errorf("balance %d, version %d, %v", b, v, err)
			}
		})
	}
	wg.Wait()
	lines, err := storetest.LastLines(t.Context(), s, id, 10)
	if err != nil || len(lines) != 2 || lines[0].Action != "player.credit" || lines[0].Target != "alice" ||
		string(lines[0].Before) != `{"balance":0}` || string(lines[0].After) != `{"amount":1000,"balance":1000}` {
		t.Errorf("audit: %+v, %v", lines, err)
	}
	storetest.Sound(t, s, id)

	for name, edit := range map[string]func(*journal.Credit){
		"another player": func(c *journal.Credit) { c.Player = "bob" },
		"another amount": func(c *journal.Credit) { c.Amount = 999 },
		"the other way":  func(c *journal.Credit) { c.Amount = -1000 },
	} {
		other := c
		edit(&other)
		if _, _, err := s.Ledger.Credit(t.Context(), id, other); !errors.Is(err, journal.ErrCommandReused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCreditNeverTakesMoreThanThereIs(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	id := storetest.Tenant(t, admin)
	storetest.Fund(t, s, id, "alice", 1000)
	credit := func(who game.PlayerID, amount game.Money) error {
		_, _, err := s.Ledger.Credit(t.Context(), id, journal.Credit{Player: who, Amount: amount, Currency: "EUR", Exponent: 2, Reason: "r", Actor: "op", CommandID: uuid.NewString()})
		return err
	}
	for name, c := range map[string]struct {
		err  error
		want error
	}{
		"more than there is":  {credit("alice", -1001), journal.ErrInsufficientFunds},
		"of nobody":           {credit("nobody", -1), journal.ErrInsufficientFunds},
		"nothing":             {credit("alice", 0), journal.ErrAmount},
		"more than the limit": {credit("alice", journal.MaxAmount+1), journal.ErrAmount},
		"less than the limit": {credit("alice", -journal.MaxAmount-1), journal.ErrAmount},
		"no player":           {credit("", 1), db.ErrInvalid},
		"all of it":           {credit("alice", -1000), nil},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: got %v, want %v", name, c.err, c.want)
		}
	}
	if got := storetest.Balance(t, s, id, "alice"); got != 0 {
		t.Errorf("alice has %d", got)
	}
	players, err := storetest.Players(t.Context(), s, id)
	if err != nil || len(players) != 1 || players[0].Player != "alice" || players[0].Version != 2 {
		t.Errorf("players: %+v, %v", players, err)
	}
	storetest.Sound(t, s, id)
}

// TestAListHasEachRowOnceInItsOrderWhateverComesInBetween reads lists of every order and some conditions in pages of all
// sizes, while players come.
func TestAListHasEachRowOnceInItsOrderWhateverComesInBetween(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	id := storetest.Tenant(t, admin)
	for i := range 9 {
		storetest.Fund(t, s, id, game.PlayerID(fmt.Sprintf("p%d", i)), game.Money(1+i/2)) // some have the same
	}
	came := 0
	read := func(params map[string][]string, order string, size int) (names []string) {
		t.Helper()
		for cursor, pages := "", 0; pages == 0 || cursor != ""; pages++ {
			q, err := journal.Players.Parse(list.Asked{Where: params, Sort: order, Cursor: cursor, Limit: size})
			if err != nil {
				t.Fatal(err)
			}
			var page []journal.Player
			if page, cursor, err = s.Ledger.ListPlayers(t.Context(), id, q); err != nil {
				t.Fatal(err)
			}
			if len(page) > size {
				t.Errorf("a page of %d rows, where %d were asked for", len(page), size)
			}
			for _, p := range page {
				if p.Player[0] == 'p' {
					names = append(names, string(p.Player))
				}
			}
			if pages >= 3 {
				continue
			}
			came++ // before and behind what was read
			storetest.Fund(t, s, id, game.PlayerID(fmt.Sprintf("a%d", came)), 3)
			storetest.Fund(t, s, id, game.PlayerID(fmt.Sprintf("z%d", came)), 3)
		}
		return names
	}
	for _, c := range []struct {
		params map[string][]string
		order  string
		want   string
	}{
		{nil, "", "[p0 p1 p2 p3 p4 p5 p6 p7 p8]"},
		{nil, "-player", "[p8 p7 p6 p5 p4 p3 p2 p1 p0]"},
		{nil, "balance", "[p0 p1 p2 p3 p4 p5 p6 p7 p8]"},
		{nil, "-balance", "[p8 p7 p6 p5 p4 p3 p2 p1 p0]"},
		{nil, "created_at", "[p0 p1 p2 p3 p4 p5 p6 p7 p8]"},
		{map[string][]string{"balance.gte": {"2"}, "balance.lt": {"4"}}, "-balance", "[p5 p4 p3 p2]"},
		{map[string][]string{"player.in": {"p1,p7,nobody"}}, "", "[p1 p7]"},
		{map[string][]string{"player.prefix": {"p"}, "balance": {"3"}}, "", "[p4 p5]"},
		{map[string][]string{"player": {"p' or true --"}}, "", "[]"},
	} {
		for _, size := range []int{1, 2, 3, 100} {
			if got := fmt.Sprint(read(c.params, c.order, size)); got != c.want {
				t.Errorf("%v by %q in pages of %d: %s, want %s", c.params, c.order, size, got, c.want)
			}
		}
	}
}

func TestTrialBalanceFindsWhatDoesNotAddUp(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]string{
		"a balance without a transfer":   `update account set balance = balance + 1 where owner = 'alice'`,
		"two balances that cancel out":   `update account set balance = balance + case kind when 'house' then -1 else 1 end`,
		"a transfer without a balance":   `insert into transfer (debit, credit, amount, kind, ref, player, at) select a.id, b.id, 5, 'stake', '', '', now() from account a, account b where a.id < b.id`,
		"a transfer of no known account": `insert into transfer (debit, credit, amount, kind, ref, player, at) values (98, 99, 5, 'stake', '', '', now())`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, admin := storetest.New(t)
			id := storetest.Tenant(t, admin)
			storetest.Fund(t, s, id, "alice", 1000)
			storetest.Sound(t, s, id)
			if err := storetest.Exec(t, s, id, damage); err != nil {
				t.Fatal(err)
			}
			if got, err := s.Ledger.TrialBalance(t.Context(), id); err != nil || got.OK {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	s, admin := storetest.New(t)
	id := storetest.Tenant(t, admin)
	storetest.Fund(t, s, id, "alice", 1)
	if err := storetest.Exec(t, s, id, `update account set balance = -1 where owner = 'alice'`); storetest.State(err) != "23514" {
		t.Errorf("a balance below zero: %v", err)
	}
}

// TestLedgerAddsUpWhateverIsWritten lets two owners of the same two rooms compete with random
// batches, while an operator credits and takes back, and keeps its own books.
func TestLedgerAddsUpWhateverIsWritten(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	rnd := random(t)
	refs := []rooms.Ref{storetest.Table(t, s, admin)}
	refs = append(refs, rooms.Ref{Tenant: refs[0].Tenant, Room: "table-2"})
	storetest.OpenRoom(t, s, refs[1])
	id := refs[0].Tenant
	books := &books{balance: map[game.PlayerID]game.Money{}, rooms: map[string]int64{}}
	players := []game.PlayerID{"alice", "bob", "carol", "dave", "new-one"}
	for _, p := range players[:4] {
		storetest.Fund(t, s, id, p, 2000)
		books.balance[p] = 2000
	}
	var wg sync.WaitGroup
	for node := range 2 {
		journal := journal.New(s.DB, s.Box) // a node's rooms share transactions
		for _, ref := range refs {
			seed := rnd.Uint64()
			wg.Go(func() {
				w := &writer{s: s, journal: journal, ref: ref, node: fmt.Sprint(node), rnd: rand.New(rand.NewPCG(seed, 0)), books: books, players: players}
				for range 40 {
					w.step(t)
				}
			})
		}
	}
	seed := rnd.Uint64()
	wg.Go(func() {
		r := rand.New(rand.NewPCG(seed, 0))
		for range 60 {
			who, amount := players[r.IntN(len(players))], game.Money(r.IntN(400)-200)
			_, _, err := s.Ledger.Credit(t.Context(), id, journal.Credit{Player: who, Amount: amount, Currency: "EUR", Exponent: 2, Reason: "r", Actor: "op", CommandID: uuid.NewString()})
			switch {
			case err == nil:
				books.add(who, amount)
			case !errors.Is(err, journal.ErrInsufficientFunds) && !errors.Is(err, journal.ErrAmount):
				t.Error(err)
			}
		}
	})
	wg.Wait()
	storetest.Sound(t, s, id)
	for who, want := range books.balance {
		if got := storetest.Balance(t, s, id, who); got != want {
			t.Errorf("%s has %d, the books say %d", who, got, want)
		}
	}
	for _, ref := range refs {
		saved := storetest.Claim(t, s, ref, "end")
		if saved.Seq != books.rooms[ref.Room] || int64(len(saved.Tail)) != saved.Seq {
			t.Errorf("%s: seq %d, %d events, the books say %d", ref, saved.Seq, len(saved.Tail), books.rooms[ref.Room])
		}
		for i, r := range saved.Tail {
			if r.Seq != int64(i+1) || (i > 0 && r.Epoch < saved.Tail[i-1].Epoch) {
				t.Fatalf("%s: event %d is %+v", ref, i, r)
			}
		}
	}
	t.Logf("events: %v", books.rooms)
}

// books is what must come out.
type books struct {
	mu      sync.Mutex // guards what follows
	balance map[game.PlayerID]game.Money
	rooms   map[string]int64
}

func (b *books) add(who game.PlayerID, amount game.Money) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.balance[who] += amount
}

// writer is a node that believes it owns a room, until it is told otherwise.
type writer struct {
	s          *store.Store
	journal    *journal.Journal
	ref        rooms.Ref
	node       string
	rnd        *rand.Rand
	books      *books
	players    []game.PlayerID
	epoch, seq int64
	used       []rooms.Entry // appended before
}

// step appends one random batch, as a room does: it leaves out what conflicts, and claims
// again when it is fenced.
func (w *writer) step(t *testing.T) {
	if w.epoch == 0 || w.rnd.IntN(8) == 0 {
		saved := storetest.Claim(t, w.s, w.ref, w.node)
		w.epoch, w.seq = saved.Epoch, saved.Seq
	}
	entries := w.batch()
	for {
		w.number(entries)
		_, err := w.journal.Append(t.Context(), w.ref, rooms.Batch{Epoch: w.epoch, Seq: w.seq, Entries: entries, Status: rooms.Open})
		var conflict *rooms.Conflict
		switch {
		case errors.Is(err, rooms.ErrFenced):
			w.epoch = 0
			return
		case errors.As(err, &conflict):
			var left []rooms.Entry
			for i, e := range entries {
				if _, ok := conflict.Answered[i]; !ok && !conflict.Unfunded[i] && !conflict.Reused[i] {
					left = append(left, e)
				}
			}
			if len(left) == len(entries) {
				t.Error("a conflict that names nothing")
				return
			}
			entries = left
			continue
		case err != nil:
			t.Error(err)
			w.epoch = 0
			return
		}
		w.settle(entries)
		return
	}
}

func (w *writer) batch() []rooms.Entry {
	var out []rooms.Entry
	again := map[string]bool{}
	for range 1 + w.rnd.IntN(6) {
		who, amount := w.players[w.rnd.IntN(len(w.players))], game.Money(1+w.rnd.IntN(300))
		e := storetest.Bet(0, 0, who, amount)
		switch w.rnd.IntN(6) {
		case 0: // the room pays
			e.Command, e.Moves[0].Kind = nil, game.Payout
		case 1: // a bet and its refund in one
			e.Moves = append(e.Moves, game.Posting{Kind: game.Refund, Player: who, Amount: amount})
		case 2: // a command comes again
			if len(w.used) > 0 {
				e = w.used[w.rnd.IntN(len(w.used))]
				if again[e.Command.ID] {
					continue
				}
				again[e.Command.ID] = true
				e.Records = []rooms.Record{e.Records[0]}
			}
		case 3: // two players in one entry, all or nothing
			e.Moves = append(e.Moves, game.Posting{Kind: game.Stake, Player: w.players[w.rnd.IntN(len(w.players))], Amount: amount})
		}
		out = append(out, e)
	}
	return out
}

func (w *writer) number(entries []rooms.Entry) {
	seq := w.seq
	for i := range entries {
		for j := range entries[i].Records {
			seq++
			entries[i].Records[j].Seq, entries[i].Records[j].Epoch = seq, w.epoch
		}
	}
}

func (w *writer) settle(entries []rooms.Entry) {
	w.books.mu.Lock()
	defer w.books.mu.Unlock()
	for _, e := range entries {
		for _, m := range e.Moves {
			if m.Kind == game.Stake {
				w.books.balance[m.Player] -= m.Amount
			} else {
				w.books.balance[m.Player] += m.Amount
			}
		}
		if e.Command != nil {
			w.used = append(w.used, e)
		}
		w.seq += int64(len(e.Records))
	}
	w.books.rooms[w.ref.Room] = max(w.books.rooms[w.ref.Room], w.seq)
}
