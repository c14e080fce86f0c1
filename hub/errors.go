package hub

import "errors"

var (
	// ErrDraining means that the hub accepts no more sockets.
	ErrDraining = errors.New("hub: draining, no new sockets")
	// ErrTooManySockets means that the node, or the tenant, has all the sockets it may
	// have.
	ErrTooManySockets = errors.New("hub: too many sockets")
	// ErrTooManyConnects means that the subject, or all of the tenant's, connect too often.
	ErrTooManyConnects = errors.New("hub: too many connects")
	// ErrTooManyTopics means that the socket listens to all the topics it may.
	ErrTooManyTopics = errors.New("hub: too many topics")
	// ErrClosed means that the socket is closed, or about to be.
	ErrClosed = errors.New("hub: the socket is closed")
	// ErrNotHeld means that Release was called for a topic that is not held.
	ErrNotHeld = errors.New("hub: the topic is not held")
	// ErrOtherTenant means that a socket tried to listen to another tenant's topic.
	ErrOtherTenant = errors.New("hub: the topic is another tenant's")
	// ErrSubprotocol means that a client did not offer pitboss.v1.
	ErrSubprotocol = errors.New("hub: the client does not offer the subprotocol pitboss.v1")
)
