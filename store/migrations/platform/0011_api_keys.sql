-- API keys, of tenants and of the platform itself (tenant is null). Only a hash of the secret is stored. The
-- secret is 256 random bits: nobody can try them all, so a hash that is slow, or salted, would protect
-- nothing more and cost every request.
create table platform.api_key (
  id          text        primary key check (id ~ '^[0-9a-hjkmnp-tv-z]{10}$'),
  tenant      text        references platform.tenant,
  name        text        not null check (char_length(name) between 1 and 40),
  hash        bytea       not null check (octet_length(hash) = 32), -- SHA-256
  scopes      text[]      not null check (array_position(scopes, null) is null),
  addresses   cidr[]      not null default '{}' check (array_position(addresses, null) is null), -- empty: any
  created_at  timestamptz not null default clock_timestamp() check (isfinite(created_at)),
  created_by  text        not null,
  expires_at  timestamptz,                       -- null: never
  revoked_at  timestamptz,
  replaced_by text        references platform.api_key,
  valid_until timestamptz,                       -- of a key that was replaced
  ends_at     timestamptz not null generated always as (coalesce(least(expires_at, revoked_at, valid_until), 'infinity'::timestamptz)) stored,
  check ((replaced_by is null) = (valid_until is null))
);
create index api_key_owner on platform.api_key (coalesce(tenant, ''));
create index api_key_ends_at on platform.api_key (ends_at);
create index api_key_replaced_by on platform.api_key (replaced_by);

-- When a key was used last, to the minute. It is a table of its own so that using a key does not touch it.
create table platform.api_key_used (
  key text        primary key references platform.api_key,
  at  timestamptz not null
);

-- The application's login reads all keys, and makes, replaces and revokes those of tenants: not the platform's.
-- Which columns it may write is in grants.sql.
alter table platform.api_key enable row level security;
create policy read   on platform.api_key for select using (true);
create policy make   on platform.api_key for insert with check (tenant is not null);
create policy change on platform.api_key for update using (tenant is not null);

-- A change of a key is one of its tenant, or of the directory alone, as in brand_changed. The tenant's row is
-- locked, so whoever counts the keys after adding one counts all.
create function platform.api_key_changed() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform from platform.tenant where id = new.tenant for no key update; -- first, as every change of a tenant does
  with v as (update platform.instance set directory_version = directory_version + 1 returning directory_version)
  update platform.tenant set version = v.directory_version from v where id = new.tenant;
  return null;
end $$;
revoke all on function platform.api_key_changed() from public;
create trigger api_key_changed after insert or update on platform.api_key for each row execute function platform.api_key_changed();

-- What was done to the platform's own keys. A tenant's audit log is in its schema.
create table platform.audit_log (
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
