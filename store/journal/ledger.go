package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/list"
)

// MaxAmount is the largest amount of one Credit, in minor units.
const MaxAmount game.Money = 1_000_000_000_000_000

// MaxBalance is the largest balance to which Credit adds, in minor units. It leaves room for
// winnings below 2^53, up to which a browser counts exactly.
const MaxBalance = 4 * int64(MaxAmount)

// The kinds of accounts: a player's money, what a room took less what it paid, and the house, where the
// players' money comes from.
const (
	kindPlayer = "player"
	kindTill   = "till"
	kindHouse  = "house"
)

// Ledger keeps the money of players: every balance is the sum of its transfers, the sum of a tenant's
// balances is zero, and no player's balance is below zero. It may be used by many goroutines.
type Ledger struct {
	db        *db.DB
	approvals Approvals
	pending   *db.Lanes[*pending]
}

// NewLedger returns the ledger of all tenants, which asks for a second person at approvals.
func NewLedger(d *db.DB, approvals Approvals) *Ledger {
	l := &Ledger{db: d, approvals: approvals}
	l.pending = newPending(l)
	return l
}

const selectBalance = `select balance, version from account where kind = 'player' and owner = $1`

// Balance returns a player's money and its version, which rises with every posting. A
// player who never had any has 0 at version 0. It returns store.ErrNoTenant.
func (l *Ledger) Balance(ctx context.Context, id tenant.ID, player game.PlayerID) (balance game.Money, version int64, err error) {
	err = l.db.Tenant(id).ReadTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		balance, version = 0, 0
		err := tx.QueryRow(ctx, selectBalance, string(player)).Scan((*int64)(&balance), &version)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("store: balance: %w", err)
	}
	return balance, version, nil
}

const selectSeat = `
select coalesce(a.balance, 0), coalesce(a.version, 0), (extract(epoch from clock_timestamp()) * 1000000)::bigint
from (select) as one left join account a on a.kind = 'player' and a.owner = $1`

// Seat returns what Balance does, and the database's time in microseconds: of two calls one after the other,
// on whatever nodes, the later one gets the larger time.
func (l *Ledger) Seat(ctx context.Context, id tenant.ID, player game.PlayerID) (balance game.Money, version, seat int64, err error) {
	err = l.db.Tenant(id).ReadTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, selectSeat, string(player)).Scan((*int64)(&balance), &version, &seat)
	})
	if err != nil {
		return 0, 0, 0, fmt.Errorf("store: seat: %w", err)
	}
	return balance, version, seat, nil
}

// AccountBalance is one line of a trial balance.
type AccountBalance struct {
	Kind    string     `json:"kind"` // player, till, house
	Owner   string     `json:"owner"`
	Balance game.Money `json:"balance"`
	Posted  game.Money `json:"-"` // credits less debits of its transfers: must be Balance
}

// TrialBalance holds the whole ledger at one moment.
type TrialBalance struct {
	Sum      game.Money       `json:"sum"` // of all balances: must be zero
	Accounts []AccountBalance `json:"accounts"`
	// OK reports whether the sum is zero and every balance is the sum of its transfers.
	OK bool `json:"ok"`
}

// selectTrial also finds transfers of accounts that are not there.
const selectTrial = `
select coalesce(a.kind, 'missing'), coalesce(a.owner, t.account::text), coalesce(a.balance, 0), coalesce(t.posted, 0)::bigint
from account a full join (
  select account, sum(amount) as posted
  from (select credit, amount from transfer union all select debit, -amount from transfer) as x(account, amount)
  group by account
) t on t.account = a.id
order by 1, 2`

// TrialBalance adds up the ledger. One that is not OK is an alarm. It returns store.ErrNoTenant.
func (l *Ledger) TrialBalance(ctx context.Context, id tenant.ID) (TrialBalance, error) {
	var out TrialBalance
	err := l.db.Tenant(id).ForLists().ReadTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		for _, set := range []string{"set local enable_seqscan = on", "set local statement_timeout = '30s'"} { // it reads everything
			if _, err := tx.Exec(ctx, set); err != nil {
				return err
			}
		}
		rows, _ := tx.Query(ctx, selectTrial) // its error comes from CollectRows
		list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (a AccountBalance, err error) {
			return a, row.Scan(&a.Kind, &a.Owner, (*int64)(&a.Balance), (*int64)(&a.Posted))
		})
		out = TrialBalance{Accounts: list}
		return err
	})
	if err != nil {
		return TrialBalance{}, fmt.Errorf("store: trial balance: %w", err)
	}
	out.OK = true
	for _, a := range out.Accounts {
		out.Sum += a.Balance
		out.OK = out.OK && a.Balance == a.Posted
	}
	out.OK = out.OK && out.Sum == 0
	return out, nil
}

