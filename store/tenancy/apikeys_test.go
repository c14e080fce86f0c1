package tenancy_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/audit"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

// byTest is who changes keys in these tests.
var byTest = tenancy.APIKeyChange{Reason: "a test", Actor: "operator:olivia", Origin: rooms.Origin{Address: "192.0.2.1"}}

// bookkeeping is a key that is to be made.
func bookkeeping() tenancy.NewAPIKey {
	return tenancy.NewAPIKey{Name: "bookkeeping", Scopes: []string{"audit:read", "money:read"}}
}

// ofThePlatform is a key of the platform's that is to be made.
func ofThePlatform() tenancy.NewAPIKey {
	return tenancy.NewAPIKey{Name: "bookkeeping", Scopes: []string{"tenants:read", "audit:read"}}
}

// verify returns what a node says of a key that is used at a tenant now.
func verify(s *store.Store, id tenant.ID, k auth.APIKeyText) error {
	_, err := auth.VerifyAPIKey(s.Tenants, id, "casino", k.Reveal(), netip.Addr{}, time.Now())
	return err
}

// becomes waits for at most a second until a node says of a key what it has to.
func becomes(t *testing.T, s *store.Store, id tenant.ID, k auth.APIKeyText, want error) {
	t.Helper()
	began := time.Now()
	storetest.Eventually(t, fmt.Sprint("the node says ", want), func() bool { return errors.Is(verify(s, id, k), want) })
	if took := time.Since(began); took > time.Second {
		t.Errorf("%v is known after %s", want, took)
	}
}

func TestAnAPIKeyIsGoodOnEveryNodeWithinASecondUntilItIsRevokedOrReplaced(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	here, admin := storetest.Open(t, d, store.Options{})
	there, _ := storetest.Open(t, d, store.Options{})
	id := storetest.Tenant(t, admin)
	directory(t, there)
	if err := here.Tenants.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	slug := must(here.Tenants.ByID(id)).Slug

	for name, of := range map[string]keyring{
		"by a node": {
			id,
			func() (tenancy.APIKeyInfo, auth.APIKeyText, error) {
				return here.APIKeys.Create(t.Context(), id, bookkeeping(), byTest)
			},
			func(key string, overlap time.Duration) (tenancy.APIKeyInfo, auth.APIKeyText, error) {
				return here.APIKeys.Rotate(t.Context(), id, key, overlap, byTest)
			},
			func(key string) (tenancy.APIKeyInfo, error) { return here.APIKeys.Revoke(t.Context(), id, key, byTest) },
		},
		"by the owner":   ofAdmin(t, admin, id, slug),
		"the platform's": ofAdmin(t, admin, tenant.ID{}, tenancy.Platform),
	} {
		k, text, err := of.create()
		scopes := "[money:read audit:read]"
		if name == "the platform's" {
			scopes = "[audit:read tenants:read]"
		}
		if err != nil || k.State != tenancy.APIKeyActive || fmt.Sprint(k.Scopes) != scopes {
			t.Fatalf("%s: %+v, %v", name, k, err)
		}
		becomes(t, there, of.at, text, nil)
		if err := verify(there, tenant.ID{}, text); name != "the platform's" && !errors.Is(err, auth.ErrKeyUnknown) {
			t.Errorf("%s: at the platform: %v", name, err)
		}

		next, nextText, err := of.rotate(k.ID, time.Second)
		if err != nil || next.Name != k.Name || fmt.Sprint(next.Scopes) != fmt.Sprint(k.Scopes) {
			t.Fatalf("%s: %+v, %v", name, next, err)
		}
		becomes(t, there, of.at, nextText, nil)
		if _, _, err := of.rotate(k.ID, 0); !errors.Is(err, tenancy.ErrAPIKeyEnded) {
			t.Errorf("%s: a replaced key is replaced again: %v", name, err)
		}
		storetest.Eventually(t, "the old key ends", func() bool { return errors.Is(verify(there, of.at, text), auth.ErrKeyExpired) })
		if err := verify(there, of.at, nextText); err != nil {
			t.Errorf("%s: the new key ended too: %v", name, err)
		}

		if gone, err := of.revoke(next.ID); err != nil || gone.State != tenancy.APIKeyRevoked {
			t.Fatalf("%s: %+v, %v", name, gone, err)
		}
		becomes(t, there, of.at, nextText, auth.ErrKeyRevoked)
		again, err := of.revoke(next.ID)
		if err != nil || again.RevokedAt.IsZero() {
			t.Errorf("%s: revoked again: %+v, %v", name, again, err)
		}
		for _, wrong := range []string{"0000000000", "", "x' or true --"} {
			if _, err := of.revoke(wrong); !errors.Is(err, tenancy.ErrNoAPIKey) {
				t.Errorf("%s: %q: %v", name, wrong, err)
			}
		}
	}
}

