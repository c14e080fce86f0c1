package redisbus

import (
	"context"
	"errors"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// topology reads the assignment of slots to servers of a Redis Cluster. The library asks one server
// after the other and waits for each as long as for a pipeline; topology asks all at once and uses the
// first reply, since the server whose slots have moved may be the stalled one.
type topology struct {
	template redis.Options

	mu      sync.Mutex // guards what follows
	servers map[string]bool
}

func newTopology(o *redis.ClusterOptions) *topology {
	t := &topology{servers: map[string]bool{}, template: redis.Options{
		Username: o.Username, Password: o.Password, TLSConfig: o.TLSConfig, Protocol: o.Protocol, DisableIdentity: o.DisableIdentity, ClientName: o.ClientName,
		MaxRetries: -1, DialTimeout: redisTimeout, ReadTimeout: redisTimeout, WriteTimeout: redisTimeout, ContextTimeoutEnabled: true, PoolSize: 1,
	}}
	for _, address := range o.Addrs {
		t.servers[address] = true
	}
	return t
}

// reloadInterval is the interval at which a Cluster's state is read while probes do not return: messages
// published meanwhile go to a server that may be stalled, and delay those after them.
const reloadInterval = 250 * time.Millisecond

// reloadWhileSilent reloads a Cluster's state while probes do not return, until ctx ends.
func (b *Bus) reloadWhileSilent(ctx context.Context) {
	tick := time.NewTicker(reloadInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if slices.ContainsFunc(b.links, func(l *link) bool { return l.probesUnanswered.Load() > 1 }) {
				b.reload()
			}
		}
	}
}

// slots implements the library's ClusterSlots.
func (t *topology) slots(ctx context.Context) ([]redis.ClusterSlot, error) {
	ctx, cancel := context.WithTimeout(ctx, redisTimeout)
	defer cancel()
	t.mu.Lock()
	addresses := slices.Collect(maps.Keys(t.servers))
	t.mu.Unlock()
	type answer struct {
		slots []redis.ClusterSlot
		err   error
	}
	answers := make(chan answer, len(addresses))
	for _, address := range addresses {
		go func() { // ends within a second
			got, err := t.ask(ctx, address)
			answers <- answer{got, err}
		}()
	}
	var failed []error
	for range addresses {
		a := <-answers
		if a.err == nil && len(a.slots) > 0 {
			t.learn(a.slots)
			return a.slots, nil
		}
		failed = append(failed, a.err)
	}
	return nil, errors.Join(failed...)
}

func (t *topology) ask(ctx context.Context, address string) ([]redis.ClusterSlot, error) {
	o := t.template
	o.Addr = address
	c := redis.NewClient(&o)
	defer func() { _ = c.Close() }()
	found, err := c.ClusterSlots(ctx).Result() //nolint:staticcheck // the library itself wants slots, and fewer versions have CLUSTER SHARDS
	if err != nil {
		return nil, err
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	for i := range found {
		for k, n := range found[i].Nodes { // a server that does not know its own name
			if h, port, err := net.SplitHostPort(n.Addr); err == nil && h == "" {
				found[i].Nodes[k].Addr = net.JoinHostPort(host, port)
			}
		}
	}
	return found, nil
}

// learn adds the servers in found to those that are asked.
func (t *topology) learn(found []redis.ClusterSlot) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, slot := range found {
		for _, n := range slot.Nodes {
			t.servers[n.Addr] = true
		}
	}
}
