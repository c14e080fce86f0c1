package tenancy_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

// TestATenantOfTheFirstVersionKeepsWhatWasAnswered brings a casino to this version that has
// answered commands before.
func TestATenantOfTheFirstVersionKeepsWhatWasAnswered(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	old, err := tenancy.OpenAdmin(t.Context(), d.AdminURL, d.Box)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	old.BeforeRefusals()
	if err := old.Migrate(t.Context(), d.AppURL); err != nil {
		t.Fatal(err)
	}
	ref := rooms.Ref{Tenant: storetest.Tenant(t, old), Room: "table-1"}
	storetest.Super(t, d, tenancy.AfterFirst)
	was, late := storetest.Bet(1, 1, "alice", 10), uuid.NewString()
	storetest.Super(t, d, `insert into `+ref.Tenant.Schema()+`.command (player, id, room, answer) values
		('alice', '`+was.Command.ID+`', 'table-1', '{"epoch":1,"seq":7,"balance":5}'),
		('alice', '`+late+`', 'table-1', '{"epoch":1,"seq":0,"refusal":{"code":"betting_closed","message":"Too late."}}')`)
	if _, err := store.Open(t.Context(), store.Options{URL: d.AppURL, Box: d.Box}); !errors.Is(err, tenancy.ErrOlderSchema) {
		t.Errorf("before the migration: %v", err)
	}
	s, _ := storetest.Open(t, d, store.Options{})
	storetest.OpenRoom(t, s, ref)
	storetest.Claim(t, s, ref, "n")
	storetest.Fund(t, s, ref.Tenant, "alice", 1000)
	j := s.Journal
	was.Digest = 7
	_, err = j.Append(t.Context(), ref, storetest.Batch(0, was, storetest.Refused("alice", late), storetest.Refused("alice", uuid.NewString())))
	var conflict *rooms.Conflict
	if !errors.As(err, &conflict) || conflict.Answered[0].Seq != 7 || conflict.Answered[1].Refusal == nil || len(conflict.Answered) != 2 {
		t.Errorf("got %v, %+v", err, conflict)
	}
	if _, err := j.Append(t.Context(), ref, storetest.Batch(0, storetest.Bet(1, 1, "alice", 10), storetest.Refused("alice", uuid.NewString()))); err != nil {
		t.Error(err)
	}
	if err := s.Refusals.Sweep(t.Context(), ref.Tenant); err != nil {
		t.Error(err)
	}
	storetest.Sound(t, s, ref.Tenant)
}

// TestTheSeedsOfRoundsOfTheFirstVersionAreFound brings a casino to this version whose rounds told their seeds
// before events were marked that do.
func TestTheSeedsOfRoundsOfTheFirstVersionAreFound(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	old, err := tenancy.OpenAdmin(t.Context(), d.AdminURL, d.Box)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	old.BeforeRefusals()
	if err := old.Migrate(t.Context(), d.AppURL); err != nil {
		t.Fatal(err)
	}
	schema := storetest.Tenant(t, old).Schema()
	storetest.Super(t, d, tenancy.AfterFirst)
	storetest.Super(t, d, `insert into `+schema+`.room (id, game, name, settings) values ('table-1', 'roulette', 'Table', '{}');
		insert into `+schema+`.event (room, seq, epoch, at, type, round, data) values
		('table-1', 1, 1, now(), 'round.opened', 1, '{}'), ('table-1', 2, 1, now(), 'wheel.spun', 1, '{"seed":"1"}'), ('table-1', 3, 1, now(), 'round.settled', 1, '{}'),
		('table-1', 4, 1, now(), 'round.opened', 2, '{}'), ('table-1', 5, 1, now(), 'round.voided', 2, '{"seed":"2"}'),
		('table-1', 6, 1, now(), 'round.opened', 3, '{}'), ('table-1', 7, 1, now(), 'round.voided', 3, '{"reason":"the seed is lost"}');
		insert into `+schema+`.transfer (debit, credit, amount, kind, ref, room, seq, player, at)
		select 1, 2, 100, 'stake', 'round ' || n, 'table-1', 1, 'alice', now() from generate_series(1, 3) as n`)
	s, admin := storetest.Open(t, d, store.Options{})
	id, err := tenant.Parse(schema)
	if err != nil {
		t.Fatal(err)
	}
	if n := storetest.Count(t, admin, `select count(*) from `+schema+`.event where reveals and seq in (2, 5)`); n != 2 {
		t.Errorf("%d of 2 events are marked", n)
	}
	played, err := s.Ledger.Played(t.Context(), id, "alice", 1<<62, 10)
	if err != nil || len(played) != 3 {
		t.Fatalf("%+v, %v", played, err)
	}
	for i, want := range []int64{0, 5, 2} {
		if r := played[i].Reveal; want == 0 && r != nil || want > 0 && (r == nil || r.Seq != want) {
			t.Errorf("round %d is told by %+v, want %d", played[i].Round, r, want)
		}
	}
}

