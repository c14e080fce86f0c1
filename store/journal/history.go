package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

// HistoryMax is how many transfers or rounds one question returns at most. The statements name it beside the
// limit, which is a parameter, so that the planner knows that little is wanted.
const HistoryMax = 51

// Transfer is money that a player got or gave.
type Transfer struct {
	ID     int64 // a later transfer of the same player has a larger one
	At     time.Time
	Kind   string     // game.Stake, Payout or Refund, or "credit": by people of the operator
	Amount game.Money // below zero: the player gave it
	Room   string     // "": of no room
	Round  int64      // 0: of no round

	Command  string // of a credit: its command id; else ""
	Reverses string // of a reversal: the command id of the credit that it reverses
}

// A player's transfers are written under the lock of the player's account, so their ids rise in the order in
// which they become visible: what comes while somebody reads page after page comes before the first page.
// roundOfRef reads what game.RoundRef writes.
const (
	roundOfRef = `coalesce(substring(t.ref from '^round ([0-9]{1,18})$')::bigint, 0)`

	// pageOfPlayer is true of a player's transfers before one, and orders them, so that transfer_player is the
	// only index that does: by that of the ids, those of everybody would be read.
	pageOfPlayer = `(t.player, t.id) < ($1, $2) and t.player >= $1 order by t.player desc, t.id desc`

	selectAccount = `select id, balance from account where kind = 'player' and owner = $1`

	selectTransfers = `
select t.id, t.at, t.kind, case when t.debit = $4 then -t.amount else t.amount end, coalesce(t.room, ''),
  case when t.room is null then 0 else ` + roundOfRef + ` end,
  case when t.kind = 'credit' then coalesce(t.command::text, '') else '' end, coalesce(c.reverses::text, '')
from (select t.player, t.id, t.at, t.kind, t.debit, t.amount, t.room, t.ref, t.command from transfer t where ` + pageOfPlayer + ` limit 51) as t
left join lateral (select reverses from credit where t.kind = 'credit' and command = t.command offset 0) c on true
order by t.player desc, t.id desc limit $3`
)

// Transfers returns the player's latest transfers before the one of that id, the latest first, and the
// player's balance at the same moment. It returns store.ErrNoTenant.
func (l *Ledger) Transfers(ctx context.Context, id tenant.ID, player game.PlayerID, before int64, limit int) (out []Transfer, balance game.Money, err error) {
	err = l.db.Tenant(id).ReadTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		out, balance = nil, 0
		var account int64
		err := tx.QueryRow(ctx, selectAccount, string(player)).Scan(&account, (*int64)(&balance))
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		rows, _ := tx.Query(ctx, selectTransfers, string(player), before, limit, account) // its error comes from CollectRows
		out, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (t Transfer, err error) {
			err = row.Scan(&t.ID, &t.At, &t.Kind, (*int64)(&t.Amount), &t.Room, &t.Round, &t.Command, &t.Reverses)
			t.At = t.At.UTC()
			return t, err
		})
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("store: transfers: %w", err)
	}
	return out, balance, nil
}

// PlayedRound is a round in which a player's money moved.
type PlayedRound struct {
	First int64 // the id of the player's first transfer of the round
	Room  string
	Game  string
	Round int64

	Staked, Paid, Refunded game.Money // the player's

	Opened *rooms.Record // the event that began the round; nil if the journal has none
	Reveal *rooms.Record // the first event after that which reveals a seed, in this round or a later one; nil if there is none yet
	End    string        // the type of the event that ended the round; "" if it is open
	Ended  time.Time
}

// State returns where the round stands: "open", "settled" or "void".
func (p PlayedRound) State() string {
	switch p.End {
	case game.TypeRoundSettled:
		return "settled"
	case game.TypeRoundVoided:
		return "void"
	}
	return "open"
}

// selectPlayed returns rounds by the player's first transfer of each, which never changes: ordered by the last
// one, a round would move while it is played. It reads what the page has and, of each round, the player's
// transfers, the event that began it, the one that ended it without its data, and one that reveals a seed.
// "offset 0" keeps the planner from joining the whole history with itself.
const selectPlayed = `
with page as materialized (
  select t.id, t.room, t.ref, ` + roundOfRef + ` as round
  from (
    select t.player, t.id, t.room, t.ref from transfer t
    where t.room is not null and t.ref like 'round %' and not exists (
      select from transfer x where x.player = t.player and x.room = t.room and x.ref = t.ref and x.id < t.id offset 0)
    and ` + pageOfPlayer + ` limit 51
  ) as t order by t.player desc, t.id desc limit $3
)
select p.id, p.room, r.game, p.round, m.staked, m.paid, m.refunded,
  o.seq, o.epoch, o.at, o.data, coalesce(e.type, ''), e.at, v.seq, v.epoch, v.at, v.type, v.round, v.data
from page p
join room r on r.id = p.room
cross join lateral (
  select coalesce(sum(x.amount) filter (where x.kind = 'stake'), 0)::bigint as staked,
    coalesce(sum(x.amount) filter (where x.kind = 'payout'), 0)::bigint as paid,
    coalesce(sum(x.amount) filter (where x.kind = 'refund'), 0)::bigint as refunded
  from transfer x where x.player = $1 and x.room = p.room and x.ref = p.ref
) m
left join lateral (
  select seq, epoch, at, data from event where room = p.room and round = p.round and type = 'round.opened' limit 1
) o on true
left join lateral (
  select type, at from event where room = p.room and round = p.round and type in ('round.settled', 'round.voided') limit 1
) e on true
left join lateral (
  select seq, epoch, at, type, round, data from event where room = p.room and seq > o.seq and reveals order by seq limit 1
) v on true
order by p.id desc`

// Played returns the latest rounds of which the player's first transfer was before the one of that id, the
// latest first. It returns store.ErrNoTenant.
func (l *Ledger) Played(ctx context.Context, id tenant.ID, player game.PlayerID, before int64, limit int) ([]PlayedRound, error) {
	var out []PlayedRound
	err := l.db.Tenant(id).ReadTx(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		rows, _ := tx.Query(ctx, selectPlayed, string(player), before, limit) // its error comes from CollectRows
		out, err = pgx.CollectRows(rows, scanPlayed)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store: rounds of a player: %w", err)
	}
	return out, nil
}

func scanPlayed(row pgx.CollectableRow) (p PlayedRound, err error) {
	var opened, reveal struct {
		seq, epoch, round *int64
		at                *time.Time
		typ               *string
		data              []byte
	}
	var ended *time.Time
	err = row.Scan(&p.First, &p.Room, &p.Game, &p.Round, (*int64)(&p.Staked), (*int64)(&p.Paid), (*int64)(&p.Refunded),
		&opened.seq, &opened.epoch, &opened.at, &opened.data, &p.End, &ended,
		&reveal.seq, &reveal.epoch, &reveal.at, &reveal.typ, &reveal.round, &reveal.data)
	if err != nil {
		return p, err
	}
	if opened.seq != nil {
		p.Opened = &rooms.Record{Seq: *opened.seq, Epoch: *opened.epoch, At: opened.at.UTC(), Type: game.TypeRoundOpened, Round: p.Round, Data: opened.data}
	}
	if ended != nil {
		p.Ended = ended.UTC()
	}
	if reveal.seq != nil {
		p.Reveal = &rooms.Record{Seq: *reveal.seq, Epoch: *reveal.epoch, At: reveal.at.UTC(), Type: *reveal.typ, Round: *reveal.round, Reveals: true, Data: reveal.data}
	}
	return p, nil
}
