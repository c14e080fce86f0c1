-- What the application's login may do by itself, without a tenant's role.
revoke all on all tables in schema platform from :role;
grant usage on schema platform to :role;
grant select on platform.migration, platform.migration_run, platform.tenant_migration, platform.instance, platform.tenant, platform.slug, platform.tenant_key to :role;
grant select (domain, tenant, is_primary, verified_at) on platform.domain to :role;
grant update (generation, history) on platform.instance to :role;
grant select, insert, update on platform.brand to :role;
grant select, insert, update on platform.room to :role;
grant select, insert, update, delete on platform.node to :role;
grant select, insert, update, delete on platform.process to :role;
grant select, insert, update, delete on platform.revocation to :role;
grant select, insert, delete on platform.ticket_used to :role;
grant select, insert, update on platform.webhook to :role;
grant select on platform.audit_log to :role;
grant select, delete on platform.api_key to :role;
grant insert (id, tenant, name, hash, scopes, addresses, created_by, people, expires_at) on platform.api_key to :role;
grant update (revoked_at, replaced_by, valid_until) on platform.api_key to :role;
grant select, insert, update on platform.api_key_used to :role;
