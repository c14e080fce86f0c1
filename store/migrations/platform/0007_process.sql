-- Processes that are about to become nodes: they say who they are before they have a lease, so that the
-- others believe them.
create table platform.process (
  incarnation uuid        primary key,
  node        text        not null,
  announced   timestamptz not null default clock_timestamp()
);
