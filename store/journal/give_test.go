package journal_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/journal"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

// TestCreditsOfOneTransactionEachHaveTheirOwnResult has one of every kind share it.
func TestCreditsOfOneTransactionEachHaveTheirOwnResult(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	id := storetest.Tenant(t, admin)
	storetest.NeedApproval(t, s, admin, id, 1000)
	before := creditBy("olivia", "zoe", 500)
	give(t, s, id, before)
	above := creditBy("olivia", "yann", 1001)
	give(t, s, id, above)

	again, reused, asked := before, creditBy("olivia", "xenia", 7), above
	reused.CommandID = before.CommandID
	nobody, dollars := creditBy("olivia", "nobody", 1), creditBy("olivia", "dora", 1)
	nobody.Existing, dollars.Currency = true, "USD"
	credits := map[string]struct {
		c    journal.Credit
		want journal.Credited // but for what is not said
		err  error
	}{
		"a new player's":             {c: creditBy("olivia", "alice", 100), want: journal.Credited{Balance: 100, Version: 1, Created: true}},
		"one that was given before":  {c: again, want: journal.Credited{Balance: 500, Version: 1, Created: true}},
		"one whose id was used":      {c: reused, err: journal.ErrCommandReused},
		"one that was asked for":     {c: asked, want: journal.Credited{NeedsApproval: true}},
		"one that needs a second":    {c: creditBy("olivia", "carla", 1001), want: journal.Credited{NeedsApproval: true, Created: true}},
		"more than there is":         {c: creditBy("olivia", "bob", -1), err: journal.ErrInsufficientFunds},
		"nobody's":                   {c: nobody, err: journal.ErrNoPlayer},
		"one in another currency":    {c: dollars, err: journal.ErrCurrencyChanged},
		"one of another of the team": {c: creditBy("oscar", "dave", 1000), want: journal.Credited{Balance: 1000, Version: 1, Created: true}},
	}
	var names []string
	var group []journal.Credit
	for name, x := range credits {
		names, group = append(names, name), append(group, x.c)
	}
	out, errs := s.Ledger.Together(t.Context(), id, group)
	for i, name := range names {
		got, want := out[i], credits[name]
		if !errors.Is(errs[i], want.err) || want.err == nil &&
			(got.Balance != want.want.Balance || got.Version != want.want.Version || got.Created != want.want.Created || got.NeedsApproval != want.want.NeedsApproval) {
			t.Errorf("%s: %+v, %v", name, got, errs[i])
		}
	}
	if n := storetest.Count(t, admin, `select count(*) from `+id.Schema()+`.account where kind = 'player'`); n != 3 {
		t.Errorf("%d players have an account, want alice, dave and zoe", n)
	}
	if n := storetest.Count(t, admin, `select count(*) from `+id.Schema()+`.approval`); n != 2 {
		t.Errorf("%d approvals are asked for", n)
	}
	if n := storetest.Count(t, admin, `select count(*) from `+id.Schema()+`.audit_log where action = 'player.credit'`); n != 3 {
		t.Errorf("%d lines tell of credits", n)
	}
	storetest.Sound(t, s, id)
}

// TestCreditsAtOnceAreAllGivenOnceBesideBets has two nodes credit players who bet, each credit twice.
func TestCreditsAtOnceAreAllGivenOnceBesideBets(t *testing.T) {
	t.Parallel()
	const players, turns = 12, 15
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	other, _ := storetest.Open(t, d, store.Options{})
	refs := storetest.Tables(t, s, admin, players)
	var all sync.WaitGroup
	for i, ref := range refs {
		all.Go(func() {
			for seq := range int64(turns) {
				if _, err := s.Journal.Append(t.Context(), ref, storetest.Batch(seq, storetest.Bet(1, seq+1, player(i, 0), 1))); err != nil {
					t.Errorf("a bet: %v", err)
				}
			}
		})
		all.Go(func() {
			for n := range turns {
				c := creditBy("olivia", player((i+n)%players, 0), 3)
				c.CommandID = uuid.NewString()
				var both sync.WaitGroup
				for _, node := range []*store.Store{s, other} {
					both.Go(func() {
						if out, err := node.Ledger.Give(t.Context(), ref.Tenant, c); err != nil || out.NeedsApproval {
							t.Errorf("a credit: %+v, %v", out, err)
						}
					})
				}
				both.Wait()
			}
		})
	}
	all.Wait()
	for i := range players {
		if got, want := storetest.Balance(t, s, refs[0].Tenant, player(i, 0)), game.Money(1000+turns*(3-1)); got != want {
			t.Errorf("player %d has %d, want %d", i, got, want)
		}
	}
	storetest.Sound(t, s, refs[0].Tenant)
}

