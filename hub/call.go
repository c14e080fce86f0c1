package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/pitboss-hub/pitboss/hub/wire/strict"
)

// CallBytesMax is the default limit on the bytes of an encoded request or reply.
const CallBytesMax = 8 << 20

var (
	// ErrSlotsFull means that the other node serves as many requests as it may, and did not serve
	// this one.
	ErrSlotsFull = errors.New("hub: the node serves too many requests")
	// ErrCallTooLarge means that a request, which was then not served, or its reply has more bytes
	// than the Call allows.
	ErrCallTooLarge = errors.New("hub: a request or its reply is too large")
	// ErrUnreadable means that a request, which was then not served, or its reply could not be decoded.
	ErrUnreadable = errors.New("hub: a request or its reply cannot be read")
	// ErrCallFailed means that the other node failed with an error that is not in Call.Errors.
	ErrCallFailed = errors.New("hub: the node that was asked failed")
)

// Transport carries requests to nodes and their replies back. *Hub is one.
type Transport interface {
	Ask(node, method string, body []byte, within time.Duration, answer func([]byte, error))
	Answer(method string, f Answerer)
}

// Call is one kind of request from one node to another, and its reply. Both are JSON. All nodes
// have the same Calls; the methods do not modify one.
//
// Besides those of Errors, the error of a request is ErrNoAnswer (the node does not exist, is too slow,
// or the bus did not take the request: it is not known whether it was served), ErrSlotsFull,
// ErrCallTooLarge, ErrUnreadable or ErrCallFailed.
type Call[Request, Reply any] struct {
	// Name identifies the Call, across releases too: "rooms.join".
	Name string
	// Within bounds the wait for the reply.
	Within time.Duration
	// ServeWithin bounds the time in which the other node serves a request. Zero: the same as Within.
	ServeWithin time.Duration
	// BytesMax bounds a request and a reply, encoded. Zero: CallBytesMax.
	BytesMax int
	// Errors are the errors that the caller can recognise with errors.Is. The first that matches the
	// handler's error is sent.
	Errors []CallError
}

// CallError is an error and its name on the bus.
type CallError struct {
	Name string
	Err  error
}

// callErrors are the errors common to all Calls. A Call's own errors must have other names.
var callErrors = []CallError{{"slots_full", ErrSlotsFull}, {"too_large", ErrCallTooLarge}, {"unreadable", ErrUnreadable}}

// callFailed is the name of all other errors.
const callFailed = "failed"

// callReply is a reply as it is sent: a value, or the name of an error. One with neither is unreadable, so
// that what was not said is not believed.
type callReply struct {
	Error string          `json:"error,omitempty"`
	Value json.RawMessage `json:"value,omitempty"`
}

// Slots bounds how many requests a node serves at the same time, over all the Calls that share it, so
// that one kind of caller does not starve the others.
type Slots struct {
	taken chan struct{}
	full  func()
}

// NewSlots returns n free slots. full is called for each request that finds none, to count it.
func NewSlots(n int, full func()) *Slots { return &Slots{make(chan struct{}, n), full} }

func (s *Slots) enter() bool {
	select {
	case s.taken <- struct{}{}:
		return true
	default:
		s.full()
		return false
	}
}

func (s *Slots) leave() { <-s.taken }

// Serve registers f to serve the requests of other nodes, each in a goroutine, as far as slots has room.
// The context of f ends with ctx or after ServeWithin.
func (c Call[Request, Reply]) Serve(ctx context.Context, on Transport, slots *Slots, f func(context.Context, Request) (Reply, error)) {
	within := c.ServeWithin
	if within == 0 {
		within = c.Within
	}
	c.Handle(on, func(request Request, reply func(Reply, error)) {
		if !slots.enter() {
			var none Reply
			reply(none, ErrSlotsFull)
			return
		}
		go func() {
			defer slots.leave()
			ctx, cancel := context.WithTimeout(ctx, within)
			defer cancel()
			reply(f(ctx, request))
		}()
	})
}

// Handle registers f to handle the requests of other nodes. f is called in the order in which a node
// sends them and must not block; it may reply later, once. If its error is ErrNoAnswer, nothing is sent.
func (c Call[Request, Reply]) Handle(on Transport, f func(request Request, reply func(Reply, error))) {
	on.Answer(c.Name, func(_ string, body []byte, send func([]byte)) {
		if send == nil { // it was sent to all nodes and is not a request
			return
		}
		reply := func(value Reply, err error) {
			if !errors.Is(err, ErrNoAnswer) {
				send(c.encode(value, err))
			}
		}
		request, err := c.decode(body)
		if err != nil {
			var none Reply
			reply(none, err)
			return
		}
		f(request, reply)
	})
}

