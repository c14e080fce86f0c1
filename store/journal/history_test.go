package journal_test

import (
	"flag"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/journal"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

// dealer appends rounds to a room.
type dealer struct {
	t     testing.TB
	s     *store.Store
	ref   rooms.Ref
	epoch int64
	seq   int64
}

func newDealer(t testing.TB, s *store.Store, ref rooms.Ref) *dealer {
	t.Helper()
	saved := storetest.Claim(t, s, ref, "n")
	return &dealer{t: t, s: s, ref: ref, epoch: saved.Epoch, seq: saved.Seq}
}

// tell appends an event of a round, with the money that it moves.
func (d *dealer) tell(round int64, typ, data string, moves ...game.Posting) {
	r := storetest.Record(d.epoch, d.seq+1, typ, data)
	r.Round, r.Reveals = round, strings.Contains(data, "seed")
	if _, err := d.s.Journal.Append(d.t.Context(), d.ref, rooms.Batch{Epoch: d.epoch, Seq: d.seq, Entries: []rooms.Entry{{Records: []rooms.Record{r}, Moves: moves}}, Status: rooms.Open}); err != nil {
		d.t.Error(err)
	}
	d.seq++
}

func money(kind string, who game.PlayerID, amount game.Money, round int64) game.Posting {
	return game.Posting{Kind: kind, Player: who, Amount: amount, Ref: game.RoundRef(round)}
}

// transfersOf returns all of a player's transfers, read in pages.
func transfersOf(t testing.TB, s *store.Store, ref rooms.Ref, who game.PlayerID, limit int) (all []journal.Transfer) {
	t.Helper()
	for before := int64(math.MaxInt64); ; before = all[len(all)-1].ID {
		page, _, err := s.Ledger.Transfers(t.Context(), ref.Tenant, who, before, limit)
		if err != nil {
			t.Fatal(err)
		}
		if all = append(all, page...); len(page) < limit {
			return all
		}
	}
}

// playedBy returns all rounds of a player, read in pages.
func playedBy(t testing.TB, s *store.Store, ref rooms.Ref, who game.PlayerID, limit int) (all []journal.PlayedRound) {
	t.Helper()
	for before := int64(math.MaxInt64); ; before = all[len(all)-1].First {
		page, err := s.Ledger.Played(t.Context(), ref.Tenant, who, before, limit)
		if err != nil {
			t.Fatal(err)
		}
		if all = append(all, page...); len(page) < limit {
			return all
		}
	}
}

func TestAPlayersHistoryIsWhatTheLedgerHas(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	refs := storetest.Tables(t, s, admin, 2)
	for _, who := range []game.PlayerID{"alice", "bob"} {
		storetest.Fund(t, s, refs[0].Tenant, who, 1000)
	}
	one, two := newDealer(t, s, refs[0]), newDealer(t, s, refs[1])
	one.tell(7, game.TypeRoundOpened, `{"commitment":1}`)
	two.tell(3, game.TypeRoundOpened, `{"commitment":2}`)
	one.tell(7, "bet.placed", `{}`, money(game.Stake, "alice", 100, 7))
	two.tell(3, "bet.placed", `{}`, money(game.Stake, "alice", 50, 3))
	one.tell(7, "bet.placed", `{}`, money(game.Stake, "alice", 20, 7))
	one.tell(7, "bet.placed", `{}`, money(game.Stake, "bob", 300, 7))
	one.tell(7, "bet.removed", `{}`, money(game.Refund, "alice", 20, 7))
	two.tell(3, game.TypeRoundVoided, `{"seed":2}`, money(game.Refund, "alice", 50, 3))
	one.tell(7, game.TypeRoundSettled, `{}`, money(game.Payout, "alice", 200, 7))
	one.tell(8, game.TypeRoundOpened, `{"commitment":1,"since":7}`)
	two.tell(4, game.TypeRoundOpened, `{"commitment":4}`)
	two.tell(4, "bet.placed", `{}`, money(game.Stake, "bob", 1, 4))
	one.tell(8, "bet.placed", `{}`, money(game.Stake, "alice", 10, 8))

	var got []string
	for _, p := range playedBy(t, s, refs[0], "alice", 2) {
		opened, reveal := "", ""
		if p.Opened != nil {
			opened = string(p.Opened.Data)
		}
		if p.Reveal != nil {
			reveal = fmt.Sprint(p.Reveal.Round, p.Reveal.Type)
		}
		got = append(got, fmt.Sprint(p.Room, " ", p.Game, " ", p.Round, " ", p.Staked, "-", p.Paid, "-", p.Refunded, " ", opened, " ", p.End, p.Ended.IsZero(), " ", reveal))
	}
	want := []string{
		`table-1 roulette 8 10-0-0 {"commitment":1,"since":7} true `,
		`table-2 roulette 3 50-0-50 {"commitment":2} round.voidedfalse 3round.voided`,
		`table-1 roulette 7 120-200-20 {"commitment":1} round.settledfalse `,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the rounds are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	one.tell(8, "seed.revealed", `{"seed":1}`)
	for _, p := range playedBy(t, s, refs[0], "alice", 5) {
		if p.Room == "table-1" && (p.Reveal == nil || p.Reveal.Round != 8 || string(p.Reveal.Data) != `{"seed":1}`) {
			t.Errorf("round %d has the reveal %+v", p.Round, p.Reveal)
		}
	}

	got = nil
	for _, m := range transfersOf(t, s, refs[0], "alice", 3) {
		got = append(got, fmt.Sprint(m.Kind, " ", m.Amount, " ", m.Room, " ", m.Round))
	}
	want = []string{"stake -10 table-1 8", "payout 200 table-1 7", "refund 50 table-2 3", "refund 20 table-1 7", "stake -20 table-1 7", "stake -50 table-2 3", "stake -100 table-1 7", "credit 1000  0"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the transfers are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if _, balance, err := s.Ledger.Transfers(t.Context(), refs[0].Tenant, "alice", math.MaxInt64, 1); err != nil || balance != 1090 {
		t.Errorf("the balance beside them is %d, %v", balance, err)
	}
}

// TestAHistoryHasNothingTwiceAndMissesNothingWhileBetsComeIn reads page after page while three rooms go on.
func TestAHistoryHasNothingTwiceAndMissesNothingWhileBetsComeIn(t *testing.T) {
	t.Parallel()
	const before, during = 30, 60
	s, admin := storetest.New(t)
	refs := storetest.Tables(t, s, admin, 3)
	storetest.Fund(t, s, refs[0].Tenant, "alice", 1_000_000)
	play := func(from, to int64) {
		var wg sync.WaitGroup
		for _, ref := range refs {
			wg.Go(func() {
				d := newDealer(t, s, ref)
				for round := from; round < to; round++ {
					d.tell(round, game.TypeRoundOpened, `{}`)
					d.tell(round, "bet.placed", `{}`, money(game.Stake, "alice", 10, round))
					d.tell(round, "bet.placed", `{}`, money(game.Stake, "alice", 5, round))
					d.tell(round, game.TypeRoundSettled, `{}`, money(game.Payout, "alice", 12, round))
				}
			})
		}
		wg.Wait()
	}
	play(1, before)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		play(before, before+during)
	}()
	for reading := true; reading; {
		select {
		case <-ended:
			reading = false
		default:
		}
		seen, last := map[string]bool{}, map[string]int64{}
		for _, p := range playedBy(t, s, refs[0], "alice", 4) {
			key := fmt.Sprint(p.Room, " ", p.Round)
			if seen[key] || last[p.Room] != 0 && p.Round != last[p.Room]-1 {
				t.Fatalf("%s comes twice, or not after %d", key, last[p.Room])
			}
			seen[key], last[p.Room] = true, p.Round
			if p.End != "" && (p.Staked != 15 || p.Paid != 12) {
				t.Fatalf("%s is %+v", key, p)
			}
		}
		for _, ref := range refs {
			if last[ref.Room] != 1 {
				t.Fatalf("the rounds of %s end with %d", ref.Room, last[ref.Room])
			}
		}
		ids, balance := map[int64]bool{}, game.Money(0)
		for _, m := range transfersOf(t, s, refs[0], "alice", 7) {
			if ids[m.ID] {
				t.Fatalf("transfer %d comes twice", m.ID)
			}
			ids[m.ID] = true
			balance += m.Amount
		}
		if n := len(ids) - 1; balance < 1_000_000-3*3*(before+during)-100 || n < 3*3*(before-1) {
			t.Fatalf("%d transfers add up to %d", n, balance)
		}
	}
	if n := len(playedBy(t, s, refs[0], "alice", 50)); n != 3*(before+during-1) {
		t.Errorf("there are %d rounds", n)
	}
	if n := len(transfersOf(t, s, refs[0], "alice", 50)); n != 1+3*3*(before+during-1) {
		t.Errorf("there are %d transfers", n)
	}
}

func TestAHistoryIsItsPlayersAndItsTenants(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	here, there := storetest.Tables(t, s, admin, 1)[0], storetest.Tables(t, s, admin, 1)[0]
	for i, ref := range []rooms.Ref{here, there} {
		for k, who := range []game.PlayerID{"alice", "bob"} {
			storetest.Fund(t, s, ref.Tenant, who, 1000)
			newDealer(t, s, ref).tell(1, "bet.placed", `{}`, money(game.Stake, who, game.Money(1+2*i+k), 1))
		}
	}
	for i, ref := range []rooms.Ref{here, there} {
		for k, who := range []game.PlayerID{"alice", "bob"} {
			played, moved := playedBy(t, s, ref, who, 10), transfersOf(t, s, ref, who, 10)
			if want := game.Money(1 + 2*i + k); len(played) != 1 || len(moved) != 2 || played[0].Staked != want || moved[0].Amount != -want {
				t.Errorf("%s of %s: %+v, %+v", who, ref.Tenant, played, moved)
			}
		}
	}
	if played, moved := playedBy(t, s, here, "nobody", 10), transfersOf(t, s, here, "nobody", 10); len(played) != 0 || len(moved) != 0 {
		t.Errorf("nobody has %+v, %+v", played, moved)
	}
}

var historyRounds = flag.Int("history-rounds", 20_000, "of TestAPageOfHistoryReadsAboutAsManyRowsAsItHas")

// TestAPageOfHistoryReadsAboutAsManyRowsAsItHas holds that no page of a player who was in every round costs
// more because of the rounds before, of this player or others. Each round makes four or five transfers.
func TestAPageOfHistoryReadsAboutAsManyRowsAsItHas(t *testing.T) {
	t.Parallel()
	const tables, page = 20, 20
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	refs := storetest.Tables(t, s, admin, tables)
	id := refs[0].Tenant
	schema := id.Schema()
	storetest.Super(t, d, fmt.Sprintf(`
		create temp table g as select n, 'table-' || 1 + n %% %[2]d as room, 1 + n / %[2]d as round from generate_series(0, %[3]d - 1) as n;
		insert into %[1]s.event (room, seq, epoch, at, type, round, reveals, data)
			select room, round * 10 + e.k, 1, now(), e.type, round, e.k = 7, e.data::json
			from g, (values (1, 'round.opened', '{}'), (2, 'bet.placed', '{}'), (3, 'bet.placed', '{}'), (4, 'bet.placed', '{}'), (5, 'bet.placed', '{}'),
				(6, 'betting.closed', '{}'), (7, 'wheel.spun', '{}'), (8, 'round.settled', '{}')) as e(k, type, data) order by n, e.k;
		insert into %[1]s.transfer (debit, credit, amount, kind, ref, room, seq, player, at)
			select 1, 2, 100, m.kind, 'round ' || round, room, round * 10 + 1 + m.k, case when m.k in (1, 4) then 'whale' when m.k = 3 and n < %[3]d / 3 then 'early' else 'player-' || (n * m.k) %% 1000 end, now()
			from g, (values (1, 'stake'), (2, 'stake'), (3, 'stake'), (4, 'payout'), (5, 'payout')) as m(k, kind) where m.k < 4 or n %% 2 = 0 or m.k = 5 order by n, m.k;
		analyze %[1]s.event; analyze %[1]s.transfer`, schema, tables, *historyRounds))
	transfers := storetest.Count(t, admin, `select count(*) from `+schema+`.transfer`)
	middle := storetest.Count(t, admin, `select max(id) / 2 from `+schema+`.transfer`)
	for name, sql := range map[string]string{"transactions": journal.SelectTransfers, "rounds": journal.SelectPlayed} {
		for _, mode := range []string{"force_custom_plan", "force_generic_plan"} {
			for who, before := range map[string]int64{"whale": math.MaxInt64, "whale, in the middle": int64(middle), "early": math.MaxInt64, "player-7": math.MaxInt64} {
				player, _, _ := strings.Cut(who, ",")
				args := []any{player, before, page + 1}
				if sql == journal.SelectTransfers {
					args = append(args, 1)
				}
				p := storetest.Explain(t, s, id, mode, sql, args...)
				t.Logf("%d transfers, %s of %s, %s: %d rows and %d pages read, %.2f ms", transfers, name, who, mode, p.RowsRead(), p.Blocks(), p.Time)
				most := page + 1
				if sql == journal.SelectPlayed {
					// Of each round two transfers at most, each looked for as the first and summed up; the room, how the round
					// began and ended, and a reveal. What a bitmap finds counts twice.
					most *= 14
				}
				if p.RowsRead() > most {
					t.Errorf("%s of %s read %d rows, want %d at most\n%s", name, who, p.RowsRead(), most, p.Text)
				}
			}
		}
	}
}
