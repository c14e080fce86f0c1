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
	"github.com/pitboss-hub/pitboss/rooms/placement"
)

const (
	// answerWithin is how long a message is retried for a room that has no owner just now, or whose owner
	// does not answer, before the answer is ErrUnavailable. It is longer than a lease, so that most clients
	// never notice a node's death.
	answerWithin = 4 * time.Second
	// askWithin is the timeout of one call to another node. Calling again is safe: a command acts once, and
	// a question changes nothing.
	askWithin = time.Second
	// againAfter is the pause between two attempts.
	againAfter = 50 * time.Millisecond
	// servesMax is how many questions of other nodes are answered at once. Commands do not count: they wait
	// in mailboxes.
	servesMax = 256
)

// Peers carries calls between nodes. *hub.Hub is one.
type Peers interface {
	hub.Transport
	Tell(method string, body []byte) error
	Forget(node string)
}

// errAway means that a room is not, or no longer, on this node: nothing was decided.
var errAway = fmt.Errorf("%w: it is not on this node", ErrUnavailable)

// request is a request of one node to another about a room.
type request struct {
	Ref     Ref           `json:"ref"`
	Command *Command      `json:"command,omitempty"`
	Viewer  game.PlayerID `json:"viewer,omitempty"`
	Resume  *wire.Resume  `json:"resume,omitempty"`
	Seq     int64         `json:"seq,omitempty"`
	Epoch   int64         `json:"epoch,omitempty"`
	// Generation is the one that the calling node knows. A node that knows an earlier one does not answer,
	// since its rooms may be those of a history that the database no longer has.
	Generation int64 `json:"generation,omitempty"`
}

// dated returns the request with the generation that this node knows.
func (d *Directory) dated(q request) request {
	q.Generation = d.index.Generation()
	return q
}

// faults are the errors that are passed on to the calling node. All others are ErrUnavailable there.
var faults = []hub.CallError{
	{Name: "away", Err: errAway}, {Name: "busy", Err: ErrBusy}, {Name: "rate_limited", Err: ErrRateLimited}, {Name: "not_found", Err: ErrNotFound},
	{Name: "reused", Err: ErrCommandReused}, {Name: "game", Err: ErrGame}, {Name: "fenced", Err: ErrFenced},
}

// callOf returns the call of that name between nodes.
func callOf[T any](name string) hub.Call[request, T] {
	return hub.Call[request, T]{Name: name, Within: askWithin, ServeWithin: answerWithin, Errors: faults}
}

// The calls between nodes, and methodAssigned, a notification.
var (
	callCommand = callOf[Answer]("rooms.command")
	callJoin    = callOf[Joined]("rooms.join")
	callView    = callOf[json.RawMessage]("rooms.view")
	callSince   = callOf[[]Record]("rooms.since")
	callOpen    = callOf[struct{}]("rooms.open")
)

const methodAssigned = "rooms.place"

// faultOf returns the error of a call as the caller's client should see it: errAway if the room is to be
// looked up again, one of faults, or ErrUnavailable.
func faultOf(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, hub.ErrNoAnswer) || errors.Is(err, hub.ErrSlotsFull) { // as good as not there
		return errAway
	}
	for _, f := range faults {
		if errors.Is(err, f.Err) {
			return f.Err
		}
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// owner returns the node that owns a room, if that is another one that lives.
func (d *Directory) owner(ref Ref) (string, error) {
	a, ok := d.index.Find(ref)
	switch {
	case !ok:
		return "", ErrNotFound
	case a.Node == d.o.Node, !d.index.Lives(a.Node):
		return "", errAway
	}
	return a.Node, nil
}

// send routes a command to its room, wherever that is, and tries again until it is answered or the time is
// up.
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
	if !d.trusted() { // a node that cannot trust its lease does not know the owner either
		settle(Answer{}, errAway)
		return
	}
	node, err := d.owner(ref)
	if err != nil {
		settle(Answer{}, err)
		return
	}
	d.meter.forwarded.Inc()
	callCommand.Go(d.o.Peers, node, d.dated(request{Ref: ref, Command: c}), func(a Answer, err error) { settle(a, faultOf(err)) })
}

