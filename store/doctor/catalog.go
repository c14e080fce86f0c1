package doctor

const (
	// form is that of a tenant's ID, which is the name of its schema and role.
	form = `'^t_([a-z2-7]{16}|[a-z][a-z0-9_]{0,30}[a-z0-9]_[a-z2-7]{6})$'`
	// ours is the condition that a namespace n is a tenant's, or the template.
	ours = `(n.nspname ~ ` + form + ` or n.nspname = 'tpl')`
	// notSystem is the condition that a namespace n is not one of PostgreSQL's own.
	notSystem = `(n.nspname !~ '^pg_' and n.nspname <> 'information_schema')`
	// app is the application's login, as a name.
	app = `(select app_role::name from platform.instance)`
	// mark is the comment of the installation's schemas and roles.
	mark = `(select 'pitboss ' || deployment from platform.instance)`

	// usable is the condition that a tenant t has a schema that nodes may use.
	usable = `(t.status not in ('archived', 'purged', 'provisioning'))`
	// made is the condition that a tenant t has a schema, or its row is wrong.
	made = `(t.status <> 'purged' and not (t.status = 'provisioning' and t.slug <> t.id))`
)

// mightOfLogin lists what the application's login can do that it need not. Options of a membership are read by
// name: PostgreSQL 15 has none.
const mightOfLogin = `
select 'the login ' || r.rolname || ' ' || x.what from pg_roles r cross join lateral (values
  (r.rolsuper, 'is a superuser'), (r.rolbypassrls, 'goes past row security'), (r.rolcreaterole, 'may create roles'),
  (r.rolcreatedb, 'may create databases'), (r.rolreplication, 'may replicate'), (not r.rolcanlogin, 'cannot log in'),
  (r.rolinherit, 'inherits the rights of its roles: alter role … noinherit'),
  (exists (select from pg_database d where d.datname = current_database() and d.datdba = r.oid), 'owns the database')) as x (bad, what)
where r.rolname = ` + app + ` and x.bad
union all
select 'the login ' || r.rolname || ' has ' || a.privilege_type || ' on the database' from pg_database, aclexplode(datacl) as a join pg_roles r on r.oid = a.grantee
where datname = current_database() and r.rolname = ` + app + ` and a.privilege_type <> 'CONNECT'
union all
select 'the login ' || m.member::regrole || ' is a member of ' || g.rolname || ', which is no tenant''s role'
from pg_auth_members m join pg_roles g on g.oid = m.roleid
where m.member = (select oid from pg_roles where rolname = ` + app + `) and g.rolname !~ ` + form + `
union all
select 'the login ' || m.member::regrole || ' as a member of ' || g.rolname || ' ' || x.what
from pg_auth_members m join pg_roles g on g.oid = m.roleid join platform.tenant t on t.id = g.rolname
cross join lateral (values
  (m.admin_option, 'may give the role to others'), (to_jsonb(m) ->> 'inherit_option' = 'true', 'inherits its rights'),
  (to_jsonb(m) ->> 'set_option' = 'false' and ` + usable + `, 'cannot act as it')) as x (bad, what)
where m.member = (select oid from pg_roles where rolname = ` + app + `) and x.bad
union all
select 'there is no login ' || ` + app + ` where not exists (select from pg_roles where rolname = ` + app + `)
order by 1`