// TestThePeopleBehindTheKeysOfAnOlderVersionAreFound brings a casino to this version whose keys were rotated, and had
// asked for approvals, before the people behind them were written down.
func TestThePeopleBehindTheKeysOfAnOlderVersionAreFound(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	old, err := tenancy.OpenAdmin(t.Context(), d.AdminURL, d.Box)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	old.BeforePeople()
	if err := old.Migrate(t.Context(), d.AppURL); err != nil {
		t.Fatal(err)
	}
	id, err := old.CreateAsBefore(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	storetest.Super(t, d, `
		insert into platform.api_key (id, tenant, name, hash, scopes, created_by, replaced_by, valid_until)
		select v.id, '`+id.String()+`', 'wallet', sha256('x'), '{money:write}', v.by, v.next, case when v.next <> '' then now() end
		from (values ('0000000003', 'operator:otto', null), ('0000000002', 'operator:olivia', '0000000003'), ('0000000001', 'operator:oscar', '0000000002'),
			('0000000009', 'cli:root', null), ('0000000008', 'cli', null)) as v (id, by, next);
		insert into `+id.Schema()+`.approval (id, kind, target, request, digest, reason, asker_role, asker, asked_from, expires_at, state, answerer_role, answerer, answered_at, answer_reason, result)
		select gen_random_uuid(), 'credit', 'alice', '{}', '', 'r', v.role, v.asker, '', now() + interval '1 hour', v.state, v.answerer_role, v.answerer, v.at, v.answer_reason, v.result::json
		from (values ('key', '0000000003', 'open', null, null, null::timestamptz, null, null), ('operator', 'olivia', 'open', null, null, null, null, null),
			('key', '0000000003', 'approved', 'operator', 'otto', now(), 'r', '{}')) as v (role, asker, state, answerer_role, answerer, at, answer_reason, result);
		insert into `+id.Schema()+`.credit (command, player, giver, amount, created, at)
		select gen_random_uuid(), 'alice', giver, 1, false, now() from unnest('{0000000003,olivia}'::text[]) as giver;
		`+tenancy.AfterPeople)
	now := newer(t, d)
	plan, err := now.PlanRoll(t.Context(), tenancy.Rollout{})
	if err != nil || len(plan.Platform) == 0 || len(plan.Groups) != 1 || len(plan.Groups[0].Tenants) != 1 {
		t.Errorf("the plan: %+v, %v", plan, err)
	}
	_, admin := storetest.Open(t, d, store.Options{})
	for sql, want := range map[string]string{
		`select string_agg(id || ' ' || people::text, ' ' order by id) from platform.api_key`:                                    "0000000001 {oscar} 0000000002 {olivia,oscar} 0000000003 {olivia,oscar,otto} 0000000008 {cli} 0000000009 {root}",
		`select string_agg(asker || ' ' || people::text, ' ' order by n) from ` + id.Schema() + `.approval where state = 'open'`: "0000000003 {olivia,oscar,otto} olivia {olivia}",
		`select people::text from ` + id.Schema() + `.approval where state = 'approved'`:                                         "{0000000003}",
		`select string_agg(people::text, ' ' order by giver) from ` + id.Schema() + `.credit`:                                    "{olivia,oscar,otto} {olivia}",
	} {
		var got string
		if err := storetest.Owner(t, admin).QueryRow(t.Context(), sql).Scan(&got); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", sql, got, err, want)
		}
	}
}
