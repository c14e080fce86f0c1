package webhooks_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/access"
	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/list"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/webhooks"
)

// settle returns an entry that ends round 1.
func settle(seq int64, typ string, moves ...game.Posting) rooms.Entry {
	return rooms.Entry{Records: []rooms.Record{storetest.Record(1, seq, typ, `{}`)}, Moves: moves}
}

func TestEveryFactIsWrittenInTheFormThatTheCatalogueSays(t *testing.T) {
	t.Parallel()
	s, _, id, e, epoch := arrange(t)

	refs := []rooms.Ref{{Tenant: id, Room: "one"}, {Tenant: id, Room: "two"}}
	for _, ref := range refs {
		storetest.OpenRoom(t, s, ref)
		storetest.Claim(t, s, ref, "n")
	}
	storetest.Fund(t, s, id, "alice", 1000)
	storetest.Fund(t, s, id, "bob", 1000)
	add := func(ref rooms.Ref, seq int64, entries ...rooms.Entry) {
		t.Helper()
		if _, err := s.Journal.Append(t.Context(), ref, storetest.Batch(seq, entries...)); err != nil {
			t.Fatal(err)
		}
	}
	add(refs[0], 0, storetest.Bet(1, 1, "alice", 100), storetest.Bet(1, 2, "bob", 50))
	add(refs[1], 0, storetest.Bet(1, 1, "alice", 30))
	add(refs[0], 2, settle(3, game.TypeRoundSettled, game.Posting{Kind: game.Payout, Player: "alice", Amount: 360, Ref: "round 1"}))
	add(refs[1], 1, settle(2, game.TypeRoundVoided, game.Posting{Kind: game.Refund, Player: "alice", Amount: 30, Ref: "round 1"}))
	add(refs[0], 3, rooms.Entry{Records: []rooms.Record{
		storetest.Record(1, 4, "promotion.published", `{"id":"p","title":"T","text":"X","published_at":"2026-01-02T03:04:05Z","ends_at":"2026-01-02T03:04:05Z","by":"ann"}`),
		storetest.Record(1, 5, "promotion.withdrawn", `{"id":"p","by":"ann","reason":"a mistake"}`),
	}})
	if err := s.Rooms.Close(t.Context(), refs[0], "ann", "the end", rooms.Origin{Address: "10.0.0.1"}); err != nil {
		t.Fatal(err)
	}
	add(refs[0], 5, rooms.Entry{Records: []rooms.Record{storetest.Record(1, 6, game.TypeClosed, `{"reason":"the end"}`)}})
	if err := s.Revocations.Kick(t.Context(), id, "bob", access.Revoke{Actor: "ann", Reason: "rude"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Webhooks.Test(t.Context(), id, e.ID, staff); err != nil {
		t.Fatal(err)
	}

	var got []webhooks.Due
	for list := due(t, s, id, epoch); len(list) > 0; list = due(t, s, id, epoch) {
		for _, d := range list {
			got = append(got, d)
			record(t, s, id, epoch, ended(d, true))
		}
	}
	slices.SortFunc(got, func(a, b webhooks.Due) int { return int(a.Fact - b.Fact) })
	kinds, seen := map[string]webhooks.Kind{}, map[string]bool{}
	for _, k := range webhooks.Kinds() {
		kinds[k.Type] = k
	}
	var lines []string
	for _, d := range got {
		seen[d.Type] = true
		var data map[string]any
		if err := json.Unmarshal(d.Data, &data); err != nil {
			t.Fatal(err)
		}
		k := kinds[d.Type]
		if k.Version != d.Version || d.WebhookID.Version() != 7 {
			t.Errorf("%s: version %d, id %s", d.Type, d.Version, d.WebhookID)
		}
		for _, f := range k.Fields {
			if _, ok := data[f]; !ok {
				t.Errorf("%s has no %s: %s", d.Type, f, d.Data)
			}
		}
		for _, f := range slices.Collect(maps.Keys(data)) {
			if !slices.Contains(k.Fields, f) && !slices.Contains(k.Maybe, f) {
				t.Errorf("%s has %s, of which the catalogue does not know: %s", d.Type, f, d.Data)
			}
		}
		if strings.HasPrefix(d.Type, "round.") {
			lines = append(lines, fmt.Sprint(d.Type, " ", d.Key, " ", data["room"], " ", data["game"], " ", data["round"], " ", data["staked"], " ", data["payout"], " ", data["refund"], " ", data["net"]))
		}
	}
	for typ := range kinds {
		if !seen[typ] {
			t.Errorf("nothing tells of %s", typ)
		}
	}
	want := []string{"round.settled alice one roulette 1 100 360 0 260", "round.settled bob one roulette 1 50 0 0 -50", "round.voided alice two roulette 1 30 0 30 0"}
	if !slices.Equal(lines, want) {
		t.Errorf("rounds: %q", lines)
	}
}

func TestACasinoWithoutWebhooksWritesNoFact(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	id := storetest.Tenant(t, admin)
	count := func() int { return storetest.Count(t, admin, `select count(*) from `+id.Schema()+`.fact`) }
	storetest.Fund(t, s, id, "alice", 1)
	if n := count(); n != 0 {
		t.Errorf("%d facts before there was an endpoint", n)
	}
	e := endpoint(t, s, id)
	storetest.Fund(t, s, id, "alice", 1)
	if n := count(); n != 1 {
		t.Errorf("%d facts with an endpoint", n)
	}
	if _, err := s.Webhooks.Pause(t.Context(), id, e.ID, staff); err != nil {
		t.Fatal(err)
	}
	storetest.Fund(t, s, id, "alice", 1)
	if n := count(); n != 2 {
		t.Errorf("%d facts with one that is paused", n)
	}
	if err := s.Webhooks.Delete(t.Context(), id, e.ID, nil, staff); err != nil {
		t.Fatal(err)
	}
	storetest.Fund(t, s, id, "alice", 1)
	if n := count(); n != 2 {
		t.Errorf("%d facts after the endpoint was deleted", n)
	}
}

func TestAnAppendThatFailsWritesNoFact(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	ref := storetest.Table(t, s, admin)
	storetest.Claim(t, s, ref, "n")
	storetest.Fund(t, s, ref.Tenant, "alice", 1000)
	endpoint(t, s, ref.Tenant)
	count := func() int { return storetest.Count(t, admin, `select count(*) from `+ref.Tenant.Schema()+`.fact`) }
	batch := storetest.Batch(0, storetest.Bet(1, 1, "alice", 100), settle(2, game.TypeRoundSettled))
	fenced := batch
	fenced.Epoch = 99
	fenced.Entries = nil
	for _, e := range batch.Entries {
		r := e.Records[0]
		r.Epoch = 99
		e.Records = []rooms.Record{r}
		fenced.Entries = append(fenced.Entries, e)
	}
	if _, err := s.Journal.Append(t.Context(), ref, fenced); !errors.Is(err, rooms.ErrFenced) || count() != 0 {
		t.Errorf("fenced: %v, %d facts", err, count())
	}
	poor := storetest.Batch(0, storetest.Bet(1, 1, "alice", 1001), settle(2, game.TypeRoundSettled))
	if _, err := s.Journal.Append(t.Context(), ref, poor); err == nil || count() != 0 {
		t.Errorf("unfunded: %v, %d facts", err, count())
	}
	storetest.Super(t, d, storetest.Raise(ref.Tenant.Schema()+".fact", "23514")) // what writes the fact fails
	if _, err := s.Journal.Append(t.Context(), ref, batch); err == nil {
		t.Error("an append whose fact cannot be written is taken")
	}
	if n := storetest.Count(t, admin, `select count(*) from `+ref.Tenant.Schema()+`.event`); n != 0 {
		t.Errorf("%d events without their facts", n)
	}
}

func TestWhatCommitsLateIsNotSkippedAndNothingIsDeliveredTwice(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	id := storetest.Tenant(t, admin)
	endpoint(t, s, id)
	epoch := claim(t, s, id)

	conn := storetest.Connect(t, d.AppURL)
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	for _, sql := range []string{`set local idle_in_transaction_session_timeout = 0`, `set local role "` + id.Role() + `"`, `insert into fact (type, version, player, at, data) values ('player.kicked', 1, 'late', now(), '{}')`} {
		if _, err := tx.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	var told []string
	deliver := func() {
		for _, d := range due(t, s, id, epoch) {
			told = append(told, d.Key)
			record(t, s, id, epoch, ended(d, true))
		}
	}
	for i := range 3 {
		storetest.Fund(t, s, id, game.PlayerID(fmt.Sprintf("early-%d", i)), 1)
		deliver()
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	deliver()
	storetest.Fund(t, s, id, "last", 1)
	deliver()
	deliver()
	if want := []string{"early-0", "early-1", "early-2", "late", "last"}; !slices.Equal(told, want) {
		t.Errorf("told: %v", told)
	}
	// A server that counts transactions from a lower number, as after a restore.
	if err := storetest.Exec(t, s, id, `update webhook_deliverer set mark = '9000000000000'`); err != nil {
		t.Fatal(err)
	}
	storetest.Fund(t, s, id, "restored", 1)
	deliver()
	deliver()
	if told[len(told)-1] != "restored" || len(told) != 6 {
		t.Errorf("told after a restore: %v", told)
	}
}

func TestFactsWithoutDeliveriesAreNoticedByReading(t *testing.T) {
	t.Parallel()
	s, _, id, _, epoch := arrange(t)
	settled := func() bool { // as soon as no transaction of before is under way, in whatever database
		due(t, s, id, epoch)
		return !work(t, s, id, epoch).Behind
	}
	storetest.Eventually(t, "all facts have deliveries", settled)
	storetest.Fund(t, s, id, "alice", 1)
	if !work(t, s, id, epoch).Behind {
		t.Error("a new fact is not noticed")
	}
	storetest.Eventually(t, "the new one has its delivery", settled)
	if err := storetest.Exec(t, s, id, `update webhook_deliverer set mark = '9000000000000'`); err != nil {
		t.Fatal(err)
	}
	if !work(t, s, id, epoch).Behind {
		t.Error("that the database was restored is not noticed")
	}
	storetest.Eventually(t, "nothing is left to do after it was restored", settled)
}

func TestAKeyThatFailsHoldsUpItsOwnLaterFactsOnly(t *testing.T) {
	t.Parallel()
	s, _, id, _, epoch := arrange(t)
	for range 3 {
		storetest.Fund(t, s, id, "alice", 1)
		storetest.Fund(t, s, id, "bob", 1)
	}
	var told []string
	for round := range 4 {
		for _, d := range due(t, s, id, epoch) {
			told = append(told, fmt.Sprint(d.Key, d.Fact))
			r := ended(d, d.Key != "alice" || round == 2)
			record(t, s, id, epoch, r)
		}
	}
	// alice's first fails twice, with no pause, then succeeds; then her second fails.
	if want := []string{"alice1", "bob2", "alice1", "bob4", "alice1", "bob6", "alice3"}; !slices.Equal(told, want) {
		t.Errorf("told: %v", told)
	}
}

func TestAFormerDeliverersLateWritesChangeNothing(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	id := storetest.Tenant(t, admin)
	e := endpoint(t, s, id)
	former := claim(t, s, id)
	storetest.Fund(t, s, id, "alice", 1)
	list := due(t, s, id, former)
	next := claim(t, s, id)
	if next <= former {
		t.Fatalf("epoch %d after %d", next, former)
	}
	if _, err := s.Deliveries.Record(t.Context(), id, former, []webhooks.Result{{Endpoint: e.ID, Fact: list[0].Fact, Gone: true}}); !errors.Is(err, webhooks.ErrFenced) {
		t.Errorf("Record: %v", err)
	}
	if err := s.Deliveries.FanOut(t.Context(), id, former); !errors.Is(err, webhooks.ErrFenced) {
		t.Errorf("FanOut: %v", err)
	}
	if _, err := s.Deliveries.Work(t.Context(), id, former, 1); !errors.Is(err, webhooks.ErrFenced) {
		t.Errorf("Work: %v", err)
	}
	if _, err := s.Deliveries.Sweep(t.Context(), id, former); !errors.Is(err, webhooks.ErrFenced) {
		t.Errorf("Sweep: %v", err)
	}
	again := due(t, s, id, next)
	if len(again) != 1 || again[0].WebhookID != list[0].WebhookID {
		t.Errorf("due again: %+v", again)
	}
}

func TestALeaseIsOneProcesssUntilItEnds(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	ids := []tenant.ID{storetest.Tenant(t, admin), storetest.Tenant(t, admin), storetest.Tenant(t, admin)}
	endpoint(t, s, ids[0])
	endpoint(t, s, ids[1])
	a, b := uuid.New(), uuid.New()
	hold := func(who uuid.UUID, more bool) int {
		t.Helper()
		list, err := s.Deliveries.Hold(t.Context(), who, 1e9*3600, more)
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	if n := hold(a, false); n != 0 {
		t.Errorf("a took %d unasked", n)
	}
	if x, y := hold(a, true), hold(b, true); x != 2 || y != 0 {
		t.Errorf("a holds %d, b %d", x, y)
	}
	storetest.Super(t, d, `update platform.webhook set expires = '-infinity' where tenant = '`+ids[0].String()+`'`)
	if x, y, z := hold(b, true), hold(a, true), hold(b, true); x != 1 || y != 1 || z != 1 {
		t.Errorf("after a lease has ended: b %d, a %d, b %d", x, y, z)
	}
	if err := s.Deliveries.Release(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if n := hold(b, true); n != 2 {
		t.Errorf("b holds %d after a released one", n)
	}
}

func TestAnEndpointIsPausedWhenItFailsForLongAndDisabledWhenItIsGone(t *testing.T) {
	t.Parallel()
	s, _, id, e, epoch := arrange(t)
	storetest.Fund(t, s, id, "alice", 1)
	first := due(t, s, id, epoch)[0]
	if stopped := record(t, s, id, epoch, ended(first, false)); len(stopped) != 0 {
		t.Errorf("stopped after one failure: %+v", stopped)
	}
	if err := storetest.Exec(t, s, id, `update webhook_endpoint set failing_since = now() - interval '73 hours'`); err != nil {
		t.Fatal(err)
	}
	stopped := record(t, s, id, epoch, ended(first, false))
	if len(stopped) != 1 || stopped[0].State != webhooks.Paused {
		t.Fatalf("stopped: %+v", stopped)
	}
	storetest.Fund(t, s, id, "alice", 1)
	if n := len(due(t, s, id, epoch)); n != 0 {
		t.Errorf("%d due while it is paused", n)
	}
	if _, err := s.Webhooks.Test(t.Context(), id, e.ID, staff); !errors.Is(err, webhooks.ErrNotActive) {
		t.Errorf("a test of a paused endpoint: %v", err)
	}
	if got, err := s.Webhooks.Resume(t.Context(), id, e.ID, staff); err != nil || got.State != webhooks.Active || !got.FailingSince.IsZero() {
		t.Fatalf("resumed: %+v, %v", got, err)
	}
	for want := range 2 {
		list := due(t, s, id, epoch)
		if len(list) != 1 || list[0].Attempts != 0 || (list[0].Fact == first.Fact) != (want == 0) {
			t.Fatalf("due after it was resumed: %+v", list)
		}
		record(t, s, id, epoch, ended(list[0], true))
	}
	storetest.Fund(t, s, id, "alice", 1)
	gone := ended(due(t, s, id, epoch)[0], false)
	gone.Gone = true
	if stopped := record(t, s, id, epoch, gone); len(stopped) != 1 || stopped[0].State != webhooks.Disabled {
		t.Fatalf("gone: %+v", stopped)
	}
	lines, err := storetest.LastLines(t.Context(), s, id, 10)
	if err != nil || lines[0].Action != "webhook.disable" || lines[0].Target != e.ID.String() || lines[0].Actor != "webhooks" {
		t.Errorf("audit: %+v, %v", lines[0], err)
	}
	other := endpoint(t, s, id) // so that there are facts that the first one misses
	storetest.Fund(t, s, id, "alice", 1)
	if _, err := s.Webhooks.Resume(t.Context(), id, e.ID, staff); err != nil {
		t.Fatal(err)
	}
	storetest.Fund(t, s, id, "bob", 1)
	var told []string
	for _, d := range due(t, s, id, epoch) {
		told = append(told, fmt.Sprintf("%t %s", d.Endpoint == other.ID, d.Key))
	}
	slices.Sort(told)
	if want := []string{"false bob", "true alice", "true bob"}; !slices.Equal(told, want) {
		t.Errorf("told: %v", told)
	}
}

func TestWhatIsOldIsDeletedAndHoldsNothingUp(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	id := storetest.Tenant(t, admin)
	endpoint(t, s, id)
	epoch := claim(t, s, id)
	storetest.Fund(t, s, id, "alice", 1)
	storetest.Fund(t, s, id, "alice", 1)
	list := due(t, s, id, epoch)
	schema := id.Schema()
	storetest.Super(t, d, fmt.Sprintf(`update %s.webhook_delivery set created_at = now() - interval '31 days' where fact = %d; update %s.fact set at = now() - interval '32 days' where seq = %d`,
		schema, list[0].Fact, schema, list[0].Fact))
	lost, err := s.Deliveries.Sweep(t.Context(), id, epoch)
	if err != nil || lost != 1 {
		t.Errorf("lost %d, %v", lost, err)
	}
	if f, x := storetest.Count(t, admin, `select count(*) from `+schema+`.fact`), storetest.Count(t, admin, `select count(*) from `+schema+`.webhook_delivery`); f != 1 || x != 1 {
		t.Errorf("%d facts and %d deliveries are left", f, x)
	}
	if next := due(t, s, id, epoch); len(next) != 1 || next[0].Fact == list[0].Fact {
		t.Errorf("due: %+v", next)
	}
}

func TestAFactThatWaitedForLongerThanItIsKeptHoldsUpNoLaterOne(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	id := storetest.Tenant(t, admin)
	endpoint(t, s, id)
	epoch := claim(t, s, id)
	storetest.Fund(t, s, id, "alice", 1)
	storetest.Super(t, d, `update `+id.Schema()+`.fact set at = now() - interval '40 days'`) // as if it was not served
	if list := due(t, s, id, epoch); len(list) != 1 {
		t.Fatalf("due: %+v", list)
	}
	lost, err := s.Deliveries.Sweep(t.Context(), id, epoch)
	if err != nil || lost != 1 {
		t.Errorf("lost %d, %v", lost, err)
	}
	storetest.Fund(t, s, id, "alice", 1)
	if list := due(t, s, id, epoch); len(list) != 1 || list[0].Fact != 2 {
		t.Errorf("due after it: %+v", list)
	}
}

func TestWhatADeletedEndpointWasToBeToldIsNotLost(t *testing.T) {
	t.Parallel()
	s, admin, id, e, epoch := arrange(t)
	storetest.Fund(t, s, id, "alice", 1)
	due(t, s, id, epoch)
	if err := s.Webhooks.Delete(t.Context(), id, e.ID, nil, staff); err != nil {
		t.Fatal(err)
	}
	if err := storetest.Exec(t, s, id, `update webhook_delivery set created_at = now() - interval '31 days'`); err != nil {
		t.Fatal(err)
	}
	lost, err := s.Deliveries.Sweep(t.Context(), id, epoch)
	if n := storetest.Count(t, admin, `select count(*) from `+id.Schema()+`.webhook_delivery`); err != nil || lost != 0 || n != 0 {
		t.Errorf("lost %d, %d are left, %v", lost, n, err)
	}
}

func TestAnEndpointThatHasMovedIsNotDisabledByWhereItWas(t *testing.T) {
	t.Parallel()
	s, _, id, e, epoch := arrange(t)
	storetest.Fund(t, s, id, "alice", 1)
	first := due(t, s, id, epoch)[0]
	anything := func(webhooks.Endpoint) error { return nil }
	if _, err := s.Webhooks.Change(t.Context(), id, e.ID, webhooks.Spec{URL: "https://elsewhere.example/"}, anything, staff); err != nil {
		t.Fatal(err)
	}
	gone := ended(first, false)
	gone.Gone = true
	if stopped := record(t, s, id, epoch, gone); len(stopped) != 0 {
		t.Errorf("stopped: %+v", stopped)
	}
	again := due(t, s, id, epoch)
	if len(again) != 1 || again[0].Fact != first.Fact {
		t.Errorf("due at the new place: %+v", again)
	}
}

func TestADeliveryIsReplayedBehindWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	s, _, id, e, epoch := arrange(t)
	storetest.Fund(t, s, id, "alice", 1)
	first := due(t, s, id, epoch)[0]
	if err := s.Webhooks.Replay(t.Context(), id, e.ID, first.Fact, staff); !errors.Is(err, webhooks.ErrPending) {
		t.Errorf("one that is pending: %v", err)
	}
	if err := s.Webhooks.Replay(t.Context(), id, e.ID, 999, staff); !errors.Is(err, webhooks.ErrNoDelivery) {
		t.Errorf("one that is not there: %v", err)
	}
	record(t, s, id, epoch, ended(first, true))
	storetest.Fund(t, s, id, "alice", 1)
	second := due(t, s, id, epoch)[0]
	if err := s.Webhooks.Replay(t.Context(), id, e.ID, first.Fact, staff); err != nil {
		t.Fatal(err)
	}
	if list := due(t, s, id, epoch); len(list) != 1 || list[0].Fact != second.Fact {
		t.Errorf("while another is under way: %+v", list)
	}
	record(t, s, id, epoch, ended(second, true))
	if list := due(t, s, id, epoch); len(list) != 1 || list[0].WebhookID != first.WebhookID {
		t.Errorf("after it: %+v", list)
	}
}

func TestASecretIsSealedShownOnceAndRotatedWithOverlap(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	id := storetest.Tenant(t, admin)
	e, secret, err := s.Webhooks.Create(t.Context(), id, webhooks.Spec{URL: "https://receiver.example/"}, staff)
	if err != nil {
		t.Fatal(err)
	}
	_, second, err := s.Webhooks.Rotate(t.Context(), id, e.ID, false, staff)
	if err != nil {
		t.Fatal(err)
	}
	epoch := claim(t, s, id)
	signs := func() int { return len(work(t, s, id, epoch).Targets[0].Secrets) }
	if n := signs(); n != 2 {
		t.Errorf("%d secrets sign", n)
	}
	if err := storetest.Exec(t, s, id, `update webhook_endpoint set former_until = now() - interval '1 second'`); err != nil {
		t.Fatal(err)
	}
	if n := signs(); n != 1 {
		t.Errorf("%d secrets sign after the overlap", n)
	}
	_, third, err := s.Webhooks.Rotate(t.Context(), id, e.ID, true, staff)
	if err != nil {
		t.Fatal(err)
	}
	if n := signs(); n != 1 {
		t.Errorf("%d secrets sign after the former one was dropped at once", n)
	}
	lines, err := storetest.LastLines(t.Context(), s, id, 10)
	if err != nil || lines[0].Action != "webhook.rotate" || lines[2].Action != "webhook.create" {
		t.Fatalf("audit: %+v, %v", lines, err)
	}
	for _, l := range lines {
		for _, hidden := range []string{secret, second, third, "whsec_", "secret"} {
			if strings.Contains(string(l.Before)+string(l.After), hidden) {
				t.Errorf("the audit line of %s has a secret: %s %s", l.Action, l.Before, l.After)
			}
		}
	}
}

func TestEndpointsAreBoundedAndChecked(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	id := storetest.Tenant(t, admin)
	for name, spec := range map[string]webhooks.Spec{
		"no URL":            {URL: ""},
		"a relative one":    {URL: "/hook"},
		"another scheme":    {URL: "ftp://receiver.example/"},
		"a password":        {URL: "https://user:secret@receiver.example/"},
		"a long one":        {URL: "https://receiver.example/" + strings.Repeat("x", webhooks.URLBytesMax)},
		"no UTF-8":          {URL: "https://receiver.example/\xff"},
		"an unknown type":   {URL: "https://receiver.example/", Types: []string{"bet.placed"}},
		"a port beyond all": {URL: "https://receiver.example:99999/"},
		"port 0":            {URL: "https://receiver.example:0/"},
		"two lines":         {URL: "https://receiver.example/", Description: "a\nb"},
		"the type of tests": {URL: "https://receiver.example/", Types: []string{"webhook.test"}},
	} {
		if _, _, err := s.Webhooks.Create(t.Context(), id, spec, staff); !errors.Is(err, db.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for range webhooks.EndpointsMax {
		endpoint(t, s, id, db.FactRoundSettled)
	}
	if _, _, err := s.Webhooks.Create(t.Context(), id, webhooks.Spec{URL: "https://receiver.example/"}, staff); !errors.Is(err, webhooks.ErrTooManyEndpoints) {
		t.Errorf("one too many: %v", err)
	}
	none := tenant.New()
	if _, _, err := s.Webhooks.Create(t.Context(), none, webhooks.Spec{URL: "https://receiver.example/"}, staff); !errors.Is(err, db.ErrNoTenant) {
		t.Errorf("of no tenant: %v", err)
	}
	if _, err := s.Webhooks.Get(t.Context(), id, uuid.New()); !errors.Is(err, webhooks.ErrNoEndpoint) {
		t.Errorf("one that is not there: %v", err)
	}
}

// row returns a kind's row in docs/webhooks.md.
func row(k webhooks.Kind) string {
	var fields []string
	for _, f := range k.Fields {
		fields = append(fields, "`"+f+"`")
	}
	for _, f := range k.Maybe {
		fields = append(fields, "`"+f+"`?")
	}
	return fmt.Sprintf("| `%s` | %d | %s | %s |", k.Type, k.Version, k.Text, strings.Join(fields, ", "))
}

func TestTheDocsHaveEveryFactAndNoOther(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/webhooks.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| type | version | when | fields of `data` |\n|---|---|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	var want []string
	for _, k := range webhooks.Kinds() {
		want = append(want, row(k))
	}
	if all := strings.Join(want, "\n"); table != all {
		t.Errorf("docs/webhooks.md has\n%s\nand not\n%s", table, all)
	}
}

// The login plans without reading tables from end to end. A statement that has no index to go by gets a plan
// that costs so much that the server compiles it, for a second and more.
func TestEveryStatementHasAnIndexToGoBy(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	_, admin := storetest.Open(t, d, store.Options{})
	id := storetest.Tenant(t, admin)
	conn := storetest.Connect(t, d.AppURL)
	var version int
	if err := conn.QueryRow(t.Context(), `select current_setting('server_version_num')::int`).Scan(&version); err != nil {
		t.Fatal(err)
	}
	if version < 160000 {
		t.Skip("explain (generic_plan) came with PostgreSQL 16")
	}
	for name, sql := range webhooks.Statements {
		role := id.Role()
		if strings.HasSuffix(name, "Leases") {
			role = "none"
		}
		tx, err := conn.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), `select set_config('role', $1, true)`, role); err != nil {
			t.Fatal(err)
		}
		rows, _ := tx.Query(t.Context(), `explain (generic_plan) `+sql, pgx.QueryExecModeSimpleProtocol) // its error comes from CollectRows
		plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, line := range plan {
			if strings.Contains(line, "Seq Scan") || strings.Contains(line, "JIT") {
				t.Errorf("%s:\n%s", name, strings.Join(plan, "\n"))
				break
			}
		}
		_ = tx.Rollback(t.Context())
	}
}

func TestAPageOfDeliveriesIsFoundWithoutReadingTheOthers(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	id := storetest.Tenant(t, admin)
	e, other := endpoint(t, s, id), endpoint(t, s, id)
	for _, sql := range []string{
		`insert into fact (type, version, player, at, data) select 'player.credited', 1, 'player-' || n % 7, now(), '{}' from generate_series(1, 20000) n`,
		`insert into webhook_delivery (endpoint, fact, key, state) select '` + e.ID.String() + `', seq, player, 'delivered' from fact where seq > 10000`,
		`insert into webhook_delivery (endpoint, fact, key, state) select '` + other.ID.String() + `', seq, player, 'dropped' from fact`,
	} {
		if err := storetest.Exec(t, s, id, sql); err != nil {
			t.Fatal(err)
		}
	}
	owner := storetest.Owner(t, admin)
	for _, table := range []string{"fact", "webhook_delivery"} {
		if _, err := owner.Exec(t.Context(), `analyze `+id.Schema()+`.`+table); err != nil {
			t.Fatal(err)
		}
	}
	for _, where := range []map[string][]string{nil, {"state": {"delivered"}}, {"id.lt": {"15000"}}} {
		q, err := webhooks.DeliveryTable.Parse(list.Asked{Where: where, Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		page, next, err := s.Webhooks.Deliveries(t.Context(), id, e.ID, q)
		if err != nil || len(page) != 10 || next == "" || page[0].State != "delivered" {
			t.Errorf("%v: %+v, next %q, %v", where, page, next, err)
		}
		sql, args := webhooks.DeliveryTable.SQL(q.And("endpoint", e.ID.String()))
		if p := storetest.Explain(t, s, id, "force_custom_plan", sql, args...); p.RowsRead() > 50 {
			t.Errorf("%v: %d rows are read for a page of 10: %s", where, p.RowsRead(), p.Text)
		}
	}
}

func TestABacklogOfManyPortionsBecomesDeliveriesOnceAndInOrder(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	id := storetest.Tenant(t, admin)
	endpoint(t, s, id)
	endpoint(t, s, id, "player.kicked")
	epoch := claim(t, s, id)
	err := storetest.Exec(t, s, id, `insert into fact (type, version, player, at, data)
		select case when n % 2 = 0 then 'player.kicked' else 'player.credited' end, 1, 'player-' || n % 7, now(), '{}' from generate_series(1, 2500) n`)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Deliveries.FanOut(t.Context(), id, epoch); err != nil {
			t.Fatal(err)
		}
	}
	schema := id.Schema()
	if n := storetest.Count(t, admin, `select count(*) from `+schema+`.webhook_delivery`); n != 2500+1250 {
		t.Errorf("%d deliveries", n)
	}
	heads := `select count(*) from ` + schema + `.webhook_delivery d where (next_at is not null) <>
		(fact = (select min(fact) from ` + schema + `.webhook_delivery x where x.endpoint = d.endpoint and x.key = d.key))`
	if n := storetest.Count(t, admin, heads); n != 0 {
		t.Errorf("%d deliveries are due that are not the first of their key, or the other way round", n)
	}
	if n := storetest.Count(t, admin, `select count(*) from `+schema+`.webhook_deliverer where mark > '0'`); n != 1 {
		t.Error("all is read again and again")
	}
}
