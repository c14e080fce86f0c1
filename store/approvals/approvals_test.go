package approvals_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/store/approvals"
	"github.com/pitboss-hub/pitboss/store/journal"
	"github.com/pitboss-hub/pitboss/store/list"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

func TestACreditAboveTheLimitMovesNothingUntilAnotherPersonAgrees(t *testing.T) {
	t.Parallel()
	c := newCasino(t)
	big := credit(1001)
	for range 2 { // asked again, it is the same approval
		c.ask(big)
	}
	c.has(0)
	if players, err := storetest.Players(t.Context(), c.Store, c.id); err != nil || len(players) != 0 {
		t.Errorf("asking made the account of %+v, %v", players, err)
	}
	x, err := c.answer(big.CommandID, approvals.Approved, auth.Operator, "oscar")
	if err != nil || x.State != approvals.Approved || x.AnsweredBy.Subject != "oscar" || string(x.Result) != `{"balance":1001,"version":1,"created":true}` {
		t.Fatalf("%+v, %v", x, err)
	}
	c.has(1001)
	again, err := c.answer(big.CommandID, approvals.Approved, auth.Operator, "oscar")
	if err != nil || !again.AnsweredAt.Equal(x.AnsweredAt) {
		t.Errorf("the same answer again: %+v, %v", again, err)
	}
	c.ask(big)
	c.has(1001)
	other := big
	other.Amount = 1002
	if _, err := c.Ledger.Give(t.Context(), c.id, other); !errors.Is(err, approvals.ErrReused) {
		t.Errorf("another credit under the same id: %v", err)
	}
	lines, err := storetest.LastLines(t.Context(), c.Store, c.id, 3)
	if err != nil || len(lines) != 3 {
		t.Fatal(lines, err)
	}
	approve, done, asked := lines[0], lines[1], lines[2]
	if approve.Action != "approval.approve" || approve.Actor != "operator:oscar" || asked.Action != "approval.ask" || asked.Actor != "operator:olivia" {
		t.Errorf("the audit log has %+v, %+v", approve, asked)
	}
	var after map[string]any
	if err := json.Unmarshal(done.After, &after); err != nil || done.Action != "player.credit" || done.Actor != "operator:olivia" || after["approved_by"] != "operator:oscar" || after["approval"] != big.CommandID {
		t.Errorf("the audit log has %+v, %v", done, after)
	}
}

func TestNobodyIsTheirOwnSecondPersonAndNoMachineIsOne(t *testing.T) {
	t.Parallel()
	c := newCasino(t)
	id := c.ask(credit(5000))
	for _, to := range []approvals.State{approvals.Approved, approvals.Refused} {
		for _, by := range []struct {
			role    auth.Role
			subject string
			want    error
		}{
			{auth.Operator, "olivia", approvals.ErrSecondPerson},
			{auth.Service, "olivia", approvals.ErrNotAllowed},
			{auth.Service, "robot", approvals.ErrNotAllowed},
			{auth.Support, "sam", approvals.ErrNotAllowed},
			{auth.Player, "alice", approvals.ErrNotAllowed},
			{auth.APIKey, "key-1", approvals.ErrNotAllowed},
		} {
			if _, err := c.answer(id, to, by.role, by.subject); !errors.Is(err, by.want) {
				t.Errorf("%s by %s %s: %v, want %v", to, by.role, by.subject, err, by.want)
			}
		}
	}
	if _, err := c.Approvals.Answer(t.Context(), c.id, id, approvals.Answer{To: approvals.Approved, By: auth.Principal{Subject: "key-1", Role: auth.APIKey, Scopes: "approvals:write"}, Reason: "r"}); !errors.Is(err, approvals.ErrNotAllowed) {
		t.Errorf("a key that claims the scope: %v", err)
	}
	for _, by := range []auth.Role{auth.Service, auth.Support} {
		if _, err := c.answer(id, approvals.Withdrawn, by, "olivia"); !errors.Is(err, approvals.ErrNotAllowed) {
			t.Errorf("withdrawn as %s: %v", by, err)
		}
	}
	// What a service asked for is not approved by the operator of the same name.
	machine := credit(5000)
	machine.Actor = "service:olivia"
	if _, err := c.answer(c.ask(machine), approvals.Approved, auth.Operator, "olivia"); !errors.Is(err, approvals.ErrSecondPerson) {
		t.Errorf("by the same subject under another role: %v", err)
	}
	c.has(0)
	// The table says so too, whatever the program does.
	for _, sql := range []string{
		`update approval set state = 'approved', answerer_role = 'operator', answerer = 'olivia', answered_from = '', answered_at = now(), answer_reason = '', result = '{}'`,
		`update approval set state = 'approved', answerer_role = 'service', answerer = 'robot', answered_from = '', answered_at = now(), answer_reason = '', result = '{}'`,
		`update approval set state = 'withdrawn', answerer_role = 'operator', answerer = 'oscar', answered_from = '', answered_at = now(), answer_reason = ''`,
	} {
		if err := storetest.Exec(t, c.Store, c.id, sql); storetest.State(err) != "23514" {
			t.Errorf("%s: %v", sql, err)
		}
	}
	for _, sql := range []string{`update approval set request = '{}'`, `update approval set asker = 'x'`, `update approval set people = '{x}'`, `delete from approval`} {
		if err := storetest.Exec(t, c.Store, c.id, sql); storetest.State(err) != "42501" {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

func TestOfTwentyApproversAtOnceOneCountsAndTheCreditIsThereOnce(t *testing.T) {
	t.Parallel()
	c := newCasino(t)
	id := c.ask(credit(5000))
	var mu sync.Mutex
	counted := 0
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			_, err := c.answer(id, approvals.Approved, auth.Operator, fmt.Sprint("oscar-", i))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				counted++
			case !errors.Is(err, approvals.ErrAnswered):
				t.Error(err)
			}
		})
	}
	all.Wait()
	if counted != 1 {
		t.Errorf("%d answers counted", counted)
	}
	c.has(5000)
}

