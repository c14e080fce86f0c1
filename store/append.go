package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

// plan is one Append on its way: what is asked, what the database had, what comes of it.
type plan struct {
	// Set once by newPlan.
	ref     rooms.Ref
	b       rooms.Batch
	lastSeq int64
	ids     []uuid.UUID // of each entry; zero: no command
	keys    struct{ players, ids []string }
	owners  []string // players whose accounts the batch needs

	// Set by load, anew in each attempt.
	known    map[commandKey]answered
	accounts map[game.PlayerID]*account
	till     *account

	// Set by compute.
	answers []rooms.Answer
	posted  []posted
}

type commandKey struct {
	player game.PlayerID
	id     uuid.UUID
}

type answered struct {
	room   string
	answer json.RawMessage
}

// account is an account's row; id 0 means that it is not there yet.
type account struct {
	id, balance, version int64
	changed              bool
}

// posted is one transfer to be written.
type posted struct {
	debit, credit *account
	game.Posting
	seq     int64
	at      time.Time
	command *string
}

// newPlan refuses a batch that no room should have made.
func newPlan(ref rooms.Ref, b rooms.Batch) (*plan, error) {
	p := &plan{ref: ref, b: b, lastSeq: b.Seq, ids: make([]uuid.UUID, len(b.Entries))}
	seen, needed := map[commandKey]bool{}, map[game.PlayerID]bool{}
	need := func(who game.PlayerID) {
		if !needed[who] {
			needed[who] = true
			p.owners = append(p.owners, string(who))
		}
	}
	for i, e := range b.Entries {
		if k := e.Command; k != nil {
			id, err := uuid.Parse(k.ID)
			if err != nil {
				return nil, fmt.Errorf("%w: command id %q: %w", ErrInvalid, k.ID, err)
			}
			key := commandKey{k.Player, id}
			if seen[key] {
				return nil, fmt.Errorf("%w: command %s of %s is twice in one batch", ErrInvalid, id, k.Player)
			}
			seen[key] = true
			p.ids[i] = id
			p.keys.players, p.keys.ids = append(p.keys.players, string(k.Player)), append(p.keys.ids, id.String())
			need(k.Player)
		}
		for _, r := range e.Records {
			if r.Seq != p.lastSeq+1 || r.Epoch != b.Epoch {
				return nil, fmt.Errorf("%w: event %d of epoch %d after %d of epoch %d", ErrInvalid, r.Seq, r.Epoch, p.lastSeq, b.Epoch)
			}
			p.lastSeq = r.Seq
		}
		for _, m := range e.Moves {
			if m.Amount <= 0 || (m.Kind != game.Stake && m.Kind != game.Payout && m.Kind != game.Refund) {
				return nil, fmt.Errorf("%w: posting of %d, kind %q", ErrInvalid, m.Amount, m.Kind)
			}
			need(m.Player)
		}
	}
	return p, nil
}

const (
	selectCommands = `
select c.player, c.id, c.room, c.answer
from unnest($1::text[], $2::text[]) as k(player, id) join command c on c.player = k.player and c.id = k.id::uuid`

	// lockAccounts locks in one order for everybody: players by name, then tills. It leaves
	// room for those who only look whether an account is there.
	lockAccounts = `
select kind, owner, id, balance, version from account
where (kind = 'player' and owner = any($1)) or (kind = 'till' and owner = $2)
order by kind, owner for no key update`
)

// load moves the room on and reads what the batch depends on, in one round trip. From then
// on nobody else changes it. It returns rooms.ErrFenced.
func (p *plan) load(ctx context.Context, tx pgx.Tx, fence []any) error {
	p.known, p.accounts, p.till = map[commandKey]answered{}, map[game.PlayerID]*account{}, &account{}
	p.answers, p.posted = nil, nil
	q := &pgx.Batch{}
	q.Queue(fenceRoom, fence...).Exec(func(tag pgconn.CommandTag) error {
		if tag.RowsAffected() == 0 {
			return rooms.ErrFenced
		}
		return nil
	})
	if len(p.keys.ids) > 0 {
		q.Queue(selectCommands, p.keys.players, p.keys.ids).Query(func(rows pgx.Rows) error {
			var k commandKey
			var a answered
			_, err := pgx.ForEachRow(rows, []any{(*string)(&k.player), (*[16]byte)(&k.id), &a.room, (*[]byte)(&a.answer)}, func() error {
				p.known[k] = a
				return nil
			})
			return err
		})
	}
	if len(p.owners) > 0 {
		q.Queue(lockAccounts, p.owners, p.ref.Room).Query(func(rows pgx.Rows) error {
			var kind, owner string
			var a account
			_, err := pgx.ForEachRow(rows, []any{&kind, &owner, &a.id, &a.balance, &a.version}, func() error {
				row := a
				if kind == kindTill {
					p.till = &row
				} else {
					p.accounts[game.PlayerID(owner)] = &row
				}
				return nil
			})
			return err
		})
	}
	return tx.SendBatch(ctx, q).Close()
}

