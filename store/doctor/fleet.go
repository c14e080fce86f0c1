package doctor

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms/placement"
	"github.com/pitboss-hub/pitboss/store/migrations"
)

const (
	// balancesAtOnce bounds the tenants whose books are added up at a time.
	balancesAtOnce = 4
	// fullAt is the share of the catalogue's budget past which a warning is due, in percent.
	fullAt = 80
	// skewWarn is the difference between two clocks past which a warning is due. One of auth.Leeway has tokens refused.
	skewWarn = 500 * time.Millisecond
)

const selectPlace = `select (select system_identifier from pg_control_system()), (select oid::bigint from pg_database where datname = current_database()), session_user`

func place(ctx context.Context, d *Doctor) (f finding, err error) {
	type at struct {
		system, database int64
		login            string
	}
	var owner, app, control at
	for _, c := range []struct {
		pool interface {
			QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
		}
		to *at
	}{{d.owner, &owner}, {d.app, &app}, {d.control, &control}} {
		if err := c.pool.QueryRow(ctx, selectPlace).Scan(&c.to.system, &c.to.database, &c.to.login); err != nil {
			return f, err
		}
	}
	for name, c := range map[string]at{"the URL of nodes": app, "the URL of the control lane": control} {
		if c.system != owner.system || c.database != owner.database {
			f.fail("%s leads to another database than the owner's", name)
		}
		if c.login != d.login {
			f.fail("%s has the login %s, and migrations gave the rights to %s", name, c.login, d.login)
		}
	}
	if app.login == owner.login {
		f.fail("nodes use the owner's login %s", owner.login)
	}
	slices.Sort(f.evidence)
	return f, nil
}

// settings compares those that the login has in this database.
func settings(ctx context.Context, d *Doctor) (f finding, err error) {
	var has []string
	err = d.ask(ctx, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select coalesce((select setconfig from pg_db_role_setting s join pg_database b on b.oid = s.setdatabase
join pg_roles r on r.oid = s.setrole where b.datname = current_database() and r.rolname = $1), '{}')`, d.login).Scan(&has)
	})
	for _, want := range d.o.Settings {
		name, _, _ := strings.Cut(want, "=")
		if got := name + "=" + settingOf(has, name); err == nil && got != want {
			f.fail("%s has %s, and must have %s: pitboss migrate sets it", d.login, got, want)
		}
	}
	return f, err
}

// settingOf returns a setting's value, of a list of name=value.
func settingOf(list []string, name string) string {
	for _, s := range list {
		if n, value, _ := strings.Cut(s, "="); n == name {
			return value
		}
	}
	return ""
}

func broken(ctx context.Context, d *Doctor) (f finding, err error) {
	f.evidence, err = d.o.Broken(ctx)
	if len(f.evidence) > 0 {
		f.status = Fail
	}
	return f, err
}

func drift(ctx context.Context, d *Doctor) (f finding, err error) {
	found, compared, err := d.o.Drift(ctx)
	for _, line := range found {
		f.fail("%s", line)
	}
	if err == nil && f.status == "" {
		f.say("%d schemas were compared", compared)
	}
	return f, err
}

const selectBehind = `
select 'the tenant ' || t.slug || ' is of version ' || t.schema_version || ', and the database of ' || v.last || ': pitboss migrate'
from platform.tenant t, (select coalesce(max(version), 0) as last from platform.migration where scope = 'tenant') as v
where ` + usable + ` and t.schema_version <> v.last
union all
select 'the last migration has failed for ' || t.slug || ': ' || m.error from platform.tenant_migration m join platform.tenant t on t.id = m.tenant
where m.state = 'failed' and m.run = (select max(id) from platform.migration_run)
union all
select 'the migration ' || id || ' is paused: ' || reason from platform.migration_run where state = 'paused'
order by 1`

func migrated(ctx context.Context, d *Doctor) (f finding, err error) {
	if f, err = lines(selectBehind, Fail)(ctx, d); err != nil {
		return f, err
	}
	var platform, tenants int
	err = d.ask(ctx, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select coalesce(max(version) filter (where scope = 'platform'), 0), coalesce(max(version) filter (where scope = 'tenant'), 0) from platform.migration`).Scan(&platform, &tenants)
	})
	for _, of := range []struct {
		name     string
		has, own int
	}{{"the platform", platform, migrations.Embedded.Platform.Last()}, {"tenants", tenants, migrations.Embedded.Tenant.Last()}} {
		if err == nil && of.has != of.own {
			f.warn("the database has version %d of %s, and this program knows %d", of.has, of.name, of.own)
		}
	}
	return f, err
}

const selectCatalog = `
select (select count(*) from pg_class), (select count(*) from pg_roles), (select count(*) from pg_namespace n where ` + ours + `),
  (select sum(pg_total_relation_size(c))::bigint from unnest('{pg_class,pg_attribute,pg_index}'::regclass[]) as c)`

func catalog(ctx context.Context, d *Doctor) (f finding, err error) {
	var relations, roles, schemas, bytes int64
	err = d.ask(ctx, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, selectCatalog).Scan(&relations, &roles, &schemas, &bytes)
	})
	if err != nil {
		return f, err
	}
	for _, of := range []struct {
		what     string
		has, max int64
	}{{"tables, indexes and sequences", relations, d.o.Relations}, {"roles on the server", roles, d.o.Roles}} {
		switch text := fmt.Sprintf("%d of %d %s", of.has, of.max, of.what); {
		case of.has >= of.max:
			f.fail("%s: no tenant is made any more", text)
		case of.has*100 >= of.max*fullAt:
			f.warn("%s", text)
		default:
			f.say("%s", text)
		}
	}
	f.say("%d schemas, %d MiB of pg_class, pg_attribute and pg_index", schemas, bytes>>20)
	return f, nil
}