const publicRights = `
select 'everybody has ' || a.privilege_type || ' on the database' from pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba))) as a
where datname = current_database() and a.grantee = 0 and a.privilege_type <> 'CONNECT'
union all
select 'everybody has ' || a.privilege_type || ' on schema ' || n.nspname from pg_namespace n, aclexplode(coalesce(nspacl, acldefault('n', nspowner))) as a
where a.grantee = 0 and ` + notSystem + `
union all
select 'everybody has ' || a.privilege_type || ' on ' || n.nspname || '.' || relname from pg_class join pg_namespace n on n.oid = relnamespace, aclexplode(relacl) as a
where a.grantee = 0 and ` + notSystem + `
union all
select 'everybody has ' || a.privilege_type || ' on ' || n.nspname || '.' || relname || '.' || attname
from pg_attribute join pg_class c on c.oid = attrelid join pg_namespace n on n.oid = relnamespace, aclexplode(attacl) as a
where attacl is not null and a.grantee = 0 and ` + notSystem + `
union all
select 'everybody will have ' || a.privilege_type || ' on what ' || defaclrole::regrole || ' makes' from pg_default_acl, aclexplode(defaclacl) as a
where a.grantee = 0 and (defaclobjtype not in ('f', 'T') or defaclnamespace <> 0)
union all
select 'everybody has ' || a.privilege_type || ' on the setting ' || parname from pg_parameter_acl, aclexplode(paracl) as a where a.grantee = 0
union all
select 'everybody has ' || a.privilege_type || ' on the server ' || srvname from pg_foreign_server, aclexplode(srvacl) as a where a.grantee = 0
union all
select 'everybody has ' || a.privilege_type || ' on pg_catalog.' || relname || ', as PostgreSQL does not give it' from pg_class c, aclexplode(relacl) as a
where a.grantee = 0 and relnamespace = 'pg_catalog'::regnamespace and not exists (
  select from pg_init_privs i, aclexplode(i.initprivs) as x
  where i.objoid = c.oid and i.classoid = 'pg_class'::regclass and i.objsubid = 0 and x.grantee = 0 and x.privilege_type = a.privilege_type)
union all
select 'everybody has EXECUTE on ' || p.oid::regprocedure || ', as PostgreSQL does not give it' from pg_proc p join pg_init_privs i on i.objoid = p.oid and i.classoid = 'pg_proc'::regclass
where exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a where a.grantee = 0) and not exists (select from aclexplode(i.initprivs) as x where x.grantee = 0)
order by 1`

// rights is a CTE of what is granted on schemas that are not PostgreSQL's own, and on their tables, columns and functions.
// What else is granted, owned or named is in pg_shdepend, by which foreignRights finds objects of all other sorts: types,
// default privileges, settings, servers, languages, the database. Since tenants' roles are members of no
// role and own nothing, which foreignRights checks too, it is all that has_table_privilege would find for all pairs of them.
const rights = `
with rights as (
  select n.nspname, 'schema ' || n.nspname as what, 'n' as kind, a.grantee, a.privilege_type from pg_namespace n, aclexplode(n.nspacl) as a where ` + notSystem + `
  union all
  select n.nspname, n.nspname || '.' || c.relname, c.relkind::text, a.grantee, a.privilege_type from pg_class c join pg_namespace n on n.oid = c.relnamespace, aclexplode(c.relacl) as a where ` + notSystem + `
  union all
  select n.nspname, n.nspname || '.' || c.relname || '.' || t.attname, 'a', a.grantee, a.privilege_type
  from pg_attribute t join pg_class c on c.oid = t.attrelid join pg_namespace n on n.oid = c.relnamespace, aclexplode(t.attacl) as a
  where t.attacl is not null and ` + notSystem + `
  union all
  select n.nspname, n.nspname || '.' || p.proname, 'p', a.grantee, a.privilege_type from pg_proc p join pg_namespace n on n.oid = p.pronamespace, aclexplode(p.proacl) as a where ` + notSystem + `
), tenants as (select r.oid, r.rolname from platform.tenant t join pg_roles r on r.rolname = t.id)`

