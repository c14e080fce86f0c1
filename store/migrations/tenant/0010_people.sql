-- The people behind who asked for an approval or gave a credit: its subject, or those behind the API key (platform
-- migration 0013), as they were then. Of what has its answer, and was answered by other rules, it is the subject.
alter table approval add column people text[];
update approval a set people = coalesce((
  select k.people from platform.api_key k where a.state = 'open' and a.asker_role = 'key' and k.id = a.asker), array[a.asker]);
alter table approval
  alter column people set not null,
  add check (cardinality(people) > 0),
  drop constraint approval_second_person,
  add constraint approval_second_person check (
    state not in ('approved', 'refused') or answerer <> asker and answerer <> all (people) and answerer_role = 'operator');

alter table credit add column people text[];
update credit c set people = coalesce((select k.people from platform.api_key k where k.id = c.giver), array[c.giver]);
alter table credit
  alter column people set not null,
  add check (cardinality(people) > 0);
drop index credit_day;
create index credit_day on credit (player, at) where approval is null;
