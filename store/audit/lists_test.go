package audit_test

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/store/audit"
	"github.com/pitboss-hub/pitboss/store/journal"
	"github.com/pitboss-hub/pitboss/store/list"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

func TestAFieldOfAListThatIsIndexedHasAnIndexInTheListsOrder(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	id := storetest.Tenant(t, admin)
	for name, table := range map[string]list.Table{"audit": audit.Lines, "postings": journal.Postings, "players": journal.Players} {
		for _, f := range table.Fields {
			if !f.Indexed {
				continue
			}
			q, err := table.Parse(list.Asked{Where: map[string][]string{f.Name: {"7"}}, Limit: 10})
			if err != nil {
				t.Fatal(err)
			}
			sql, args := table.SQL(q)
			err = s.Tenant(id).ReadTx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
				// Of a few rows, sorting is cheapest.
				if _, err := tx.Exec(ctx, `select set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true)`); err != nil {
					return err
				}
				rows, _ := tx.Query(ctx, "explain "+sql, args...) // its error comes from CollectRows
				lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
				if plan := strings.Join(lines, "\n"); !strings.Contains(plan, "Index Cond") || strings.Contains(plan, "  Filter:") || strings.Contains(plan, "Sort Key") {
					t.Errorf("%s by %s:\n%s", name, f.Name, plan)
				}
				return err
			})
			if err != nil {
				t.Errorf("%s by %s: %v", name, f.Name, err)
			}
		}
	}
}
