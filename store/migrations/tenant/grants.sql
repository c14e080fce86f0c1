-- What a tenant's role may do in its own schema. No TRUNCATE, no DDL, and DELETE of refusals, answers and of what
-- webhooks need only; what is a record of the past can be added and read only.
revoke all on all tables in schema :schema from :role;
grant usage on schema :schema to :role;
grant select on :schema._meta to :role;
grant select, insert on :schema.event, :schema.command, :schema.transfer, :schema.audit_log to :role;
grant select, insert on :schema.approval, :schema.credit to :role;
grant update (state, answerer_role, answerer, answered_from, answered_at, answer_reason, result) on :schema.approval to :role;
grant select, insert, delete on :schema.refusal to :role;
grant select, insert, update, delete on :schema.answer to :role;
grant select, insert, update on :schema.room, :schema.account to :role;
grant select, insert, delete on :schema.fact to :role;
grant select, insert, update, delete on :schema.webhook_endpoint, :schema.webhook_delivery to :role;
grant select, update on :schema.webhook_deliverer to :role;
