package doctor_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/rooms/placement"
	"github.com/pitboss-hub/pitboss/store/doctor"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

func TestASoundDeploymentPassesDirectAndThroughAPooler(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	seen := doctor.Seen{
		Now:      time.Now(),
		Keys:     []string{"pitboss:00ff:{" + w.a.String() + "}:e1:round:abcd"},
		Channels: []string{"pb:{7}00ff:" + w.a.Topic("room", "lobby").String(), "pb:{7}00ff::node:one", "pb:{7}00ff:probe:ab:1"},
	}
	w.o.Redis = func(context.Context) (doctor.Seen, error) { seen.Now = time.Now(); return seen, nil }
	if _, _, err := w.s.Leases.Renew(t.Context(), placement.Lease{Node: "n", Incarnation: "6f5a1f0e-2c3f-4a63-8f0f-0b3d8a5f7a10"}, placement.LeaseTTL); err != nil {
		t.Fatal(err)
	}
	direct := w.d.AppURL
	for name, at := range map[string]string{
		"direct": direct, "pgbouncer": storetest.Pooler{Prepared: 200}.Start(t, w.d),
		"pgbouncer without prepared statements": storetest.Pooler{}.Start(t, w.d) + "&default_query_exec_mode=cache_describe",
	} {
		w.o.URL, w.o.ControlURL = at, direct
		got := w.examine()
		if len(got) != len(doctor.Checks()) {
			t.Errorf("%s: %d of %d checks were made", name, len(got), len(doctor.Checks()))
		}
		for _, c := range doctor.Checks() {
			r := got[c]
			if want := map[bool]doctor.Status{true: doctor.Skipped, false: doctor.Pass}[c == "pooler"]; r.Status != want || r.What == "" || r.Evidence == nil {
				t.Errorf("%s: %s: %s %q, want %s", name, c, r.Status, r.Evidence, want)
			}
		}
		if text := strings.Join(got["pooler"].Evidence, ""); strings.Contains(text, "there is a pooler") != (name != "direct") {
			t.Errorf("%s: %s", name, text)
		}
	}
}

func TestADeploymentWithoutTenantsIsSound(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.super(`update platform.tenant set status = 'suspended'`) // has schemas, and may be looked at
	for _, r := range w.examine() {
		if r.Status == doctor.Fail {
			t.Errorf("%+v", r)
		}
	}
	w.super(`drop schema $a cascade; drop schema $b cascade; delete from platform.domain; delete from platform.tenant_key; delete from platform.room; delete from platform.slug; delete from platform.tenant`)
	w.super(`drop role $a; drop role $b`)
	for _, r := range w.examine() {
		if r.Status == doctor.Fail {
			t.Errorf("%+v", r)
		}
	}
}

