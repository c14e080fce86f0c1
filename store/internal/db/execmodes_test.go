package db_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/journal"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

// BenchmarkExecModes compares pgx's ways of sending a statement when one connection serves
// 1, 100 or 1,000 tenants in turn, which changes the search_path under it each time: an append
// of one bet, and a look-up of a balance. It reports the transaction's times, the backend's CPU
// time for it, and the memory that the backend has taken at the end (Linux only).
func BenchmarkExecModes(b *testing.B) {
	const most = 1000
	d := storetest.Empty(b)
	s, admin := storetest.Open(b, d, store.Options{})
	storetest.Durable(b, d)
	refs, seqs := make([]rooms.Ref, most), make([]int64, most)
	for i := range refs {
		refs[i] = storetest.Table(b, s, admin)
		storetest.Claim(b, s, refs[i], "n")
		storetest.Fund(b, s, refs[i].Tenant, "player", journal.MaxAmount)
	}
	for _, mode := range []pgx.QueryExecMode{
		pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec,
		pgx.QueryExecModeSimpleProtocol,
	} {
		for _, tenants := range []int{1, 100, most} {
			for _, work := range []string{"append", "balance"} {
				b.Run(fmt.Sprintf("%s/tenants=%d/%s", strings.ReplaceAll(mode.String(), " ", "-"), tenants, work), func(b *testing.B) {
					if err := s.SetExecMode(b.Context(), d.AppURL, mode, 1); err != nil { // a fresh connection
						b.Fatal(err)
					}
					var pid int
					if err := s.Pool().QueryRow(b.Context(), "select pg_backend_pid()").Scan(&pid); err != nil {
						b.Fatal(err)
					}
					j := s.Journal
					once := func(i int) error {
						ref, seq := refs[i%tenants], &seqs[i%tenants]
						if work == "balance" {
							_, _, err := s.Ledger.Balance(b.Context(), ref.Tenant, "player")
							return err
						}
						e := storetest.Bet(1, *seq+1, "player", 1)
						e.Command.ID = uuid.NewString()
						_, err := j.Append(b.Context(), ref, rooms.Batch{Epoch: 1, Seq: *seq, Entries: []rooms.Entry{e}, Status: rooms.Open})
						if err == nil {
							*seq++
						}
						return err
					}
					for i := range 2 * tenants { // what is made once is made
						if err := once(i); err != nil {
							b.Logf("does not work: %.200v", err)
							return
						}
					}
					var took []time.Duration
					before := backend(b, pid)
					b.ResetTimer()
					for i := range b.N {
						began := time.Now()
						if err := once(i); err != nil {
							b.Fatal(err)
						}
						took = append(took, time.Since(began))
					}
					b.StopTimer()
					after := backend(b, pid)
					slices.Sort(took)
					micros := func(q float64) float64 { return float64(took[int(q*float64(len(took)-1))].Nanoseconds()) / 1e3 }
					b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tx/s")
					b.ReportMetric(micros(.5), "p50-µs")
					b.ReportMetric(micros(.99), "p99-µs")
					b.ReportMetric(float64((after.cpu-before.cpu).Microseconds())/float64(b.N), "backend-µs")
					b.ReportMetric(float64(after.kib), "backend-KiB")
				})
			}
		}
	}
}

type usage struct {
	cpu time.Duration
	kib int // of memory that is its own
}

// backend reads what a process has used from /proc, in ticks of 10 ms.
func backend(b *testing.B, pid int) (u usage) {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Logf("no CPU time, no memory: %v", err)
		return u
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	for _, i := range []int{11, 12} {
		ticks, _ := strconv.Atoi(strings.Fields(rest)[i])
		u.cpu += time.Duration(ticks) * 10 * time.Millisecond
	}
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, anon, _ := strings.Cut(string(status), "RssAnon:")
	if f := strings.Fields(anon); len(f) > 0 {
		u.kib, _ = strconv.Atoi(f[0])
	}
	return u
}
