package load

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

// check makes all checks after everything has come to rest. Its error means that something
// could not be checked.
func (r *run) check(ctx context.Context) error {
	if err := each(ctx, r.players, r.checkPlayer); err != nil {
		return fmt.Errorf("not all players could be checked: %w", err)
	}
	var books trialBalance
	if err := r.api.do(ctx, http.MethodGet, "/v1/ledger/trial-balance", nil, &books); err != nil {
		return fmt.Errorf("the trial balance could not be read: %w; a ledger of many millions of bets takes the server longer than it allows itself, a new casino has a short one ('pitboss tenant create')", err)
	}
	r.checkBooks(&books)
	return nil
}

// checkBooks compares the ledger, and the tables' public events, to the players' books.
func (r *run) checkBooks(books *trialBalance) {
	expected := map[account]game.Money{}
	for _, t := range r.tables {
		var staked, paid, open game.Money
		for _, p := range t.players {
			b := p.sums()
			expected[account{"player", p.name}] = b.balance
			staked, paid, open = staked+b.staked, paid+b.paid, open+b.open
		}
		expected[account{"till", t.room}] = staked - paid
		t.finish(staked-open, paid)
	}
	books.check(&r.faults, expected)
}

// sums holds the sums of a book.
type sums struct {
	balance, staked, paid game.Money
	open                  game.Money // of staked: never settled, which finish said
	payouts               int        // held to the rules
}

func (p *player) sums() sums {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := sums{balance: p.book.balance, staked: p.book.staked, paid: p.book.paid, payouts: p.book.payouts}
	for _, s := range p.book.open {
		out.open += s.sum
	}
	return out
}

// finish reports what is still open when nothing more will come.
func (p *player) finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.book.finish()
	if n := len(p.waiting); n > 0 {
		p.book.fault(unanswered, "%d bets were never answered", n)
	}
}

const (
	// retryInterval is the pause before a request is retried.
	retryInterval = 250 * time.Millisecond
	// checkTimeout bounds the check of one player.
	checkTimeout = time.Minute
)

// retryBusy retries a request while the server replies that it is too busy, until ctx ends: thousands
// of players are checked at once, and share their casino's limits.
func retryBusy(ctx context.Context, ask func() error) error {
	for {
		err := ask()
		var refused *wire.Error
		if !errors.As(err, &refused) || !slices.Contains([]string{wire.CodeRateLimited, wire.CodeBusy, wire.CodeUnavailable}, refused.Data.Code) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(retryInterval):
		}
	}
}

// checkPlayer compares what the server says of this player with the player's book.
func (r *run) checkPlayer(ctx context.Context, p *player) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	p.finish()
	p.mu.Lock()
	at := wire.Resume{Epoch: p.book.epoch, Seq: p.book.seq}
	p.mu.Unlock()
	var here wire.RoomJoinResult
	if err := retryBusy(ctx, func() error {
		return p.call(ctx, wire.MethodRoomJoin, wire.RoomJoin{Room: p.table.room, Resume: &at}, &here)
	}); err != nil {
		return fmt.Errorf("player %s: %w", p.name, err)
	}
	var wallet wire.Balance
	if err := retryBusy(ctx, func() error { return p.call(ctx, wire.MethodWalletBalance, struct{}{}, &wallet) }); err != nil {
		return fmt.Errorf("player %s: %w", p.name, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case here.Seq != at.Seq:
		p.book.fault(missingSeq, "heard of events up to %d, and the table is at %d", at.Seq, here.Seq)
	case here.View != nil:
		p.book.fault(wrongEvent, "the table does not know the place (%d, %d) of its last event", at.Epoch, at.Seq)
	}
	p.book.checkWallet(wallet, p.wallet)
	return nil
}

// checkWallet compares the balance that the server returns now, and the latest that it
// pushed, to the book's.
func (b *book) checkWallet(now, pushed wire.Balance) {
	if game.Money(now.Balance) != b.balance {
		b.fault(wrongBalance, "has %d, and the bets and results told add up to %d", now.Balance, b.balance)
	}
	if pushed.Version > now.Version || pushed.Version == now.Version && pushed.Balance != now.Balance {
		b.fault(wrongBalance, "was told of a balance of %d in version %d, and it is %d in version %d", pushed.Balance, pushed.Version, now.Balance, now.Version)
	}
}

// account is one of the tenant's ledger.
type account struct{ kind, owner string }

type trialBalance struct {
	Sum      game.Money `json:"sum"`
	Accounts []struct {
		Kind    string     `json:"kind"`
		Owner   string     `json:"owner"`
		Balance game.Money `json:"balance"`
	} `json:"accounts"`
	OK bool `json:"ok"`
}

// check compares the ledger to what its accounts must hold; others' accounts are theirs.
func (tb *trialBalance) check(f *faults, expected map[account]game.Money) {
	if !tb.OK || tb.Sum != 0 {
		f.add(wrongBooks, "the trial balance", "does not balance: the sum is %d", tb.Sum)
	}
	for _, a := range tb.Accounts {
		at := account{a.Kind, a.Owner}
		if want, ours := expected[at]; ours && want != a.Balance {
			f.add(wrongBalance, "account "+a.Kind+" "+a.Owner, "has %d in the trial balance, and the bets and results told add up to %d", a.Balance, want)
		}
		delete(expected, at)
	}
	for at, want := range expected {
		if want != 0 {
			f.add(wrongBalance, "account "+at.kind+" "+at.owner, "is not in the trial balance, and should have %d", want)
		}
	}
}
