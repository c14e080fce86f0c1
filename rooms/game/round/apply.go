package round

import "github.com/pitboss-hub/pitboss/rooms/game"

// Apply implements game.Rules.
func (t *Table[P]) Apply(ev game.Event) {
	s := &t.state
	switch ev := ev.(type) {
	case *Opened:
		s.Phase, s.Until, s.Round = Betting, Time{}, ev.Round
		s.Commitment, s.Since, s.Seed = ev.Commitment, ev.Since, game.Seed{}
		t.emptySeats()
	case *bettingStarted:
		s.Until = ev.ClosesAt
	case *bettingStopped:
		s.Until = Time{}
		t.emptySeats()
	case *betPlaced[P]:
		t.applyPlaced(ev)
	case *betRemoved[P]:
		t.applyRemoved(ev)
	case *Voided:
		s.Phase, s.Until, s.Seed = Settled, ev.NextAt, ev.Seed
		t.emptySeats()
	case *SeedRevealed:
		s.Seed = ev.Seed
	case *deadlineMoved:
		s.Until = ev.Until
	case *roomClosing:
		s.Closing, s.Reason = true, ev.Reason
	case *game.Closed:
		s.Phase, s.Until, s.Closing, s.Reason = Ended, Time{}, true, ev.Reason
	default:
		t.applyOwn(ev)
	}
	t.game.Apply(t, ev)
}

// applyOwn applies what an event of the game's own changes in the table.
func (t *Table[P]) applyOwn(ev game.Event) {
	if r, ok := ev.(game.Revealer); ok && !r.Reveals().IsZero() {
		t.state.Seed = r.Reveals()
	}
	if p, ok := ev.(Phase); ok {
		t.state.Phase, t.state.Until = p.Begins()
	}
	if e, ok := ev.(interface{ settlement() *Settlement[P] }); ok {
		for _, a := range e.settlement().Players {
			if p := t.seats[a.Player]; p != nil {
				p.Payout = a.Payout
			}
		}
	}
}

func (t *Table[P]) emptySeats() {
	t.state.Players = nil
	clear(t.seats)
	t.on = Sums{}
}

func (t *Table[P]) applyPlaced(ev *betPlaced[P]) {
	p := t.seats[ev.Player]
	if p == nil {
		p = &player[P]{ID: ev.Player, Seat: ev.Seat, Name: ev.Name, Bets: [][]Stake[P]{}}
		t.seats[p.ID] = p
		t.state.Players = append(t.state.Players, p)
	}
	p.Bets = append(p.Bets, ev.Bets)
	p.Staked += total(ev.Bets)
	t.put(ev.Bets, 1)
	p.Placed++
}

func (t *Table[P]) applyRemoved(ev *betRemoved[P]) {
	p := t.seats[ev.Player]
	if p == nil || len(p.Bets) == 0 {
		return // Decide never makes such an event
	}
	left := len(p.Bets) - 1
	if ev.Cleared {
		left = 0
	}
	p.Bets = p.Bets[:left]
	p.Staked -= total(ev.Bets)
	t.put(ev.Bets, -1)
}
