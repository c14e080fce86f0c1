-- By what something was done, and in which request; '' of what was done before, by the platform or the command line.
alter table audit_log
  add column credential text not null default '',  -- token:<jti>, signed:<mark of its key>, or key:<id>
  add column request    text not null default '';  -- the X-Request-Id
create index audit_request on audit_log (request) where request <> '';

-- An approval does later what was asked for: its line names what it was asked with.
alter table approval
  add column asked_with text not null default '',
  add column asked_in   text not null default '';