// Go sends a request to a node without blocking. done is called once, with the reply or an error, and
// must not block either.
func (c Call[Request, Reply]) Go(on Transport, node string, request Request, done func(Reply, error)) {
	body, err := json.Marshal(request)
	if err == nil && len(body) > c.bytesMax() {
		err = ErrCallTooLarge
	}
	if err != nil {
		var none Reply
		done(none, fmt.Errorf("%s of %s: %w", c.Name, node, err))
		return
	}
	on.Ask(node, c.Name, body, c.Within, func(body []byte, err error) {
		reply, err := c.read(body, err)
		if err != nil {
			err = fmt.Errorf("%s of %s: %w", c.Name, node, err)
		}
		done(reply, err)
	})
}

// Ask sends a request to a node and returns its reply, or an error: ctx's if that ends first.
func (c Call[Request, Reply]) Ask(ctx context.Context, on Transport, node string, request Request) (Reply, error) {
	replies, err := c.AskAll(ctx, on, []string{node}, request)
	if len(replies) == 0 {
		var none Reply
		return none, err
	}
	return replies[0], nil
}

// AskAll sends a request to all nodes at the same time and returns the replies, in any order. The error
// says why some are missing; it is nil if none is.
func (c Call[Request, Reply]) AskAll(ctx context.Context, on Transport, nodes []string, request Request) ([]Reply, error) {
	type outcome struct {
		reply Reply
		err   error
	}
	outcomes := make(chan outcome, len(nodes))
	for _, node := range nodes {
		c.Go(on, node, request, func(reply Reply, err error) { outcomes <- outcome{reply, err} })
	}
	var replies []Reply
	var missing []error
	for range nodes {
		select {
		case <-ctx.Done():
			return replies, errors.Join(append(missing, ctx.Err())...)
		case o := <-outcomes:
			if o.err != nil {
				missing = append(missing, o.err)
				continue
			}
			replies = append(replies, o.reply)
		}
	}
	return replies, errors.Join(missing...)
}

func (c Call[Request, Reply]) bytesMax() int {
	if c.BytesMax > 0 {
		return c.BytesMax
	}
	return CallBytesMax
}

// decode returns the request that another node sent.
func (c Call[Request, Reply]) decode(body []byte) (request Request, err error) {
	if len(body) > c.bytesMax() {
		return request, ErrCallTooLarge
	}
	if err := strict.DecodeKnown(body, &request); err != nil {
		return request, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return request, nil
}

// encode returns the encoded reply, which read decodes.
func (c Call[Request, Reply]) encode(value Reply, err error) []byte {
	if err != nil {
		return failure(c.name(err))
	}
	data, err := json.Marshal(value)
	if err != nil {
		return failure(callFailed)
	}
	body, err := json.Marshal(callReply{Value: data})
	switch {
	case err != nil:
		return failure(callFailed)
	case len(body) > c.bytesMax():
		return failure(c.name(ErrCallTooLarge))
	}
	return body
}

// failure returns the reply that names an error.
func failure(name string) []byte {
	body, err := json.Marshal(struct {
		Error string `json:"error"`
	}{name})
	if err != nil {
		panic(err) // a string can always be encoded
	}
	return body
}

// name returns the name of an error on the bus.
func (c Call[Request, Reply]) name(err error) string {
	for _, some := range [][]CallError{c.Errors, callErrors} {
		for _, e := range some {
			if errors.Is(err, e.Err) {
				return e.Name
			}
		}
	}
	return callFailed
}

// read decodes the reply that Transport.Ask received.
func (c Call[Request, Reply]) read(body []byte, err error) (Reply, error) {
	var none Reply
	switch {
	case errors.Is(err, ErrNoAnswer):
		return none, err
	case err != nil:
		return none, fmt.Errorf("%w: %w", ErrNoAnswer, err)
	case len(body) > c.bytesMax():
		return none, ErrCallTooLarge
	}
	var got callReply
	if err := strict.DecodeKnown(body, &got); err != nil {
		return none, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	switch {
	case got.Error == "" && got.Value == nil:
		return none, fmt.Errorf("%w: it has neither a value nor an error", ErrUnreadable)
	case got.Error == "" && string(got.Value) == "null": // a slice or a map with nothing in it
		return none, nil
	case got.Error == "":
		var reply Reply
		if err := strict.DecodeKnown(got.Value, &reply); err != nil {
			return none, fmt.Errorf("%w: %w", ErrUnreadable, err)
		}
		return reply, nil
	}
	for _, some := range [][]CallError{c.Errors, callErrors} {
		for _, e := range some {
			if got.Error == e.Name {
				return none, e.Err
			}
		}
	}
	return none, fmt.Errorf("%w: %s", ErrCallFailed, got.Error)
}
