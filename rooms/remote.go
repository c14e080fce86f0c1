package rooms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

const (
	// answerWithin is how long a room is looked for that has no owner just now, or whose owner
	// does not answer, before whoever wants something of it is told that it is unavailable. It is
	// more than a lease, so that most never hear of a node's death.
	answerWithin = 4 * time.Second
	// askWithin is how long one node is waited for before it is asked again. That is safe: a
	// command acts once, and a question changes nothing.
	askWithin = time.Second
	// againAfter is the pause before a room is looked for again.
	againAfter = 50 * time.Millisecond
	// servesMax is how many questions of other nodes are answered at once. Commands do not count:
	// they wait in mailboxes.
	servesMax = 256
)

// What nodes ask each other.
const (
	methodCommand = "rooms.command"
	methodJoin    = "rooms.join"
	methodView    = "rooms.view"
	methodSince   = "rooms.since"
	methodOpen    = "rooms.open"
	methodPlace   = "rooms.place"
)

// Peers lets nodes talk. *hub.Hub does.
type Peers interface {
	Ask(node, method string, body []byte, within time.Duration, answer func([]byte, error))
	Tell(method string, body []byte) error
	Answer(method string, f hub.Answerer)
	Forget(node string)
}

// errAway means that a room is not here, or not any more: nothing was decided.
var errAway = fmt.Errorf("%w: it is not on this node", ErrUnavailable)

// request is what one node asks another about a room.
type request struct {
	Ref     Ref           `json:"ref"`
	Command *Command      `json:"command,omitempty"`
	Viewer  game.PlayerID `json:"viewer,omitempty"`
	Resume  *wire.Resume  `json:"resume,omitempty"`
	Seq     int64         `json:"seq,omitempty"`
	Epoch   int64         `json:"epoch,omitempty"`
	// Generation is what the node that asks knows: one that knows less has no answer, since its
	// rooms may be those of a history that the database has no more.
	Generation int64 `json:"generation,omitempty"`
}

// encode is the request as it is sent.
func (d *Directory) encode(q request) ([]byte, error) {
	q.Generation = d.floor.generation()
	return json.Marshal(q)
}

// behind reports whether the node that asked knows of a generation that this one does not.
func (d *Directory) behind(q request) bool { return q.Generation > d.floor.generation() }

// response is the answer: a value, or one of the errors of faults.
type response[T any] struct {
	Fault string `json:"fault,omitempty"`
	Value T      `json:"value"`
}

// faults are the errors that mean something to the node that asked. The first that fits is said.
var faults = []struct {
	name string
	err  error
}{{"away", errAway}, {"busy", ErrBusy}, {"rate_limited", ErrRateLimited}, {"not_found", ErrNotFound}, {"reused", ErrCommandReused}, {"game", ErrGame}, {"fenced", ErrFenced}}

func respond[T any](value T, err error) []byte {
	out := response[T]{Value: value}
	if err != nil {
		out.Fault = "unavailable"
		for _, f := range faults {
			if errors.Is(err, f.err) {
				out.Fault = f.name
				break
			}
		}
	}
	body, err := json.Marshal(out)
	if err != nil {
		return []byte(`{"fault":"unavailable"}`)
	}
	return body
}

