package membus

import (
	"context"
	"errors"
	"sync"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
)

// ErrStopped means that this node's Run has ended.
var ErrStopped = errors.New("membus: this node has stopped")

// queueMax bounds the queue of a node; beyond it publishers wait.
const queueMax = 16_384

var _ hub.Bus = (*Bus)(nil)

// Bus is one node's end of a bus.
type Bus struct {
	net *network

	// Guarded by net.mu.
	topics  map[tenant.Topic]struct{}
	queue   []hub.Message
	stopped bool
	work    chan struct{} // holds one: there is something in queue
}

// network is the state that the nodes of one bus share.
type network struct {
	mu    sync.Mutex
	nodes []*Bus
	space chan struct{} // closed and replaced when a queue got shorter or a node stopped
}

// New makes a bus with one node.
func New() *Bus {
	return (&Bus{net: &network{space: make(chan struct{})}}).Node()
}

// Node adds a node to b's bus.
func (b *Bus) Node() *Bus {
	n := &Bus{net: b.net, topics: map[tenant.Topic]struct{}{}, work: make(chan struct{}, 1)}
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	b.net.nodes = append(b.net.nodes, n)
	return n
}

// Publish implements hub.Bus. It waits while a node's queue is full. It returns ErrStopped, or ctx's
// error; in both cases no node receives the message.
func (b *Bus) Publish(ctx context.Context, m hub.Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for {
		space, err := b.net.offer(b, m)
		if space == nil {
			return err
		}
		select {
		case <-space:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// offer queues m for every node that wants it, or for none; then it must be offered again after space
// is closed.
func (net *network) offer(from *Bus, m hub.Message) (space <-chan struct{}, err error) {
	net.mu.Lock()
	defer net.mu.Unlock()
	if from.stopped {
		return nil, ErrStopped
	}
	for _, n := range net.nodes {
		if n.wants(m.Topic) && len(n.queue) >= queueMax {
			return net.space, nil
		}
	}
	for _, n := range net.nodes {
		if n.wants(m.Topic) {
			n.queue = append(n.queue, m)
			select {
			case n.work <- struct{}{}:
			default:
			}
		}
	}
	return nil, nil
}

// wants reports whether the node has subscribed to m's topic. net.mu must be held.
func (b *Bus) wants(t tenant.Topic) bool {
	_, ok := b.topics[t]
	return ok && !b.stopped
}

// Subscribe implements hub.Bus.
func (b *Bus) Subscribe(ctx context.Context, topic tenant.Topic) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	if b.stopped {
		return ErrStopped
	}
	b.topics[topic] = struct{}{}
	return nil
}

// Unsubscribe implements hub.Bus.
func (b *Bus) Unsubscribe(topic tenant.Topic) {
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	delete(b.topics, topic)
}

// Health implements hub.Bus.
func (b *Bus) Health() error {
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	if b.stopped {
		return ErrStopped
	}
	return nil
}

// Run implements hub.Bus. A node can be run once.
func (b *Bus) Run(ctx context.Context, deliver func(hub.Message)) error {
	defer b.stop()
	var batch []hub.Message
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-b.work:
		}
		batch = b.swapQueue(batch)
		for i, m := range batch {
			if ctx.Err() != nil {
				return nil
			}
			if b.still(m.Topic) {
				deliver(m)
			}
			batch[i] = hub.Message{}
		}
	}
}

// swapQueue replaces the queue by the empty one and returns the old one.
func (b *Bus) swapQueue(empty []hub.Message) []hub.Message {
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	batch := b.queue
	b.queue = empty[:0]
	b.net.wake()
	return batch
}

func (b *Bus) still(t tenant.Topic) bool {
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	return b.wants(t)
}

func (b *Bus) stop() {
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	b.stopped, b.queue = true, nil
	for i, n := range b.net.nodes {
		if n == b {
			b.net.nodes = append(b.net.nodes[:i:i], b.net.nodes[i+1:]...)
			break
		}
	}
	b.net.wake()
}

// wake wakes the publishers that wait for space. mu must be held.
func (net *network) wake() {
	close(net.space)
	net.space = make(chan struct{})
}