// TestWhatIsBrokenIsFoundWithEvidence breaks a deployment in one way after the other, each one of its own.
func TestWhatIsBrokenIsFoundWithEvidence(t *testing.T) {
	t.Parallel()
	found := map[string]bool{}
	t.Run("one by one", func(t *testing.T) {
		for _, c := range []struct {
			check, sql, evidence string
			status               doctor.Status
		}{
			{"login", `alter role $app createdb`, "$app may create databases", doctor.Fail},
			{"login", `alter role $app superuser`, "$app is a superuser", doctor.Fail},
			{"login", `alter role $app inherit`, "$app inherits the rights of its roles", doctor.Fail},
			{"login", `grant pg_monitor to $app`, "$app is a member of pg_monitor", doctor.Fail},
			{"login", `grant $a to $app with admin option`, "$app as a member of $a may give the role to others", doctor.Fail},
			{"settings", `alter role $app in database $db set lock_timeout = 0`, "must have lock_timeout=3000", doctor.Fail},
			{"settings", `alter role $app in database $db reset search_path`, `must have search_path="$user", tpl, pg_temp`, doctor.Fail},
			{"public", `grant usage on schema public to public`, "everybody has USAGE on schema public", doctor.Fail},
			{"public", `grant temporary on database $db to public`, "everybody has TEMPORARY on the database", doctor.Fail},
			{"public", `grant select on $a.account to public`, "everybody has SELECT on $a.account", doctor.Fail},
			{"public", `grant select (slug) on platform.tenant to public`, "everybody has SELECT on platform.tenant.slug", doctor.Fail},
			{"public", `alter default privileges for role pitboss_owner grant select on tables to public`, "everybody will have SELECT on what pitboss_owner makes", doctor.Fail},
			{"public", `alter default privileges for role pitboss_owner in schema $a grant execute on functions to public`, "everybody will have EXECUTE on what pitboss_owner makes", doctor.Fail},
			{"public", `grant set on parameter session_replication_role to public`, "everybody has SET on the setting session_replication_role", doctor.Fail},
			{"public", `create foreign data wrapper w; create server far foreign data wrapper w; grant usage on foreign server far to public`, "everybody has USAGE on the server far", doctor.Fail},
			{"public", `grant select on pg_authid to public`, "everybody has SELECT on pg_catalog.pg_authid", doctor.Fail},
			{"public", `grant execute on function pg_read_file(text) to public`, "everybody has EXECUTE on pg_read_file(text)", doctor.Fail},
			{"login", `grant create on database $db to $app`, "the login $app has CREATE on the database", doctor.Fail},
			{"temporary", `grant temporary on database $db to $app`, "create temporary table pitboss_doctor () succeeds", doctor.Fail},
			{"session", `alter role $app in database $db set search_path = $a`, "search_path $a outside of any transaction", doctor.Fail},
			{"unscoped", `grant select on tpl.account to $app`, "select from account limit 1 succeeds", doctor.Fail},
			{"unscoped", `drop schema tpl cascade`, "fails with SQLSTATE 42P01, and must with 42501", doctor.Fail},
			{"missing", `set allow_system_table_mods = on; create table pg_catalog.account (); grant select on pg_catalog.account to public`, "select from account limit 1 succeeds", doctor.Fail},
			{"scope", `grant usage on schema $b to $a; grant select on $b.account to $a`, `"$b".account limit 1 succeeds`, doctor.Fail},
			{"scope", `revoke select on $a.room from $a`, "select from room limit 1 fails with SQLSTATE 42501 in the tenant's own scope", doctor.Fail},
			{"leaving", `grant usage on schema $a, $b to $app; grant select on $a.account, $b.account to $app`, "after reset role", doctor.Fail},
			{"leaving", `grant pg_read_all_data to $app`, "set local role pg_read_all_data succeeds", doctor.Fail},
			{"savepoint", `grant usage on schema $b to $a; grant select on $b.account to $a; grant usage on schema $a to $b; grant select on $a.account to $b`, "account limit 1 succeeds", doctor.Fail},
			{"savepoint", `set role pitboss_owner; revoke $a from $app`, "it could not be checked", doctor.Fail},
			{"prepared", `drop table $a._meta; alter table $b._meta rename to was; grant usage on schema tpl to $a, $b; grant select on tpl._meta to $a, $b`, "reads the tables of tpl", doctor.Fail},
			{"foreign", `grant select on $b.account to $a`, "$a has SELECT on $b.account", doctor.Fail},
			{"foreign", `grant select (balance) on $b.account to $a`, "$a has SELECT on $b.account.balance", doctor.Fail},
			{"foreign", `grant usage on schema platform to $a`, "$a has USAGE on schema platform", doctor.Fail},
			{"foreign", `grant create on schema $a to $a`, "$a has CREATE on schema $a", doctor.Fail},
			{"foreign", `grant truncate on $a.room to $a`, "$a has TRUNCATE on $a.room", doctor.Fail},
			{"foreign", `grant $b to $a`, "$a is a member of $b", doctor.Fail},
			{"foreign", `alter role $a login`, "$a is a superuser, may log in", doctor.Fail},
			{"foreign", `alter schema $a owner to postgres`, "schema $a belongs to postgres", doctor.Fail},
			{"foreign", `alter table $a.room owner to $a`, "$a owns table $a.room", doctor.Fail},
			{"foreign", `grant create on database $db to $a`, "$a has rights on database $db", doctor.Fail},
			{"foreign", `alter default privileges for role pitboss_owner in schema $b grant select on tables to $a`, "$a has rights on default privileges on new relations belonging to role pitboss_owner in schema $b", doctor.Fail},
			{"foreign", `alter default privileges for role pitboss_owner in schema $b grant select on tables to $app`, "$app has rights on default privileges", doctor.Fail},
			{"foreign", `grant set on parameter session_replication_role to $a`, "$a has rights on parameter session_replication_role", doctor.Fail},
			{"foreign", `grant set on parameter session_replication_role to $app`, "$app has rights on parameter session_replication_role", doctor.Fail},
			{"foreign", `grant execute on function pg_read_file(text) to $a`, "$a has rights on function pg_read_file(text)", doctor.Fail},
			{"foreign", `grant select on pg_authid to $app`, "$app has rights on table pg_authid", doctor.Fail},
			{"foreign", `create type $b.mood as enum ('good'); grant usage on type $b.mood to $a`, "$a has rights on type $b.mood", doctor.Fail},
			{"foreign", `create function $b.f() returns int language sql return 1; grant execute on function $b.f() to $a`, "$a has EXECUTE on $b.f", doctor.Fail},
			{"foreign", `create sequence $b.s; grant usage on sequence $b.s to $a`, "$a has USAGE on $b.s", doctor.Fail},
			{"foreign", `create function platform.g() returns int language sql return 1; alter function platform.g() owner to $a`, "$a owns function platform.g()", doctor.Fail},
			{"foreign", `create function platform.g() returns int language sql return 1; alter function platform.g() owner to $app`, "$app owns function platform.g()", doctor.Fail},
			{"foreign", `create policy p on $b.room to $a`, "$a is named by policy p on table $b.room", doctor.Fail},
			{"foreign", `grant pg_monitor to $a`, "$a is a member of pg_monitor", doctor.Fail},
			{"foreign", `grant select on $a.account to $app`, "the login $app has SELECT on $a.account", doctor.Fail},
			{"others", `grant select on $a.account to pg_monitor`, "pg_monitor has SELECT on $a.account", doctor.Warn},
			{"others", `grant $a to pg_monitor`, "pg_monitor is a member of $a", doctor.Warn},
			{"append", `grant delete on $a.event to $a`, "$a has DELETE on $a.event", doctor.Fail},
			{"append", `grant update (amount) on $a.transfer to $a`, "$a has UPDATE on $a.transfer.amount", doctor.Fail},
			{"functions", `alter function platform.brand_changed() reset search_path`, "platform.brand_changed leaves it to its caller", doctor.Fail},
			{"functions", `grant execute on function platform.brand_changed() to public`, "platform.brand_changed has its owner's rights and is everybody's", doctor.Fail},
			{"types", `create type $a.mood as enum ('good')`, "$a has the type mood", doctor.Fail},
			{"types", `create function $a.f() returns int language sql return 1`, "$a has the function f", doctor.Fail},
			{"types", `create view $b.v as select id from $a.account`, "$b has v, of the kind v", doctor.Fail},
			{"types", `create trigger t before insert on $a.room for each row execute function suppress_redundant_updates_trigger()`, "$a has the trigger t on room", doctor.Fail},
			{"types", `create type public.mood as enum ('good'); alter table $a.room add column mood public.mood`, "$a has the column room.mood of the type public.mood", doctor.Fail},
			{"names", `create schema t_casino`, "the schema t_casino looks like a tenant's", doctor.Fail},
			{"names", `delete from platform.slug where tenant = '$a'`, "has no current slug", doctor.Fail},
			{"names", `comment on schema $a is 'pitboss of somebody else'`, "is marked as another installation's", doctor.Fail},
			{"orphans", `create schema t_aaaaaaaaaaaaaaaa`, "the schema t_aaaaaaaaaaaaaaaa belongs to no tenant", doctor.Fail},
			{"orphans", `drop schema $a cascade`, "has no schema $a", doctor.Fail},
			{"orphans", `set role pitboss_owner; revoke $b from $app`, "the login $app is no member of $b", doctor.Fail},
			{"lifecycle", `update platform.tenant set status = 'archived' where id = '$a'`, "can still be acted for by $app", doctor.Fail},
			{"lifecycle", `update platform.tenant set status = 'archived' where id = '$b'; set role pitboss_owner; revoke $b from $app`, "has no archive", doctor.Fail},
			{"lifecycle", `update platform.tenant set status = 'purged' where id = '$a'`, "still has its schema: purge it again", doctor.Fail},
			{"lifecycle", `update platform.tenant set status = 'purged' where id = '$a'`, "is not closed: lobby", doctor.Fail},
			{"served", `update platform.tenant_key set secret = '\x00' where tenant = '$a'`, "", doctor.Fail},
			{"drift", `create index extra on $a.event (epoch)`, "CREATE INDEX extra ON event USING btree (epoch) ($a is $slug)", doctor.Fail},
			{"migrations", `update platform.tenant set schema_version = 1 where id = '$a'`, "is of version 1", doctor.Fail},
			{"clocks", `insert into platform.node (node, incarnation, expires) values ('n', gen_random_uuid(), now() + interval '1 hour')`, "the lease of node n ends in", doctor.Fail},
			{"balances", `update $a.account set balance = balance + 1 where kind = 'house'`, "the sum is 1", doctor.Fail},
			{"balances", `revoke select on $a.account from $a`, "its books could not be added up", doctor.Fail},
		} {
			found[c.check] = true
			t.Run(c.check+"/"+c.sql, func(t *testing.T) {
				t.Parallel()
				w := newWard(t)
				w.super(strings.ReplaceAll(c.sql, "$db", w.d.Name))
				w.found(c.check, c.status, strings.ReplaceAll(strings.ReplaceAll(c.evidence, "$db", w.d.Name), "$user", "\x00"))
			})
		}
	})
	for _, c := range doctor.Checks() {
		if !found[c] && !slices.Contains([]string{"place", "pooler", "locks", "catalog", "redis"}, c) { // below
			t.Errorf("nothing breaks the check %s", c)
		}
	}
}

