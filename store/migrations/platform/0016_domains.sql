-- phase: expand
-- allow default: the table has a row for each domain
-- A domain is verified when DNS has its challenge; one that is removed and added again has another. A wildcard is
-- kept as it is written, and is nobody's primary domain: links are made from that. Rows from before names were checked
-- stay as they are.
alter table platform.domain
  add column challenge   text not null default replace(gen_random_uuid()::text, '-', ''),
  add column verified_at timestamptz,
  add constraint domain_primary_exact check (not (is_primary and starts_with(domain, '*'))) not valid;
