package hub

import (
	"context"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire"
)

const (
	// resyncEvery is how often a socket is resynchronised at most: who can not keep up is slow.
	resyncEvery = 5 * time.Second
	// resyncWithin bounds one: others wait for its place, and what happens meanwhile waits too.
	resyncWithin = 5 * time.Second
	// resyncsMax is how many sockets of a node are resynchronised at once: each view is work of
	// the topic's owner.
	resyncsMax = 8
)

// Resyncer is a Handler that can tell its client anew where a topic is, which is done for a
// socket that has fallen behind instead of closing it.
type Resyncer interface {
	Handler
	// Resync tells the client where the topic is, and releases it. The topic is held, and its
	// events that waited, of so many bytes, were dropped. If the topic is not held any more,
	// somebody else has told the client. An error, as when there is nothing shorter to be told,
	// closes the socket as slow. Resync is called by a goroutine of its own, also while other
	// methods of the Handler run and after Closed.
	Resync(ctx context.Context, topic tenant.Topic, dropped int) error
}

// relieve needs mu. It drops the events of the topic of which most waits and has the handler
// tell the client where that topic is, and reports whether it could.
func (c *Conn) relieve() bool {
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
	for _, it := range c.queue.take(m, whatIsPlaced) {
		last = max(last, it.seq)
		dropped += len(it.bytes)
	}
	m.holding, c.resyncAt = true, now+int64(resyncEvery)
	return h.background(func() { c.resync(r, m, last, dropped) })
}

// heaviest needs mu. It is the member of whose events the most bytes wait.
func (c *Conn) heaviest() (most *member) {
	for _, m := range c.topics {
		m.weight = 0
	}
	for l := range c.queue.lines {
		for _, it := range c.queue.lines[l].live() {
			if it.frame != nil && it.from != nil && it.placed {
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

// resync tells the client where m's topic is, which is after the event last, when it is its turn.
func (c *Conn) resync(r Resyncer, m *member, last int64, dropped int) {
	h := c.hub
	select {
	case h.resyncing <- struct{}{}:
	case <-h.life.Done():
		return
	}
	defer func() { <-h.resyncing }()
	m.topic.again(m, last)
	ctx, cancel := context.WithTimeout(h.life, resyncWithin)
	defer cancel()
	if err := r.Resync(ctx, m.name, dropped); err != nil {
		c.Log().Debug("a socket that fell behind is closed", "topic", m.name.String(), "dropped", dropped, "error", err)
		c.Close(wire.CloseSlow, 0)
		return
	}
	h.meters.resyncs.Inc()
}

// Held reports whether the topic is held.
func (c *Conn) Held(name tenant.Topic) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.member(name)
	return m != nil && m.holding
}
