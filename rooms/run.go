package rooms

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pitboss-hub/pitboss/rooms/placement"
)

// leaveTimeout is how long a room that is to leave may take to the end of its round, at most; then it
// leaves in the middle of it, which loses nothing either.
const leaveTimeout = 8 * time.Second

var (
	errStarting = errors.New("rooms: this node's rooms are not open yet")
	errLapsed   = errors.New("rooms: this node's lease has run out")
)

// alone reports whether this node is the only one there can be.
func (d *Directory) alone() bool { return d.placement.Alone() }

// trusted reports whether this node's rooms are its own, as far as it can know without asking.
func (d *Directory) trusted() bool { return d.placement.Trusted() }

// Nodes returns the living nodes, by name; this one alone if there can be no other.
func (d *Directory) Nodes() []string { return d.placement.Nodes() }

// Assignment says which node has a room.
type Assignment = placement.Assignment

// Node is a node that lives.
type Node = placement.Node

// All calls f with every room of all tenants that is not closed, as far as this node knows, and with its config, which is nil until it is
// known. It returns the nodes that live, by name.
func (d *Directory) All(f func(Assignment, *Config)) []Node {
	return d.index.All(f)
}

// Ready returns a channel that is closed when this node has read the index and opened the rooms that it
// found to be its own.
func (d *Directory) Ready() <-chan struct{} { return d.placement.Ready() }

// Health returns nil while this node may decide: it is Ready, and its lease has not run out.
func (d *Directory) Health() error {
	select {
	case <-d.placement.Ready():
	default:
		return errStarting
	}
	if !d.trusted() {
		return errLapsed
	}
	return nil
}

// Run keeps this node's lease and opens the rooms that are assigned to it. It returns when ctx has ended
// and every room has stopped, or with placement.ErrReplaced.
func (d *Directory) Run(ctx context.Context) error {
	running, stop := errgroup.WithContext(ctx)
	if !d.alone() {
		running.Go(func() error { return d.placement.KeepLease(stop) })
		running.Go(func() error { d.placement.Watch(stop); return nil })
	}
	<-stop.Done()
	d.mu.Lock()
	d.draining = true
	d.mu.Unlock()
	d.end()
	d.loops.Wait()
	err := running.Wait()
	if !d.alone() {
		d.placement.Release(ctx)
	}
	return err
}

// Drain moves this node's rooms to other nodes, each at the end of its round or when half of ctx's time is
// over, and accepts no more. Where there is no other node, rooms stop when what is in their mailboxes is
// appended and answered. Meanwhile, and afterwards, commands and questions find the rooms where they are.
// It returns ctx's error if that takes too long.
func (d *Directory) Drain(ctx context.Context) error {
	d.mu.Lock()
	d.draining = true
	here := slices.Collect(maps.Values(d.rooms))
	d.mu.Unlock()
	d.placement.Drain()
	for _, r := range here {
		if to := d.placement.Successor(r.ref); to != "" {
			r.leave(to)
			continue
		}
		d.stopRoom(r)
	}
	done := make(chan struct{})
	go func() { // this ends with the rooms, which Run stops at the latest
		d.loops.Wait()
		close(done)
	}()
	patience := leaveTimeout
	if deadline, ok := ctx.Deadline(); ok {
		patience = min(patience, time.Until(deadline)/2)
	}
	enough := time.NewTimer(patience)
	defer enough.Stop()
	for {
		select {
		case <-done:
			return nil
		case <-enough.C:
			for _, r := range here {
				d.stopRoom(r)
			}
		case <-ctx.Done():
			return fmt.Errorf("rooms: drain: %w", ctx.Err())
		}
	}
}

// stopRoom stops a room as soon as the messages in its mailbox are processed.
func (d *Directory) stopRoom(r *room) {
	r.halt()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.rooms[r.ref] == r {
		delete(d.rooms, r.ref)
	}
}
