package hub

import (
	"context"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

// Class is how urgent a message is: what is written first when more than one waits.
type Class uint8

// The classes, most urgent first.
const (
	ClassResult    Class = iota // results, answers, money
	ClassState                  // what happens at a table
	ClassChat                   //
	ClassPromotion              //
)

// Message is one thing to be told to every socket on a topic.
type Message struct {
	Topic tenant.Topic
	Class Class

	// Epoch and Seq place the message in its room's journal; zero Seq means that it has
	// no place there.
	Epoch, Seq int64

	// Top, of a message without a Seq, is the Seq of the topic's last message: a node that
	// has not had it has missed something.
	Top int64

	// Seat, if not zero, makes the message an order to nodes that no socket is sent: a player
	// has taken a seat on some node, and its sockets with a smaller Seat are closed as
	// superseded. The topic is the player's own.
	Seat int64

	// Key names a state that a later message of the same key replaces: a socket that has
	// not been sent the older one yet never gets it. Empty means that every message
	// matters.
	Key string

	// Frame is the JSON text for everyone who is not in Private. It is never changed
	// after Publish.
	Frame []byte

	// Private is what single players get instead of Frame.
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
// different orders. Package bustest says what that means, in tests.
type Bus interface {
	// Publish sends m to every node that subscribed m.Topic, this one too. It returns an
	// error if the message is known not to have left.
	Publish(ctx context.Context, m Message) error

	// Subscribe returns when messages of the topic that are published from then on will
	// be delivered. Subscribing twice is the same as once. While the bus is out of order,
	// when messages are lost anyway, it returns within a second or so and takes effect later.
	Subscribe(ctx context.Context, topic tenant.Topic) error

	// Unsubscribe ends the topic's messages, soon.
	Unsubscribe(topic tenant.Topic)

	// Run delivers until ctx ends; deliver is called in order per topic and must not
	// block. It returns nil after ctx ended.
	Run(ctx context.Context, deliver func(Message)) error

	// Health is nil while what is published is delivered, as far as is known.
	Health() error
}
