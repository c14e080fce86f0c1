package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms"
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
type Ledger struct{ db *db.DB }

// NewLedger returns the ledger of all tenants.
func NewLedger(d *db.DB) *Ledger { return &Ledger{d} }

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

// Credit describes money that people of the operator give to a player, or take back.
type Credit struct {
	Player    game.PlayerID
	Amount    game.Money  // below zero: taken back
	Currency  string      // in which the amount was meant, and
	Exponent  int         // how many digits it was thought to have
	Reason    strict.Line // for the audit log
	Actor     string      // who gives or takes it
	Address   string      // the actor's IP address
	CommandID string      // a UUID; the same one has effect once
}

const (
	openPlayer  = `insert into account (kind, owner) values ('player', $1) on conflict do nothing`
	lockPlayer  = `select id, balance, version from account where kind = 'player' and owner = $1 for no key update`
	lockHouse   = `select id, balance, version from account where kind = 'house' and owner = 'house' for no key update`
	selectMoved = `
select player, case when debit = $2 then -amount else amount end from transfer where kind = 'credit' and command = $1`
	insertCredit = `
insert into transfer (debit, credit, amount, kind, ref, player, command, at)
values ($1, $2, $3, 'credit', $4, $5, $6, clock_timestamp())`
)

// Credit moves money between the house and a player, with an audit line, and returns the
// player's balance. A command id has its effect once: when it comes again, Credit changes nothing and returns
// the balance as it is. It returns ErrInsufficientFunds if more is taken back than there is, ErrAmount,
// ErrCommandReused, ErrCurrencyChanged, store.ErrInvalid or store.ErrNoTenant.
func (l *Ledger) Credit(ctx context.Context, id tenant.ID, c Credit) (balance game.Money, version int64, err error) {
	command, err := uuid.Parse(c.CommandID)
	switch {
	case err != nil:
		return 0, 0, fmt.Errorf("%w: command id %q is no UUID", db.ErrInvalid, c.CommandID)
	case c.Amount == 0 || c.Amount > MaxAmount || c.Amount < -MaxAmount:
		return 0, 0, ErrAmount
	case c.Player == "" || c.Actor == "" || c.Currency == "":
		return 0, 0, fmt.Errorf("%w: player, actor and currency are needed", db.ErrInvalid)
	}
	if err := db.CheckReason(c.Reason); err != nil {
		return 0, 0, err
	}
	err = l.db.Tenant(id).Tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		after, err := credit(ctx, tx, id, c, command.String())
		balance, version = game.Money(after.balance), after.version
		return err
	})
	if db.Violates(err, "transfer_credit_once") {
		err = ErrCommandReused // for another player, at this very moment
	}
	if err != nil {
		return 0, 0, fmt.Errorf("store: credit: %w", err)
	}
	return balance, version, nil
}

// credit runs the transaction of Credit, and returns the player's account.
func credit(ctx context.Context, tx pgx.Tx, id tenant.ID, c Credit, command string) (account, error) {
	if _, err := tx.Exec(ctx, openPlayer, string(c.Player)); err != nil {
		return account{}, err
	}
	var player, house account
	if err := tx.QueryRow(ctx, lockPlayer, string(c.Player)).Scan(&player.id, &player.balance, &player.version); err != nil {
		return account{}, err
	}
	var who string
	var amount int64
	err := tx.QueryRow(ctx, selectMoved, command, player.id).Scan(&who, &amount)
	switch {
	case err == nil && (who != string(c.Player) || amount != int64(c.Amount)):
		return account{}, ErrCommandReused
	case err == nil:
		return player, nil // done before
	case !errors.Is(err, pgx.ErrNoRows):
		return account{}, err
	}
	if err := tx.QueryRow(ctx, lockHouse).Scan(&house.id, &house.balance, &house.version); err != nil {
		return account{}, err
	}
	if err := sameCurrency(ctx, tx, id, c.Currency, c.Exponent); err != nil {
		return account{}, err
	}
	old := player.balance
	debit, to, size := &house, &player, int64(c.Amount)
	if size < 0 {
		debit, to, size = &player, &house, -size
	}
	if err := move(debit, to, &player, size); err != nil {
		return account{}, err
	}
	if player.balance > MaxBalance && size > 0 && debit == &house {
		return account{}, fmt.Errorf("%w: the balance would pass %d", ErrAmount, MaxBalance)
	}
	before, err := json.Marshal(map[string]int64{"balance": old})
	if err != nil {
		return account{}, err
	}
	after, err := json.Marshal(map[string]int64{"balance": player.balance, "amount": int64(c.Amount)})
	if err != nil {
		return account{}, err
	}
	q := &pgx.Batch{}
	q.Queue(insertCredit, debit.id, to.id, size, string(c.Reason), string(c.Player), command)
	q.Queue(updateAccounts, []int64{player.id, house.id}, []int64{player.balance, house.balance}, []int64{player.version, house.version})
	db.QueueAudit(q, rooms.Audit{
		Actor: c.Actor, Action: "player.credit", Target: string(c.Player), Reason: string(c.Reason),
		Before: before, After: after, Address: c.Address,
	})
	err = db.QueueFacts(q, db.Fact{Type: db.FactPlayerCredited, Player: string(c.Player), Data: map[string]any{
		"player": c.Player, "amount": c.Amount, "balance": player.balance, "command_id": command, "reason": c.Reason, "actor": c.Actor,
	}})
	if err != nil {
		return account{}, err
	}
	return player, tx.SendBatch(ctx, q).Close()
}