// account is a player's account; one that is not there is empty.
func (p *plan) account(who game.PlayerID) *account {
	a := p.accounts[who]
	if a == nil {
		a = &account{}
		p.accounts[who] = a
	}
	return a
}

// compute goes through the entries in order. It returns a *rooms.Conflict that names every
// entry that can not be written, or *missingAccounts, or nil and sets what write writes. An
// entry that can not be written has no effect on those after it.
func (p *plan) compute() error {
	conflict := &rooms.Conflict{Answered: map[int]rooms.Answer{}, Reused: map[int]bool{}, Unfunded: map[int]bool{}}
	seq := p.b.Seq
	for i, e := range p.b.Entries {
		if n := len(e.Records); n > 0 {
			seq = e.Records[n-1].Seq
		}
		if e.Command != nil {
			if first, ok := p.known[commandKey{e.Command.Player, p.ids[i]}]; ok {
				if first.room != p.ref.Room {
					conflict.Reused[i] = true
					continue
				}
				var answer rooms.Answer
				if err := json.Unmarshal(first.answer, &answer); err != nil {
					return fmt.Errorf("answer of command %s: %w", p.ids[i], err)
				}
				conflict.Answered[i] = answer
				continue
			}
		}
		touched, err := p.post(i, seq)
		if errors.Is(err, ErrInsufficientFunds) {
			conflict.Unfunded[i] = true
			continue
		}
		if err != nil {
			return err
		}
		p.answers = append(p.answers, p.answer(e, seq, touched))
	}
	if len(conflict.Answered)+len(conflict.Reused)+len(conflict.Unfunded) > 0 {
		return conflict
	}
	return p.missing()
}

// post moves one entry's money, all of it or none, and returns whose it was. It returns
// ErrInsufficientFunds.
func (p *plan) post(i int, seq int64) (touched []game.PlayerID, err error) {
	e := p.b.Entries[i]
	at := time.Now().UTC()
	if n := len(e.Records); n > 0 {
		at = e.Records[n-1].At
	}
	var command *string
	if e.Command != nil {
		s := p.ids[i].String()
		command = &s
	}
	till, start := *p.till, len(p.posted)
	before := map[game.PlayerID]account{}
	for _, m := range e.Moves {
		player := p.account(m.Player)
		if _, ok := before[m.Player]; !ok {
			before[m.Player] = *player
			touched = append(touched, m.Player)
		}
		debit, credit := p.till, player
		if m.Kind == game.Stake {
			debit, credit = player, p.till
		}
		if err = move(debit, credit, player, int64(m.Amount)); err != nil {
			for who, was := range before {
				*p.accounts[who] = was
			}
			*p.till, p.posted = till, p.posted[:start]
			return nil, err
		}
		p.posted = append(p.posted, posted{debit, credit, m, seq, at, command})
	}
	return touched, nil
}

// move moves amount from debit to credit, one of which is the player's.
func move(debit, credit, player *account, amount int64) error {
	if debit == player && player.balance < amount {
		return ErrInsufficientFunds
	}
	if credit.balance > math.MaxInt64-amount || debit.balance < math.MinInt64+amount {
		return fmt.Errorf("%w: a balance would leave the range of 64 bits", ErrAmount)
	}
	debit.balance -= amount
	credit.balance += amount
	for _, a := range []*account{debit, credit} {
		a.version++
		a.changed = true
	}
	return nil
}

func (p *plan) answer(e rooms.Entry, seq int64, touched []game.PlayerID) rooms.Answer {
	out := rooms.Answer{Epoch: p.b.Epoch, Seq: seq, Refusal: e.Refusal}
	if e.Command != nil {
		a := p.account(e.Command.Player)
		out.Balance, out.BalanceVersion = game.Money(a.balance), a.version
	}
	for _, who := range touched {
		a := p.accounts[who]
		out.Balances = append(out.Balances, rooms.PlayerBalance{Player: who, Balance: game.Money(a.balance), Version: a.version})
	}
	return out
}

// missing returns *missingAccounts if money goes to or from an account that is not there.
func (p *plan) missing() error {
	m := &missingAccounts{till: p.till.changed && p.till.id == 0}
	for _, owner := range p.owners {
		if a := p.account(game.PlayerID(owner)); a.changed && a.id == 0 {
			m.players = append(m.players, game.PlayerID(owner))
		}
	}
	if m.till || len(m.players) > 0 {
		return m
	}
	return nil
}
