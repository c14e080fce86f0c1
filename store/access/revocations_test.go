package access_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/access"
	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

var because = access.Revoke{Reason: "stolen", Actor: "operator:olivia", Origin: rooms.Origin{Address: "192.0.2.1"}}

func bearer(id tenant.ID, subject, jti string, issued time.Time) auth.Principal {
	return auth.Principal{Tenant: id, Subject: subject, Role: auth.Player, TokenID: jti, IssuedAt: issued}
}

// following runs a Store's revocations and returns whose changes it told.
func following(t *testing.T, s *store.Store) <-chan []tenant.ID {
	t.Helper()
	changes := make(chan []tenant.ID, 64)
	s.Revocations.OnChange(func(ids []tenant.ID) { changes <- ids })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Revocations.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return changes
}

func told(t *testing.T, changes <-chan []tenant.ID, id tenant.ID) {
	t.Helper()
	select {
	case ids := <-changes:
		if len(ids) != 1 || ids[0] != id {
			t.Fatalf("told of %v", ids)
		}
	case <-time.After(time.Second):
		t.Fatal("not told within a second")
	}
}

func TestWhatIsRevokedIsKnownEverywhereWithinASecondAndAfterARestart(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	here, admin := storetest.Open(t, d, store.Options{})
	there, _ := storetest.Open(t, d, store.Options{})
	id, other := storetest.Tenant(t, admin), storetest.Tenant(t, admin)
	changes := following(t, there)
	before := time.Now().Add(-time.Minute)

	if err := here.Revocations.RevokeToken(t.Context(), id, "jti-1", because); err != nil {
		t.Fatal(err)
	}
	if !here.Revocations.Revoked(bearer(id, "alice", "jti-1", before)) {
		t.Error("who revoked it does not know")
	}
	told(t, changes, id)
	if err := here.Revocations.Kick(t.Context(), id, "bob", because); err != nil {
		t.Fatal(err)
	}
	told(t, changes, id)
	again, _ := storetest.Open(t, d, store.Options{})
	for name, r := range map[string]*access.Revocations{"there": there.Revocations, "after a restart": again.Revocations} {
		for _, c := range []struct {
			p    auth.Principal
			want bool
		}{
			{bearer(id, "alice", "jti-1", before), true},
			{bearer(id, "alice", "jti-2", before), false},
			{bearer(id, "alice", "", before), false},
			{bearer(other, "alice", "jti-1", before), false},
			{bearer(id, "bob", "jti-3", before), true},
			{bearer(id, "bob", "jti-3", time.Time{}), true},
			{bearer(id, "bob", "jti-3", time.Now().Add(auth.Leeway+time.Minute)), false},
			{auth.Principal{Tenant: id, Subject: "bob", Role: auth.Operator, IssuedAt: before}, false},
			{bearer(other, "bob", "jti-3", before), false},
		} {
			if got := r.Revoked(c.p); got != c.want {
				t.Errorf("%s: %s %q %s: %t", name, c.p.Role, c.p.Subject, c.p.TokenID, got)
			}
		}
	}
	lines, err := storetest.LastLines(t.Context(), here, id, 2)
	if err != nil || len(lines) != 2 || lines[0].Action != "player.kick" || lines[0].Target != "bob" || lines[1].Action != "token.revoke" ||
		lines[1].Target != "jti-1" || lines[1].Reason != "stolen" || lines[1].Actor != "operator:olivia" || lines[1].Address != "192.0.2.1" {
		t.Errorf("audit: %+v, %v", lines, err)
	}
}

func TestStaffIsKickedInEveryRoleAndAPlayerOfTheSameIDIsNot(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	here, admin := storetest.Open(t, d, store.Options{})
	there, _ := storetest.Open(t, d, store.Options{})
	id := storetest.Tenant(t, admin)
	changes := following(t, there)
	if err := here.Revocations.KickStaff(t.Context(), id, "bob", because); err != nil {
		t.Fatal(err)
	}
	told(t, changes, id)
	before, after := time.Now().Add(-time.Minute), time.Now().Add(auth.Leeway+time.Minute)
	for _, r := range []*access.Revocations{here.Revocations, there.Revocations} {
		for _, role := range []auth.Role{auth.Operator, auth.Support, auth.Service, auth.Player} {
			who := auth.Principal{Tenant: id, Subject: "bob", Role: role, TokenID: "j", IssuedAt: before}
			if got := r.Revoked(who); got != (role != auth.Player) {
				t.Errorf("%s: %t", role, got)
			}
			if who.IssuedAt = after; r.Revoked(who) {
				t.Errorf("%s: what was issued later", role)
			}
		}
	}
	if lines, err := storetest.LastLines(t.Context(), here, id, 1); err != nil || lines[0].Action != "staff.kick" || lines[0].Target != "bob" {
		t.Errorf("audit: %+v, %v", lines, err)
	}
	if err := here.Revocations.KickStaff(t.Context(), id, "a b", because); !errors.Is(err, db.ErrInvalid) {
		t.Errorf("%v", err)
	}
}

