-- phase: expand
-- What nodes ask the platform's process to do, which has the owner's login. A request that comes again under its
-- Idempotency-Key is the same job.
create table platform.job (
  id          uuid        primary key,
  kind        text        not null,
  subject     text        not null,               -- the slug of the tenant that it is about; '': none
  input       json        not null,
  asked       bytea       not null check (octet_length(asked) = 32), -- SHA-256 of kind, subject and input
  key         text        not null default '',    -- the Idempotency-Key; '': none
  actor       text        not null,
  address     text        not null default '',
  credential  text        not null default '',
  request     text        not null default '',
  state       text        not null default 'queued' check (state in ('queued', 'running', 'done', 'failed')),
  worker      uuid,
  lease_until timestamptz,
  attempts    int         not null default 0,
  applied     boolean     not null default false, -- what it changes of a tenant is committed: written in that transaction
  step        text        not null default '',    -- what is being done, and how much of it
  done        bigint      not null default 0,
  total       bigint      not null default 0,     -- 0: nobody knows
  result      json,
  secret      bytea,                              -- sealed; until it was given out
  code        text        not null default '',    -- why it failed
  error       text        not null default '',
  created_at  timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  check ((finished_at is null) = (state in ('queued', 'running')))
);
create unique index job_key on platform.job (actor, key) where key <> '';
create index job_open on platform.job (created_at, id) where finished_at is null;
create index job_created on platform.job (created_at, id);
-- One job of these kinds is open at a time: they are about all tenants, and who asks again is answered with that one.
create unique index job_single on platform.job (kind) where finished_at is null and kind in ('migrate', 'drift', 'doctor');
