package tenancy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

// Drift says which tenants' schemas differ from what a new tenant gets. An archived tenant's role has no rights on tables.
type Drift struct {
	Version int          `json:"version"` // that was compared
	Checked int          `json:"checked"` // schemas: the tenants of this version, and the template
	Behind  []TenantName `json:"behind"`  // tenants of other versions, which were not compared
	Drifted []Drifts     `json:"drifted"`
}

// Drifts says in what a schema differs.
type Drifts struct {
	TenantName
	Diff []string `json:"diff"` // lines that begin with - are missing, with + too much
}

// TenantName names a tenant in a report.
type TenantName struct {
	Slug   tenant.Slug `json:"slug,omitempty"` // "": of one that was made ahead, and of the template
	Tenant string      `json:"tenant"`         // its ID as it is stored, or "tpl": the template
}

// String returns the slug and the ID, for people.
func (n TenantName) String() string {
	if n.Slug == "" {
		return n.Tenant
	}
	return fmt.Sprintf("%s (%s)", n.Slug, n.Tenant)
}

// slugOrNone is a tenant's slug as a TenantName has it.
const slugOrNone = `case when t.slug <> t.id then t.slug else '' end`

// errUndo undoes a transaction that has served its purpose.
var errUndo = errors.New("undone")

// Drift compares the schemas of all tenants, and the template, with one that it makes and does not keep. It
// returns ErrOlderSchema or migrations.ErrNewer.
func (a *Admin) Drift(ctx context.Context) (Drift, error) {
	out := Drift{Behind: []TenantName{}, Drifted: []Drifts{}}
	err := a.inTx(ctx, func(tx pgx.Tx) error {
		in, err := a.ready(ctx, tx)
		if err != nil {
			return err
		}
		scratch := tenant.New()
		if err := a.createSchema(ctx, tx, scratch, in); err != nil {
			return err
		}
		if err := a.compare(ctx, tx, scratch.Schema(), &out); err != nil {
			return err
		}
		return errUndo
	})
	if !errors.Is(err, errUndo) {
		return out, fmt.Errorf("store: drift: %w", err)
	}
	return out, nil
}

// compare compares all schemas with one.
func (a *Admin) compare(ctx context.Context, tx pgx.Tx, with string, out *Drift) error {
	var platform int
	if err := tx.QueryRow(ctx, selectVersions).Scan(&platform, &out.Version); err != nil {
		return err
	}
	schemas := []string{with, template}
	slugs := map[string]tenant.Slug{}
	var name string
	var slug tenant.Slug
	var same, isShut bool
	shut := map[string]bool{} // no role has rights on their tables
	rows, _ := tx.Query(ctx, `select t.id, `+slugOrNone+`, t.schema_version = $1, t.status = 'archived' from platform.tenant t
where t.status <> 'purged' and not (t.status = 'provisioning' and t.slug <> t.id) order by t.slug`, out.Version)
	_, err := pgx.ForEachRow(rows, []any{&name, &slug, &same, &isShut}, func() error {
		shut[name] = isShut
		if slugs[name] = slug; same {
			schemas = append(schemas, name)
		} else {
			out.Behind = append(out.Behind, TenantName{slug, name})
		}
		return nil
	})
	if err != nil {
		return err
	}
	// To compile so many expressions takes several times as long as to evaluate them.
	if _, err := tx.Exec(ctx, `set local jit = off`); err != nil {
		return err
	}
	prints, shutPrints := map[string]string{}, map[string]string{}
	var print, shutPrint string
	rows, _ = tx.Query(ctx, describeSchemas+`
select name, encode(sha256(convert_to(string_agg(line, E'\n' order by line collate "C"), 'UTF8')), 'hex'),
  encode(sha256(convert_to(coalesce(string_agg(line, E'\n' order by line collate "C") filter (where not `+tableGrant+`), ''), 'UTF8')), 'hex')
from lines group by name`, schemas)
	if _, err := pgx.ForEachRow(rows, []any{&name, &print, &shutPrint}, func() error {
		prints[name], shutPrints[name] = print, shutPrint
		return nil
	}); err != nil {
		return err
	}
	differ := []string{with}
	for _, s := range schemas[1:] {
		// The template has no role, not even one that may use the schema: it is compared without grants.
		if s == template || shut[s] && prints[s] != shutPrints[with] || !shut[s] && prints[s] != prints[with] {
			differ = append(differ, s)
		}
	}
	out.Checked = len(schemas) - 1
	return a.diff(ctx, tx, with, differ, slugs, shut, out)
}