const foreignRights = rights + `
select r.rolname || ' has ' || g.privilege_type || ' on ' || g.what from rights g join tenants r on r.oid = g.grantee where g.nspname <> r.rolname
union all
select r.rolname || ' has ' || g.privilege_type || ' on ' || g.what from rights g join tenants r on r.oid = g.grantee
where g.nspname = r.rolname and (g.kind = 'n' and g.privilege_type <> 'USAGE' or g.privilege_type in ('TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN'))
union all
select 'the login ' || r.rolname || ' has ' || g.privilege_type || ' on ' || g.what from rights g join pg_roles r on r.oid = g.grantee
where r.rolname = ` + app + ` and (g.nspname ~ ` + form + ` or g.nspname = 'tpl' and (g.kind <> 'n' or g.privilege_type <> 'USAGE'))
union all
select r.rolname || ' is a member of ' || m.roleid::regrole from pg_auth_members m join tenants r on r.oid = m.member
union all
select r.rolname || ' is a superuser, may log in, or may create roles or databases' from tenants t join pg_roles r on r.oid = t.oid
where r.rolsuper or r.rolcanlogin or r.rolcreaterole or r.rolcreatedb or r.rolbypassrls or r.rolreplication
union all
select 'schema ' || n.nspname || ' belongs to ' || n.nspowner::regrole || ', and not to the owner''s login' from pg_namespace n where ` + ours + ` and not pg_has_role(n.nspowner, 'USAGE')
union all
select r.rolname || case d.deptype when 'o' then ' owns ' when 'a' then ' has rights on ' else ' is named by ' end || pg_describe_object(d.classid, d.objid, d.objsubid)
from pg_shdepend d join (select oid, rolname, true as tenant from tenants union all select oid, rolname, false from pg_roles where rolname = ` + app + `) r on r.oid = d.refobjid
left join pg_class c on d.classid = 'pg_class'::regclass and c.oid = d.objid
left join pg_proc p on d.classid = 'pg_proc'::regclass and p.oid = d.objid
left join pg_namespace n on n.oid = coalesce(c.relnamespace, p.pronamespace, case when d.classid = 'pg_namespace'::regclass then d.objid end)
where d.refclassid = 'pg_authid'::regclass and d.dbid in (0, (select oid from pg_database where datname = current_database()))
and not (d.deptype = 'a' and (coalesce(` + notSystem + `, false) or not r.tenant and d.classid = 'pg_database'::regclass))
order by 1`

const otherRights = rights + `
select r.rolname || ' has ' || g.privilege_type || ' on ' || g.what from rights g join pg_roles r on r.oid = g.grantee join pg_namespace n on n.nspname = g.nspname
where ` + ours + ` and r.rolname not in (g.nspname, ` + app + `) and r.oid <> n.nspowner and r.rolname not in (select rolname from tenants)
union all
select m.member::regrole || ' is a member of ' || r.rolname from pg_auth_members m join tenants r on r.oid = m.roleid join pg_roles g on g.oid = m.member
where g.rolname not in (current_user, ` + app + `) and g.oid not in (select oid from tenants)
order by 1`

const changeable = rights + `
select r.rolname || ' has ' || g.privilege_type || ' on ' || g.what from rights g join tenants r on r.oid = g.grantee
where g.privilege_type in ('UPDATE', 'DELETE', 'TRUNCATE') and split_part(g.what, '.', 2) in ('event', 'command', 'transfer', 'credit', 'audit_log')
order by 1`

const openFunctions = `
select n.nspname || '.' || proname || ' leaves it to its caller what its names mean: alter function … set search_path = pg_catalog, pg_temp'
from pg_proc join pg_namespace n on n.oid = pronamespace where 'search_path=pg_catalog, pg_temp' <> all (coalesce(proconfig, '{}')) and (prosecdef and ` + notSystem + ` or n.nspname = 'platform')
union all
select n.nspname || '.' || proname || ' has its owner''s rights and is everybody''s: revoke all on function … from public'
from pg_proc join pg_namespace n on n.oid = pronamespace, aclexplode(coalesce(proacl, acldefault('f', proowner))) as a where prosecdef and a.grantee = 0 and ` + notSystem + `
order by 1`

const notTables = `
select n.nspname || ' has the type ' || typname from pg_type join pg_namespace n on n.oid = typnamespace left join pg_class c on c.oid = typrelid
where typelem = 0 and (c.oid is null or c.relkind = 'c') and ` + ours + `
union all
select n.nspname || ' has the function ' || proname from pg_proc join pg_namespace n on n.oid = pronamespace where ` + ours + `
union all
select n.nspname || ' has the trigger ' || tgname || ' on ' || relname from pg_trigger join pg_class c on c.oid = tgrelid join pg_namespace n on n.oid = relnamespace
where not tgisinternal and ` + ours + `
union all
select n.nspname || ' has ' || relname || ', of the kind ' || relkind::text from pg_class join pg_namespace n on n.oid = relnamespace where relkind not in ('r', 'i', 'S', 'c') and ` + ours + `
union all
select n.nspname || ' has the column ' || relname || '.' || attname || ' of the type ' || format_type(atttypid, atttypmod)
from pg_attribute join pg_class c on c.oid = attrelid join pg_namespace n on n.oid = relnamespace join pg_type y on y.oid = atttypid
where relkind = 'r' and attnum > 0 and not attisdropped and y.typnamespace <> 'pg_catalog'::regnamespace and ` + ours + `
order by 1`