// seek queries a room, wherever it is, until it answers or ctx ends: by here if it is on this node, else by
// a call.
func seek[T any](ctx context.Context, d *Directory, call hub.Call[request, T], q request, here func(context.Context) (T, error)) (T, error) {
	if d.alone() {
		return here(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	for {
		value, err := seekOnce(ctx, d, call, q, here)
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

func seekOnce[T any](ctx context.Context, d *Directory, call hub.Call[request, T], q request, here func(context.Context) (T, error)) (value T, err error) {
	if d.find(q.Ref) != nil {
		return here(ctx)
	}
	node, err := d.owner(q.Ref)
	if err != nil {
		return value, err
	}
	value, err = call.Ask(ctx, d.o.Peers, node, d.dated(q))
	return value, faultOf(err)
}

// serve registers the handlers for other nodes' calls.
func (d *Directory) serve() {
	callCommand.Handle(d.o.Peers, func(q request, reply func(Answer, error)) {
		switch err := d.serves(q); {
		case err != nil:
			reply(Answer{}, err)
		case q.Command == nil:
			reply(Answer{}, hub.ErrUnreadable)
		case d.find(q.Ref) == nil:
			reply(Answer{}, errAway)
		default:
			d.mail(q.Ref, &message{command: q.Command, reply: reply})
		}
	})
	slots := hub.NewSlots(servesMax, func() { d.meter.refused.WithLabelValues(limitNodeQuestions).Inc() })
	serveCall(d, slots, callJoin, func(ctx context.Context, q request) (Joined, error) {
		return d.joinHere(ctx, q.Ref, q.Viewer, q.Resume)
	})
	serveCall(d, slots, callView, func(ctx context.Context, q request) (json.RawMessage, error) { return d.staffViewHere(ctx, q.Ref) })
	serveCall(d, slots, callSince, func(ctx context.Context, q request) ([]Record, error) { return d.sinceHere(ctx, q.Ref, q.Seq) })
	serveCall(d, slots, callOpen, func(ctx context.Context, q request) (struct{}, error) {
		return struct{}{}, d.openHere(ctx, q.Ref, q.Epoch)
	})
	d.o.Peers.Answer(methodAssigned, func(_ string, body []byte, _ func([]byte)) {
		var a placement.Assignment
		if err := strict.DecodeKnown(body, &a); err == nil {
			d.index.Hear(a)
		}
	})
}

// serveCall registers the handler of a call that may take a while.
func serveCall[T any](d *Directory, slots *hub.Slots, call hub.Call[request, T], f func(context.Context, request) (T, error)) {
	call.Serve(d.life, d.o.Peers, slots, func(ctx context.Context, q request) (T, error) {
		if err := d.serves(q); err != nil {
			var none T
			return none, err
		}
		return f(ctx, q)
	})
}

// serves returns nil if this node may answer a call of another, hub.ErrNoAnswer if another process has this
// node's name and answers for it, or errAway if the calling node knows of a later generation.
func (d *Directory) serves(q request) error {
	switch {
	case d.placement.Replaced():
		return hub.ErrNoAnswer
	case q.Generation > d.index.Generation():
		return errAway
	}
	return nil
}

// tellAssigned tells the other nodes who owns a room, so that they need not wait for the index.
func (d *Directory) tellAssigned(a placement.Assignment) {
	d.index.Hear(a)
	body, err := json.Marshal(a)
	if err == nil {
		err = d.o.Peers.Tell(methodAssigned, body)
	}
	if err != nil {
		d.o.Log.Debug("other nodes must look where a room is", "room", a.Ref, "error", err)
	}
}
