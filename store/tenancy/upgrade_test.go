package tenancy_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"

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
