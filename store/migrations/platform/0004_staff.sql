-- Tokens of the operator's people are taken back like players': all that were issued to one of them
-- before a moment. A player and an operator may have the same id.
alter table platform.revocation
  drop constraint revocation_kind_check,
  add constraint revocation_kind_check check (kind in ('token', 'player', 'staff'));