func must[T any](v T, _ bool) T { return v }

// keyring is a way to make and change the keys of an owner.
type keyring struct {
	at     tenant.ID
	create func() (tenancy.APIKeyInfo, auth.APIKeyText, error)
	rotate func(id string, overlap time.Duration) (tenancy.APIKeyInfo, auth.APIKeyText, error)
	revoke func(id string) (tenancy.APIKeyInfo, error)
}

func ofAdmin(t *testing.T, admin *tenancy.Admin, id tenant.ID, slug tenant.Slug) keyring {
	return keyring{
		id,
		func() (tenancy.APIKeyInfo, auth.APIKeyText, error) {
			if slug == tenancy.Platform {
				return admin.CreateAPIKey(t.Context(), slug, ofThePlatform(), "a test")
			}
			return admin.CreateAPIKey(t.Context(), slug, bookkeeping(), "a test")
		},
		func(key string, overlap time.Duration) (tenancy.APIKeyInfo, auth.APIKeyText, error) {
			return admin.RotateAPIKey(t.Context(), slug, key, overlap, "a test")
		},
		func(key string) (tenancy.APIKeyInfo, error) {
			return admin.RevokeAPIKey(t.Context(), slug, key, "a test")
		},
	}
}

func TestAnAPIKeyIsItsOwnersAloneAndItsChangesAreInItsOwnersAuditLogWithoutASecret(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	id, other := storetest.Tenant(t, admin), storetest.Tenant(t, admin)
	if err := s.Tenants.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	slug := must(s.Tenants.ByID(id)).Slug
	k, first, err := s.APIKeys.Create(t.Context(), id, bookkeeping(), byTest)
	if err != nil {
		t.Fatal(err)
	}
	platforms, second, err := admin.CreateAPIKey(t.Context(), tenancy.Platform, ofThePlatform(), "a test")
	if err != nil {
		t.Fatal(err)
	}
	for _, foreign := range []func() error{
		func() error { _, err := s.APIKeys.Revoke(t.Context(), other, k.ID, byTest); return err },
		func() error { _, _, err := s.APIKeys.Rotate(t.Context(), other, k.ID, 0, byTest); return err },
		func() error { _, err := s.APIKeys.Revoke(t.Context(), id, platforms.ID, byTest); return err },
		func() error { _, err := admin.RevokeAPIKey(t.Context(), tenancy.Platform, k.ID, "a test"); return err },
		func() error { _, err := admin.RevokeAPIKey(t.Context(), slug, platforms.ID, "a test"); return err },
	} {
		if err := foreign(); !errors.Is(err, tenancy.ErrNoAPIKey) {
			t.Errorf("a key of another owner's: %v", err)
		}
	}
	if list, err := s.APIKeys.List(t.Context(), other); err != nil || len(list) != 0 {
		t.Errorf("another tenant sees %+v, %v", list, err)
	}
	if list, err := admin.ListAPIKeys(t.Context(), tenancy.Platform); err != nil || len(list) != 1 || list[0].ID != platforms.ID || list[0].CreatedBy != "platform" {
		t.Errorf("the platform sees %+v, %v", list, err)
	}
	for _, empty := range []tenant.Slug{"", "nobody"} { // an empty variable of a script is not the platform
		if _, _, err := admin.CreateAPIKey(t.Context(), empty, bookkeeping(), "a test"); !errors.Is(err, store.ErrNoTenant) {
			t.Errorf("%q: %v", empty, err)
		}
	}

	third, text, err := s.APIKeys.Rotate(t.Context(), id, k.ID, time.Hour, byTest)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.APIKeys.Revoke(t.Context(), id, third.ID, byTest); err != nil {
		t.Fatal(err)
	}
	if _, _, err := admin.RotateAPIKey(t.Context(), tenancy.Platform, platforms.ID, 0, "a test"); err != nil {
		t.Fatal(err)
	}
	lines, err := storetest.LastLines(t.Context(), s, id, 10)
	if err != nil {
		t.Fatal(err)
	}
	var done []string
	for _, l := range slices.Backward(lines) {
		if strings.HasPrefix(l.Action, "api_key.") {
			done = append(done, l.Action+" "+l.Target+" by "+l.Actor+" from "+l.Address)
		}
	}
	want := []string{"api_key.create " + k.ID, "api_key.rotate " + k.ID, "api_key.revoke " + third.ID}
	for i := range want {
		want[i] += " by operator:olivia from 192.0.2.1"
	}
	if !slices.Equal(done, want) {
		t.Errorf("the audit log has %q, want %q", done, want)
	}
	if n := storetest.Count(t, admin, `select count(*) from platform.audit_log where target = $1 and actor = 'platform' and reason = 'a test'`, platforms.ID); n != 2 {
		t.Errorf("the platform's audit log has %d lines", n)
	}
	for _, key := range []auth.APIKeyText{first, second, text} {
		secret, hash := key.Reveal()[len("pitboss_0123456789_"):], key.Hash()
		never := []string{secret[:20], fmt.Sprintf("%x", hash[:8]), fmt.Sprint(hash[:4])[1:10]}
		for _, log := range []string{id.Schema(), "platform"} {
			for _, n := range never {
				if storetest.Count(t, admin, `select count(*) from `+log+`.audit_log l where l::text like '%' || $1 || '%'`, n) != 0 {
					t.Errorf("a secret is in the audit log of %s", log)
				}
			}
		}
		if n := storetest.Count(t, admin, `select count(*) from platform.api_key k where k::text like '%' || $1 || '%'`, secret[:20]); n != 0 {
			t.Error("a secret is stored")
		}
	}
}

