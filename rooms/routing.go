package rooms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/placement"
)

const (
	// answerTimeout is how long a message is retried for a room that has no owner just now, or whose owner
	// does not answer, before the answer is ErrUnavailable. It is longer than a lease, so that most clients
	// never notice a node's death.
	answerTimeout = 4 * time.Second
	// callTimeout is the timeout of one call to another node. Calling again is safe: a command acts once, and
	// a question changes nothing.
	callTimeout = time.Second
	// retryPause is the pause between two attempts.
	retryPause = 50 * time.Millisecond
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

// errNotHere means that a room is not, or no longer, on this node: nothing was decided.
var errNotHere = fmt.Errorf("%w: it is not on this node", ErrUnavailable)

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

// withGeneration returns the request with the generation that this node knows.
func (d *Directory) withGeneration(q request) request {
	q.Generation = d.index.Generation()
	return q
}

// callErrors are the errors that are passed on to the calling node. All others are ErrUnavailable there.
var callErrors = []hub.CallError{
	{Name: "away", Err: errNotHere}, {Name: "busy", Err: ErrBusy}, {Name: "rate_limited", Err: ErrRateLimited}, {Name: "not_found", Err: ErrNotFound},
	{Name: "reused", Err: ErrCommandReused}, {Name: "game", Err: ErrGame}, {Name: "fenced", Err: ErrFenced},
}

// callOf returns the call of that name between nodes.
func callOf[T any](name string) hub.Call[request, T] {
	return hub.Call[request, T]{Name: name, Within: callTimeout, ServeWithin: answerTimeout, Errors: callErrors}
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

// callError returns the error of a call as the caller's client should see it: errNotHere if the room is to be
// looked up again, one of faults, or ErrUnavailable.
func callError(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, hub.ErrNoAnswer) || errors.Is(err, hub.ErrSlotsFull) { // as good as not there
		return errNotHere
	}
	for _, f := range callErrors {
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
		return "", errNotHere
	}
	return a.Node, nil
}

// send routes a command to its room, wherever that is, and tries again until it is answered or the time is
// up.
func (d *Directory) send(ref Ref, c *Command, until time.Time, reply func(Answer, error)) {
	settle := func(a Answer, err error) {
		if !errors.Is(err, errNotHere) || d.alone() || time.Now().After(until) {
			reply(a, err)
			return
		}
		time.AfterFunc(retryPause, func() { d.send(ref, c, until, reply) })
	}
	if d.alone() || d.find(ref) != nil {
		d.enqueue(ref, &message{command: c, reply: settle})
		return
	}
	if !d.trusted() { // a node that cannot trust its lease does not know the owner either
		settle(Answer{}, errNotHere)
		return
	}
	node, err := d.owner(ref)
	if err != nil {
		settle(Answer{}, err)
		return
	}
	d.meter.forwarded.Inc()
	callCommand.Go(d.o.Peers, node, d.withGeneration(request{Ref: ref, Command: c}), func(a Answer, err error) { settle(a, callError(err)) })
}

// query queries a room, wherever it is, until it answers or ctx ends: by here if it is on this node, else by
// a call.
func query[T any](ctx context.Context, d *Directory, call hub.Call[request, T], q request, here func(context.Context) (T, error)) (T, error) {
	if d.alone() {
		return here(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	for {
		value, err := seekOnce(ctx, d, call, q, here)
		if !errors.Is(err, errNotHere) {
			return value, err
		}
		select {
		case <-ctx.Done():
			return value, errors.Join(ErrUnavailable, ctx.Err())
		case <-time.After(retryPause):
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
	value, err = call.Ask(ctx, d.o.Peers, node, d.withGeneration(q))
	return value, callError(err)
}

// serve registers the handlers for other nodes' calls.
func (d *Directory) serve() {
	callCommand.Handle(d.o.Peers, func(q request, reply func(Answer, error)) {
		switch err := d.mayServe(q); {
		case err != nil:
			reply(Answer{}, err)
		case q.Command == nil:
			reply(Answer{}, hub.ErrUnreadable)
		case d.find(q.Ref) == nil:
			reply(Answer{}, errNotHere)
		default:
			d.enqueue(q.Ref, &message{command: q.Command, reply: reply})
		}
	})
	slots := hub.NewSlots(servesMax, func() { d.hit(tenant.ID{}, limitNodeQuestions) })
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
		if err := d.mayServe(q); err != nil {
			var none T
			return none, err
		}
		return f(ctx, q)
	})
}

// mayServe returns nil if this node may answer a call of another, hub.ErrNoAnswer if another process has this
// node's name and answers for it, or errNotHere if the calling node knows of a later generation.
func (d *Directory) mayServe(q request) error {
	switch {
	case d.placement.Replaced():
		return hub.ErrNoAnswer
	case q.Generation > d.index.Generation():
		return errNotHere
	}
	return nil
}

// publishAssignment tells the other nodes who owns a room, so that they need not wait for the index.
func (d *Directory) publishAssignment(a placement.Assignment) {
	d.index.Hear(a)
	body, err := json.Marshal(a)
	if err == nil {
		err = d.o.Peers.Tell(methodAssigned, body)
	}
	if err != nil {
		d.o.Log.Debug("other nodes must look where a room is", "room", a.Ref, "error", err)
	}
}
