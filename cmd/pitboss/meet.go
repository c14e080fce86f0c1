package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pitboss-hub/pitboss/rooms/placement"

	"github.com/pitboss-hub/pitboss/hub"
)

const (
	// helloFirst and helloMost bound how long one answer is waited for: longer each time.
	helloFirst = 100 * time.Millisecond
	helloMost  = time.Second
	// announceEvery is how often a node that waits says that it still does: see store's listedFor.
	announceEvery = 20 * time.Second
	// meetWithin is how long a node that starts waits for the others, while the bus is in order and
	// their leases are renewed. A lease that is not is over by then.
	meetWithin = 5 * placement.LeaseTTL
)

// callHello is what a node that starts asks those that live.
var callHello = hub.Call[struct{}, struct{}]{Name: "node.hello"}

var errUnheard = errors.New("other nodes use this database and are not heard over the bus: give all nodes the same --redis-url, or stop those")

// answerHello lets nodes that start find out that this one is on their bus.
func (n *node) answerHello() {
	callHello.Handle(n.hub, func(_ struct{}, reply func(struct{}, error)) { reply(struct{}{}, nil) })
}

// meet returns when every other node whose lease runs was heard over the bus: two nodes of one database
// that do not hear each other would both be ready and refuse each other's players. While the bus is out
// of order it waits. It returns errUnheard.
func (n *node) meet(ctx context.Context) error {
	leases := n.store.Leases
	met := map[string]bool{n.name: true}
	deadline, announced := time.Now().Add(meetWithin), time.Now()
	for within := helloFirst; ctx.Err() == nil; within = min(2*within, helloMost) {
		at, err := leases.Assignments(ctx, placement.Mark{})
		var missing []string
		for _, other := range at.Nodes {
			if !met[other.Name] {
				missing = append(missing, other.Name)
			}
		}
		if err == nil && len(missing) == 0 {
			return nil
		}
		if err != nil || n.hub.Health() != nil {
			deadline = time.Now().Add(meetWithin)
		}
		if err == nil && time.Since(announced) > announceEvery {
			announced = time.Now()
			if err := leases.Announce(ctx, n.name, n.incarnation); err != nil {
				n.log.Warn("other nodes may not believe this one yet", "error", err)
			}
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%w (%s)", errUnheard, strings.Join(missing, ", "))
		}
		for _, name := range n.greet(ctx, missing, within) {
			met[name] = true
		}
	}
	return nil // it is told to end
}

// greet asks nodes for a sign of life and returns those that gave one, after within.
func (n *node) greet(ctx context.Context, names []string, within time.Duration) (heard []string) {
	answers := make(chan string, len(names))
	hello := callHello
	hello.Within = within
	for _, name := range names {
		hello.Go(n.hub, name, struct{}{}, func(_ struct{}, err error) {
			if err == nil {
				answers <- name
			}
		})
	}
	late := time.NewTimer(within)
	defer late.Stop()
	for len(heard) < len(names) || len(names) == 0 {
		select {
		case name := <-answers:
			heard = append(heard, name)
		case <-late.C:
			return heard
		case <-ctx.Done():
			return heard
		}
	}
	slices.Sort(heard)
	return heard
}
