-- Which migrations this schema has had; it travels with a dump of the schema.
create table _meta (
  one     boolean primary key default true check (one),
  version int     not null
);
insert into _meta (version) values (0);

create table room (
  id              text        primary key,
  game            text        not null,
  name            text        not null,
  settings        json        not null,
  status          text        not null default 'open' check (status in ('open', 'closing', 'closed')),
  epoch           bigint      not null default 0,  -- fences: only the owner of this epoch may append
  seq             bigint      not null default 0,  -- the last event
  node            text        not null default '',
  snapshot        json,
  snapshot_seq    bigint      not null default 0,
  seed_commitment bytea,
  seed_sealed     bytea,
  created_at      timestamptz not null default now(),
  check ((seed_commitment is null) = (seed_sealed is null))
) with (fillfactor = 50);

create table event (
  room  text        not null,
  seq   bigint      not null,
  epoch bigint      not null,
  at    timestamptz not null,
  type  text        not null,
  round bigint      not null,
  data  json,
  primary key (room, seq)
);
create index event_round on event (room, round) where round > 0;

-- What each command was answered with, for good.
create table command (
  player text not null,
  id     uuid not null,
  room   text not null,
  answer json not null,
  constraint command_once primary key (player, id)
);

create table account (
  id         bigint      generated always as identity primary key,
  kind       text        not null check (kind in ('player', 'till', 'house')),
  owner      text        not null,
  balance    bigint      not null default 0,
  version    bigint      not null default 0,   -- rises with every posting
  created_at timestamptz not null default now(),
  constraint account_owner unique (kind, owner),
  constraint account_funds check (kind <> 'player' or balance >= 0)
) with (fillfactor = 70);
insert into account (kind, owner) values ('house', 'house');

-- Money goes from the debit account to the credit account.
create table transfer (
  id      bigint      generated always as identity primary key,
  debit   bigint      not null,
  credit  bigint      not null,
  amount  bigint      not null check (amount > 0),
  kind    text        not null check (kind in ('stake', 'payout', 'refund', 'credit')),
  ref     text        not null,
  room    text,                                -- null: of no room
  seq     bigint,
  player  text        not null,
  command uuid,
  at      timestamptz not null,
  check (debit <> credit)
);
create unique index transfer_credit_once on transfer (command) where kind = 'credit';

create table audit_log (
  id      bigint      generated always as identity primary key,
  at      timestamptz not null default clock_timestamp(),
  actor   text        not null,
  action  text        not null,
  target  text        not null,
  reason  text        not null,
  before  json,
  after   json,
  address text        not null
);
