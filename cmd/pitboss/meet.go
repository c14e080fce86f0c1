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
	// initialHelloTimeout and maxHelloTimeout bound the wait for one reply, which grows with each attempt.
	initialHelloTimeout = 100 * time.Millisecond
	maxHelloTimeout     = time.Second
	// announceInterval is the interval at which a waiting node announces that it still waits: see store's listedFor.
	announceInterval = 20 * time.Second
	// meetTimeout bounds how long a starting node waits for the others, while the bus is healthy and
	// they renew their leases. A lease that is not renewed has expired by then.
	meetTimeout = 5 * placement.LeaseTTL
)

// callHello is the request of a starting node to the live ones.
var callHello = hub.Call[struct{}, struct{}]{Name: "node.hello"}

var errUnheard = errors.New("other nodes use this database and are not heard over the bus: give all nodes the same --redis-url, or stop those")

// answerHello replies to starting nodes, so that they find this one on their bus.
func (n *node) answerHello() {
	callHello.Handle(n.hub, func(_ struct{}, reply func(struct{}, error)) { reply(struct{}{}, nil) })
}

// meet returns when every other node with a valid lease has replied over the bus: two nodes of one
// database that do not receive each other's messages would both be ready and refuse each other's players.
// While the bus is down it waits. The error is errUnheard.
func (n *node) meet(ctx context.Context) error {
	leases := n.store.Leases
	met := map[string]bool{n.name: true}
	deadline, announced := time.Now().Add(meetTimeout), time.Now()
	for within := initialHelloTimeout; ctx.Err() == nil; within = min(2*within, maxHelloTimeout) {
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
			deadline = time.Now().Add(meetTimeout)
		}
		if err == nil && time.Since(announced) > announceInterval {
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
	return nil // the node is shutting down
}

// greet sends a request to nodes and returns those that replied within the given time.
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
