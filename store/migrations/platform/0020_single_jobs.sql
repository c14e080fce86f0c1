-- phase: expand
-- allow additive: jobs that another takes the place of
-- allow index: the table has a row for each job of 30 days
-- One job of these kinds is open at a time: they are about all tenants, and who asks again is answered with that one.
update platform.job j set state = 'failed', code = 'internal', error = 'another job of this kind was open', lease_until = null, finished_at = clock_timestamp()
where finished_at is null and kind in ('migrate', 'drift', 'doctor')
  and exists (select from platform.job o where o.finished_at is null and o.kind = j.kind and (o.created_at, o.id) < (j.created_at, j.id));
create unique index job_single on platform.job (kind) where finished_at is null and kind in ('migrate', 'drift', 'doctor');
