package rooms

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

// publishAll publishes committed events, in order.
func (r *room) publishAll(ctx context.Context, messages []hub.Message) {
	for _, m := range messages {
		r.publish(ctx, m)
		r.published = m.Seq
	}
	if len(messages) > 0 {
		r.beat.Reset(beatEvery)
		r.totalsChanged()
		r.keepBrief()
	}
}

// listened reports whether anybody may receive what is not an event: with other nodes, no node knows who
// listens.
func (r *room) listened() bool {
	return r.d.trusted() && (!r.d.alone() || r.d.o.Listening(r.ref.Topic()))
}

// publishBeat publishes the room's seq, if anybody listens.
func (r *room) publishBeat(ctx context.Context) {
	r.beat.Reset(beatEvery)
	if !r.listened() {
		return
	}
	r.publish(ctx, hub.Message{
		Topic: r.ref.Topic(), Class: hub.ClassState, Key: "beat:" + r.ref.Room, Epoch: r.epoch, Top: r.seq,
		Frame: wire.Push(wire.PushRoomBeat, wire.Beat{Room: r.ref.Room, Epoch: r.epoch, Seq: r.seq}),
	})
}

// pushBalances pushes the latest balance to each player whose money moved.
func (r *room) pushBalances(ctx context.Context, answers []Answer) {
	latest := map[game.PlayerID]int{} // the index of each player's latest
	var order []PlayerBalance
	for _, a := range answers {
		for _, b := range a.Balances {
			if i, ok := latest[b.Player]; ok {
				order[i] = b
				continue
			}
			latest[b.Player] = len(order)
			order = append(order, b)
		}
	}
	for _, b := range order {
		r.pushBalance(ctx, b)
	}
}

// lookUpBalances pushes players' balances after an append whose answers were lost.
func (r *room) lookUpBalances(ctx context.Context, players []game.PlayerID) {
	if r.d.o.Balance == nil {
		return
	}
	slices.Sort(players)
	for _, who := range slices.Compact(players) {
		b, err := r.d.o.Balance(ctx, r.ref.Tenant, who)
		if err != nil {
			r.log.Warn("a balance cannot be looked up", "error", err)
			continue
		}
		r.pushBalance(ctx, b)
	}
}

func (r *room) pushBalance(ctx context.Context, b PlayerBalance) {
	r.publish(ctx, hub.Message{
		Topic: PlayerTopic(r.ref.Tenant, b.Player), Class: hub.ClassResult, Key: "balance", Epoch: r.epoch,
		Frame: wire.Push(wire.PushWalletBalance, wire.Balance{
			Balance: int64(b.Balance), Currency: r.d.o.Currency(r.ref.Tenant), Version: b.Version,
		}),
	})
}

// publish passes a message to the hub. Clients notice by seq what is lost there.
func (r *room) publish(ctx context.Context, m hub.Message) {
	if err := r.d.o.Publisher.Publish(ctx, m); err != nil {
		r.d.meter.unpublished.Inc()
		r.log.Debug("a message was not published", "seq", m.Seq, "error", err) // the bus's health check reports it
	}
}

// count counts an answer in the metrics.
func (r *room) count(a Answer) {
	code := "accepted"
	if a.Refusal != nil {
		code = a.Refusal.Code
	}
	r.d.meter.commands.WithLabelValues(code).Inc()
}

// messageOf returns an event as it is published: encoded once for everybody, and once for each player who
// may see more.
func messageOf(ref Ref, rec Record, ev game.Event) (hub.Message, error) {
	m := hub.Message{Topic: ref.Topic(), Class: classOf(ev), Epoch: rec.Epoch, Seq: rec.Seq}
	red, ok := ev.(game.Redactor)
	if !ok {
		m.Frame = frame(ref.Room, ev, rec, rec.Data)
		return m, nil
	}
	data, err := json.Marshal(red.Public())
	if err != nil {
		return m, fmt.Errorf("event %d, %s: %w", rec.Seq, rec.Type, err)
	}
	m.Frame = frame(ref.Room, ev, rec, data)
	for _, who := range red.Audience() {
		if data, err = json.Marshal(red.For(who)); err != nil {
			return m, fmt.Errorf("event %d, %s: %w", rec.Seq, rec.Type, err)
		}
		m.Private = append(m.Private, hub.Private{Player: string(who), Frame: frame(ref.Room, ev, rec, data)})
	}
	return m, nil
}

// frame encodes an event whose form is data.
func frame(room string, ev game.Event, rec Record, data json.RawMessage) []byte {
	method := wire.PushRoomEvent
	if p, ok := ev.(game.Pushed); ok {
		method = p.Method()
	}
	e := formedAs(room, rec, data)
	return wire.EncodeRoomEvent(make([]byte, 0, 160+len(data)), method, &e) // the rest is some 130 bytes
}

// classOf returns how urgent a message of ev is.
func classOf(ev game.Event) hub.Class {
	switch game.UrgencyOf(ev) {
	case game.UrgencyResult:
		return hub.ClassResult
	case game.UrgencyPromotion:
		return hub.ClassPromotion
	}
	return hub.ClassState
}

// formOf returns a stored event in the form that viewer may see.
func formOf(kind game.Kind, room string, rec Record, viewer game.PlayerID) (wire.RoomEvent, error) {
	ev, err := decode(kind, rec)
	if err != nil {
		return wire.RoomEvent{}, err
	}
	red, ok := ev.(game.Redactor)
	if !ok {
		return formedAs(room, rec, rec.Data), nil
	}
	form := red.Public
	if viewer != "" && slices.Contains(red.Audience(), viewer) {
		form = func() any { return red.For(viewer) }
	}
	data, err := json.Marshal(form())
	if err != nil {
		return wire.RoomEvent{}, fmt.Errorf("event %d, %s: %w", rec.Seq, rec.Type, err)
	}
	return formedAs(room, rec, data), nil
}

func formedAs(room string, rec Record, data json.RawMessage) wire.RoomEvent {
	return wire.RoomEvent{Room: room, Epoch: rec.Epoch, Seq: rec.Seq, At: wire.At(rec.At), Type: rec.Type, Data: data}
}
