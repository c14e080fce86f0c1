package rooms

import (
	"context"
	"errors"

	"github.com/pitboss-hub/pitboss/rooms/game"
)

// message is an item in a room's mailbox: a command, a request to close, or a question. The mailbox holds
// pointers, or it would make up most of an idle room's memory.
type message struct {
	command  *Command
	close    *game.Close
	question func(*room)
	reply    func(Answer, error)
}

// enqueue enqueues a message for a room of this node, or replies with an error if it cannot. It never blocks.
func (d *Directory) enqueue(ref Ref, m *message) {
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
		// A room that has just stopped may not read its mailbox again: whoever stops it empties the mailbox
		// after it is out of the directory, and so does whoever enqueued too late.
		if d.find(ref) != r {
			r.empty()
		}
	default:
		d.hit(ref.Tenant, limitMailbox)
		m.reply(Answer{}, ErrBusy)
	}
}

// absent returns the error that says why a room is not here.
func (d *Directory) absent(ref Ref) error {
	if !d.alone() {
		return errNotHere
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	_, away := d.notBefore[ref]
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
	d.enqueue(ref, &message{
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

// redirect answers a message that the room cannot decide with errNotHere: it is tried again, here or on
// another node, which costs the player nothing.
func (r *room) redirect(m *message) {
	if m.command != nil {
		r.refund(payerOf(m.command.By), 1)
	}
	m.reply(Answer{}, errNotHere)
}

// empty answers what is left in the mailbox of a room that has stopped.
func (r *room) empty() {
	for {
		select {
		case m := <-r.mailbox:
			r.redirect(m)
		default:
			return
		}
	}
}
