package roulette

import "github.com/pitboss-hub/pitboss/rooms/game"

// Apply implements game.Rules.
func (t *table) Apply(ev game.Event) {
	switch ev := ev.(type) {
	case *roundOpened:
		t.Phase, t.Until, t.Round, t.Commitment = betting, stamp{}, ev.Round, ev.Commitment
		t.Pocket, t.Seed = nil, game.Seed{}
		t.emptySeats()
	case *bettingStarted:
		t.Until = ev.ClosesAt
	case *bettingStopped:
		t.Until = stamp{}
		t.emptySeats()
	case *betPlaced:
		t.applyPlaced(ev)
	case *betRemoved:
		t.applyRemoved(ev)
	case *bettingClosed:
		t.Phase, t.Until = closed, ev.SpinsAt
	case *wheelSpun:
		pocket := ev.Pocket
		t.Phase, t.Until, t.Pocket, t.Seed = spinning, ev.SettlesAt, &pocket, ev.Seed
	case *roundSettled:
		t.Phase, t.Until = settled, ev.NextAt
		for _, a := range ev.Players {
			if p := t.seats[a.Player]; p != nil {
				p.Payout = a.Payout
			}
		}
		t.Results = append(t.Results, past{ev.Round, ev.Pocket})
		t.Results = t.Results[max(0, len(t.Results)-resultsMax):]
	case *roundVoided:
		t.Phase, t.Until = settled, ev.NextAt
		t.Pocket, t.Seed = nil, ev.Seed
		t.emptySeats()
	case *deadlineMoved:
		t.Until = ev.Until
	case *roomClosing:
		t.Closing, t.Reason = true, ev.Reason
	case *game.Closed:
		t.Phase, t.Until, t.Closing, t.Reason = ended, stamp{}, true, ev.Reason
	}
}

func (t *table) emptySeats() {
	t.Players = nil
	clear(t.seats)
	t.on = [positions + 1]game.Money{}
}

func (t *table) applyPlaced(ev *betPlaced) {
	p := t.seats[ev.Player]
	if p == nil {
		p = &player{ID: ev.Player, Seat: ev.Seat, Name: ev.Name, Bets: [][]stake{}}
		t.seats[p.ID] = p
		t.Players = append(t.Players, p)
	}
	p.Bets = append(p.Bets, ev.Bets)
	p.Staked += ev.total()
	t.put(ev.Bets, 1)
	p.Placed++
}

func (t *table) applyRemoved(ev *betRemoved) {
	p := t.seats[ev.Player]
	if p == nil || len(p.Bets) == 0 {
		return // Decide never makes such an event
	}
	left := len(p.Bets) - 1
	if ev.Cleared {
		left = 0
	}
	p.Bets = p.Bets[:left]
	p.Staked -= ev.total()
	t.put(ev.Bets, -1)
}
