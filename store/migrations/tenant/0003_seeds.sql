-- Which events make a seed public: for a round whose seed serves later rounds too, one of a later round does.
-- Events of before reveal what decided their own round, and are not looked for.
alter table event add column reveals boolean not null default false;
create index event_reveals on event (room, seq) where reveals;

-- The epoch in which the room committed to its open seed; null if that was before there was this column.
alter table room add column seed_epoch bigint;
