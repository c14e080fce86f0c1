-- What one person asks for and a second one has to agree to. A row is open until it has its one answer; an open one
-- whose time is over is expired, by this database's clock and without being written.
create table approval (
  id            uuid        primary key,          -- the command_id of what is asked for
  n             bigint      generated always as identity unique, -- orders pages
  kind          text        not null,             -- what is done when it is approved
  target        text        not null,
  request       json        not null,
  digest        bytea       not null,             -- SHA-256 of kind, target and request
  reason        text        not null,
  asker_role    text        not null,
  asker         text        not null,             -- the subject, whatever its role
  asked_from    text        not null,
  asked_at      timestamptz not null default clock_timestamp(),
  expires_at    timestamptz not null,
  state         text        not null default 'open' check (state in ('open', 'approved', 'refused', 'withdrawn')),
  answerer_role text,
  answerer      text,
  answered_from text,
  answered_at   timestamptz,
  answer_reason text,
  result        json,                             -- of what was approved and done
  check ((state = 'open') = (answerer is null) and (answerer is null) = (answerer_role is null)
    and (answerer is null) = (answered_at is null) and (answerer is null) = (answer_reason is null)),
  check ((state = 'approved') = (result is not null)),
  -- A second person agrees or refuses: never who asked, under whatever role, and never a machine.
  constraint approval_second_person check (state not in ('approved', 'refused') or answerer <> asker and answerer_role = 'operator'),
  constraint approval_own check (state <> 'withdrawn' or answerer = asker and answerer_role = asker_role)
);
create index approval_open on approval (expires_at) where state = 'open';
create index approval_state on approval (state, n);

-- What is known of a credit beside its transfer, which is kept small for the sake of bets: who gave it, who agreed,
-- and which credit it reverses. Credits of before this step have no row.
create table credit (
  command  uuid        primary key,               -- the transfer's
  player   text        not null,
  giver    text        not null,                  -- the subject, whatever its role
  amount   bigint      not null check (amount > 0),
  created  boolean     not null,                  -- it made the player's account
  approval uuid        references approval,       -- null: no second person was needed
  reverses uuid        constraint credit_reversed_once unique,
  at       timestamptz not null
);
create index credit_day on credit (player, giver, at) where approval is null;
