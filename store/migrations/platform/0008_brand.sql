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
