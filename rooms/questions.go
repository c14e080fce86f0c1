package rooms

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

// StaffView returns what operators see of a game that is a game.StaffViewer, and ErrGame for others.
func (d *Directory) StaffView(ctx context.Context, ref Ref) (json.RawMessage, error) {
	return query(ctx, d, callView, request{Ref: ref}, func(ctx context.Context) (json.RawMessage, error) {
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

// Since returns the messages that a room published after seq, in order: from its owner's memory, else from
// the journal, and ResumeMax at most.
func (d *Directory) Since(ctx context.Context, ref Ref, seq int64) ([]hub.Message, error) {
	records, err := seekOnce(ctx, d, callSince, request{Ref: ref, Seq: seq}, func(ctx context.Context) ([]Record, error) {
		return d.sinceHere(ctx, ref, seq)
	})
	if err != nil || len(records) == 0 { // an owner that has nothing newer may no longer be the owner
		if records, err = d.o.Journal.Since(ctx, ref, seq, ResumeMax); err != nil {
			return nil, err
		}
	}
	kind, err := d.kindOf(ctx, ref)
	if err != nil {
		return nil, err
	}
	var out []hub.Message
	err = catchPanic(func() error {
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

// sinceHere returns the records that a room of this node has in memory after seq; errNotHere if some are
// missing.
func (d *Directory) sinceHere(ctx context.Context, ref Ref, seq int64) ([]Record, error) {
	return ask(ctx, d, ref, func(r *room) ([]Record, error) {
		if seq == r.seq {
			return nil, nil
		}
		records := r.remembered(seq + 1)
		if records == nil {
			return nil, errNotHere
		}
		return records[:min(len(records), ResumeMax)], nil
	})
}

// Public returns a stored event in the form that viewer may see. The error is ErrGame.
func (d *Directory) Public(gameName, room string, rec Record, viewer game.PlayerID) (wire.RoomEvent, error) {
	kind, ok := d.o.Kinds[gameName]
	if !ok {
		return wire.RoomEvent{}, fmt.Errorf("%w: %q", ErrGame, gameName)
	}
	return formOf(kind, room, rec, viewer)
}
