-- Stands in for the step of this number, which comes with webhooks: take theirs.
select 1;
