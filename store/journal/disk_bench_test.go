package journal_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/journal"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

// BenchmarkDisk is what a settled bet takes of the disk, for good: rounds of 50 players of a roulette
// table, each with a bet on an even chance that half of them win, with the events as the table writes
// them. It reports the bytes of the tables with their indexes, and of the WAL.
func BenchmarkDisk(b *testing.B) {
	const players = 50
	d := storetest.Empty(b)
	s, admin := storetest.Open(b, d, store.Options{})
	storetest.Durable(b, d)
	ref := storetest.Table(b, s, admin)
	epoch := storetest.Claim(b, s, ref, "n").Epoch
	for i := range players {
		storetest.Fund(b, s, ref.Tenant, player(0, i), journal.MaxAmount)
	}
	j := s.Journal
	conn, err := pgx.Connect(b.Context(), d.SuperURL)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = conn.Close(b.Context()) }()
	tables := []string{"event", "command", "transfer"}
	measure := func() (sizes [4]int64) {
		b.Helper()
		for i, table := range tables {
			if err := conn.QueryRow(b.Context(), `select pg_total_relation_size($1::regclass)`, ref.Tenant.Schema()+"."+table).Scan(&sizes[i]); err != nil {
				b.Fatal(err)
			}
		}
		if err := conn.QueryRow(b.Context(), `select (pg_current_wal_lsn() - '0/0')::bigint`).Scan(&sizes[3]); err != nil {
			b.Fatal(err)
		}
		return sizes
	}
	before, bets, seq, round := measure(), 0, int64(0), int64(10_000)
	write := func(entries ...rooms.Entry) {
		b.Helper()
		if _, err := j.Append(b.Context(), ref, rooms.Batch{Epoch: epoch, Seq: seq, Entries: entries, Status: rooms.Open}); err != nil {
			b.Fatal(err)
		}
		seq += int64(len(entries))
	}
	record := func(n int, typ, data string) []rooms.Record {
		return []rooms.Record{{Seq: seq + int64(n) + 1, Epoch: epoch, At: time.Now().UTC().Truncate(time.Millisecond), Type: typ, Round: round, Data: json.RawMessage(data)}}
	}
	for b.Loop() {
		round++
		var entries []rooms.Entry
		var settled []string
		var paid []game.Posting
		for i := range players {
			who, ref := player(0, i), fmt.Sprint("round ", round)
			entries = append(entries, rooms.Entry{
				Command: &rooms.CommandKey{Player: who, ID: uuid.NewString()}, Digest: int64(i) + 1,
				Records: record(i, "bet.placed", fmt.Sprintf(`{"round":%d,"seat":%d,"name":"pl***","bets":[{"position":"red","amount":100}],"player":%q,"first":true}`, round, i+1, who)),
				Moves:   []game.Posting{{Kind: game.Stake, Player: who, Amount: 100, Ref: ref}},
			})
			payout := 200 * (i % 2)
			settled = append(settled, fmt.Sprintf(`{"player":%q,"seat":%d,"name":"pl***","staked":100,"payout":%d,"bets":[{"position":"red","amount":100,"payout":%d}]}`, who, i+1, payout, payout))
			if payout > 0 {
				paid = append(paid, game.Posting{Kind: game.Payout, Player: who, Amount: game.Money(payout), Ref: ref})
			}
		}
		for len(entries) > 0 { // as they come: a few at once
			n := min(5, len(entries))
			for i := range n {
				entries[i].Records[0].Seq = seq + int64(i) + 1
			}
			write(entries[:n]...)
			entries = entries[n:]
		}
		write(rooms.Entry{Records: record(0, "round.settled", fmt.Sprintf(`{"round":%d,"pocket":17,"staked":5000,"paid":5000,"next_at":"2026-01-01T00:00:00.000Z","players":[%s]}`, round, strings.Join(settled, ","))), Moves: paid})
		bets += players
	}
	after := measure()
	for i, name := range append(tables, "WAL") {
		b.ReportMetric(float64(after[i]-before[i])/float64(bets), name+"-bytes/bet")
	}
}
