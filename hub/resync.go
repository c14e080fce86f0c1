package hub

import (
	"context"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire"
)

const (
	// resyncInterval is the least time between two resyncs of a socket, which else is closed as slow.
	resyncInterval = 5 * time.Second
	// resyncTimeout bounds one resync: others wait for its slot, and new messages are held meanwhile.
	resyncTimeout = 5 * time.Second
	// resyncsMax bounds the sockets of a node that are resynchronised at the same time: the topic's
	// owner must build a view for each.
	resyncsMax = 8
)

// Resyncer is a Handler that can send its client the current state of a topic. A socket that has
// fallen behind is then resynchronised instead of closed.
type Resyncer interface {
	Handler
	// Resync sends the client the topic's current state, and releases the topic. The topic is
	// held, and its queued events, of so many bytes, were dropped. If the topic is no longer held,
	// another goroutine has sent the state. An error, such as for a state that is larger than what
	// was dropped, closes the socket as slow. Resync is called in a goroutine of its own, also while
	// other methods of the Handler run and after Closed.
	Resync(ctx context.Context, topic tenant.Topic, dropped int) error
}

// startResync drops the queued events of the topic that has the most bytes of them, starts to
// resynchronise it, and reports whether it could. c.mu must be held.
func (c *Conn) startResync() bool {
	h, r := c.hub, c.resyncer
	now := h.clock()
	if r == nil || now < c.resyncAt {
		return false
	}
	m := c.heaviest()
	if m == nil || m.holding || m.topic == nil || 2*m.weight < c.queue.bytes+c.heldNow {
		return false
	}
	var last int64
	dropped := 0
	for _, it := range c.queue.remove(m, hasPosition) {
		last = max(last, it.seq)
		dropped += len(it.bytes)
	}
	m.holding, c.resyncAt = true, now+int64(resyncInterval)
	return h.background(func() { c.resync(r, m, last, dropped) })
}

// heaviest returns the member with the most bytes of queued events. c.mu must be held.
func (c *Conn) heaviest() (most *member) {
	for _, m := range c.topics {
		m.weight = 0
	}
	for l := range c.queue.lines {
		for _, it := range c.queue.lines[l].live() {
			if it.frame != nil && it.from != nil && it.positioned {
				it.from.weight += it.size()
			}
		}
	}
	for _, m := range c.topics {
		if m.weight > 0 && (most == nil || m.weight > most.weight) {
			most = m
		}
	}
	return most
}

// resync waits for a slot and resynchronises the client with m's topic, whose events up to last were dropped.
func (c *Conn) resync(r Resyncer, m *member, last int64, dropped int) {
	h := c.hub
	select {
	case h.resyncing <- struct{}{}:
	case <-h.life.Done():
		return
	}
	defer func() { <-h.resyncing }()
	m.topic.rehold(m, last)
	ctx, cancel := context.WithTimeout(h.life, resyncTimeout)
	defer cancel()
	if err := r.Resync(ctx, m.name, dropped); err != nil {
		c.Log().Debug("a socket that fell behind is closed", "topic", m.name.String(), "dropped", dropped, "error", err)
		c.Close(wire.CloseSlow, 0)
		return
	}
	h.meters.resyncs.Inc()
}

// Held reports whether the socket holds the topic.
func (c *Conn) Held(name tenant.Topic) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.member(name)
	return m != nil && m.holding
}
