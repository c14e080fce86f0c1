package load

import (
	"slices"

	"github.com/pitboss-hub/pitboss/rooms/game"
)

// book records what one player was sent, and checks that it is consistent. The order of the replies
// among the events does not matter; that of the events does.
type book struct {
	player, table string
	payout        func(outcome string, b Bet) (game.Money, error) // Table.Payout
	faults        *faults

	epoch, seq int64              // the latest event
	accepted   map[int64]Bet      // by seq: answered, its event not yet told
	placed     map[int64]Bet      // by seq: its event told, not yet answered
	open       map[int64]*stakes  // by round: not yet settled
	settled    map[int64]struct{} // rounds in which this player was paid, or lost
	balance    game.Money         // what the player must have now

	bets         int // told
	payouts      int // held to the rules
	staked, paid game.Money
}

// stakes holds a player's stakes in a round, by position.
type stakes struct {
	on   map[string]game.Money
	bets int
	sum  game.Money
}

func newBook(player string, t *table) *book {
	return &book{
		player: player, table: t.room, payout: t.Payout, faults: t.faults,
		accepted: map[int64]Bet{}, placed: map[int64]Bet{}, open: map[int64]*stakes{}, settled: map[int64]struct{}{},
	}
}

func (b *book) fault(kind, format string, args ...any) {
	b.faults.add(kind, "table "+b.table+", player "+b.player, format, args...)
}

// next counts an event. It reports false for a duplicate.
func (b *book) next(epoch, seq int64) bool {
	switch {
	case seq <= b.seq:
		b.fault(doubledSeq, "event %d came again, after event %d", seq, b.seq)
		return false
	case seq == b.seq+2:
		b.fault(missingSeq, "event %d never came: %d followed %d", b.seq+1, seq, b.seq)
	case seq > b.seq+1:
		b.fault(missingSeq, "events %d to %d never came: %d followed %d", b.seq+1, seq-1, seq, b.seq)
	}
	if epoch < b.epoch {
		b.fault(wrongEvent, "event %d is of epoch %d, and an earlier one was of epoch %d", seq, epoch, b.epoch)
	}
	b.epoch, b.seq = epoch, seq
	return true
}

// accept records the reply that a bet is accepted as event seq.
func (b *book) accept(seq int64, at Bet) {
	if told, ok := b.placed[seq]; ok {
		delete(b.placed, seq)
		b.same(seq, at, told)
		return
	}
	if _, twice := b.accepted[seq]; twice {
		b.fault(wrongEvent, "two bets were both accepted as event %d", seq)
	}
	b.accepted[seq] = at
}

// place records the event that the player's bet was placed.
func (b *book) place(seq, round int64, at Bet) {
	s := b.open[round]
	if s == nil {
		s = &stakes{on: map[string]game.Money{}}
		b.open[round] = s
	}
	s.on[at.Position] += at.Amount
	s.sum += at.Amount
	s.bets++
	b.bets++
	b.staked += at.Amount
	b.balance -= at.Amount
	if answered, ok := b.accepted[seq]; ok {
		delete(b.accepted, seq)
		b.same(seq, answered, at)
		return
	}
	b.placed[seq] = at
}

func (b *book) same(seq int64, answered, told Bet) {
	if answered != told {
		b.fault(untoldBet, "%d on %s was accepted as event %d, which is %d on %s", answered.Amount, answered.Position, seq, told.Amount, told.Position)
	}
}

// settle compares a settled round to the player's stakes in it and to what the rules pay for its
// outcome. mine is nil if the server knows of no stakes.
func (b *book) settle(round int64, outcome string, mine *Account) {
	s := b.open[round]
	_, again := b.settled[round]
	switch {
	case again && (mine != nil || s != nil):
		b.fault(settledTwice, "round %d was settled before", round)
		return
	case mine == nil && s == nil:
		return
	case mine == nil:
		b.fault(unsettled, "round %d was settled without this player's %d bets of %d", round, s.bets, s.sum)
		delete(b.open, round)
		return
	case s == nil:
		b.fault(wrongStakes, "round %d was settled for stakes of %d, and nothing was staked", round, mine.Staked)
		return
	}
	delete(b.open, round)
	b.settled[round] = struct{}{}
	left := s.sum
	var paid game.Money
	for _, r := range mine.Bets {
		if on, ok := s.on[r.Position]; !ok || on != r.Amount {
			b.fault(wrongStakes, "round %d was settled with %d on %s, and %d was staked there", round, r.Amount, r.Position, on)
		}
		delete(s.on, r.Position) // a second result on it is one too many
		left -= r.Amount
		paid += r.Payout
	}
	if left != 0 || mine.Staked != s.sum {
		b.fault(wrongStakes, "round %d was settled for stakes of %d, and %d was staked", round, mine.Staked, s.sum)
	}
	var due game.Money // what the rules pay
	for _, r := range mine.Bets {
		b.payouts++
		want, err := b.payout(outcome, r.Bet)
		if err != nil || want != r.Payout {
			b.fault(wrongPayout, "round %d paid %d for %d on %s, and the outcome %s pays %d", round, r.Payout, r.Amount, r.Position, outcome, want)
		}
		due += want
	}
	if paid != mine.Payout {
		b.fault(wrongPayout, "round %d paid %d, and its bets add up to %d", round, mine.Payout, paid)
	}
	b.paid += due
	b.balance += due
}

// void records a round whose stakes were all given back.
func (b *book) void(round int64, refund game.Money, reason string) {
	s := b.open[round]
	if s == nil {
		return
	}
	delete(b.open, round)
	b.staked -= s.sum
	b.balance += s.sum
	b.fault(voidedRound, "round %d and its %d bets of %d were voided, with a refund of %d: %s", round, s.bets, s.sum, refund, reason)
}

// finish reports what is still open when nothing more will come.
func (b *book) finish() {
	for round, s := range b.open {
		b.fault(unsettled, "round %d, with %d bets of %d, was never settled", round, s.bets, s.sum)
	}
	for _, seq := range sorted(b.accepted) {
		b.fault(untoldBet, "%d on %s was accepted as event %d, and that event is no bet of this player's", b.accepted[seq].Amount, b.accepted[seq].Position, seq)
	}
	for _, seq := range sorted(b.placed) {
		b.fault(unknownBet, "event %d is %d on %s by this player, who was never told that it was accepted", seq, b.placed[seq].Amount, b.placed[seq].Position)
	}
}

func sorted[V any](m map[int64]V) []int64 {
	keys := make([]int64, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
