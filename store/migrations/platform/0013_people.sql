-- The people behind an API key: the subjects, whatever their roles, of who made it, of who made and replaced the keys
-- before it, and of who replaced the last of them by it. None of them is a second person for what the key asks for.
alter table platform.api_key add column people text[];
with recursive behind (id, actor) as (
  select id, created_by from platform.api_key
  union
  select k.replaced_by, b.actor from behind b join platform.api_key k on k.id = b.id where k.replaced_by is not null
)
update platform.api_key k set people = (
  select array_agg(distinct regexp_replace(b.actor, '^[^:]*:', '') order by regexp_replace(b.actor, '^[^:]*:', '')) from behind b where b.id = k.id);
alter table platform.api_key
  alter column people set not null,
  add check (cardinality(people) > 0 and array_position(people, null) is null);
