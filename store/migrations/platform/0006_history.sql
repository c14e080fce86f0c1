-- A database may go back: to a replica that lagged when its primary died, to a backup, to a snapshot
-- of its disk. generation numbers the histories that nodes have seen, so that no number that was given
-- out in one is given out again in another.
alter table platform.instance
  add column deployment uuid   not null default gen_random_uuid(), -- tells this installation from others, not from copies
  add column generation bigint not null default 0,
  add column history    text   not null default '';                -- which one the generation is of; '': no node has run yet

-- history returns what names the history that this server writes: the server's system identifier, the
-- database's oid and the timeline. It fails on a standby.
create function platform.history() returns text language sql volatile
set search_path = pg_catalog, pg_temp as $$
  select concat_ws('/', c.system_identifier, d.oid, left(pg_walfile_name(pg_current_wal_flush_lsn()), 8))
  from pg_control_system() as c, pg_database as d where d.datname = current_database()
$$;

-- written returns how many bytes of WAL this server has kept.
create function platform.written() returns bigint language sql volatile
set search_path = pg_catalog, pg_temp as $$ select (pg_current_wal_flush_lsn() - '0/0'::pg_lsn)::bigint $$;

-- generation returns the generation of the history that this server writes. It fails with PB001 if a
-- node has to raise it first: the history is another, or ends before the point that the caller has
-- seen of it. On the same timeline, after a snapshot of the disk, that cannot tell a loss of less WAL
-- than recovery writes, some hundred bytes; a bet is more.
create function platform.generation(known bigint, seen bigint) returns bigint language plpgsql volatile
set search_path = pg_catalog, pg_temp as $$
declare
  i platform.instance;
begin
  select * into strict i from platform.instance;
  if i.history <> platform.history() or i.generation < known or i.generation = known and platform.written() < seen then
    raise exception 'the database has gone back, or is another' using errcode = 'PB001';
  end if;
  return i.generation;
end $$;
