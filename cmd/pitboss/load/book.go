package load

import (
	"slices"

	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/roulette"
)

// bet is one stake on one position.
type bet struct {
	position string
	amount   game.Money
}

// betPositions are where bets are placed: every kind of position.
var betPositions = []string{
	"red", "black", "odd", "even", "low", "high", "dozen:1", "dozen:2", "dozen:3", "column:1", "column:2", "column:3",
	"straight:0", "straight:7", "straight:17", "straight:36", "split:17-20", "split:0-2", "trio:0-1-2", "street:16-17-18",
	"corner:16-17-19-20", "first_four", "line:13-14-15-16-17-18",
}

var positionNames = func() map[string]string {
	names := map[string]string{}
	for _, p := range betPositions {
		names[p] = p
	}
	return names
}()

// positionNamed is string(name), mostly without a copy.
func positionNamed(name []byte) string {
	if p, ok := positionNames[string(name)]; ok {
		return p
	}
	return string(name)
}

// book is what one player was told, and holds it together. The order of the answers among
// the events does not matter; that of the events does.
type book struct {
	player, table string
	laPartage     bool
	faults        *faults

	epoch, seq int64              // the latest event
	accepted   map[int64]bet      // by seq: answered, its event not yet told
	placed     map[int64]bet      // by seq: its event told, not yet answered
	open       map[int64]*stakes  // by round: not yet settled
	settled    map[int64]struct{} // rounds in which this player was paid, or lost
	balance    game.Money         // what the player must have now

	bets         int // told
	staked, paid game.Money
}

// stakes are what lies on the table in a round, by position.
type stakes struct {
	on   map[string]game.Money
	bets int
	sum  game.Money
}

func newBook(player, table string, laPartage bool, f *faults) *book {
	return &book{
		player: player, table: table, laPartage: laPartage, faults: f,
		accepted: map[int64]bet{}, placed: map[int64]bet{}, open: map[int64]*stakes{}, settled: map[int64]struct{}{},
	}
}

func (b *book) fault(kind, format string, args ...any) {
	b.faults.add(kind, "table "+b.table+", player "+b.player, format, args...)
}

// next counts an event. It reports false for one that was told before.
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

// accept is the answer that a bet is accepted as event seq.
func (b *book) accept(seq int64, at bet) {
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

// place is the event that the player's bet lies on the table.
func (b *book) place(seq, round int64, at bet) {
	s := b.open[round]
	if s == nil {
		s = &stakes{on: map[string]game.Money{}}
		b.open[round] = s
	}
	s.on[at.position] += at.amount
	s.sum += at.amount
	s.bets++
	b.bets++
	b.staked += at.amount
	b.balance -= at.amount
	if answered, ok := b.accepted[seq]; ok {
		delete(b.accepted, seq)
		b.same(seq, answered, at)
		return
	}
	b.placed[seq] = at
}

func (b *book) same(seq int64, answered, told bet) {
	if answered != told {
		b.fault(untoldBet, "%d on %s was accepted as event %d, which is %d on %s", answered.amount, answered.position, seq, told.amount, told.position)
	}
}

// outcome is what a player is told of his own bets when a round is settled.
type outcome struct {
	Staked game.Money `json:"staked"`
	Payout game.Money `json:"payout"`
	Bets   []struct {
		Position string     `json:"position"`
		Amount   game.Money `json:"amount"`
		Payout   game.Money `json:"payout"`
	} `json:"bets"`
}

// settle holds a settled round against the player's stakes in it and the rules' payouts for
// pocket. mine is nil if the server knows of no stakes.
func (b *book) settle(round int64, pocket int, mine *outcome) {
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
		want, err := roulette.Payout(r.Position, pocket, r.Amount, b.laPartage)
		if err != nil || want != r.Payout {
			b.fault(wrongPayout, "round %d paid %d for %d on %s, and pocket %d pays %d", round, r.Payout, r.Amount, r.Position, pocket, want)
		}
		due += want
	}
	if paid != mine.Payout {
		b.fault(wrongPayout, "round %d paid %d, and its bets add up to %d", round, mine.Payout, paid)
	}
	b.paid += due
	b.balance += due
}

// void is a round whose stakes were all given back.
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

// finish says what is left open, when nothing more is to come.
func (b *book) finish() {
	for round, s := range b.open {
		b.fault(unsettled, "round %d, with %d bets of %d, was never settled", round, s.bets, s.sum)
	}
	for _, seq := range sorted(b.accepted) {
		b.fault(untoldBet, "%d on %s was accepted as event %d, and that event is no bet of this player's", b.accepted[seq].amount, b.accepted[seq].position, seq)
	}
	for _, seq := range sorted(b.placed) {
		b.fault(unknownBet, "event %d is %d on %s by this player, who was never told that it was accepted", seq, b.placed[seq].amount, b.placed[seq].position)
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
