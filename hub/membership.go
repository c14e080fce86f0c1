package hub

import (
	"slices"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

// Hold makes the socket listen to a topic. From when it returns, the topic's messages
// are kept back until Release; they count as waiting for the socket, so that too many
// close it as slow. To Hold a topic that the socket listens to already takes back what
// was not written yet. The error is ErrTooManyTopics, ErrOtherTenant, ErrClosed, or the
// bus's; then the socket does not listen.
func (c *Conn) Hold(name tenant.Topic) error {
	if name.Tenant() != c.id.Tenant {
		return ErrOtherTenant
	}
	c.mu.Lock()
	if m := c.member(name); m != nil {
		err := c.holdAgain(m)
		t := m.topic
		c.mu.Unlock()
		if t != nil {
			t.again(m, 0)
		}
		return err
	}
	if c.ended || c.closing != nil {
		c.mu.Unlock()
		return ErrClosed
	}
	if len(c.topics) >= c.hub.limits.TopicsPerConnMax {
		c.mu.Unlock()
		c.hub.meters.hit(limitTopics)
		return ErrTooManyTopics
	}
	m := &member{conn: c, name: name, player: c.id.Role == RolePlayer, holding: true}
	c.topics = append(c.topics, m)
	c.mu.Unlock()

	t, err := c.hub.topics.enter(name)
	if err == nil {
		// Leave, or the end of the socket, may have come meanwhile.
		c.mu.Lock()
		m.topic = t
		still := !m.left
		c.mu.Unlock()
		if still && t.add(m) {
			return nil
		}
		c.hub.topics.leave(t)
		return ErrClosed
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if m.left || c.closing != nil {
		err = ErrClosed
	}
	c.strike(m)
	return err
}

// member needs mu.
func (c *Conn) member(name tenant.Topic) *member {
	for _, m := range c.topics {
		if m.name == name {
			return m
		}
	}
	return nil
}

// strike needs mu: m is not one of the socket's any more.
func (c *Conn) strike(m *member) {
	m.left = true
	if i := slices.Index(c.topics, m); i >= 0 {
		c.topics = slices.Delete(c.topics, i, i+1)
	}
}

// holdAgain needs mu.
func (c *Conn) holdAgain(m *member) error {
	if c.closing != nil {
		return ErrClosed
	}
	if !m.holding {
		m.holding, m.held = true, c.queue.take(m, everything)
		for i := range m.held {
			c.heldNow += m.held[i].size()
		}
	}
	return nil
}

// Release queues what was kept back since Hold, without the events up to after, and
// lets later messages through, again without events up to after (0: up to where it was
// released before). Messages with Seq 0 are no events. The error is ErrNotHeld or ErrClosed.
func (c *Conn) Release(name tenant.Topic, after int64) error {
	h := c.hub
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing != nil {
		return ErrClosed
	}
	m := c.member(name)
	if m == nil || !m.holding {
		return ErrNotHeld
	}
	if t := m.topic; t != nil && h.repair != nil {
		c.mu.Unlock()
		t.begin(after, c.first, h) // which may give events to this socket too
		c.mu.Lock()
		if c.closing != nil {
			return ErrClosed
		}
	}
	held := m.held
	m.holding, m.held = false, nil
	if after > 0 { // 0: nothing new is known of where the client is
		m.after = after
	}
	for i := range held {
		c.heldNow -= held[i].size()
		if c.admit(held[i]) {
			c.kick(held[i].class)
		}
	}
	return nil
}

// Begin says, between Hold and Release, that the topic is at this event, as the topic's owner
// answered after Hold. It returns false if events after it will not come, since they went to
// those who were here before: the answer is behind the times, and is to be asked for again.
func (c *Conn) Begin(name tenant.Topic, seq int64) bool {
	c.mu.Lock()
	m := c.member(name)
	var t *topic
	if m != nil {
		t = m.topic
	}
	c.mu.Unlock()
	if t == nil {
		return true // it left, which Release says
	}
	t.begin(seq, c.first, c.hub)
	t.mu.RLock()
	defer t.mu.RUnlock()
	return seq >= m.since
}

// Leave ends a topic: nothing of it is written any more, but for a frame that is being
// written now.
func (c *Conn) Leave(name tenant.Topic) {
	c.mu.Lock()
	m := c.member(name)
	if m != nil {
		c.strike(m)
		c.forget(m)
	}
	c.mu.Unlock()
	if m != nil {
		c.part(m)
	}
}

// forget needs mu: what is kept or queued of m is dropped.
func (c *Conn) forget(m *member) {
	for i := range m.held {
		c.heldNow -= m.held[i].size()
	}
	m.held = nil
	c.queue.take(m, everything)
}

// part takes m, which is not in c.topics any more, out of its topic.
func (c *Conn) part(m *member) {
	c.mu.Lock()
	t := m.topic
	c.mu.Unlock()
	if t != nil && t.remove(m) {
		c.hub.topics.leave(t)
	}
}

// Topics are those that the socket listens to, in no order.
func (c *Conn) Topics() []tenant.Topic {
	c.mu.Lock()
	defer c.mu.Unlock()
	names := make([]tenant.Topic, 0, len(c.topics))
	for _, m := range c.topics {
		names = append(names, m.name)
	}
	return names
}
