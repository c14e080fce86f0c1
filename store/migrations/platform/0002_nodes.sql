-- The processes that may own rooms. A node whose lease has run out owns nothing any more; only
-- this database's clock says when.
create table platform.node (
  node        text        primary key,
  incarnation uuid        not null,   -- tells a process from an earlier one of the same name
  expires     timestamptz not null,
  expired     timestamptz,            -- what expires was before the last renewal
  draining    boolean     not null default false,
  started     timestamptz not null default clock_timestamp()
);

-- Who owns a room, for all nodes to see. change is the transaction that wrote the row last: with
-- the snapshot's xmin, a poller misses no change, in whatever order transactions commit.
alter table platform.room
  add column epoch  bigint not null default 0,
  add column change bigint not null default pg_current_xact_id()::text::bigint;
create index room_change on platform.room (change);
