-- Credits above it, in minor units, need a second person; null: none does.
alter table platform.tenant add column credit_approval_above bigint check (credit_approval_above >= 0);
