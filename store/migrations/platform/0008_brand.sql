-- How a tenant's pages look: a name, a style that overrides variables of their stylesheets, and a logo.
-- logo_info says what the logo is, so that the directory need not read it.
create table platform.brand (
  tenant    text  primary key references platform.tenant,
  name      text  not null default '',
  style     jsonb not null default '{}',
  logo      bytea check (octet_length(logo) <= 65536),
  logo_info jsonb,
  check ((logo is null) = (logo_info is null))
);

-- A change of a brand is one of its tenant, which nodes see by the directory's version. The application's
-- login changes brands and nothing else of a tenant, so this is done with the owner's rights. A row is
-- inserted without any value, which changes nothing.
create function platform.brand_changed() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform from platform.tenant where id = new.tenant for no key update; -- first, as every change of a tenant does
  with v as (update platform.instance set directory_version = directory_version + 1 returning directory_version)
  update platform.tenant set version = v.directory_version from v where id = new.tenant;
  return null;
end $$;
revoke all on function platform.brand_changed() from public;
create trigger brand_changed after update on platform.brand for each row execute function platform.brand_changed();