// found fails the test unless a check has a status and a line of evidence.
func (w *ward) found(check string, status doctor.Status, evidence string) {
	w.t.Helper()
	evidence = strings.ReplaceAll(w.text(evidence), "\x00", "$user")
	r := w.examine()[check]
	if r.Status != status || !slices.ContainsFunc(r.Evidence, func(e string) bool { return strings.Contains(e, evidence) }) {
		w.t.Errorf("%s: %s %q; want %s and %q", check, r.Status, r.Evidence, status, evidence)
	}
}

func TestURLsThatLeadElsewhereAreFound(t *testing.T) {
	t.Parallel()
	w, other := newWard(t), newWard(t)
	w.o.ControlURL = other.d.AppURL
	w.found("place", doctor.Fail, "the URL of the control lane leads to another database")
	w.found("place", doctor.Fail, "the URL of the control lane has the login "+other.login)
	w.o.ControlURL, w.o.URL = w.d.AppURL, w.d.AdminURL
	w.found("place", doctor.Fail, "nodes use the owner's login pitboss_owner")
}

func TestASettingThatAnotherClientLeftAtAPoolerIsFound(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.o.URL, w.o.ControlURL = storetest.Pooler{Prepared: 200}.Start(t, w.d), w.d.AppURL
	client := storetest.Connect(t, w.o.URL)
	if _, err := client.Exec(t.Context(), `set search_path = `+w.a.Schema()+`; set role `+w.a.Role()); err != nil {
		t.Fatal(err)
	}
	w.found("session", doctor.Fail, "has the role $a outside of any transaction")
	w.found("session", doctor.Fail, "has the search_path $a outside of any transaction")
}

