package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store"
)

// Plan is what EXPLAIN ANALYZE says of a statement.
type Plan struct {
	node
	Time float64 // in ms
	Text string
}

type node struct {
	Type      string  `json:"Node Type"`
	Rows      float64 `json:"Actual Rows"`
	Loops     float64 `json:"Actual Loops"`
	Removed   float64 `json:"Rows Removed by Filter"`
	Rechecked float64 `json:"Rows Removed by Index Recheck"`
	Hit       int     `json:"Shared Hit Blocks"`
	Read      int     `json:"Shared Read Blocks"`
	Plans     []node
}

// RowsRead returns how many rows were read from tables and indexes.
func (n *node) RowsRead() (sum int) {
	if strings.Contains(n.Type, "Scan") && !strings.Contains(n.Type, "CTE") && !strings.Contains(n.Type, "Subquery") {
		sum = int((n.Rows + n.Removed + n.Rechecked) * n.Loops)
	}
	for i := range n.Plans {
		sum += n.Plans[i].RowsRead()
	}
	return sum
}

// Blocks returns how many pages were read.
func (n *node) Blocks() int { return n.Hit + n.Read }

// Explain runs a statement as a tenant and returns its plan. mode is a plan_cache_mode: it says whether the plan is made with
// or without the arguments in view, which are texts, numbers and arrays of texts.
func Explain(t testing.TB, s *store.Store, id tenant.ID, mode, sql string, args ...any) (p Plan) {
	t.Helper()
	var literals []string
	for _, arg := range args {
		switch arg := arg.(type) {
		case string:
			literals = append(literals, "'"+arg+"'")
		case []string:
			literals = append(literals, "array['"+strings.Join(arg, "', '")+"']")
		default:
			literals = append(literals, fmt.Sprint(arg))
		}
	}
	execute := "execute q"
	if len(literals) > 0 {
		execute += "(" + strings.Join(literals, ", ") + ")"
	}
	err := s.Tenant(id).ReadTx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		for _, do := range []string{"set local plan_cache_mode = " + mode, "prepare q as " + sql} {
			if _, err := tx.Exec(ctx, do); err != nil {
				return err
			}
		}
		for range 2 { // the second time all of it is in memory
			if err := tx.QueryRow(ctx, "explain (analyze, buffers, format json) "+execute).Scan(&p.Text); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, "deallocate q")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var all []struct {
		Plan node
		Time float64 `json:"Execution Time"`
	}
	if err := json.Unmarshal([]byte(p.Text), &all); err != nil { //nolint:forbidigo // PostgreSQL wrote it
		t.Fatal(err)
	}
	p.node, p.Time = all[0].Plan, all[0].Time
	return p
}