func TestOfAnApprovalARefusalAndAWithdrawalAtOnceOneCounts(t *testing.T) {
	t.Parallel()
	c := newCasino(t)
	want := 0
	for range 10 {
		id := c.ask(credit(5000))
		var errs [3]error
		var all sync.WaitGroup
		all.Go(func() { _, errs[0] = c.answer(id, approvals.Approved, auth.Operator, "oscar") })
		all.Go(func() { _, errs[1] = c.answer(id, approvals.Refused, auth.Operator, "otto") })
		all.Go(func() { _, errs[2] = c.answer(id, approvals.Withdrawn, auth.Operator, "olivia") })
		all.Wait()
		counted := 0
		for _, err := range errs {
			if err == nil {
				counted++
			} else if !errors.Is(err, approvals.ErrAnswered) {
				t.Error(err)
			}
		}
		if counted != 1 {
			t.Errorf("%d answers counted: %v", counted, errs)
		}
		if errs[0] == nil {
			want += 5000
		}
	}
	if got := int(storetest.Balance(t, c.Store, c.id, "alice")); got != want {
		t.Errorf("alice has %d, want %d", got, want)
	}
	storetest.Sound(t, c.Store, c.id)
}

func TestAnAnswerWhoseTransactionIsUndoneIsNone(t *testing.T) {
	t.Parallel()
	c := newCasino(t)
	id := c.ask(credit(5000))
	// The answer's last statement fails, after the money was moved.
	c.owner(`create function fail() returns trigger language plpgsql as $$ begin raise exception 'as a test wants it'; end $$;
		create trigger fail before insert on audit_log for each row when (new.action = 'approval.approve') execute function ` + c.id.Schema() + `.fail()`)
	if _, err := c.answer(id, approvals.Approved, auth.Operator, "oscar"); err == nil {
		t.Error("it was approved")
	}
	c.has(0)
	if x, err := c.Approvals.Get(t.Context(), c.id, id); err != nil || x.State != approvals.Open {
		t.Errorf("%+v, %v", x, err)
	}
	c.owner(`drop trigger fail on audit_log`)
	if _, err := c.answer(id, approvals.Approved, auth.Operator, "otto"); err != nil {
		t.Error(err)
	}
	c.has(5000)
}

func TestWhatCannotBeDoneStaysOpen(t *testing.T) {
	t.Parallel()
	c := newCasino(t)
	storetest.Fund(t, c.Store, c.id, "alice", 1000)
	c.has(1000)
	if _, err := c.Ledger.Give(t.Context(), c.id, credit(-1001)); !errors.Is(err, journal.ErrInsufficientFunds) {
		t.Errorf("asked for what cannot be done: %v", err)
	}
	storetest.NeedApproval(t, c.Store, c.admin, c.id, 500)
	id := c.ask(credit(-900))
	less := credit(-200)
	less.Actor = "operator:otto"
	if out, err := c.Ledger.Give(t.Context(), c.id, less); err != nil || out.NeedsApproval {
		t.Fatalf("%+v, %v", out, err)
	}
	if _, err := c.answer(id, approvals.Approved, auth.Operator, "oscar"); !errors.Is(err, journal.ErrInsufficientFunds) {
		t.Errorf("approved what cannot be done: %v", err)
	}
	c.has(800)
	if x, err := c.answer(id, approvals.Refused, auth.Operator, "oscar"); err != nil || x.State != approvals.Refused {
		t.Errorf("%+v, %v", x, err)
	}
	c.has(800)
}