func TestAPoolerThatLendsConnectionsForAStatementIsFound(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.o.URL, w.o.ControlURL = storetest.Pooler{Conns: 4, Mode: "statement"}.Start(t, w.d)+"&default_query_exec_mode=simple_protocol", w.d.AppURL
	w.found("pooler", doctor.Fail, "statement pooling mode")
}

func TestALockThatASessionKeptIsFound(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	client := storetest.Connect(t, w.d.AppURL)
	if _, err := client.Exec(t.Context(), `select pg_advisory_lock(7, 9)`); err != nil {
		t.Fatal(err)
	}
	w.found("locks", doctor.Fail, "holds the advisory lock 7, 9 and is idle")
}

func TestACatalogueThatIsFullIsFound(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	u, err := w.admin.Usage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.o.Relations = u.Relations
	w.found("catalog", doctor.Fail, "no tenant is made any more")
	w.o.Relations = u.Relations * 10 / 9
	w.found("catalog", doctor.Warn, "tables, indexes and sequences")
}

func TestClocksThatDifferAreFound(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.o.Now = func() time.Time { return time.Now().Add(-2 * time.Second) }
	w.found("clocks", doctor.Warn, "the clock of PostgreSQL is 2")
	w.o.Now = func() time.Time { return time.Now().Add(time.Minute) }
	w.found("clocks", doctor.Fail, "tokens are refused from 5s on")
	w.o.Now = time.Now
	w.o.Redis = func(context.Context) (doctor.Seen, error) {
		return doctor.Seen{Now: time.Now().Add(time.Hour)}, nil
	}
	w.found("clocks", doctor.Fail, "the clock of Redis is 1h")
}

