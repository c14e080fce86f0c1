package rooms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

// TypeVoid is the type of an operator's command that ends the round at hand, of any game:
// {"type":"room.void","reason":"…"}.
const TypeVoid = "room.void"

// Command is what somebody asks of a room.
type Command struct {
	ID      string          // the command id: a UUID
	By      game.Actor      // who asks
	Address string          // where from, for the audit log
	Type    string          // what for
	Body    json.RawMessage // the whole command
}

// Send hands a command to a room and never blocks. reply is called once, with the answer
// (a Refusal is one) or with ErrNotFound, ErrBusy, ErrRateLimited, ErrUnavailable or ErrCommandReused; it
// must not block either. An id that is no UUID is refused, without being remembered.
func (d *Directory) Send(ref Ref, c Command, reply func(Answer, error)) {
	id, err := uuid.Parse(c.ID)
	if err != nil {
		reply(Answer{Refusal: game.Refuse(game.CodeInvalidCommand, "A command id is a UUID.")}, nil)
		return
	}
	c.ID = id.String() // one spelling, so that one command is one command
	d.send(ref, &c, time.Now().Add(answerWithin), reply)
}

// Close asks a room of this node to end its game after the round at hand. Asking again
// changes nothing, so whoever wants the room closed asks until it is.
func (d *Directory) Close(ref Ref, reason string) {
	d.mail(ref, &message{close: &game.Close{Reason: reason}, reply: func(Answer, error) {}})
}

// StaffView returns what operators see of a game that is a game.StaffViewer; ErrGame of others.
func (d *Directory) StaffView(ctx context.Context, ref Ref) (json.RawMessage, error) {
	return seek(ctx, d, callView, request{Ref: ref}, func(ctx context.Context) (json.RawMessage, error) {
		return d.staffViewHere(ctx, ref)
	})
}

func (d *Directory) staffViewHere(ctx context.Context, ref Ref) (json.RawMessage, error) {
	return ask(ctx, d, ref, func(r *room) (json.RawMessage, error) {
		rules, ok := r.rules.(game.StaffViewer)
		if !ok {
			return nil, fmt.Errorf("%w: %s has no view for staff", ErrGame, r.config.Game)
		}
		return json.Marshal(rules.StaffView())
	})
}

// Since is what sockets were to be told of a room after seq, in order: what its owner
// remembers, else what the journal has, and ResumeMax at most.
func (d *Directory) Since(ctx context.Context, ref Ref, seq int64) ([]hub.Message, error) {
	records, err := seekOnce(ctx, d, callSince, request{Ref: ref, Seq: seq}, func(ctx context.Context) ([]Record, error) {
		return d.sinceHere(ctx, ref, seq)
	})
	if err != nil || len(records) == 0 { // an owner that knows of nothing may not be the owner any more
		if records, err = d.o.Journal.Since(ctx, ref, seq, ResumeMax); err != nil {
			return nil, err
		}
	}
	kind, err := d.kindOf(ctx, ref)
	if err != nil {
		return nil, err
	}
	var out []hub.Message
	err = tried(func() error {
		for _, rec := range records {
			ev, err := decode(kind, rec)
			if err != nil {
				return err
			}
			m, err := messageOf(ref, rec, ev)
			if err != nil {
				return err
			}
			out = append(out, m)
		}
		return nil
	})
	return out, err
}

// sinceHere is what a room of this node remembers after seq; errAway if that is not all.
func (d *Directory) sinceHere(ctx context.Context, ref Ref, seq int64) ([]Record, error) {
	return ask(ctx, d, ref, func(r *room) ([]Record, error) {
		if seq == r.seq {
			return nil, nil
		}
		records := r.remembered(seq + 1)
		if records == nil {
			return nil, errAway
		}
		return records[:min(len(records), ResumeMax)], nil
	})
}

// EndsRound reports whether an event of that type is the last of its round, in the game of that name.
func (d *Directory) EndsRound(gameName, typ string) bool {
	kind, ok := d.o.Kinds[gameName]
	if !ok {
		return false
	}
	_, ends := kind.Event(typ).(game.RoundEnder)
	return ends
}

// Public is a stored event as viewer may see it. It returns ErrGame.
func (d *Directory) Public(gameName, room string, rec Record, viewer game.PlayerID) (wire.RoomEvent, error) {
	kind, ok := d.o.Kinds[gameName]
	if !ok {
		return wire.RoomEvent{}, fmt.Errorf("%w: %q", ErrGame, gameName)
	}
	return formOf(kind, room, rec, viewer)
}

func (d *Directory) mail(ref Ref, m *message) {
	r := d.find(ref)
	if r == nil {
		m.reply(Answer{}, d.absent(ref))
		return
	}
	if m.command != nil && !r.allows(payerOf(m.command.By), 1) {
		m.reply(Answer{}, ErrRateLimited)
		return
	}
	select {
	case r.mailbox <- m:
		// A room that has just stopped may not look again: whoever stops it empties the mailbox
		// after it is out of the directory, and so does whoever mailed too late.
		if d.find(ref) != r {
			r.empty()
		}
	default:
		d.meter.refused.WithLabelValues(limitMailbox).Inc()
		m.reply(Answer{}, ErrBusy)
	}
}

// absent says why a room is not here.
func (d *Directory) absent(ref Ref) error {
	if !d.alone() {
		return errAway
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	_, away := d.away[ref]
	_, opening := d.opening[ref]
	if d.draining || away || opening {
		return ErrUnavailable
	}
	return ErrNotFound
}

// ask runs a question in the room's goroutine, between two batches.
func ask[T any](ctx context.Context, d *Directory, ref Ref, question func(*room) (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	d.mail(ref, &message{
		question: func(r *room) {
			value, err := question(r)
			done <- outcome{value, err}
		},
		reply: func(_ Answer, err error) { done <- outcome{err: err} },
	})
	select {
	case o := <-done:
		return o.value, o.err
	case <-ctx.Done():
		return outcome{}.value, errors.Join(ErrUnavailable, ctx.Err())
	}
}
