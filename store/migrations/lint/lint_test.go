package lint_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/pitboss-hub/pitboss/store/migrations"
	"github.com/pitboss-hub/pitboss/store/migrations/lint"
)

// releasedTenant and releasedPlatform are the last steps that were released before there were phases.
const (
	releasedTenant   = 10
	releasedPlatform = 14
)

func TestEveryStepKeepsTheRulesOfItsPhase(t *testing.T) {
	t.Parallel()
	for _, m := range migrations.Embedded.Tenant.Steps[releasedTenant:] {
		for _, wrong := range lint.Tenant(m) {
			t.Error(wrong)
		}
	}
	for _, m := range migrations.Embedded.Platform.Steps[releasedPlatform:] {
		for _, wrong := range lint.Platform(m) {
			t.Error(wrong)
		}
	}
}

func TestAStepThatBreaksARuleIsNamedWithIt(t *testing.T) {
	t.Parallel()
	const made = "create table made (id bigint generated always as identity primary key, x int not null check (x > 0), at timestamptz default clock_timestamp()); "
	for _, c := range []struct {
		phase migrations.Phase
		sql   string
		want  string // the rule; "": nothing is wrong
	}{
		{migrations.Unphased, "select 1", lint.RulePhase},
		{migrations.Expand, "create tabel x", lint.RuleSyntax},

		{migrations.Expand, made + "create index made_x on made (x); alter table made drop column at", ""},
		{migrations.Expand, "alter table room add column x int", ""},
		{migrations.Expand, "alter table room add column x text not null default ''", ""},
		{migrations.Expand, "alter table room add column x timestamptz not null default now()", ""},
		{migrations.Expand, "alter table room add constraint c check (epoch > 0) not valid", ""},
		{migrations.Expand, "alter table room validate constraint c", ""},
		{migrations.Expand, "insert into account (kind, owner) values ('till', 'till')", ""},
		{migrations.Expand, "-- allow index: it is small in every casino\ncreate index room_name on room (name)", ""},

		{migrations.Expand, made + "insert into made (x) select epoch from room limit 10", ""},
		{migrations.Expand, "alter table room alter column epoch set default 1", ""},
		{migrations.Expand, "alter table room alter column epoch drop default", lint.RuleAdditive},
		{migrations.Expand, "with gone as (delete from room returning id) insert into account (kind, owner) select 'till', id from gone", lint.RuleAdditive},
		{migrations.Expand, "with new as (update room set name = '' returning id) insert into account (kind, owner) select 'till', id from new limit 1", lint.RuleAdditive},
		{migrations.Expand, "insert into account (kind, owner) values ('till', 'till') on conflict (kind, owner) do update set balance = 0", lint.RuleAdditive},
		{migrations.Expand, made + "insert into made (x) select epoch from room", lint.RuleBatch},
		{migrations.Expand, "create table if not exists room (id text); alter table room drop column node", lint.RuleAdditive},
		{migrations.Expand, "alter table credit add foreign key (approval) references approval", lint.RuleValidate},
		{migrations.Expand, "alter table credit add foreign key (approval) references approval not valid", ""},
		{migrations.Expand, "alter type mood add value 'good'", lint.RuleAdditive},
		{migrations.Expand, "lock table room", lint.RuleLock},
		{migrations.Expand, "drop table room", lint.RuleAdditive},
		{migrations.Expand, "drop index audit_request", lint.RuleAdditive},
		{migrations.Expand, "alter table room drop column node", lint.RuleAdditive},
		{migrations.Expand, "alter table room drop constraint room_check", lint.RuleAdditive},
		{migrations.Expand, "alter table room alter column epoch type numeric", lint.RuleAdditive},
		{migrations.Expand, "alter table room alter column name drop not null", lint.RuleAdditive},
		{migrations.Expand, "alter table room rename column name to title", lint.RuleAdditive},
		{migrations.Expand, "alter table room rename to table_of_games", lint.RuleAdditive},
		{migrations.Expand, "update room set name = ''", lint.RuleAdditive},
		{migrations.Expand, "delete from room", lint.RuleAdditive},
		{migrations.Expand, "truncate room", lint.RuleAdditive},
		{migrations.Expand, "revoke select on room from public", lint.RuleAdditive},
		{migrations.Expand, "alter table room alter column snapshot set not null", lint.RuleNotNull},
		{migrations.Expand, "alter table room add column x int not null", lint.RuleNotNull},
		{migrations.Expand, "alter table room add constraint c check (epoch > 0)", lint.RuleValidate},
		{migrations.Expand, "alter table room add column x int check (x > 0)", lint.RuleValidate},
		{migrations.Expand, "alter table room add column x uuid references approval", lint.RuleValidate},
		{migrations.Expand, "alter table room add column x int unique", lint.RuleValidate},
		{migrations.Expand, "alter table room add unique (name)", lint.RuleValidate},
		{migrations.Expand, "alter table room add column x timestamptz default clock_timestamp()", lint.RuleDefault},
		{migrations.Expand, "alter table room add column x uuid default gen_random_uuid()", lint.RuleDefault},
		{migrations.Expand, "alter table room add column x bigint generated always as identity", lint.RuleDefault},
		{migrations.Expand, "create index room_name on room (name)", lint.RuleIndex},
		{migrations.Expand, "-- allow index:\ncreate index room_name on room (name)", lint.RuleIndex},
		{migrations.Expand, made + "create index concurrently made_x on made (x)", lint.RuleIndex},

		{migrations.Backfill, "update event set reveals = true where (room, seq) in (select room, seq from event where not reveals limit 1000)", ""},
		{migrations.Backfill, "update event set reveals = true where not reveals", lint.RuleBatch},
		{migrations.Backfill, "delete from event where seq in (select seq from event limit 10)", lint.RuleBatch},
		{migrations.Backfill, "update room set name = id where id in (select id from room limit 10); update room set name = id where id in (select id from room limit 10)", lint.RuleBatch},

		{migrations.Backfill, "lock table room", lint.RuleLock},
		{migrations.Backfill, "update room set name = id where id in (select id from room limit all)", lint.RuleBatch},
		{migrations.Backfill, "update room set name = (select name from room limit 1)", lint.RuleBatch},
		{migrations.Backfill, "update room set name = id where name is null and exists (select from event limit 1)", lint.RuleBatch},
		{migrations.Backfill, "insert into made (x) select (select 1 limit 1) from room", lint.RuleBatch},
		{migrations.Backfill, "insert into made (x) select epoch from room where not exists (select from made where x = epoch) limit 100", ""},
		{migrations.Backfill, "with few as (select id from room where name = '' limit 100) update room set name = few.id from few where room.id = few.id", ""},
		{migrations.Backfill, "with gone as (delete from room returning id) update room set name = '' where id in (select id from gone limit 10)", lint.RuleBatch},

		{migrations.Contract, "alter table room drop column node; drop index audit_request", ""},
		{migrations.Contract, "alter table room alter column name drop not null, alter column epoch drop default", ""},
		{migrations.Contract, "create table made (x int); create index made_x on made (x)", ""},
		{migrations.Contract, "create index room_name on room (name)", lint.RuleIndex},
		{migrations.Contract, "alter table room rename column name to title", lint.RuleRename},
		{migrations.Contract, "alter table room rename to table_of_games", lint.RuleRename},
		{migrations.Contract, "alter table room rename constraint room_check to room_seed", ""},
		{migrations.Contract, "alter table room alter column epoch type numeric", lint.RuleRewrite},
		{migrations.Contract, "alter table room alter column snapshot set not null", lint.RuleNotNull},
		{migrations.Contract, "-- allow not-null: the check room_snapshot is valid since step 98\nalter table room alter column snapshot set not null", ""},
		{migrations.Contract, "alter table credit add foreign key (approval) references approval", lint.RuleValidate},
		{migrations.Contract, "alter table room add column x uuid default gen_random_uuid()", lint.RuleDefault},
		{migrations.Contract, "lock table room", lint.RuleLock},
		{migrations.Contract, "set lock_timeout = 0", lint.RuleLock},
		{migrations.Contract, "commit", lint.RuleLock},
		{migrations.Contract, "drop table t_x.room", lint.RuleQualified},
		{migrations.Expand, "create table t_x.y (z int)", lint.RuleQualified},
		{migrations.Expand, "create table y (z uuid references platform.tenant)", lint.RuleQualified},
		{migrations.Expand, "create table y (z text default public.f())", lint.RuleQualified},
		{migrations.Expand, "create table y (z public.mood)", lint.RuleQualified},
		{migrations.Expand, "create type mood as enum ('sad')", lint.RuleObject},
		{migrations.Contract, "create domain money as bigint", lint.RuleObject},
		{migrations.Contract, "create function f() returns int language sql as 'select 1'", lint.RuleObject},
		{migrations.Contract, "create trigger x after update on room execute function f()", lint.RuleObject},
		{migrations.Contract, "do $$ begin end $$", lint.RuleObject},
		{migrations.Contract, "create view v as select id from room", lint.RuleObject},
		{migrations.Expand, "insert into account (kind) select * from made", lint.RuleStar},
	} {
		got := lint.Tenant(migrations.Step{Version: 99, Name: "test", Phase: c.phase, SQL: c.sql})
		named := slices.ContainsFunc(got, func(wrong string) bool { return strings.HasPrefix(wrong, "0099_test: "+c.want+": ") })
		if c.want == "" && len(got) > 0 || c.want != "" && !named {
			t.Errorf("%s: %s: got %q, want %q", c.phase, c.sql, got, c.want)
		}
	}
}
