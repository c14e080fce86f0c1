package journal_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

// TestOldRefusalsAreDeletedAndNothingElse has more old refusals than one transaction deletes.
func TestOldRefusalsAreDeletedAndNothingElse(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	ref := storetest.Table(t, s, admin)
	storetest.Claim(t, s, ref, "n")
	storetest.Fund(t, s, ref.Tenant, "alice", 1000)
	j, old := s.Journal, uuid.NewString()
	if _, err := j.Append(t.Context(), ref, storetest.Batch(0, storetest.Bet(1, 1, "alice", 10), storetest.Refused("alice", old))); err != nil {
		t.Fatal(err)
	}
	schema := ref.Tenant.Schema()
	storetest.Super(t, d, `update `+schema+`.refusal set at = at - interval '24 hours 1 minute';
		insert into `+schema+`.refusal (player, id, room, answer, at)
		select 'bob', gen_random_uuid(), 'table-1', '{}', now() - interval '25 hours' from generate_series(1, 2500);
		insert into `+schema+`.refusal (player, id, room, answer, at)
		select 'young', gen_random_uuid(), 'table-1', '{}', now() - interval '23 hours 59 minutes' from generate_series(1, 5)`)
	if err := s.Refusals.Sweep(t.Context(), ref.Tenant); err != nil {
		t.Fatal(err)
	}
	for table, want := range map[string]int{"refusal": 5, "refusal where player = 'young'": 5, "command": 1, "event": 1} {
		if n := storetest.Count(t, admin, `select count(*) from `+schema+`.`+table); n != want {
			t.Errorf("%s has %d rows, want %d", table, n, want)
		}
	}
	late := storetest.Bet(1, 2, "alice", 10)
	late.Command.ID = old
	if _, err := j.Append(t.Context(), ref, storetest.Batch(1, late)); err != nil {
		t.Errorf("the id of a refusal that had its time: %v", err)
	}
}

// TestARefusalFromBeforeTheyHadATableStays has one among the accepted commands, without a digest.
func TestARefusalFromBeforeTheyHadATableStays(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	ref := storetest.Table(t, s, admin)
	storetest.Claim(t, s, ref, "n")
	storetest.Fund(t, s, ref.Tenant, "alice", 1000)
	late := storetest.Bet(1, 1, "alice", 10)
	late.Digest = 7
	storetest.Super(t, d, `insert into `+ref.Tenant.Schema()+`.command (player, id, room, answer)
		values ('alice', '`+late.Command.ID+`', 'table-1', '{"epoch":1,"seq":0,"refusal":{"code":"betting_closed","message":"Too late."}}')`)
	for _, e := range []rooms.Entry{late, storetest.Refused("alice", late.Command.ID)} {
		_, err := s.Journal.Append(t.Context(), ref, storetest.Batch(0, e))
		var conflict *rooms.Conflict
		if !errors.As(err, &conflict) || conflict.Answered[0].Refusal == nil || conflict.Answered[0].Refusal.Code != game.CodeBettingClosed {
			t.Errorf("got %v", err)
		}
	}
}

// TestWhatWasAcceptedIsAnsweredThoughItWasRefusedToo has a node of the version before, which knows
// no refusals, accept a command that one of this version had refused.
func TestWhatWasAcceptedIsAnsweredThoughItWasRefusedToo(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	ref := storetest.Table(t, s, admin)
	storetest.Claim(t, s, ref, "n")
	storetest.Fund(t, s, ref.Tenant, "alice", 1000)
	again := storetest.Bet(1, 1, "alice", 10)
	storetest.Super(t, d, `insert into `+ref.Tenant.Schema()+`.command (player, id, room, answer)
		values ('alice', '`+again.Command.ID+`', 'table-1', '{"epoch":1,"seq":7}');
		insert into `+ref.Tenant.Schema()+`.refusal (player, id, room, answer)
		values ('alice', '`+again.Command.ID+`', 'table-1', '{"epoch":1,"seq":0,"refusal":{"code":"betting_closed","message":"Too late."}}')`)
	_, err := s.Journal.Append(t.Context(), ref, storetest.Batch(0, again))
	var conflict *rooms.Conflict
	if !errors.As(err, &conflict) || conflict.Answered[0].Refusal != nil || conflict.Answered[0].Seq != 7 {
		t.Errorf("got %v, %+v", err, conflict)
	}
}
