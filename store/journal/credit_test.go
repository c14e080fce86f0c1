package journal_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/journal"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

// creditBy returns a credit of one of the operator's people.
func creditBy(who string, player game.PlayerID, amount game.Money) journal.Credit {
	return journal.Credit{Player: player, Amount: amount, Currency: "EUR", Exponent: 2, Reason: "r", Actor: "operator:" + who, CommandID: uuid.NewString()}
}

// reversal returns the reversal of a credit by its command id.
func reversal(of string) journal.Credit {
	c := creditBy("olivia", "", 0)
	c.Reverses = of
	return c
}

// give does a credit and fails the test if it cannot be done.
func give(t *testing.T, s *store.Store, id tenant.ID, c journal.Credit) journal.Credited {
	t.Helper()
	out, err := s.Ledger.Give(t.Context(), id, c)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestWhatOnePersonGivesOnePlayerWithinADayAddsUpToTheLimit(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	id := storetest.Tenant(t, admin)
	storetest.NeedApproval(t, s, admin, id, 1000)
	for _, step := range []struct {
		c    journal.Credit
		want bool // a second person is needed
	}{
		{creditBy("olivia", "alice", 1001), true},
		{creditBy("olivia", "alice", 600), false},
		{creditBy("olivia", "alice", 401), true},
		{creditBy("olivia", "alice", -401), true}, // both directions add up
		{creditBy("olivia", "alice", 400), false},
		{creditBy("olivia", "alice", 1), true},
		{creditBy("olivia", "bob", 1000), false},
		{creditBy("oscar", "alice", 1000), false},
	} {
		if out := give(t, s, id, step.c); out.NeedsApproval != step.want {
			t.Errorf("%d for %s by %s: %t", step.c.Amount, step.c.Player, step.c.Actor, out.NeedsApproval)
		}
	}
	service := creditBy("", "alice", 1)
	service.Actor = "service:olivia"
	if !give(t, s, id, service).NeedsApproval {
		t.Error("another role of the same subject begins anew")
	}
	conn := storetest.Owner(t, admin)
	if _, err := conn.Exec(t.Context(), `update `+id.Schema()+`.credit set at = at - interval '24 hours'`); err != nil {
		t.Fatal(err)
	}
	if give(t, s, id, creditBy("olivia", "alice", 1000)).NeedsApproval {
		t.Error("what was given the day before counts")
	}
	if got := storetest.Balance(t, s, id, "alice"); got != 3000 {
		t.Errorf("alice has %d", got)
	}
	storetest.Sound(t, s, id)
}

func TestWhatAPersonGivesByKeysAddsUpWithWhatTheyGiveThemselves(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	id := storetest.Tenant(t, admin)
	storetest.NeedApproval(t, s, admin, id, 1000)
	key := func(change func(by tenancy.APIKeyChange) (tenancy.APIKeyInfo, auth.APIKeyText, error), by string) string {
		t.Helper()
		k, _, err := change(tenancy.APIKeyChange{Reason: "a test", Actor: by})
		if err != nil {
			t.Fatal(err)
		}
		return k.ID
	}
	makeKey := func(by string) string {
		return key(func(by tenancy.APIKeyChange) (tenancy.APIKeyInfo, auth.APIKeyText, error) {
			return s.APIKeys.Create(t.Context(), id, tenancy.NewAPIKey{Name: "wallet", Scopes: []string{"money:write"}}, by)
		}, by)
	}
	first, second, oscars := makeKey("operator:olivia"), makeKey("operator:olivia"), makeKey("operator:oscar")
	shared := key(func(by tenancy.APIKeyChange) (tenancy.APIKeyInfo, auth.APIKeyText, error) {
		return s.APIKeys.Rotate(t.Context(), id, oscars, time.Hour, by)
	}, "operator:olivia")
	for _, step := range []struct {
		actor  string
		player game.PlayerID
		amount game.Money
		want   bool // a second person is needed
	}{
		{"key:" + first, "alice", 400, false},
		{"key:" + second, "alice", 400, false},
		{"key:" + first, "alice", 201, true},
		{"key:" + second, "alice", -201, true},
		{"operator:olivia", "alice", 201, true},
		{"service:olivia", "alice", 201, true},
		{"key:" + shared, "alice", 201, true},
		{"operator:olivia", "alice", 200, false},
		{"key:" + first, "alice", 1, true},
		{"key:" + first, "bob", 1000, false},

		{"key:" + oscars, "alice", 600, false}, // of his alone
		{"operator:oscar", "alice", 401, true},
		{"operator:oscar", "alice", 400, false},

		{"key:" + shared, "carol", 600, false}, // counts for both
		{"operator:oscar", "carol", 401, true},
		{"operator:olivia", "carol", 401, true},
		{"key:" + second, "carol", 401, true},
		{"operator:otto", "carol", 1000, false},
	} {
		c := creditBy("", step.player, step.amount)
		c.Actor = step.actor
		if out := give(t, s, id, c); out.NeedsApproval != step.want {
			t.Errorf("%d for %s by %s: %t", step.amount, step.player, step.actor, out.NeedsApproval)
		}
	}
	storetest.Sound(t, s, id)
}

func TestOfCreditsAtOnceNoMoreThanTheLimitIsGivenWithoutASecondPerson(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	id := storetest.Tenant(t, admin)
	storetest.NeedApproval(t, s, admin, id, 1000)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := s.Ledger.Give(t.Context(), id, creditBy("olivia", "alice", 300)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := storetest.Balance(t, s, id, "alice"); got != 900 {
		t.Errorf("alice has %d", got)
	}
	storetest.Sound(t, s, id)
}

func TestACreditSaysWhetherItMadeThePlayer(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	id := storetest.Tenant(t, admin)
	typo := creditBy("olivia", "alcie", 100)
	typo.Existing = true
	if _, err := s.Ledger.Give(t.Context(), id, typo); !errors.Is(err, journal.ErrNoPlayer) {
		t.Errorf("of nobody: %v", err)
	}
	first := creditBy("olivia", "alice", 100)
	for range 2 { // also when it comes again
		if out := give(t, s, id, first); !out.Created {
			t.Errorf("the first: %+v", out)
		}
	}
	second := creditBy("olivia", "alice", 100)
	second.Existing = true
	if out := give(t, s, id, second); out.Created {
		t.Errorf("the second: %+v", out)
	}
	if players, err := storetest.Players(t.Context(), s, id); err != nil || len(players) != 1 {
		t.Errorf("%+v, %v", players, err)
	}
}

func TestADryRunSaysWhatTheRealRunDoesAndWritesNothing(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	rnd := random(t)
	id := storetest.Tenant(t, admin)
	storetest.NeedApproval(t, s, admin, id, 2000)
	schema := id.Schema()
	written := func() (n [5]int) {
		for i, table := range []string{"account", "transfer", "audit_log", "credit", "approval"} {
			n[i] = storetest.Count(t, admin, `select count(*) from `+schema+`.`+table)
		}
		return n
	}
	lastLine := func() int {
		return storetest.Count(t, admin, `select coalesce(last_value, 0) from pg_sequences where schemaname = $1 and sequencename = 'audit_log_id_seq'`, schema)
	}
	var done []string
	for i := range 60 {
		player := game.PlayerID(fmt.Sprint("player-", rnd.IntN(4)))
		c := creditBy(fmt.Sprint("person-", rnd.IntN(2)), player, game.Money(rnd.IntN(6000)-2500))
		c.Existing = rnd.IntN(4) == 0
		switch rnd.IntN(8) {
		case 0:
			c.Currency = "JPY"
		case 1:
			c.Amount *= journal.MaxAmount / 1000
		case 2, 3:
			if len(done) > 0 {
				c.Reverses, c.Player, c.Amount, c.Existing = done[rnd.IntN(len(done))], "", 0, false
			}
		case 4:
			if len(done) > 0 {
				c.CommandID = done[rnd.IntN(len(done))]
			}
		}
		dry := c
		dry.DryRun = true
		rows, line := written(), lastLine()
		would, wouldErr := s.Ledger.Give(t.Context(), id, dry)
		if again, err := s.Ledger.Give(t.Context(), id, dry); !reflect.DeepEqual(would, again) || fmt.Sprint(err) != fmt.Sprint(wouldErr) {
			t.Errorf("%d: a dry run says %+v, %v, and then %+v, %v", i, would, wouldErr, again, err)
		}
		if written() != rows || lastLine() != line {
			t.Fatalf("%d: a dry run of %+v wrote: %v, %d, then %v, %d", i, c, rows, line, written(), lastLine())
		}
		did, err := s.Ledger.Give(t.Context(), id, c)
		if fmt.Sprint(err) != fmt.Sprint(wouldErr) {
			t.Errorf("%d: %+v: the dry run says %v, the real one %v", i, c, wouldErr, err)
		}
		if err != nil {
			continue
		}
		if did.NeedsApproval { // which says what happens once it is given
			would.Balance, would.Version, would.Postings = did.Balance, did.Version, nil
		} else {
			done = append(done, c.CommandID)
		}
		if !reflect.DeepEqual(would, did) {
			t.Errorf("%d: %+v: the dry run says %+v, the real one %+v", i, c, would, did)
		}
	}
	storetest.Sound(t, s, id)
	t.Logf("%d of 60 credits moved money", len(done))
}

func TestACreditIsReversedOnceAndAReversalNever(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	id := storetest.Tenant(t, admin)
	gift, taken := creditBy("oscar", "alice", 1000), creditBy("oscar", "alice", -300)
	give(t, s, id, gift)
	give(t, s, id, taken)

	back := reversal(gift.CommandID)
	if _, err := s.Ledger.Give(t.Context(), id, back); !errors.Is(err, journal.ErrInsufficientFunds) {
		t.Errorf("more than there is: %v", err)
	}
	if got := storetest.Balance(t, s, id, "alice"); got != 700 {
		t.Errorf("alice has %d: a part of it was moved", got)
	}
	if out := give(t, s, id, reversal(taken.CommandID)); out.Amount != 300 || out.Balance != 1000 || out.Player != "alice" {
		t.Errorf("what was taken: %+v", out)
	}
	for range 2 { // under the same id it is the same reversal
		if out := give(t, s, id, back); out.Balance != 0 {
			t.Errorf("what was given: %+v", out)
		}
	}
	again := back
	again.Reverses = taken.CommandID
	for name, c := range map[string]struct {
		credit journal.Credit
		want   error
	}{
		"another time":                   {reversal(gift.CommandID), journal.ErrAlreadyReversed},
		"a reversal":                     {reversal(back.CommandID), journal.ErrReversal},
		"of nothing":                     {reversal(uuid.NewString()), journal.ErrNoCredit},
		"of no id":                       {reversal("x"), journal.ErrNoCredit},
		"another credit under one id":    {again, journal.ErrAlreadyReversed},
		"a credit under a reversal's id": {journal.Credit{Player: "alice", Amount: -1000, Currency: "EUR", Exponent: 2, Reason: "r", Actor: "op", CommandID: back.CommandID}, journal.ErrCommandReused},
	} {
		if _, err := s.Ledger.Give(t.Context(), id, c.credit); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	moves, _, err := s.Ledger.Transfers(t.Context(), id, "alice", 1<<62, 10)
	if err != nil || len(moves) != 4 || moves[0].Reverses != gift.CommandID || moves[0].Command != back.CommandID || moves[1].Reverses != taken.CommandID || moves[3].Reverses != "" {
		t.Errorf("the history is %+v, %v", moves, err)
	}
	lines, err := storetest.LastLines(t.Context(), s, id, 1)
	if err != nil || lines[0].Action != "player.credit.reverse" || !strings.Contains(string(lines[0].After), gift.CommandID) {
		t.Errorf("the audit log has %+v, %v", lines, err)
	}
	if err := storetest.Exec(t, s, id, `insert into credit (command, player, giver, people, amount, created, reverses, at)
		values (gen_random_uuid(), 'alice', 'x', '{x}', 1, false, '`+gift.CommandID+`', now())`); storetest.State(err) != "23505" {
		t.Errorf("the table takes a second reversal: %v", err)
	}
	storetest.Sound(t, s, id)
}

func TestOfReversalsAtOnceOneCounts(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	id := storetest.Tenant(t, admin)
	gift := creditBy("oscar", "alice", 1000)
	give(t, s, id, gift)
	storetest.Fund(t, s, id, "alice", 5000)
	var mu sync.Mutex
	counted := 0
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			_, err := s.Ledger.Give(t.Context(), id, reversal(gift.CommandID))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				counted++
			case !errors.Is(err, journal.ErrAlreadyReversed):
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := storetest.Balance(t, s, id, "alice"); counted != 1 || got != 5000 {
		t.Errorf("%d reversals counted, alice has %d", counted, got)
	}
	storetest.Sound(t, s, id)
}

func TestAReversalNeedsASecondPersonLikeACreditOfItsSize(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	id := storetest.Tenant(t, admin)
	gift := creditBy("oscar", "alice", 5000)
	give(t, s, id, gift)
	storetest.NeedApproval(t, s, admin, id, 1000)
	if out := give(t, s, id, reversal(gift.CommandID)); !out.NeedsApproval {
		t.Errorf("%+v", out)
	}
	if got := storetest.Balance(t, s, id, "alice"); got != 5000 {
		t.Errorf("alice has %d", got)
	}
}
