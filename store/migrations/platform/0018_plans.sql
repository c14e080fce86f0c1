-- phase: expand
-- What a tenant may use, by plan. A null is the installation's own limit.
create table platform.plan (
  name                text    constraint plan_name primary key,
  sockets             bigint  check (sockets > 0),              -- players connected at once, over all nodes
  rooms               bigint  check (rooms > 0),                -- tables that are open at once
  commands_per_second bigint  check (commands_per_second > 0),  -- of all sockets together, over all nodes
  db_connections      bigint  check (db_connections > 0),       -- of each node
  storage_bytes       bigint  check (storage_bytes > 0),        -- of the tenant's schema, with indexes
  games               text[]                                    -- null: all
);

-- Which games may be dealt where, and within which bounds of their settings:
-- {"roulette": {"max_bet": {"max": 10000}}}.
create table platform.jurisdiction (
  name  text   constraint jurisdiction_name primary key,
  games text[],                               -- null: all
  rules jsonb  not null default '{}'
);

alter table platform.tenant
  add column plan         text,
  add column jurisdiction text;
alter table platform.tenant
  add constraint tenant_plan foreign key (plan) references platform.plan not valid,
  add constraint tenant_jurisdiction foreign key (jurisdiction) references platform.jurisdiction not valid;

-- How large tenants' schemas were when a node measured them last: of those only whose plans limit that.
create table platform.storage (
  tenant      text        primary key references platform.tenant on delete cascade,
  bytes       bigint      not null,
  measured_at timestamptz not null default clock_timestamp()
);
