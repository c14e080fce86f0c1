-- As tenant migration 0008: the platform's own lines are written by the same statement.
alter table platform.audit_log
  add column credential text not null default '',
  add column request    text not null default '';
