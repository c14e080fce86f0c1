-- Which tenants have endpoints of webhooks, and which process delivers for them until when. What fences a
-- former one is the epoch in the tenant's own schema.
create table platform.webhook (
  tenant  text        primary key references platform.tenant,
  holder  uuid,
  expires timestamptz not null default '-infinity'
);
create index webhook_holder on platform.webhook (holder);
create index webhook_expires on platform.webhook (expires);