func TestAnApprovalExpiresByTheDatabasesClock(t *testing.T) {
	t.Parallel()
	c := newCasino(t)
	big := credit(5000)
	id := c.ask(big)
	c.owner(`update approval set expires_at = clock_timestamp() - interval '1 microsecond'`)
	for to, who := range map[approvals.State]string{approvals.Approved: "oscar", approvals.Refused: "oscar", approvals.Withdrawn: "olivia"} {
		if _, err := c.answer(id, to, auth.Operator, who); !errors.Is(err, approvals.ErrExpired) {
			t.Errorf("%s: %v", to, err)
		}
	}
	c.ask(big) // is the same one, and still expired
	if list := c.listed(approvals.Expired); len(list) != 1 || list[0].ID != id || list[0].State != approvals.Expired {
		t.Errorf("expired are %+v", list)
	}
	if list := c.listed(approvals.Open, approvals.Refused); len(list) != 0 {
		t.Errorf("others are %+v", list)
	}
	c.has(0)
}

func TestALimitThatIsChangedChangesNothingOfWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	c := newCasino(t)
	big := credit(5000)
	c.ask(big)
	storetest.NeedApproval(t, c.Store, c.admin, c.id, tenancy.NoApproval)
	c.ask(big) // it is asked for, whatever the limit is now
	c.has(0)
	if _, err := c.answer(big.CommandID, approvals.Refused, auth.Operator, "oscar"); err != nil {
		t.Error(err)
	}
	c.ask(big)
	c.has(0)
	if out, err := c.Ledger.Give(t.Context(), c.id, credit(5000)); err != nil || out.NeedsApproval {
		t.Errorf("without a limit: %+v, %v", out, err)
	}
	storetest.NeedApproval(t, c.Store, c.admin, c.id, 0)
	c.ask(credit(1))
	c.has(5000)
}

func TestSoManyApprovalsAreOpenAndNoMore(t *testing.T) {
	t.Parallel()
	c := newCasino(t)
	first := c.ask(credit(5000))
	c.owner(`insert into approval (id, kind, target, request, digest, reason, asker_role, asker, asked_from, people, expires_at)
		select gen_random_uuid(), 'credit', 'x', '{}', '', 'r', 'operator', 'o', '', '{o}', clock_timestamp() + interval '1 hour' from generate_series(2, ` + fmt.Sprint(approvals.OpenMax) + `)`)
	late := credit(5000)
	if _, err := c.Ledger.Give(t.Context(), c.id, late); !errors.Is(err, approvals.ErrTooMany) {
		t.Errorf("one more: %v", err)
	}
	if _, err := c.answer(first, approvals.Withdrawn, auth.Operator, "olivia"); err != nil {
		t.Error(err)
	}
	c.ask(late)
}

func TestApprovalsOfAStateAreFoundWithoutReadingTheOthers(t *testing.T) {
	t.Parallel()
	c := newCasino(t)
	c.owner(`insert into approval (id, kind, target, request, digest, reason, asker_role, asker, asked_from, people, expires_at, state, answerer_role, answerer, answered_from, answered_at, answer_reason)
		select gen_random_uuid(), 'credit', 'x', '{}', '', 'r', 'operator', 'o', '', '{o}', now() - interval '1 day', case i % 3 when 0 then 'open' else 'refused' end,
			case i % 3 when 0 then null else 'operator' end, case i % 3 when 0 then null else 'p' end, case i % 3 when 0 then null else '' end,
			case i % 3 when 0 then null else now() end, case i % 3 when 0 then null else 'r' end from generate_series(1, 30000) i;
		analyze approval`)
	open := c.ask(credit(5000))
	if _, err := c.answer(c.ask(credit(6000)), approvals.Approved, auth.Operator, "oscar"); err != nil {
		t.Fatal(err)
	}
	if list := c.listed(approvals.Open); len(list) != 1 || list[0].ID != open {
		t.Errorf("open are %+v", list)
	}
	for _, where := range []map[string][]string{nil, {"state": {"open"}}, {"state": {"expired"}}, {"state": {"approved"}}, {"state": {"refused"}}, {"state": {"withdrawn"}}, {"state.in": {"open,expired"}}} {
		q, err := approvals.Table.Parse(list.Asked{Where: where, Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		sql, args := approvals.Table.SQL(q)
		if p := storetest.Explain(t, c.Store, c.id, "force_custom_plan", sql, args...); p.RowsRead() > 100 {
			t.Errorf("%v: %d rows are read for a page of 10: %s", where, p.RowsRead(), p.Text)
		}
	}
}

func TestApprovalsComeInPagesTheLatestFirst(t *testing.T) {
	t.Parallel()
	c := newCasino(t)
	var want []string
	for range 5 {
		want = append([]string{c.ask(credit(5000))}, want...)
	}
	var got []string
	for cursor, first := "", true; first || cursor != ""; first = false {
		var page []approvals.Approval
		page, cursor = c.list(list.Asked{Cursor: cursor, Limit: 2})
		for _, x := range page {
			got = append(got, x.ID)
		}
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, id := range []string{"x", uuid.NewString()} {
		if _, err := c.Approvals.Get(t.Context(), c.id, id); !errors.Is(err, approvals.ErrNotFound) {
			t.Errorf("%s: %v", id, err)
		}
		if _, err := c.answer(id, approvals.Approved, auth.Operator, "oscar"); !errors.Is(err, approvals.ErrNotFound) {
			t.Errorf("%s: %v", id, err)
		}
	}
}