func TestTheApplicationsLoginCanMakeNoKeyOfThePlatformsAndNotChangeWhatAKeyMayDo(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	id := storetest.Tenant(t, admin)
	k, text, err := s.APIKeys.Create(t.Context(), id, bookkeeping(), byTest)
	if err != nil {
		t.Fatal(err)
	}
	platforms, _, err := admin.CreateAPIKey(t.Context(), tenancy.Platform, ofThePlatform(), "a test")
	if err != nil {
		t.Fatal(err)
	}
	app, hash := storetest.Connect(t, d.AppURL), text.Hash()
	for sql, args := range map[string][]any{
		`insert into platform.api_key (id, name, hash, scopes, created_by) values ('0123456789', 'x', $1, '{rooms:read}', 'x')`: {hash[:]},
		`update platform.api_key set scopes = '{money:write}' where id = $1`:                                                    {k.ID},
		`update platform.api_key set hash = hash where id = $1`:                                                                 {k.ID},
		`update platform.api_key set people = '{x}' where id = $1`:                                                              {k.ID},
		`update platform.api_key set tenant = null where id = $1`:                                                               {k.ID},
		`update platform.api_key set expires_at = null, addresses = '{}' where id = $1`:                                         {k.ID},
		`alter table platform.api_key disable row level security`:                                                               nil,
		`insert into platform.audit_log (actor, action, target, reason, address) values ('', '', '', '', '')`:                   nil,
		`delete from platform.audit_log`:                                                                                        nil,
		`select platform.api_key_changed()`:                                                                                     nil,
	} {
		if _, err := app.Exec(t.Context(), sql, args...); storetest.State(err) != "42501" {
			t.Errorf("%s: %v", sql, err)
		}
	}
	for sql, key := range map[string]string{
		`update platform.api_key set revoked_at = now() where id = $1`: platforms.ID,
		`delete from platform.api_key where id = $1`:                   k.ID,
	} {
		if tag, err := app.Exec(t.Context(), sql, key); err != nil || tag.RowsAffected() != 0 {
			t.Errorf("%s: %v, %v", sql, tag, err)
		}
	}
	if err := storetest.Exec(t, s, id, `select from platform.api_key`); storetest.State(err) != "42501" {
		t.Errorf("a tenant's role sees the keys: %v", err)
	}
}

