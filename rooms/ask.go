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

// Command is what somebody asks of a room.
type Command struct {
	ID      string          // the command id: a UUID
	By      game.Actor      // who asks
	Address string          // where from, for the audit log
	Type    string          // what for
	Body    json.RawMessage // the whole command
}

// Send hands a command to a room and never blocks. reply is called once, with the answer
// (a Refusal is one) or with ErrNotFound, ErrBusy, ErrUnavailable or ErrCommandReused; it
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

// Joined is what somebody who comes to a room is told.
type Joined struct {
	Epoch, Seq int64
	View       json.RawMessage  `json:",omitempty"` // the room at Seq; nil if Events fill the gap
	Events     []wire.RoomEvent // what came after the resume, up to Seq
}

// Join tells viewer where a room is: the events since resume if the room knows that place,
// else its view. It returns ErrNotFound, ErrBusy or ErrUnavailable.
func (d *Directory) Join(ctx context.Context, ref Ref, viewer game.PlayerID, resume *wire.Resume) (Joined, error) {
	return seek(ctx, d, methodJoin, request{Ref: ref, Viewer: viewer, Resume: resume}, func(ctx context.Context) (Joined, error) {
		return d.joinHere(ctx, ref, viewer, resume)
	})
}

func (d *Directory) joinHere(ctx context.Context, ref Ref, viewer game.PlayerID, resume *wire.Resume) (Joined, error) {
	if resume != nil {
		joined, known, err := d.resume(ctx, ref, viewer, *resume)
		if err != nil || known {
			return joined, err
		}
	}
	return ask(ctx, d, ref, func(r *room) (Joined, error) {
		view, err := json.Marshal(r.rules.View(viewer))
		if err != nil {
			return Joined{}, fmt.Errorf("view of %s: %w", r.ref, err)
		}
		return Joined{Epoch: r.epoch, Seq: r.seq, View: view}, nil
	})
}

// resume fills the gap after a place, if the journal knows it. The room only says where it
// is and what it remembers; reading and forming the events is the caller's own time.
func (d *Directory) resume(ctx context.Context, ref Ref, viewer game.PlayerID, at wire.Resume) (Joined, bool, error) {
	type place struct {
		epoch, seq int64
		kind       game.Kind
		records    []Record // the one at the place, and those after it; nil: not in memory
	}
	here, err := ask(ctx, d, ref, func(r *room) (place, error) {
		return place{r.epoch, r.seq, r.kind, r.remembered(at.Seq)}, nil
	})
	if err != nil {
		return Joined{}, false, err
	}
	missed := here.seq - at.Seq
	if at.Seq <= 0 || missed < 0 || missed > ResumeMax {
		return Joined{}, false, nil
	}
	if here.records == nil {
		here.records, err = d.o.Journal.Since(ctx, ref, at.Seq-1, int(missed)+1)
		if err != nil {
			return Joined{}, false, errors.Join(ErrUnavailable, err)
		}
	}
	if int64(len(here.records)) != missed+1 || here.records[0].Seq != at.Seq {
		return Joined{}, false, nil
	}
	// The room was at this seq from the epoch that wrote it until the one that wrote the next.
	until := here.epoch
	if missed > 0 {
		until = here.records[1].Epoch
	}
	if at.Epoch < here.records[0].Epoch || at.Epoch > until {
		return Joined{}, false, nil
	}
	out := Joined{Epoch: here.epoch, Seq: here.seq, Events: make([]wire.RoomEvent, 0, missed)}
	tooMuch := false
	err = tried(func() error {
		bytes := 0
		for _, rec := range here.records[1:] {
			e, err := formOf(here.kind, ref.Room, rec, viewer)
			if err != nil {
				return err
			}
			out.Events = append(out.Events, e)
			if bytes += len(e.Data); bytes > ResumeBytesMax {
				tooMuch = true
				return nil
			}
		}
		return nil
	})
	return out, !tooMuch, err
}

// StaffView is the view of a game that has one for staff (interface{ StaffView() any }).
func (d *Directory) StaffView(ctx context.Context, ref Ref) (json.RawMessage, error) {
	return seek(ctx, d, methodView, request{Ref: ref}, func(ctx context.Context) (json.RawMessage, error) {
		return d.staffViewHere(ctx, ref)
	})
}

func (d *Directory) staffViewHere(ctx context.Context, ref Ref) (json.RawMessage, error) {
	return ask(ctx, d, ref, func(r *room) (json.RawMessage, error) {
		rules, ok := r.rules.(interface{ StaffView() any })
		if !ok {
			return nil, fmt.Errorf("%w: %s has no view for staff", ErrGame, r.config.Game)
		}
		return json.Marshal(rules.StaffView())
	})
}

// Since is what sockets were to be told of a room after seq, in order: what its owner
// remembers, else what the journal has, and ResumeMax at most.
func (d *Directory) Since(ctx context.Context, ref Ref, seq int64) ([]hub.Message, error) {
	records, err := seekOnce(ctx, d, methodSince, request{Ref: ref, Seq: seq}, func(ctx context.Context) ([]Record, error) {
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
	select {
	case r.mailbox <- m:
		// A room that has just stopped may not look again: whoever stops it empties the mailbox
		// after it is out of the directory, and so does whoever mailed too late.
		if d.find(ref) != r {
			r.empty()
		}
	default:
		d.meter.refused.WithLabelValues("mailbox").Inc()
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