const wrongNames = `
select 'the tenant ' || slug || ' has the malformed id ' || id from platform.tenant where id !~ ` + form + `
union all
select 'the schema ' || n.nspname || ' looks like a tenant''s, and cannot be one''s' from pg_namespace n where n.nspname ~ '^t_' and n.nspname !~ ` + form + `
union all
select 'the tenant ' || slug || ' has no current slug in platform.slug' from platform.tenant t
where t.slug <> t.id and t.status <> 'purged' and not exists (select from platform.slug s where s.tenant = t.id and s.slug = t.slug and s.until is null)
union all
select 'the ' || x.kind || ' ' || t.id || ' of the tenant ' || t.slug || ' is marked as another installation''s: ' || x.mark from platform.tenant t
join lateral (
  select 'schema' as kind, obj_description(n.oid, 'pg_namespace') as mark from pg_namespace n where n.nspname = t.id
  union all
  select 'role', shobj_description(r.oid, 'pg_authid') from pg_roles r where r.rolname = t.id) as x on x.mark like 'pitboss %' and x.mark <> ` + mark + `
order by 1`

const orphans = `
select 'the schema ' || n.nspname || ' belongs to no tenant' from pg_namespace n
where (n.nspname ~ ` + form + ` or obj_description(n.oid, 'pg_namespace') = ` + mark + `) and not exists (select from platform.tenant t where t.id = n.nspname)
union all
select 'the role ' || r.rolname || ' belongs to no tenant of this database, unless of a copy of it on the same server' from pg_roles r
where shobj_description(r.oid, 'pg_authid') = ` + mark + ` and not exists (select from platform.tenant t where t.id = r.rolname)
union all
select 'the tenant ' || t.slug || ' has no schema ' || t.id from platform.tenant t where ` + made + ` and not exists (select from pg_namespace n where n.nspname = t.id)
union all
select 'the tenant ' || t.slug || ' has no role ' || t.id || ': pitboss migrate makes it' from platform.tenant t where ` + made + ` and not exists (select from pg_roles r where r.rolname = t.id)
union all
select 'the login ' || app.rolname || ' is no member of ' || r.rolname || ', the role of ' || t.slug || ': pitboss migrate makes it one'
from platform.tenant t join pg_roles r on r.rolname = t.id join pg_roles app on app.rolname = ` + app + `
where ` + usable + ` and not exists (select from pg_auth_members m where m.roleid = r.oid and m.member = app.oid)
order by 1`

const lifecycle = `
select 'the archived tenant ' || t.slug || ' can still be acted for by ' || m.member::regrole from platform.tenant t join pg_roles r on r.rolname = t.id
join pg_auth_members m on m.roleid = r.oid join pg_roles a on a.oid = m.member and a.rolname = ` + app + ` where t.status = 'archived'
union all
select 'the archived tenant ' || t.slug || ' has no archive: archive it again' from platform.tenant t
where t.status = 'archived' and not exists (select from platform.archive a where a.tenant = t.id)
union all
select 'the purged tenant ' || t.slug || ' still has ' || x.what || ': purge it again' from platform.tenant t cross join lateral (values
  (exists (select from pg_namespace n where n.nspname = t.id), 'its schema'), (exists (select from pg_roles r where r.rolname = t.id), 'its role'),
  (exists (select from platform.domain d where d.tenant = t.id), 'domains'), (exists (select from platform.tenant_key k where k.tenant = t.id), 'signing keys')) as x (bad, what)
where t.status = 'purged' and x.bad
union all
select 'a table of the ' || t.status || ' tenant ' || t.slug || ' is not closed: ' || min(r.room) from platform.tenant t join platform.room r on r.tenant = t.id and r.state <> 'closed'
where t.status in ('archived', 'purged') group by t.id
order by 1`