func TestAnAPIKeyIsMadeWithinItsBoundsAndForNoMoreThanItsMakerMayDo(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	id := storetest.Tenant(t, admin)
	if err := s.Tenants.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	for says, change := range map[string]func(*tenancy.NewAPIKey){
		"name: want 1 to 40 characters": func(n *tenancy.NewAPIKey) { n.Name = " " },
		"name: want 1 to 40 characters, in one line": func(n *tenancy.NewAPIKey) {
			n.Name = "äääääääääääääääääääääääääääääääääääääääää"
		},
		"scopes: want some of rooms:read, rooms:write":     func(n *tenancy.NewAPIKey) { n.Scopes = nil },
		`scopes: a key cannot have "keys:write": want`:     func(n *tenancy.NewAPIKey) { n.Scopes = []string{"rooms:read", "keys:write"} },
		`scopes: a key cannot have "socket:open": want`:    func(n *tenancy.NewAPIKey) { n.Scopes = []string{"socket:open"} },
		"addresses: want a range as 192.0.2.0/24":          func(n *tenancy.NewAPIKey) { n.Addresses = []string{"casino.example"} },
		"addresses: 10.0.0.1/8 has bits beyond its range":  func(n *tenancy.NewAPIKey) { n.Addresses = []string{"10.0.0.1/8"} },
		"addresses: ::ffff:10.0.0.0/104: write it as IPv4": func(n *tenancy.NewAPIKey) { n.Addresses = []string{"::ffff:10.0.0.0/104"} },
		"addresses: want at most 32":                       func(n *tenancy.NewAPIKey) { n.Addresses = make([]string, 33) },
		"expires_at: want a time to come":                  func(n *tenancy.NewAPIKey) { n.ExpiresAt = time.Now().Add(-time.Second) },
	} {
		n := bookkeeping()
		change(&n)
		_, _, err := s.APIKeys.Create(t.Context(), id, n, byTest)
		var refused *tenancy.APIKeyError
		if !errors.As(err, &refused) || !strings.HasPrefix(err.Error(), says) {
			t.Errorf("%v, want %s", err, says)
		}
	}
	for scope, slug := range map[string]tenant.Slug{"money:write": tenancy.Platform, "tenants:read": must(s.Tenants.ByID(id)).Slug} {
		_, _, err := admin.CreateAPIKey(t.Context(), slug, tenancy.NewAPIKey{Name: "x", Scopes: []string{scope}}, "a test")
		var refused *tenancy.APIKeyError
		if !errors.As(err, &refused) || refused.Field != "scopes" {
			t.Errorf("a key of %s with %s: %v", slug, scope, err)
		}
	}
	clerk := byTest
	clerk.May = auth.Principal{Role: auth.Support}.May
	if _, _, err := s.APIKeys.Create(t.Context(), id, tenancy.NewAPIKey{Name: "x", Scopes: []string{"money:write"}}, clerk); !errors.Is(err, tenancy.ErrAPIKeyScope) {
		t.Errorf("a scope that its maker does not have: %v", err)
	}
	n := tenancy.NewAPIKey{Name: " robot ", Scopes: []string{"money:write", "money:write"}, Addresses: []string{"192.0.2.7", "2001:db8::/32"}, ExpiresAt: time.Now().Add(time.Hour)}
	k, _, err := s.APIKeys.Create(t.Context(), id, n, byTest)
	if err != nil || k.Name != "robot" || fmt.Sprint(k.Scopes, k.Addresses) != "[money:write] [192.0.2.7/32 2001:db8::/32]" {
		t.Fatalf("%+v, %v", k, err)
	}
	if _, _, err := s.APIKeys.Rotate(t.Context(), id, k.ID, 0, clerk); !errors.Is(err, tenancy.ErrAPIKeyScope) {
		t.Errorf("a key that may do more than who rotates it: %v", err)
	}
	for _, overlap := range []time.Duration{-1, tenancy.APIKeyOverlapMax + 1} {
		if _, _, err := s.APIKeys.Rotate(t.Context(), id, k.ID, overlap, byTest); err == nil || !strings.HasPrefix(err.Error(), "overlap: ") {
			t.Errorf("an overlap of %s: %v", overlap, err)
		}
	}
	next, _, err := s.APIKeys.Rotate(t.Context(), id, k.ID, 0, byTest)
	if life := next.ExpiresAt.Sub(next.CreatedAt.Time); err != nil || life < 59*time.Minute || life > 61*time.Minute || fmt.Sprint(next.Addresses) != fmt.Sprint(k.Addresses) {
		t.Errorf("the key that replaces one of an hour is %+v, %v", next, err)
	}
}

