-- What was done by one credential is looked for when it was stolen: without an index, all lines are read. Clients choose
-- the ids of requests, so any number of lines may have one: its index has them in order, too.
create index audit_credential on audit_log (credential, id) where credential <> '';
drop index audit_request;
create index audit_request on audit_log (request, id) where request <> '';
