package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store/internal/db"
)

// plan is an Append in progress: the batch, and its result.
type plan struct {
	// Set once by newPlan.
	ref     rooms.Ref
	b       rooms.Batch
	lastSeq int64
	ids     []uuid.UUID // of each entry; zero: no command
	keys    struct{ accepted, refused keys }
	owners  []game.PlayerID // the players whose accounts the batch needs
	move    roomMove

	// Set by compute, anew in each attempt.
	before map[*account]account // what this plan changed, as it was
	posted []posted

	answers []rooms.Answer
	err     error
}

// keys holds the players and ids of commands, as parameters of statements.
type keys struct{ players, ids []string }

func (k *keys) add(player game.PlayerID, id uuid.UUID) {
	k.players, k.ids = append(k.players, string(player)), append(k.ids, id.String())
}

func (k *keys) join(more keys) {
	k.players, k.ids = append(k.players, more.players...), append(k.ids, more.ids...)
}

type commandKey struct {
	player game.PlayerID
	id     uuid.UUID
}

// commandHere identifies a command within one room.
type commandHere struct {
	commandKey
	room string
}

type answered struct {
	digest int64 // 0: not known
	answer json.RawMessage
}

// account is the row of an account; id 0 means that there is none yet.
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

// newPlan returns the plan of a batch. It returns store.ErrInvalid for one that no room should have made.
func newPlan(ref rooms.Ref, b rooms.Batch) (*plan, error) {
	p := &plan{ref: ref, b: b, lastSeq: b.Seq, ids: make([]uuid.UUID, len(b.Entries))}
	seen, needed := map[commandKey]bool{}, map[game.PlayerID]bool{}
	need := func(who game.PlayerID) {
		if !needed[who] {
			needed[who] = true
			p.owners = append(p.owners, who)
		}
	}
	for i, e := range b.Entries {
		if k := e.Command; k != nil {
			id, err := uuid.Parse(k.ID)
			if err != nil {
				return nil, fmt.Errorf("%w: command id %q: %w", db.ErrInvalid, k.ID, err)
			}
			key := commandKey{k.Player, id}
			if seen[key] {
				return nil, fmt.Errorf("%w: command %s of %s is twice in one batch", db.ErrInvalid, id, k.Player)
			}
			seen[key] = true
			p.ids[i] = id
			if e.Refusal == nil {
				p.keys.accepted.add(k.Player, id)
			} else {
				p.keys.refused.add(k.Player, id)
			}
			need(k.Player)
		}
		for _, r := range e.Records {
			if r.Seq != p.lastSeq+1 || r.Epoch != b.Epoch {
				return nil, fmt.Errorf("%w: event %d of epoch %d after %d of epoch %d", db.ErrInvalid, r.Seq, r.Epoch, p.lastSeq, b.Epoch)
			}
			p.lastSeq = r.Seq
		}
		for _, m := range e.Moves {
			if m.Amount <= 0 || (m.Kind != game.Stake && m.Kind != game.Payout && m.Kind != game.Refund) {
				return nil, fmt.Errorf("%w: posting of %d, kind %q", db.ErrInvalid, m.Amount, m.Kind)
			}
			need(m.Player)
		}
	}
	return p, nil
}

// compute applies the entries in order to the accounts of g, which earlier plans may have changed. It
// returns a *rooms.Conflict that names every entry that cannot be written; if there is none it sets what
// has to be written. An entry that cannot be written has no effect on later ones, and a plan with an error
// has none on g.
func (p *plan) compute(g *group) (err error) {
	p.before, p.answers, p.posted = map[*account]account{}, nil, nil
	defer func() {
		if err != nil {
			for a, old := range p.before {
				*a = old
			}
		}
	}()
	conflict := &rooms.Conflict{Answered: map[int]rooms.Answer{}, Reused: map[int]bool{}, Unfunded: map[int]bool{}}
	seq := p.b.Seq
	for i, e := range p.b.Entries {
		if n := len(e.Records); n > 0 {
			seq = e.Records[n-1].Seq
		}
		if e.Command != nil {
			key := commandKey{e.Command.Player, p.ids[i]}
			first, here := g.known[commandHere{key, p.ref.Room}]
			if here && (first.digest == e.Digest || first.digest == 0 || e.Digest == 0) {
				var answer rooms.Answer
				if err := strict.DecodeKnown(first.answer, &answer); err != nil {
					return fmt.Errorf("answer of command %s: %w", p.ids[i], err)
				}
				conflict.Answered[i] = answer
				continue
			}
			if here || g.used[key] {
				conflict.Reused[i] = true
				continue
			}
		}
		touched, err := p.post(g, i, seq)
		if errors.Is(err, ErrInsufficientFunds) {
			conflict.Unfunded[i] = true
			continue
		}
		if err != nil {
			return err
		}
		p.answers = append(p.answers, p.answer(g, e, seq, touched))
	}
	if len(conflict.Answered)+len(conflict.Reused)+len(conflict.Unfunded) > 0 {
		return conflict
	}
	return nil
}

// post moves the money of one entry, all of it or none, and returns the players whose money it was. It
// returns ErrInsufficientFunds.
func (p *plan) post(g *group, i int, seq int64) (touched []game.PlayerID, err error) {
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
	till, start := g.till(p.ref.Room), len(p.posted)
	before := map[*account]account{}
	note := func(a *account) (first bool) {
		if _, ok := p.before[a]; !ok {
			p.before[a] = *a
		}
		if _, ok := before[a]; ok {
			return false
		}
		before[a] = *a
		return true
	}
	for _, m := range e.Moves {
		player := g.player(m.Player)
		note(till)
		if note(player) {
			touched = append(touched, m.Player)
		}
		debit, credit := till, player
		if m.Kind == game.Stake {
			debit, credit = player, till
		}
		if err = move(debit, credit, player, int64(m.Amount)); err != nil {
			for a, old := range before {
				*a = old
			}
			p.posted = p.posted[:start]
			return nil, err
		}
		p.posted = append(p.posted, posted{debit, credit, m, seq, at, command})
	}
	return touched, nil
}

// move moves amount from debit to credit, one of which is player.
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

// answer returns the answer to an entry whose money was moved.
func (p *plan) answer(g *group, e rooms.Entry, seq int64, touched []game.PlayerID) rooms.Answer {
	out := rooms.Answer{Epoch: p.b.Epoch, Seq: seq, Refusal: e.Refusal}
	if e.Command != nil {
		a := g.player(e.Command.Player)
		out.Balance, out.BalanceVersion = game.Money(a.balance), a.version
	}
	for _, who := range touched {
		a := g.player(who)
		out.Balances = append(out.Balances, rooms.PlayerBalance{Player: who, Balance: game.Money(a.balance), Version: a.version})
	}
	return out
}
