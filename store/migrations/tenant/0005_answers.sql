-- What requests with an Idempotency-Key were answered with, for a day; sealed, since an answer may have a secret.
create table answer (
  owner  text        not null,  -- who asked
  key    text        not null,
  asked  bytea       not null,  -- SHA-256 of what was asked for
  status int,                   -- null: it is being answered
  sealed bytea,
  at     timestamptz not null default clock_timestamp(),
  constraint answer_once primary key (owner, key),
  check ((status is null) = (sealed is null))
);
create index answer_at on answer (at);