// Player describes a player in the ledger.
type Player struct {
	Player    game.PlayerID
	Balance   game.Money
	Version   int64
	CreatedAt time.Time
}

// Players is the list of players, for ListPlayers.
var Players = list.Table{
	Select: `select owner as player, balance, version, created_at from account where kind = 'player'`,
	Fields: []list.Field{{Name: "player", Sort: true, Indexed: true}, {Name: "balance", Type: list.Number, Sort: true}, {Name: "created_at", Type: list.Time, Sort: true}},
	Key:    "player", Order: "player",
}

// ListPlayers returns a page of the players, and the cursor of the next one. It returns store.ErrNoTenant.
func (l *Ledger) ListPlayers(ctx context.Context, id tenant.ID, q list.Query) (page []Player, next string, err error) {
	page, next, err = db.List(ctx, l.db, id, Players, q, func(row pgx.CollectableRow) (p Player, err error) {
		err = row.Scan((*string)(&p.Player), (*int64)(&p.Balance), &p.Version, &p.CreatedAt)
		p.CreatedAt = p.CreatedAt.UTC()
		return p, err
	}, func(p Player, field string) any {
		switch field {
		case "balance":
			return int64(p.Balance)
		case "created_at":
			return p.CreatedAt
		}
		return string(p.Player)
	})
	if err != nil {
		return nil, "", fmt.Errorf("store: players: %w", err)
	}
	return page, next, nil
}

// LedgerPosting describes a transfer of a casino's ledger.
type LedgerPosting struct {
	ID      int64         `json:"id"` // rises; not gapless
	At      time.Time     `json:"at"`
	Kind    string        `json:"kind"` // stake, payout, refund, credit
	Player  game.PlayerID `json:"player"`
	Amount  game.Money    `json:"amount"` // to the player; below zero: from it
	Room    string        `json:"room,omitempty"`
	Ref     string        `json:"ref"` // the round, or the reason
	Command string        `json:"command_id,omitempty"`
	// Reverses is the command id of the credit that a credit reverses.
	Reverses string `json:"reverses,omitempty"`
}

// Postings is the list of a casino's transfers, for ListPostings.
var Postings = list.Table{
	Select: `
select t.id, t.at, t.kind, t.player, case when t.kind in ('payout', 'refund')
  or t.kind = 'credit' and t.debit = (select id from account where kind = 'house' and owner = 'house') then t.amount else -t.amount end as amount,
  t.room, t.ref, coalesce(t.command::text, '') as command_id, coalesce(c.reverses::text, '') as reverses
from transfer t left join lateral (select reverses from credit where t.kind = 'credit' and command = t.command offset 0) c on true`,
	Fields: []list.Field{
		{Name: "id", Type: list.Number, Sort: true, Indexed: true}, {Name: "at", Type: list.Time}, {Name: "kind"}, {Name: "player", Indexed: true}, {Name: "amount", Type: list.Number},
		{Name: "room"}, {Name: "ref"}, {Name: "command_id"},
	},
	Key: "id", Order: "-id",
}

// ListPostings returns a page of a casino's transfers, and the cursor of the next one. It returns store.ErrNoTenant.
func (l *Ledger) ListPostings(ctx context.Context, id tenant.ID, q list.Query) (page []LedgerPosting, next string, err error) {
	page, next, err = db.List(ctx, l.db, id, Postings, q, func(row pgx.CollectableRow) (p LedgerPosting, err error) {
		var room *string
		err = row.Scan(&p.ID, &p.At, &p.Kind, (*string)(&p.Player), (*int64)(&p.Amount), &room, &p.Ref, &p.Command, &p.Reverses)
		if room != nil {
			p.Room = *room
		}
		p.At = p.At.UTC()
		return p, err
	}, func(p LedgerPosting, _ string) any { return p.ID })
	if err != nil {
		return nil, "", fmt.Errorf("store: ledger: %w", err)
	}
	return page, next, nil
}
