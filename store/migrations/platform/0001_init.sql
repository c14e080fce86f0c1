-- One row: what the whole installation shares.
create table platform.instance (
  one               boolean primary key default true check (one),
  app_role          text    not null,
  master_check      bytea,                       -- a known text, sealed: tells a wrong master key
  directory_version bigint  not null default 0   -- rises, in commit order, with each change of a tenant
);

create table platform.tenant (
  id              text        primary key,
  slug            text        not null,
  name            text        not null,
  status          text        not null default 'active' check (status in ('active', 'suspended')),
  suspended_for   text        not null default '',
  on_trial        boolean     not null,
  paid_until      timestamptz,
  created_on      timestamptz not null default now(),
  currency        text        not null,
  exponent        smallint    not null check (exponent between 0 and 8),
  frame_ancestors text[]      not null default '{}',
  schema_version  int         not null default 0,
  version         bigint      not null default 0,
  constraint tenant_slug unique (slug)
);

create table platform.domain (
  domain     text    not null,
  tenant     text    not null references platform.tenant,
  is_primary boolean not null default false,
  constraint domain_name primary key (domain)
);
create unique index domain_one_primary on platform.domain (tenant) where is_primary;
create index domain_tenant on platform.domain (tenant);

create table platform.tenant_key (
  tenant     text        not null references platform.tenant,
  kid        text        not null,
  alg        text        not null,
  secret     bytea,      -- sealed
  public_pem text,
  state      text        not null default 'active' check (state in ('active', 'retired')),
  created_at timestamptz not null default now(),
  primary key (tenant, kid),
  check ((secret is null) <> (public_pem is null))
);

-- An index over the rooms of all tenants. The truth is each tenant's own row.
create table platform.room (
  tenant  text        not null references platform.tenant,
  room    text        not null,
  state   text        not null check (state in ('open', 'closing', 'closed')),
  reason  text        not null default '',   -- why it is closing
  node    text        not null default '',
  changed timestamptz not null default clock_timestamp(),
  primary key (tenant, room)
);
create index room_live on platform.room (tenant, room) where state <> 'closed';
