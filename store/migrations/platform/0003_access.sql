-- Tokens that were taken back before they expire: one by its jti, or all of a player's that were
-- issued before a moment. change is as in platform.room. When a row expires, so have its tokens.
create table platform.revocation (
  tenant  text        not null references platform.tenant,
  kind    text        not null check (kind in ('token', 'player')),
  subject text        not null,
  before  timestamptz,                -- of kind player: what was issued until then is void
  expires timestamptz not null,
  change  bigint      not null default pg_current_xact_id()::text::bigint,
  primary key (tenant, kind, subject),
  check ((before is null) = (kind = 'token'))
);
create index revocation_change on platform.revocation (change);
create index revocation_expires on platform.revocation (expires);

-- Tickets that were used, until nobody would take them any more.
create table platform.ticket_used (
  nonce   bytea       primary key,
  expires timestamptz not null
);
create index ticket_used_expires on platform.ticket_used (expires);
