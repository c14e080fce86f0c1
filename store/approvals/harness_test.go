package approvals_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/approvals"
	"github.com/pitboss-hub/pitboss/store/journal"
	"github.com/pitboss-hub/pitboss/store/list"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// casino is a tenant whose credits above 1,000 need a second person.
type casino struct {
	*store.Store
	t     *testing.T
	admin *tenancy.Admin
	id    tenant.ID
}

func newCasino(t *testing.T) casino {
	t.Helper()
	s, admin := storetest.New(t)
	c := casino{s, t, admin, storetest.Tenant(t, admin)}
	storetest.NeedApproval(t, s, admin, c.id, 1000)
	return c
}

// credit returns a credit of olivia's for alice.
func credit(amount game.Money) journal.Credit {
	return journal.Credit{
		Player: "alice", Amount: amount, Currency: "EUR", Exponent: 2, Reason: "a gift",
		Actor: "operator:olivia", Origin: rooms.Origin{Address: "192.0.2.1"}, CommandID: uuid.NewString(),
	}
}

// ask asks for a credit and returns the approval's id.
func (c casino) ask(credit journal.Credit) string {
	c.t.Helper()
	if out, err := c.Ledger.Give(c.t.Context(), c.id, credit); err != nil || !out.NeedsApproval {
		c.t.Fatalf("%+v, %v", out, err)
	}
	return credit.CommandID
}

// answer answers as one of the operator's people.
func (c casino) answer(id string, to approvals.State, role auth.Role, subject string) (approvals.Approval, error) {
	return c.Approvals.Answer(c.t.Context(), c.id, id, approvals.Answer{
		To: to, By: auth.Principal{Tenant: c.id, Subject: subject, Role: role}, Origin: rooms.Origin{Address: "192.0.2.2"}, Reason: "looked at it",
	})
}

// has fails the test unless alice has an amount and the books add up.
func (c casino) has(want game.Money) {
	c.t.Helper()
	if got := storetest.Balance(c.t, c.Store, c.id, "alice"); got != want {
		c.t.Errorf("alice has %d, want %d", got, want)
	}
	storetest.Sound(c.t, c.Store, c.id)
}

// owner runs a statement as the owner of the tenant's tables.
func (c casino) owner(sql string, args ...any) {
	c.t.Helper()
	conn := storetest.Owner(c.t, c.admin)
	if _, err := conn.Exec(c.t.Context(), `set search_path = `+c.id.Schema()); err != nil {
		c.t.Fatal(err)
	}
	if _, err := conn.Exec(c.t.Context(), sql, args...); err != nil {
		c.t.Fatal(err)
	}
}

// list returns a page of the approvals, and the cursor of the next one.
func (c casino) list(asked list.Asked) (page []approvals.Approval, next string) {
	c.t.Helper()
	q, err := approvals.Table.Parse(asked)
	if err == nil {
		page, next, err = c.Approvals.List(c.t.Context(), c.id, q)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return page, next
}

// listed returns the latest approvals of some states.
func (c casino) listed(states ...approvals.State) []approvals.Approval {
	c.t.Helper()
	var names []string
	for _, s := range states {
		names = append(names, string(s))
	}
	page, _ := c.list(list.Asked{Where: map[string][]string{"state.in": {strings.Join(names, ",")}}, Limit: 10})
	return page
}