func TestAPIKeysMadeAtOnceAreNotMoreThanThereMayBe(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	id, other := storetest.Tenant(t, admin), storetest.Tenant(t, admin)
	storetest.Super(t, d, fmt.Sprintf(`insert into platform.api_key (id, tenant, name, hash, scopes, created_by, people, revoked_at)
		select lpad(translate(n::text, 'i', ''), 10, '0'), '%s', 'x', sha256('x'), '{rooms:read}', 'x', '{x}', clock_timestamp() - case when n > 10 then interval '29 days' else interval '31 days' end
		from generate_series(1, %d) n`, id, tenancy.APIKeysMax+10-4))
	var made, refused atomic.Int32
	var all sync.WaitGroup
	for range 7 {
		all.Go(func() {
			switch _, _, err := s.APIKeys.Create(t.Context(), id, bookkeeping(), byTest); {
			case errors.Is(err, tenancy.ErrTooManyAPIKeys):
				refused.Add(1)
			case err == nil:
				made.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	list, err := s.APIKeys.List(t.Context(), id)
	if err != nil || made.Load() != 4 || refused.Load() != 3 || len(list) != tenancy.APIKeysMax {
		t.Errorf("%d made, %d refused, %d listed, %v", made.Load(), refused.Load(), len(list), err)
	}
	if _, _, err := s.APIKeys.Create(t.Context(), other, bookkeeping(), byTest); err != nil {
		t.Errorf("another tenant: %v", err)
	}
}

func TestAnAPIKeyIsDeletedThirtyDaysAfterItsEnd(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	id := storetest.Tenant(t, admin)
	owner := storetest.Owner(t, admin)
	made := func(ends string, args ...any) string {
		t.Helper()
		k, _, err := s.APIKeys.Create(t.Context(), id, bookkeeping(), byTest)
		if err != nil {
			t.Fatal(err)
		}
		s.APIKeys.Used(k.ID, time.Now())
		if _, err := owner.Exec(t.Context(), `update platform.api_key set `+ends+` where id = '`+k.ID+`'`, args...); err != nil {
			t.Fatal(err)
		}
		return k.ID
	}
	const long, short = `clock_timestamp() - interval '30 days 1 minute'`, `clock_timestamp() - interval '30 days' + interval '1 minute'`
	stays := map[string]string{
		"a key without an end":           made(`name = 'x'`),
		"a key that expires":             made(`expires_at = clock_timestamp() + interval '1 day'`),
		"a key that was revoked lately":  made(`revoked_at = ` + short),
		"a key that expired lately":      made(`expires_at = ` + short),
		"a key that was replaced lately": made(`replaced_by = id, valid_until = ` + short),
	}
	last := made(`revoked_at = ` + long)
	goes := map[string]string{
		"a key that was revoked":  made(`revoked_at = ` + long),
		"a key that expired":      made(`expires_at = ` + long),
		"a key that was replaced": made(`valid_until = `+long+`, replaced_by = $1`, stays["a key without an end"]),
	}
	replaced := made(`valid_until = `+long+`, replaced_by = $1`, last)
	platforms, _, err := admin.CreateAPIKey(t.Context(), tenancy.Platform, ofThePlatform(), "a test")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := owner.Exec(t.Context(), `update platform.api_key set revoked_at = `+long+` where id = $1`, platforms.ID); err != nil {
		t.Fatal(err)
	}
	goes["a key of the platform's"], goes["a key that was replaced by one that ended"] = platforms.ID, replaced
	if err := s.APIKeys.WriteUsed(t.Context()); err != nil {
		t.Fatal(err)
	}
	has := func(key string) bool {
		return storetest.Count(t, admin, `select count(*) from platform.api_key where id = $1`, key) == 1
	}
	sweep := func() {
		t.Helper()
		if err := s.EndedAPIKeys.Sweep(t.Context(), tenant.ID{}); err != nil {
			t.Fatal(err)
		}
	}
	sweep()
	for name, key := range goes {
		if has(key) {
			t.Errorf("%s is there", name)
		}
	}
	for name, key := range stays {
		if !has(key) {
			t.Errorf("%s is gone", name)
		}
	}
	if !has(last) {
		t.Error("a key is gone before the one that it replaced")
	}
	if sweep(); has(last) {
		t.Error("a key is there after the one that it replaced is gone")
	}
	if n := storetest.Count(t, admin, `select count(*) from platform.api_key_used`); n != len(stays) {
		t.Errorf("of %d keys it is known when they were used, want %d", n, len(stays))
	}
	lines, err := storetest.LastLines(t.Context(), s, id, 20)
	if err != nil || !slices.ContainsFunc(lines, func(l audit.Line) bool { return l.Action == "api_key.create" && l.Target == last }) {
		t.Errorf("the audit log lost a key: %+v, %v", lines, err)
	}
}

func TestTheUseOfAnAPIKeyIsWrittenLaterAndLostWithoutHarm(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	id := storetest.Tenant(t, admin)
	k, text, err := s.APIKeys.Create(t.Context(), id, bookkeeping(), byTest)
	if err != nil {
		t.Fatal(err)
	}
	used := func() time.Time {
		t.Helper()
		list, err := s.APIKeys.List(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return list[0].LastUsedAt.Time
	}
	version := func() int {
		return storetest.Count(t, admin, `select directory_version from platform.instance`)
	}
	before, now := version(), time.Now().UTC().Truncate(time.Second)
	s.APIKeys.Used(k.ID, now)
	s.APIKeys.Used("0000000000", now) // which went with the database
	if at := used(); !at.IsZero() {
		t.Errorf("it was written at once: %s", at)
	}
	unlock := storetest.Lock(t, d, "platform.api_key_used")
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := s.APIKeys.WriteUsed(ctx); err == nil {
		t.Error("it was written to a locked table")
	}
	if err := verify(s, id, text); err != nil {
		t.Errorf("the key is refused meanwhile: %v", err)
	}
	unlock()
	if err := s.APIKeys.WriteUsed(t.Context()); err != nil || !used().IsZero() {
		t.Errorf("what was lost came back: %s, %v", used(), err)
	}
	s.APIKeys.Used(k.ID, now)
	s.APIKeys.Used("0000000000", now)
	if err := s.APIKeys.WriteUsed(t.Context()); err != nil || !used().Equal(now) {
		t.Errorf("used %s, want %s; %v", used(), now, err)
	}
	s.APIKeys.Used(k.ID, now.Add(-time.Hour)) // another node wrote later
	if err := s.APIKeys.WriteUsed(t.Context()); err != nil || !used().Equal(now) {
		t.Errorf("used %s, want %s; %v", used(), now, err)
	}
	if after := version(); after != before {
		t.Errorf("the directory is read anew because a key was used: version %d, then %d", before, after)
	}
}