// diff reads what schemas consist of, and adds what differs.
func (a *Admin) diff(ctx context.Context, tx pgx.Tx, with string, schemas []string, slugs map[string]tenant.Slug, shut map[string]bool, out *Drift) error {
	has := map[string][]string{}
	var name, line string
	rows, _ := tx.Query(ctx, describeSchemas+`select name, line from lines order by name, line collate "C"`, schemas)
	if _, err := pgx.ForEachRow(rows, []any{&name, &line}, func() error {
		has[name] = append(has[name], line)
		return nil
	}); err != nil {
		return err
	}
	for _, s := range schemas[1:] {
		want := has[with]
		switch {
		case s == template:
			want = slices.DeleteFunc(slices.Clone(want), isGrant)
			has[s] = slices.DeleteFunc(has[s], isGrant)
		case shut[s]:
			want = slices.DeleteFunc(slices.Clone(want), isTableGrant)
		}
		if diff := diffLines(want, has[s]); len(diff) > 0 {
			out.Drifted = append(out.Drifted, Drifts{TenantName{slugs[s], s}, diff})
		}
	}
	return nil
}

func isGrant(line string) bool { return strings.HasPrefix(line, "grant ") }

const (
	schemaGrant = "grant USAGE on schema to the role"
	// tableGrant is the condition that a line is what isTableGrant reports.
	tableGrant = `(line like 'grant %' and line <> '` + schemaGrant + `')`
)

// isTableGrant reports whether a line is a right that an archived tenant's role does not have any more.
func isTableGrant(line string) bool { return isGrant(line) && line != schemaGrant }

// diffLines returns the lines of want that are missing in got, and those that it has besides, in order.
func diffLines(want, got []string) []string {
	var out []string
	for _, l := range want {
		if _, ok := slices.BinarySearch(got, l); !ok {
			out = append(out, "- "+l)
		}
	}
	for _, l := range got {
		if _, ok := slices.BinarySearch(want, l); !ok {
			out = append(out, "+ "+l)
		}
	}
	slices.SortFunc(out, func(x, y string) int { return strings.Compare(x[2:]+x[:1], y[2:]+y[:1]) })
	return out
}

