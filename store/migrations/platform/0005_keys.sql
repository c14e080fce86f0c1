-- A tenant's keys may be public ones, or published at a URL as a JWK Set (RFC 7517): then kid is only
-- what the row is called. A key that was retired keeps its name, so that no other gets it, and loses
-- its secret. A row without anything is a key of a set, retired by name.
alter table platform.tenant_key
  add column jwks_url   text,
  add column retired_at timestamptz,
  drop constraint tenant_key_check,
  add constraint tenant_key_check check (
    num_nonnulls(secret, public_pem, jwks_url) = 1 or state = 'retired' and num_nonnulls(secret, public_pem, jwks_url) = 0);
