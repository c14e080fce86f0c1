-- API keys that ended 30 days ago are in no list any more, and deleted: by the application's login, which can delete no
-- other. When they were used last goes with them.
create policy forget on platform.api_key for delete using (ends_at < clock_timestamp() - interval '30 days');
alter table platform.api_key_used
  drop constraint api_key_used_key_fkey,
  add constraint api_key_used_key_fkey foreign key (key) references platform.api_key on delete cascade;