// describeSchemas is a CTE of lines (name, line) that say all that the schemas of $1 consist of, in which neither
// the schema's name nor its role's nor its owner's is. A schema that is missing has no lines.
const describeSchemas = `
with schemas as (
  select n.oid, n.nspname::text as name, n.nspname || '.' as prefix, n.nspacl, n.nspowner from pg_namespace n where n.nspname = any ($1::text[])
), relations as (
  select c.oid, c.relname, c.relkind, c.relacl, c.reloptions, c.relrowsecurity, c.relforcerowsecurity, c.relpersistence, c.relreplident, c.reltablespace, c.relam, c.relowner,
    c.reltoastrelid, s.name, s.prefix, s.nspowner
  from schemas s join pg_class c on c.relnamespace = s.oid
), functions as (
  select p.oid, p.prokind, p.prosecdef, p.proconfig, p.proowner, p.proacl, s.name, s.prefix, s.nspowner, p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' as call from schemas s join pg_proc p on p.pronamespace = s.oid
), grants as (
  select name, nspowner, 'schema' as what, (aclexplode(nspacl)).* from schemas
  union all
  select name, nspowner, relname, (aclexplode(relacl)).* from relations
  union all
  select r.name, r.nspowner, r.relname || '.' || a.attname, (aclexplode(a.attacl)).* from relations r join pg_attribute a on a.attrelid = r.oid
  where a.attacl is not null and not a.attisdropped
  union all
  select name, nspowner, 'function ' || call, (aclexplode(proacl)).* from functions
), lines as (
  select name, 'schema of another owner' as line from schemas where not pg_has_role(nspowner, 'USAGE')
  union all
  select r.name, concat_ws(' ', case relkind when 'r' then 'table' when 'S' then 'sequence' when 'v' then 'view' else 'relation ' || relkind::text end, r.relname,
    (select array_to_string(array_agg(o order by o), ',') from unnest(r.reloptions) as o),
    (select 'toast ' || array_to_string(array_agg(o order by o), ',') from pg_class t, unnest(t.reloptions) as o where t.oid = r.reltoastrelid),
    case when relrowsecurity then 'row security' end, case when relforcerowsecurity then 'of the owner too' end,
    case when relpersistence <> 'p' then 'persistence ' || relpersistence::text end, case when relreplident not in ('d', 'n') then 'replica identity ' || relreplident::text end,
    case when reltablespace <> 0 then 'in tablespace ' || (select spcname from pg_tablespace where oid = reltablespace) end,
    case when relkind = 'r' then 'using ' || (select nullif(amname, 'heap') from pg_am where oid = relam) end,
    (select 'inherits ' || string_agg(replace(i.inhparent::regclass::text, r.prefix, ''), ', ' order by i.inhseqno) from pg_inherits i where i.inhrelid = r.oid),
    (select concat_ws(' ', 'of', format_type(q.seqtypid, null), 'from', q.seqmin, 'to', q.seqmax, 'start', q.seqstart, 'increment', q.seqincrement, 'cache', q.seqcache, case when q.seqcycle then 'cycle' end)
     from pg_sequence q where q.seqrelid = r.oid),
    case when relowner <> nspowner then 'of another owner' end)
  from relations r where relkind not in ('i', 'I', 't')
  union all
  select r.name, concat_ws(' ', 'column', r.relname || '.' || a.attname, format_type(a.atttypid, a.atttypmod), case when a.attnotnull then 'not null' end,
    case a.attidentity when 'a' then 'identity always' when 'd' then 'identity' end,
    case a.attgenerated when 's' then 'generated' when 'v' then 'generated virtual' end, 'default ' || replace(pg_get_expr(d.adbin, d.adrelid), r.prefix, ''),
    'collate ' || nullif(a.attcollation, t.typcollation)::regcollation::text, 'storage ' || nullif(a.attstorage, t.typstorage)::text,
    'compression ' || nullif(a.attcompression::text, ''), 'statistics ' || nullif(a.attstattarget, -1), array_to_string(a.attoptions, ','))
  from relations r join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped join pg_type t on t.oid = a.atttypid
  left join pg_attrdef d on d.adrelid = r.oid and d.adnum = a.attnum
  where r.relkind not in ('i', 'I', 't', 'S')
  union all
  select r.name, 'columns of ' || r.relname || ': ' || string_agg(a.attname, ', ' order by a.attnum)
  from relations r join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
  where r.relkind not in ('i', 'I', 't', 'S') group by r.name, r.relname
  union all
  select r.name, concat_ws(' ', replace(pg_get_indexdef(i.indexrelid), r.prefix, ''), case when not i.indisvalid then 'invalid' end, case when not i.indisready then 'not ready' end,
    case when i.indisreplident then 'replica identity' end, case when i.indisclustered then 'clustered' end,
    (select 'in tablespace ' || spcname from pg_class x join pg_tablespace on pg_tablespace.oid = x.reltablespace where x.oid = i.indexrelid))
  from relations r join pg_index i on i.indrelid = r.oid
  union all
  select r.name, concat_ws(' ', 'constraint', r.relname || '.' || c.conname, replace(pg_get_constraintdef(c.oid), r.prefix, ''))
  from relations r join pg_constraint c on c.conrelid = r.oid
  union all
  select r.name, concat_ws(' ', replace(pg_get_triggerdef(t.oid), r.prefix, ''), case when t.tgenabled <> 'O' then 'enabled ' || t.tgenabled::text end)
  from relations r join pg_trigger t on t.tgrelid = r.oid where not t.tgisinternal
  union all
  select distinct r.name, concat_ws(' ', 'constraint', k.conname, 'is not enforced at', r.relname || ': enabled', t.tgenabled)
  from relations r join pg_trigger t on t.tgrelid = r.oid join pg_constraint k on k.oid = t.tgconstraint where t.tgisinternal and t.tgenabled <> 'O'
  union all
  select r.name, concat_ws(' ', regexp_replace(replace(pg_get_ruledef(w.oid), r.prefix, ''), '\s+', ' ', 'g'), case when w.ev_enabled <> 'O' then 'enabled ' || w.ev_enabled::text end)
  from relations r join pg_rewrite w on w.ev_class = r.oid
  union all
  select r.name, concat_ws(' ', 'policy', r.relname || '.' || p.polname, p.polcmd::text, case when not p.polpermissive then 'restrictive' end,
    (select 'to ' || string_agg(case when g.rolname = r.name then 'the role' else coalesce(g.rolname, 'public') end, ', ' order by g.rolname) from unnest(p.polroles) as o left join pg_roles g on g.oid = o),
    replace(pg_get_expr(p.polqual, p.polrelid), r.prefix, ''), 'check ' || replace(pg_get_expr(p.polwithcheck, p.polrelid), r.prefix, ''))
  from relations r join pg_policy p on p.polrelid = r.oid
  union all
  select name, concat_ws(' ', 'function', call, case when prosecdef then 'security definer' end, (select 'set ' || string_agg(c, ', ' order by c) from unnest(proconfig) as c),
    case when proowner <> nspowner then 'of another owner' end, case when prokind <> 'a' then 'as ' || left(md5(replace(pg_get_functiondef(oid), prefix, '')), 12) end) from functions
  union all
  select s.name, 'type ' || t.typname from schemas s join pg_type t on t.typnamespace = s.oid left join pg_class c on c.oid = t.typrelid
  where t.typelem = 0 and (c.oid is null or c.relkind = 'c')
  union all
  select s.name, case when d.classid = 'pg_default_acl'::regclass then 'grant of ' else '' end || replace(replace(pg_describe_object(d.classid, d.objid, 0), s.prefix, ''), ' in schema ' || s.name, '') from schemas s
  join pg_depend d on d.refclassid = 'pg_namespace'::regclass and d.refobjid = s.oid
  where d.classid not in ('pg_class'::regclass, 'pg_type'::regclass, 'pg_proc'::regclass, 'pg_constraint'::regclass)
  union all
  select g.name, concat_ws(' ', 'grant', g.privilege_type, 'on', g.what, 'to', case when g.grantee = 0 then 'public' when x.rolname = g.name then 'the role' else x.rolname end,
    case when g.is_grantable then 'with grant option' end)
  from grants g left join pg_roles x on x.oid = g.grantee where g.grantee <> g.nspowner
)
`
