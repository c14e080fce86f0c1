package hub

import (
	"context"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

// Class is the priority of a message: queued messages of a more urgent class are written first.
type Class uint8

// The classes, most urgent first.
const (
	ClassResult    Class = iota // results, answers, money
	ClassState                  // what happens at a table
	ClassChat                   //
	ClassPromotion              //
)

// Message is a message to every socket on a topic.
type Message struct {
	Topic tenant.Topic
	Class Class

	// Epoch and Seq are the message's position in its room's journal; a zero Seq means that it is
	// not in the journal.
	Epoch, Seq int64

	// Top, of a message without a Seq, is the Seq of the topic's last event: a node that has not
	// received that event has a gap.
	Top int64

	// Seat, if not zero, makes the message one for nodes, which is sent to no socket: a player has
	// taken a seat on some node, and its sockets with a smaller Seat are closed as superseded. The
	// topic is the player's own.
	Seat int64

	// Key names a state. A later message of the same key replaces an older one that has not been
	// sent to a socket yet. Empty means that the message is not replaced.
	Key string

	// Frame is the JSON text for everyone who is not in Private. It is never changed
	// after Publish.
	Frame []byte

	// Private holds the forms that single players receive instead of Frame.
	Private []Private
}

// Private is one player's own form of a message.
type Private struct {
	Player string
	Frame  []byte
}

// Bus carries messages between nodes. It may lose messages, never alters or reorders
// those of one topic that it delivers, and never delivers to a topic that was not
// subscribed. Messages of one publisher keep their order; those of two may reach two nodes in
// different orders. Package bustest tests this contract.
type Bus interface {
	// Publish sends m to every node that subscribed m.Topic, this one too. It returns an
	// error if the message is known not to have left.
	Publish(ctx context.Context, m Message) error

	// Subscribe returns when messages of the topic that are published from then on will
	// be delivered. Subscribing twice is the same as once. While the bus is down, and messages are
	// lost anyway, it returns within a second or so and takes effect later.
	Subscribe(ctx context.Context, topic tenant.Topic) error

	// Unsubscribe ends the delivery of the topic's messages soon.
	Unsubscribe(topic tenant.Topic)

	// Run delivers messages until ctx ends, and then returns nil. It calls deliver in order per
	// topic; deliver must not block.
	Run(ctx context.Context, deliver func(Message)) error

	// Health returns nil while published messages are delivered, as far as is known.
	Health() error
}
