package main

import "context"

// jobs lists what runs in the background of a node, from its start to its end. Each returns when its
// context ends; one that returns an error before ends the node. Adding one is a file with its Run, in the
// package whose work it is, and a line here.
func (n *node) jobs() []func(context.Context) error {
	return []func(context.Context) error{
		n.hub.Run,                // hears the bus and writes to sockets
		n.runRooms,               // keeps the node's lease, follows assignments, runs rooms
		n.tenants.Run,            // follows the directory of tenants
		n.keys.Run,               // fetches the keys that tenants publish
		n.store.APIKeys.Run,      // writes when API keys were used
		n.store.EndedAPIKeys.Run, // deletes API keys that ended long ago
		n.store.Revocations.Run,  // follows what access was taken back
		n.store.Answers.Run,      // deletes answers whose Idempotency-Key is too old
		n.store.Refusals.Run,     // deletes refused commands that are too old to be asked again
		n.store.Storage.Run,      // measures how large schemas are, for plans that limit it
		n.changes.Run,            // tells staff, and other nodes, what has changed
		n.hooks.Run,              // tells casinos' servers what happened
		n.web.Run,                // tells lobbies who is here and closes sockets that may not stay
	}
}

// runRooms runs the rooms once the other nodes were heard.
func (n *node) runRooms(ctx context.Context) error {
	if err := n.meet(ctx); err != nil {
		return err
	}
	return n.rooms.Run(ctx)
}