// TestOneCommandForTwoPlayersAtOnceMovesMoneyOnce has them come while another credit is given, so that they wait together.
func TestOneCommandForTwoPlayersAtOnceMovesMoneyOnce(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	id := storetest.Tenant(t, admin)
	give(t, s, id, creditBy("olivia", "zoe", 1))
	unlock := storetest.Lock(t, d, id.Schema()+".account")
	first, second := creditBy("olivia", "alice", 5), creditBy("olivia", "bob", 5)
	second.CommandID = first.CommandID
	errs := make([]error, 4)
	var all sync.WaitGroup
	for i, c := range []journal.Credit{creditBy("olivia", "zoe", 1), first, second, creditBy("olivia", "carol", 5)} {
		all.Go(func() { _, errs[i] = s.Ledger.Give(t.Context(), id, c) })
		storetest.Eventually(t, "it waits", func() bool { return s.Ledger.Waiting(id) == i })
	}
	unlock()
	all.Wait()
	if errs[0] != nil || errs[1] != nil || !errors.Is(errs[2], journal.ErrCommandReused) || errs[3] != nil {
		t.Errorf("got %v", errs)
	}
	for who, want := range map[game.PlayerID]game.Money{"alice": 5, "bob": 0, "carol": 5, "zoe": 2} {
		if got := storetest.Balance(t, s, id, who); got != want {
			t.Errorf("%s has %d", who, got)
		}
	}
	storetest.Sound(t, s, id)
}

// TestCreditsThatWaitForTheirOwnCasinosConnectionsHoldUpNoOtherCasinos has a casino use all of its connections for something
// else, at a node that does one group of credits at a time.
func TestCreditsThatWaitForTheirOwnCasinosConnectionsHoldUpNoOtherCasinos(t *testing.T) {
	t.Parallel()
	s, admin := storetest.Open(t, storetest.Empty(t), store.Options{MaxConns: 4})
	busy, other := storetest.Tenant(t, admin), storetest.Tenant(t, admin)
	let, in := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		err := s.Tenant(busy).Tx(t.Context(), func(context.Context, pgx.Tx) error {
			close(in)
			<-let
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-in
	all.Go(func() {
		if _, err := s.Ledger.Give(t.Context(), busy, creditBy("olivia", "alice", 1)); err != nil {
			t.Errorf("the busy casino's: %v", err)
		}
	})
	storetest.Eventually(t, "the busy casino's credit is under way", func() bool { return s.Ledger.Waiting(busy) == 0 })
	give(t, s, other, creditBy("olivia", "alice", 1))
	if s.Ledger.Waiting(busy) != 0 {
		t.Error("another casino's credit waited for the busy one's")
	}
	close(let)
	all.Wait()
}

// TestCreditsLockPlayersInTheOrderOfBetsWhateverTheCollation has a database that sorts as people do, as that of an operator
// may. In another order a group of credits and a round that pays the same players would wait for each other.
func TestCreditsLockPlayersInTheOrderOfBetsWhateverTheCollation(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	ref := storetest.Table(t, s, admin)
	storetest.Claim(t, s, ref, "n")
	owner, super, accounts := storetest.Owner(t, admin), storetest.Connect(t, d.SuperURL), ref.Tenant.Schema()+".account"
	for _, table := range []string{accounts, "tpl.account"} {
		if _, err := owner.Exec(t.Context(), `alter table `+table+` alter column owner type text collate "en-x-icu"`); err != nil {
			t.Fatal(err)
		}
	}
	for _, who := range []game.PlayerID{"alice", "Bob"} {
		storetest.Fund(t, s, ref.Tenant, who, 100)
	}
	if _, err := s.Journal.Append(t.Context(), ref, storetest.Batch(0, storetest.Bet(1, 1, "alice", 1))); err != nil { // opens the till
		t.Fatal(err)
	}
	const lock = ` for no key update nowait`
	for name, do := range map[string]func() error{
		"bets": func() error {
			_, err := s.Journal.Append(t.Context(), ref, storetest.Batch(1, storetest.Bet(1, 2, "alice", 1), storetest.Bet(1, 3, "Bob", 1)))
			return err
		},
		"credits": func() error {
			_, errs := s.Ledger.Together(t.Context(), ref.Tenant, []journal.Credit{creditBy("olivia", "alice", 1), creditBy("olivia", "Bob", 1)})
			return errors.Join(errs...)
		},
	} {
		tx, err := owner.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), `select from `+accounts+` where owner = 'Bob'`+lock); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- do() }()
		storetest.Eventually(t, name+" wait for Bob", func() (waits bool) {
			err := super.QueryRow(t.Context(), `select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')`).Scan(&waits)
			if err != nil {
				t.Fatal(err)
			}
			return waits
		})
		if _, err := tx.Exec(t.Context(), `select from `+accounts+` where owner = 'alice'`+lock); err != nil {
			t.Errorf("%s lock alice before Bob: %v", name, err)
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
