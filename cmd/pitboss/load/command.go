package load

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
)

// ask sends a request; the reader calls answered with the reply, holding mu. mu is held.
func (p *player) ask(method string, params any, answered answer) error {
	p.id++
	raw, err := json.Marshal(map[string]any{"jsonrpc": wire.Version, "id": p.id, "method": method, "params": params})
	if err != nil {
		return err
	}
	p.calls[p.id] = answered
	p.send(append(newFrame(p.out), raw...))
	return nil
}

// send seals and sends the frame that newFrame(p.out) began. mu must be held.
func (p *player) send(frame []byte) {
	p.out = frame
	p.spoke = time.Now()
	p.socket.write(seal(opText, frame))
}

// bet sends a bet that was due. It reports false if the player cannot bet now.
func (p *player) bet(due time.Time, b Bet) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.seated {
		return false
	}
	p.id++
	p.waiting[p.id] = waiting{b, due}
	p.send(appendBet(newFrame(p.out), p.table.game, p.table.room, p.command, p.id, b))
	return true
}

// sendAgain sends every bet that has no answer, in order, under its first command id.
// mu is held.
func (p *player) sendAgain() {
	for _, id := range sorted(p.waiting) {
		delete(p.unsure, id)
		p.repeat(id)
	}
}

func (p *player) repeat(id int64) {
	p.run.resent.Add(1)
	p.send(appendBet(newFrame(p.out), p.table.game, p.table.room, p.command, id, p.waiting[id].Bet))
}

// tend does what is due: it sends bets again, pings after silence, and closes a silent connection.
func (p *player) tend(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.seated {
		return
	}
	for _, id := range sorted(p.unsure) {
		if now.After(p.unsure[id]) {
			delete(p.unsure, id)
			p.repeat(id)
		}
	}
	if p.beat > 0 && now.Sub(p.heard) > 2*p.beat+time.Second {
		_ = p.socket.conn.Close()
		return
	}
	if p.beat > 0 && now.Sub(p.spoke) > p.beat {
		_ = p.ask(wire.MethodPing, struct{}{}, func(json.RawMessage, *wire.Error) {})
	}
}

// call sends a request and waits for its result.
func (p *player) call(ctx context.Context, method string, params, into any) error {
	done := make(chan error, 1)
	p.mu.Lock()
	if !p.seated {
		p.mu.Unlock()
		return errors.New("not connected")
	}
	err := p.ask(method, params, func(result json.RawMessage, e *wire.Error) {
		switch {
		case e != nil:
			done <- e
		case into != nil:
			done <- strict.DecodeKnown(result, into)
		default:
			done <- nil
		}
	})
	p.mu.Unlock()
	if err != nil {
		return err
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// busy reports whether anything is still to come from a table whose latest event is seq: an
// answer, or an event.
func (p *player) busy(seq int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for accepted := range p.book.accepted {
		seq = max(seq, accepted)
	}
	return !p.seated || len(p.waiting) > 0 || p.book.seq < seq
}
