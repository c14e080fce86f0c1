-- The first 64 bits of a SHA-256 of what a command asked for, to tell another command under the
-- same id; null in older rows, which are not compared.
alter table command add column body bigint;

-- What refused commands were answered with, for a day. Older refusals are in command.
create table refusal (
  player text        not null,
  id     uuid        not null,
  room   text        not null,
  body   bigint,
  answer json        not null,
  at     timestamptz not null default clock_timestamp(),
  constraint refusal_once primary key (player, id)
);
create index refusal_at on refusal (at);