// clocks compares the clocks, each to the middle of the time that its answer took.
func clocks(ctx context.Context, d *Doctor) (f finding, err error) {
	judge := func(whose string, ask func() (time.Time, error)) error {
		began, waited := d.o.Now(), time.Now()
		at, err := ask()
		took := time.Since(waited)
		if err != nil {
			return err
		}
		skew := at.Sub(began.Add(took / 2))
		off := max(0, skew.Abs()-took/2)
		text := fmt.Sprintf("the clock of %s is %v off this machine's, give or take %v", whose, skew.Round(time.Millisecond), (took / 2).Round(100*time.Microsecond))
		switch {
		case off >= auth.Leeway:
			f.fail("%s: tokens are refused from %v on", text, auth.Leeway)
		case off >= skewWarn:
			f.warn("%s", text)
		default:
			f.say("%s", text)
		}
		return nil
	}
	err = judge("PostgreSQL", func() (at time.Time, err error) {
		return at, d.owner.QueryRow(ctx, `select clock_timestamp()`).Scan(&at)
	})
	if err == nil && d.o.Redis != nil {
		err = judge("Redis", func() (time.Time, error) { seen, err := d.o.Redis(ctx); return seen.Now, err })
	}
	if err != nil {
		return f, err
	}
	var node string
	var ahead float64
	return f, d.ask(ctx, func(tx pgx.Tx) error {
		rows, _ := tx.Query(ctx, `select node, extract(epoch from expires - clock_timestamp())::float8 from platform.node where expires > clock_timestamp() + $1::interval order by node`, placement.LeaseTTL+time.Second)
		_, err := pgx.ForEachRow(rows, []any{&node, &ahead}, func() error {
			f.fail("the lease of node %s ends in %v, and leases last %v: the database's clock was set back", node, time.Duration(math.Round(ahead))*time.Second, placement.LeaseTTL)
			return nil
		})
		return err
	})
}

var (
	keyForm     = regexp.MustCompile(`^pitboss:([0-9a-f]+):\{([^}]*)\}:e[0-9]+:[a-z0-9]+:[0-9a-f]+$`)
	channelForm = regexp.MustCompile(`^pb:\{[^}]*\}([0-9a-f]+):(.*)$`)
)

// redis looks at the names of what is this database's in Redis.
func redis(ctx context.Context, d *Doctor) (f finding, err error) {
	if d.o.Redis == nil {
		return skip("no Redis was given (--redis-url)"), nil
	}
	known := map[tenant.ID]bool{}
	err = d.ask(ctx, func(tx pgx.Tx) error {
		rows, _ := tx.Query(ctx, `select id from platform.tenant where status <> 'purged'`)
		var id string
		_, err := pgx.ForEachRow(rows, []any{&id}, func() error {
			if parsed, err := tenant.Parse(id); err == nil {
				known[parsed] = true
			}
			return nil
		})
		return err
	})
	if err != nil {
		return f, err
	}
	seen, err := d.o.Redis(ctx)
	if err != nil {
		return f, err
	}
	for _, key := range seen.Keys {
		m := keyForm.FindStringSubmatch(key)
		if m == nil || m[1] != d.o.Realm {
			f.fail("the key %q is not named by a tenant", key)
			continue
		}
		if id, err := tenant.Parse(m[2]); err != nil || !known[id] {
			f.warn("the key %q is of a tenant that is not here", key)
		}
	}
	for _, channel := range seen.Channels {
		m := channelForm.FindStringSubmatch(channel)
		if m == nil || m[1] != d.o.Realm {
			f.fail("the channel %q is not named by a tenant", channel)
			continue
		}
		if strings.HasPrefix(m[2], "probe:") {
			continue // a node listens to its own connection
		}
		topic, err := tenant.ParseTopic(m[2])
		switch {
		case err != nil:
			f.fail("the channel %q is not named by a tenant", channel)
		case !topic.Tenant().IsZero() && !known[topic.Tenant()]:
			f.warn("the channel %q is of a tenant that is not here", channel)
		}
	}
	if text := fmt.Sprintf("%d keys and %d channels were looked at", len(seen.Keys), len(seen.Channels)); seen.More {
		f.say("%s, and there are more", text)
	} else {
		f.say("%s", text)
	}
	return f, nil
}

// balances adds up the books of tenants. What fails for one is told of that one.
func balances(ctx context.Context, d *Doctor) (f finding, err error) {
	var list []patient
	for _, p := range d.list {
		if p.usable {
			list = append(list, p)
		}
	}
	if len(list) == 0 {
		return skip("there is no tenant whose books can be read"), nil
	}
	var mu sync.Mutex // guards f and done
	done := 0
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(balancesAtOnce)
	for _, p := range list {
		all.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			wrong, err := d.o.Balance(ctx, p.id)
			mu.Lock()
			defer mu.Unlock()
			done++
			d.o.Progress(done, len(list))
			switch {
			case err != nil:
				f.fail("%s: its books could not be added up: %v", p.slug, err)
			case wrong != "":
				f.fail("%s: %s", p.slug, wrong)
			}
			return nil
		})
	}
	if err := all.Wait(); err != nil {
		return f, err
	}
	slices.Sort(f.evidence)
	if f.status == "" {
		f.say("the books of %d tenants add up", len(list))
	}
	return f, nil
}
