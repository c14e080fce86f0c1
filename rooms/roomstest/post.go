package roomstest

import (
	"maps"

	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

// posting is the effect of a batch on a tenant's books.
type posting struct {
	books    *books
	players  map[game.PlayerID]account // those that are touched
	till     game.Money                // what the room's till wins
	answers  []rooms.Answer
	conflict rooms.Conflict
}

// post computes the effect of a batch, in order. Nothing is written. An entry that cannot be written has no
// effect on those after it.
func post(b *books, ref rooms.Ref, batch rooms.Batch) *posting {
	p := &posting{books: b, players: map[game.PlayerID]account{}, conflict: rooms.Conflict{
		Answered: map[int]rooms.Answer{}, Reused: map[int]bool{}, Unfunded: map[int]bool{},
	}}
	seq := batch.Seq
	for i, e := range batch.Entries {
		seq += int64(len(e.Records))
		if e.Command != nil {
			if first, ok := b.commands[*e.Command]; ok {
				if first.ref == ref && (first.digest == e.Digest || first.digest == 0 || e.Digest == 0) {
					p.conflict.Answered[i] = first.answer
				} else {
					p.conflict.Reused[i] = true
				}
				continue
			}
		}
		touched, funded := p.move(e.Moves)
		if !funded {
			p.conflict.Unfunded[i] = true
			continue
		}
		a := rooms.Answer{Epoch: batch.Epoch, Seq: seq, Refusal: e.Refusal}
		if e.Command != nil {
			acc := p.account(e.Command.Player)
			a.Balance, a.BalanceVersion = acc.balance, acc.version
		}
		for _, who := range touched {
			acc := p.account(who)
			a.Balances = append(a.Balances, rooms.PlayerBalance{Player: who, Balance: acc.balance, Version: acc.version})
		}
		p.answers = append(p.answers, a)
	}
	return p
}

// move posts an entry's moves, all or none of them.
func (p *posting) move(moves []game.Posting) (touched []game.PlayerID, funded bool) {
	till, before := p.till, map[game.PlayerID]account{}
	for _, m := range moves {
		a, amount := p.account(m.Player), m.Amount
		if m.Kind == game.Stake {
			amount = -amount
		}
		if a.balance+amount < 0 {
			maps.Copy(p.players, before)
			p.till = till
			return nil, false
		}
		if _, ok := before[m.Player]; !ok {
			before[m.Player] = a
			touched = append(touched, m.Player)
		}
		p.players[m.Player] = a.plus(amount)
		p.till -= amount
	}
	return touched, true
}

func (p *posting) account(who game.PlayerID) account {
	if a, ok := p.players[who]; ok {
		return a
	}
	return p.books.players[who]
}

func (a account) plus(amount game.Money) account {
	return account{a.balance + amount, a.version + 1}
}
