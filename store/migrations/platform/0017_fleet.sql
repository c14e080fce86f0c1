-- phase: expand
-- Which steps the binary of a node knows, and the incarnation that said so: that of a later one, by a binary that is older
-- than this step, says nothing of them.
alter table platform.node
  add column platform_version int,
  add column tenant_version   int,
  add column versions_by      uuid;

-- Which rights the tenant's role has: a digest of what granted them; '': not known.
alter table platform.tenant add column rights text not null default '';

-- Runs that bring tenants to a version. One at a time is open.
create table platform.migration_run (
  id           bigint      generated always as identity primary key,
  target       int         not null,              -- tenants' version
  max_failures int         not null check (max_failures >= 0), -- the run stops at one more
  state        text        not null default 'running' check (state in ('running', 'paused', 'done', 'failed', 'cancelled')),
  reason       text        not null default '',   -- why it is in this state
  started_by   text        not null,
  started_at   timestamptz not null default clock_timestamp(),
  finished_at  timestamptz,
  check ((finished_at is null) = (state in ('running', 'paused')))
);
create unique index migration_run_open on platform.migration_run ((true)) where finished_at is null;

-- What a run does with each of its tenants. The tenant's own _meta has its version, and is written in the
-- transaction of its step, as this is.
create table platform.tenant_migration (
  run          bigint      not null references platform.migration_run,
  tenant       text        not null references platform.tenant on delete cascade,
  wave         smallint    not null,              -- a wave begins when those before it are over; 0: canaries
  from_version int         not null,
  to_version   int         not null,              -- which it has reached
  state        text        not null default 'pending' check (state in ('pending', 'running', 'done', 'failed')),
  worker       text        not null default '',
  lease_until  timestamptz,                       -- of the worker; who comes later resumes
  attempts     int         not null default 0,
  backfilled   bigint      not null default 0,    -- rows
  started_at   timestamptz,
  finished_at  timestamptz,
  sqlstate     text        not null default '',
  error        text        not null default '',
  primary key (run, tenant)
);
create index tenant_migration_open on platform.tenant_migration (run, wave, tenant) where state in ('pending', 'running');
create index tenant_migration_failed on platform.tenant_migration (run) where state = 'failed';
create index tenant_migration_tenant on platform.tenant_migration (tenant);
