-- Where a casino wants to be told what happens. What a secret is sealed for names the endpoint.
create table webhook_endpoint (
  id             uuid        primary key,
  url            text        not null,
  description    text        not null default '',
  types          text[]      not null default '{}',   -- empty: of all types
  secret         bytea       not null,                -- sealed
  former_secret  bytea,                               -- sealed; signs too until
  former_until   timestamptz,
  state          text        not null default 'active' check (state in ('active', 'paused', 'disabled')),
  reason         text        not null default '',     -- why it is in this state, and
  since          timestamptz not null default clock_timestamp(),
  failing_since  timestamptz,                         -- null: the last attempt succeeded
  after_fact     bigint      not null,                -- it is told of facts after this one
  created_at     timestamptz not null default clock_timestamp(),
  check ((former_secret is null) = (former_until is null))
);

-- The login reads no table from end to end (enable_seqscan), and every fact asks whether anybody listens.
create index webhook_endpoint_listening on webhook_endpoint (id) where state <> 'disabled';
create index webhook_endpoint_created on webhook_endpoint (created_at, id);

-- What happened, written in the transaction in which it happened (an outbox), while there is an endpoint that
-- is not disabled. Who sees a fact sees all that were committed before its transaction began, and they have
-- lower seqs. The id is a UUIDv7: the time in milliseconds, then chance.
create table fact (
  seq     bigint      generated always as identity primary key,
  id      uuid        not null default encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
    placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6), 52, 1), 53, 1), 'hex')::uuid,
  xact    xid8        not null default pg_current_xact_id(),
  type    text        not null,
  version smallint    not null,
  player  text        not null default '',            -- '': of no player
  at      timestamptz not null,
  data    json        not null
);
create index fact_xact on fact (xact);
create index fact_at on fact (at);

-- What an endpoint is told, or was. Of one endpoint and key, only the first that is pending has next_at: the
-- others wait for it.
create table webhook_delivery (
  endpoint     uuid        not null,
  fact         bigint      not null,
  key          text        not null,                  -- what is told in order: the player; '': of no player
  state        text        not null default 'pending' check (state in ('pending', 'delivered', 'dropped')),
  next_at      timestamptz,                           -- null: not pending, or behind another
  attempts     int         not null default 0,
  status       int         not null default 0,        -- of the last answer; 0: there was none
  error        text        not null default '',
  took         interval    not null default '0',
  attempted_at timestamptz,
  created_at   timestamptz not null default clock_timestamp(),
  primary key (endpoint, fact)
) with (fillfactor = 70);
create index webhook_delivery_due on webhook_delivery (endpoint, next_at) where state = 'pending' and next_at is not null;
create index webhook_delivery_queue on webhook_delivery (endpoint, key, fact) where state = 'pending';
create index webhook_delivery_created on webhook_delivery (created_at);

-- One row: who delivers. Every write of a deliverer names its epoch.
create table webhook_deliverer (
  one   boolean primary key default true check (one),
  epoch bigint  not null default 0,
  mark  xid8    not null default '0'   -- facts of transactions before this one have their deliveries
);
insert into webhook_deliverer default values;