// read is the other side of respond. A node that does not answer is as good as away.
func read[T any](body []byte, err error) (T, error) {
	var out response[T]
	if err != nil {
		return out.Value, errAway
	}
	if err := strict.DecodeKnown(body, &out); err != nil {
		return out.Value, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if out.Fault == "" {
		return out.Value, nil
	}
	for _, f := range faults {
		if out.Fault == f.name {
			return out.Value, f.err
		}
	}
	return out.Value, ErrUnavailable
}

// owner is the node that a room is on, if it is on another one that lives.
func (d *Directory) owner(ref Ref) (string, error) {
	p, ok := d.floor.find(ref)
	switch {
	case !ok:
		return "", ErrNotFound
	case p.Node == d.o.Node, !d.floor.lives(p.Node):
		return "", errAway
	}
	return p.Node, nil
}

// send hands a command to its room, wherever that is, and again until somebody answers it or
// it is too late.
func (d *Directory) send(ref Ref, c *Command, until time.Time, reply func(Answer, error)) {
	settle := func(a Answer, err error) {
		if !errors.Is(err, errAway) || d.alone() || time.Now().After(until) {
			reply(a, err)
			return
		}
		time.AfterFunc(againAfter, func() { d.send(ref, c, until, reply) })
	}
	if d.alone() || d.find(ref) != nil {
		d.mail(ref, &message{command: c, reply: settle})
		return
	}
	if !d.trusted() { // who may play, this node can not know either
		settle(Answer{}, errAway)
		return
	}
	node, err := d.owner(ref)
	if err != nil {
		settle(Answer{}, err)
		return
	}
	body, err := d.encode(request{Ref: ref, Command: c})
	if err != nil {
		settle(Answer{}, fmt.Errorf("%w: %w", ErrUnavailable, err))
		return
	}
	d.meter.forwarded.Inc()
	d.o.Peers.Ask(node, methodCommand, body, askWithin, func(body []byte, err error) { settle(read[Answer](body, err)) })
}

// seek asks a room, wherever it is, until it answers or ctx ends: here if it is on this node,
// else by method.
func seek[T any](ctx context.Context, d *Directory, method string, q request, here func(context.Context) (T, error)) (T, error) {
	if d.alone() {
		return here(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	for {
		value, err := seekOnce(ctx, d, method, q, here)
		if !errors.Is(err, errAway) {
			return value, err
		}
		select {
		case <-ctx.Done():
			return value, errors.Join(ErrUnavailable, ctx.Err())
		case <-time.After(againAfter):
		}
	}
}

func seekOnce[T any](ctx context.Context, d *Directory, method string, q request, here func(context.Context) (T, error)) (value T, err error) {
	if d.find(q.Ref) != nil {
		return here(ctx)
	}
	node, err := d.owner(q.Ref)
	if err != nil {
		return value, err
	}
	body, err := d.encode(q)
	if err != nil {
		return value, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	d.o.Peers.Ask(node, method, body, askWithin, func(body []byte, err error) {
		value, err := read[T](body, err)
		done <- outcome{value, err}
	})
	select {
	case o := <-done:
		return o.value, o.err
	case <-ctx.Done():
		return value, errors.Join(ErrUnavailable, ctx.Err())
	}
}

// serve answers what other nodes ask.
func (d *Directory) serve() {
	d.o.Peers.Answer(methodCommand, func(_ string, body []byte, reply func([]byte)) {
		var q request
		if err := strict.DecodeKnown(body, &q); err != nil || q.Command == nil || reply == nil || d.replaced.Load() {
			return
		}
		if d.behind(q) || d.find(q.Ref) == nil {
			reply(respond(Answer{}, errAway))
			return
		}
		d.mail(q.Ref, &message{command: q.Command, reply: func(a Answer, err error) { reply(respond(a, err)) }})
	})
	answer(d, methodJoin, func(ctx context.Context, q request) (Joined, error) {
		return d.joinHere(ctx, q.Ref, q.Viewer, q.Resume)
	})
	answer(d, methodView, func(ctx context.Context, q request) (json.RawMessage, error) { return d.staffViewHere(ctx, q.Ref) })
	answer(d, methodSince, func(ctx context.Context, q request) ([]Record, error) { return d.sinceHere(ctx, q.Ref, q.Seq) })
	answer(d, methodOpen, func(ctx context.Context, q request) (struct{}, error) {
		return struct{}{}, d.openHere(ctx, q.Ref, q.Epoch)
	})
	d.o.Peers.Answer(methodPlace, func(_ string, body []byte, _ func([]byte)) {
		var p Place
		if err := strict.DecodeKnown(body, &p); err == nil {
			d.floor.hear(p)
		}
	})
}

// answer answers a question of other nodes that takes its time.
func answer[T any](d *Directory, method string, f func(context.Context, request) (T, error)) {
	d.o.Peers.Answer(method, func(_ string, body []byte, reply func([]byte)) {
		var q request
		var none T
		if err := strict.DecodeKnown(body, &q); err != nil || reply == nil || d.replaced.Load() {
			return
		}
		if d.behind(q) {
			reply(respond(none, errAway))
			return
		}
		select {
		case d.serving <- struct{}{}:
		default:
			d.meter.refused.WithLabelValues(limitNodeQuestions).Inc()
			reply(respond(none, errAway))
			return
		}
		go func() {
			defer func() { <-d.serving }()
			ctx, cancel := context.WithTimeout(d.life, answerWithin)
			defer cancel()
			reply(respond(f(ctx, q)))
		}()
	})
}