func TestNamesInRedisWithoutATenantAreFound(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	for evidence, seen := range map[string]doctor.Seen{
		`"pitboss:00ff:round:1" is not named by a tenant`:  {Keys: []string{"pitboss:00ff:round:1"}},
		`"pb:{7}00ff:room:lobby" is not named by a tenant`: {Channels: []string{"pb:{7}00ff:room:lobby"}},
	} {
		w.o.Redis = func(context.Context) (doctor.Seen, error) { seen.Now = time.Now(); return seen, nil }
		w.found("redis", doctor.Fail, evidence)
	}
	const nobody = "t_aaaaaaaaaaaaaaaa"
	w.o.Redis = func(context.Context) (doctor.Seen, error) {
		return doctor.Seen{Now: time.Now(), Keys: []string{"pitboss:00ff:{" + nobody + "}:e1:round:abcd"}}, nil
	}
	w.found("redis", doctor.Warn, nobody)
	w.o.Redis = func(context.Context) (doctor.Seen, error) { return doctor.Seen{}, errors.New("nothing answers") }
	w.found("redis", doctor.Fail, "it could not be checked: nothing answers")
}

func TestOnlyTheTenantsThatAreNamedAreTried(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.super(`update $a.account set balance = balance + 1 where kind = 'house'`)
	list, err := w.admin.ListTenants(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(list, func(x tenancy.Tenant) bool { return x.ID == w.b })
	w.o.Tenants = []string{string(list[at].Slug)}
	w.found("balances", doctor.Pass, "the books of 1 tenants add up")
	w.o.Tenants = []string{"nobody"}
	if _, err := doctor.Open(t.Context(), w.o); !errors.Is(err, doctor.ErrNoTenant) {
		t.Error(err)
	}
}

func TestAnExaminationThatIsCancelledSaysSo(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	d, err := doctor.Open(t.Context(), w.o)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	err = d.Run(ctx, func(doctor.Result) {
		if n++; n == 3 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || n != 3 {
		t.Errorf("%v after %d checks", err, n)
	}
}
