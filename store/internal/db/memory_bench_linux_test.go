package db_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

var (
	memorySchemas = flag.Int("memory.schemas", 1000, "the most schemas that BenchmarkBackendMemory touches")
	memoryRecycle = flag.Int("memory.recycle", 100, "after how many schemas it replaces the connection, if it does")
)

// BenchmarkBackendMemory is how much memory a server process of PostgreSQL has that answered for many tenants: each
// tenant's tables are read, as nodes do, over one connection; or over one that is replaced from time to time, of which
// the largest counts. PostgreSQL forgets nothing of a catalog by itself.
func BenchmarkBackendMemory(b *testing.B) {
	d := storetest.Empty(b)
	_, admin := storetest.Open(b, d, store.Options{})
	ids := make([]tenant.ID, *memorySchemas)
	for i := range ids {
		ids[i] = storetest.Tenant(b, admin)
	}
	var read strings.Builder
	for _, table := range tablesOf(b, d, ids[0]) {
		fmt.Fprintf(&read, "select count(*) from (select from %s limit 1) one;", table)
	}
	for b.Loop() {
		for _, c := range []struct {
			name     string
			n, every int
		}{{"none", 0, 1}, {"tenth", len(ids) / 10, len(ids)}, {"all", len(ids), len(ids)}, {"replaced", len(ids), *memoryRecycle}} {
			m := touch(b, d, ids[:c.n], read.String(), max(c.every, 1))
			b.ReportMetric(m.pss, c.name+"-pss-MB")
			b.ReportMetric(m.rss, c.name+"-rss-MB")
		}
	}
}

// tablesOf returns the tables of a tenant.
func tablesOf(b *testing.B, d storetest.Database, id tenant.ID) []string {
	b.Helper()
	owner := storetest.Connect(b, d.AdminURL)
	rows, err := owner.Query(b.Context(), `select tablename::text from pg_tables t where schemaname = $1
		and has_table_privilege($1, format('%I.%I', schemaname, tablename), 'select') order by 1`, id.Schema())
	if err != nil {
		b.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(tables) == 0 {
		b.Fatalf("%d tables, %v", len(tables), err)
	}
	return tables
}

// memory holds what a process has, in MB: its share of what it shares with others counted as a part, and as a whole.
type memory struct{ pss, rss float64 }

// touch reads all tables of tenants over one connection, which it replaces after every so many of them, and returns the
// most memory that its server process had.
func touch(b *testing.B, d storetest.Database, ids []tenant.ID, read string, every int) (most memory) {
	b.Helper()
	for {
		n := min(every, len(ids))
		m := touchOnce(b, d, ids[:n], read)
		most.pss, most.rss = max(most.pss, m.pss), max(most.rss, m.rss)
		if ids = ids[n:]; len(ids) == 0 {
			return most
		}
	}
}

func touchOnce(b *testing.B, d storetest.Database, ids []tenant.ID, read string) memory {
	b.Helper()
	conn, err := pgx.Connect(b.Context(), d.AppURL)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(b.Context())) }()
	for _, id := range ids {
		if _, err := conn.Exec(b.Context(), `begin; set local role "`+id.Role()+`"; set local search_path = "`+id.Schema()+`", pg_temp; `+read+` commit`); err != nil {
			b.Fatal(err)
		}
	}
	var pid int
	if err := conn.QueryRow(b.Context(), `select pg_backend_pid()`).Scan(&pid); err != nil {
		b.Fatal(err)
	}
	return memoryOf(b, pid)
}

var rollup = regexp.MustCompile(`(?m)^(Rss|Pss): +(\d+) kB`)

func memoryOf(b *testing.B, pid int) (m memory) {
	b.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range rollup.FindAllStringSubmatch(string(raw), -1) {
		kB, err := strconv.ParseFloat(f[2], 64)
		if err != nil {
			b.Fatal(err)
		}
		if f[1] == "Rss" {
			m.rss = kB / 1024
		} else {
			m.pss = kB / 1024
		}
	}
	if m.pss == 0 || m.rss == 0 {
		b.Fatalf("process %d: %s", pid, raw)
	}
	return m
}