func TestARevocationThatCommitsLateIsNotMissed(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	id := storetest.Tenant(t, admin)
	changes := following(t, s)
	tx, err := storetest.Connect(t, d.AppURL).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	if _, err := tx.Exec(t.Context(), `insert into platform.revocation (tenant, kind, subject, expires) values ($1, 'token', 'early', now() + interval '1 day')`, id.String()); err != nil {
		t.Fatal(err)
	}
	if err := s.Revocations.RevokeToken(t.Context(), id, "late", because); err != nil { // a later transaction, which is seen first
		t.Fatal(err)
	}
	told(t, changes, id)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	told(t, changes, id)
	if !s.Revocations.Revoked(bearer(id, "alice", "early", time.Now())) {
		t.Error("missed")
	}
}

func TestRevocationsAreTakenAtOnce(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	id := storetest.Tenant(t, admin)
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			who := game.PlayerID(fmt.Sprint("p", i%3))
			if err := s.Revocations.Kick(t.Context(), id, who, because); err != nil {
				t.Error(err)
			}
			if !s.Revocations.Revoked(bearer(id, string(who), "", time.Now())) {
				t.Errorf("%s is believed", who)
			}
		})
	}
	all.Wait()
}

func TestExpiredRevocationsAreDeletedAndGrowthIsBounded(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	id := storetest.Tenant(t, admin)
	for _, jti := range []string{"old", "new"} {
		if err := s.Revocations.RevokeToken(t.Context(), id, jti, because); err != nil {
			t.Fatal(err)
		}
	}
	storetest.Super(t, d, `update platform.revocation set expires = now() - interval '1 s', change = pg_current_xact_id()::text::bigint where subject = 'old';
		insert into platform.ticket_used values ('\x01', now() - interval '1 s'), ('\x02', now() + interval '1 h')`)
	again, _ := storetest.Open(t, d, store.Options{})
	if err := again.Revocations.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := again.Revocations; r.Revoked(bearer(id, "a", "old", time.Now())) || !r.Revoked(bearer(id, "a", "new", time.Now())) {
		t.Error("the wrong ones are forgotten")
	}
	var revocations, tickets int
	if err := storetest.Connect(t, d.AppURL).QueryRow(t.Context(), `select (select count(*) from platform.revocation), (select count(*) from platform.ticket_used)`).Scan(&revocations, &tickets); err != nil || revocations != 1 || tickets != 1 {
		t.Errorf("%d and %d are left, %v", revocations, tickets, err)
	}
	storetest.Super(t, d, fmt.Sprintf(`insert into platform.revocation (tenant, kind, subject, expires) select '%s', 'token', 'x' || n, now() + interval '1 h' from generate_series(2, %d) n`, id, access.RevocationsMax))
	if err := s.Revocations.Kick(t.Context(), id, "one-too-many", because); !errors.Is(err, access.ErrTooManyRevocations) {
		t.Error(err)
	}
}

func TestOnlyWhatCanBeRevokedIs(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	id := storetest.Tenant(t, admin)
	nobody := tenant.New()
	for name, c := range map[string]struct{ got, want error }{
		"empty jti":     {s.Revocations.RevokeToken(t.Context(), id, "", because), db.ErrInvalid},
		"bad jti":       {s.Revocations.RevokeToken(t.Context(), id, "a\x00b", because), db.ErrInvalid},
		"bad player":    {s.Revocations.Kick(t.Context(), id, "a b", because), db.ErrInvalid},
		"no reason":     {s.Revocations.Kick(t.Context(), id, "alice", access.Revoke{Actor: "x"}), db.ErrInvalid},
		"no such house": {s.Revocations.Kick(t.Context(), nobody, "alice", because), db.ErrNoTenant},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("%s: %v", name, c.got)
		}
	}
}