const (
	selectCurrency = `select currency, exponent from platform.tenant where id = $1`
	leaveScope     = `select set_config('role', 'none', true)`
)

// sameCurrency returns ErrCurrencyChanged if an amount is in another currency than the tenant's. The tenant's
// role cannot see the platform's row, so tx, which has locked the house's account, becomes the login's for a
// moment.
func sameCurrency(ctx context.Context, tx pgx.Tx, id tenant.ID, meant string, exponent int) error {
	var has string
	var digits int
	if _, err := tx.Exec(ctx, leaveScope); err != nil { // one by one: a batch is prepared as the role that it begins with
		return err
	}
	if err := tx.QueryRow(ctx, selectCurrency, id.String()).Scan(&has, &digits); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, db.EnterScope, id.Role()); err != nil {
		return err
	}
	if has != meant || digits != exponent {
		return fmt.Errorf("%w: %s with %d digits, and the amount is in %s with %d", ErrCurrencyChanged, has, digits, meant, exponent)
	}
	return nil
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
	err := l.db.Tenant(id).ReadTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
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
	Fields: []list.Field{{Name: "player", Sort: true}, {Name: "balance", Type: list.Number, Sort: true}, {Name: "created_at", Type: list.Time, Sort: true}},
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

// Posting describes a transfer of a casino's ledger.
type Posting struct {
	ID      int64         `json:"id"` // rises; not gapless
	At      time.Time     `json:"at"`
	Kind    string        `json:"kind"` // stake, payout, refund, credit
	Player  game.PlayerID `json:"player"`
	Amount  game.Money    `json:"amount"` // to the player; below zero: from it
	Room    string        `json:"room,omitempty"`
	Ref     string        `json:"ref"` // the round, or the reason
	Command string        `json:"command_id,omitempty"`
}

// Postings is the list of a casino's transfers, for ListPostings.
var Postings = list.Table{
	Select: `
select t.id, t.at, t.kind, t.player, case when a.kind = 'player' then t.amount else -t.amount end as amount, coalesce(t.room, '') as room, t.ref,
  coalesce(t.command::text, '') as command_id
from transfer t join account a on a.id = t.credit`,
	Fields: []list.Field{
		{Name: "id", Type: list.Number, Sort: true}, {Name: "at", Type: list.Time}, {Name: "kind"}, {Name: "player"}, {Name: "amount", Type: list.Number},
		{Name: "room"}, {Name: "ref"}, {Name: "command_id"},
	},
	Key: "id", Order: "-id",
}

// ListPostings returns a page of a casino's transfers, and the cursor of the next one. It returns store.ErrNoTenant.
func (l *Ledger) ListPostings(ctx context.Context, id tenant.ID, q list.Query) (page []Posting, next string, err error) {
	page, next, err = db.List(ctx, l.db, id, Postings, q, func(row pgx.CollectableRow) (p Posting, err error) {
		err = row.Scan(&p.ID, &p.At, &p.Kind, (*string)(&p.Player), (*int64)(&p.Amount), &p.Room, &p.Ref, &p.Command)
		p.At = p.At.UTC()
		return p, err
	}, func(p Posting, _ string) any { return p.ID })
	if err != nil {
		return nil, "", fmt.Errorf("store: ledger: %w", err)
	}
	return page, next, nil
}
