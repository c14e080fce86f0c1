-- phase: expand
-- allow additive: a wider check takes the place of the one before
-- allow validate: the table has a row for each casino
-- What people set of a tenant's life; what time makes of an active one (trial, grace, unpaid) follows from on_trial and
-- paid_until. suspended_for says why for every status. A tenant whose schema was made ahead has its id as its slug, which is
-- none, until it is named; one that was purged keeps its row, so that its slug and id are not given again.
alter table platform.tenant
  drop constraint tenant_status_check,
  add constraint tenant_status_check check (status in ('provisioning', 'active', 'suspended', 'maintenance', 'archived', 'purged')),
  add column back_at     timestamptz,  -- of maintenance: when it is likely to be over
  add column changed_at  timestamptz not null default now();  -- of the status

-- Every slug that a tenant has or had. None is given again.
create table platform.slug (
  slug   text        not null,
  tenant text        not null references platform.tenant,
  until  timestamptz,                  -- of a former one: when the last token that names it has expired; null: it is the tenant's
  constraint slug_name primary key (slug)
);
create unique index slug_current on platform.slug (tenant) where until is null;
insert into platform.slug (slug, tenant) select slug, id from platform.tenant;

-- The archive of a tenant's schema, which was restored and compared before the row was written.
create table platform.archive (
  tenant         text        primary key references platform.tenant,
  file           text        not null,   -- as 'pitboss' was told where to put it
  bytes          bigint      not null,
  sha256         bytea       not null check (octet_length(sha256) = 32),
  schema_version int         not null,
  rows           bigint      not null,   -- of all tables
  verified_at    timestamptz not null default clock_timestamp()
);
