package hub

import (
	"slices"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

// Hold makes the socket listen to a topic. From when it returns, the topic's messages
// are held until Release; they count as queued for the socket, so that too many close it as
// slow. Holding a topic that the socket listens to already also holds its messages that are not
// written yet. The error is ErrTooManyTopics, ErrOtherTenant, ErrClosed, or the bus's; then the
// socket does not listen.
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
			t.rehold(m, 0)
		}
		return err
	}
	if c.ended || c.closing != nil {
		c.mu.Unlock()
		return ErrClosed
	}
	if len(c.topics) >= c.hub.limits.TopicsPerConnMax {
		c.mu.Unlock()
		c.hub.hit(c.id.Tenant, limitTopics)
		return ErrTooManyTopics
	}
	m := &member{conn: c, name: name, player: c.id.Role == RolePlayer, holding: true}
	c.topics = append(c.topics, m)
	c.mu.Unlock()

	t, err := c.hub.topics.enter(name)
	if err == nil {
		// Leave or the end of the socket may have happened meanwhile.
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
	c.removeMember(m)
	return err
}

// member returns the socket's membership of a topic, or nil. c.mu must be held.
func (c *Conn) member(name tenant.Topic) *member {
	for _, m := range c.topics {
		if m.name == name {
			return m
		}
	}
	return nil
}

// removeMember removes m from the socket's topics. c.mu must be held.
func (c *Conn) removeMember(m *member) {
	m.left = true
	if i := slices.Index(c.topics, m); i >= 0 {
		c.topics = slices.Delete(c.topics, i, i+1)
	}
}

// holdAgain moves the queued messages of m to its held ones. c.mu must be held.
func (c *Conn) holdAgain(m *member) error {
	if c.closing != nil {
		return ErrClosed
	}
	if !m.holding {
		m.holding, m.held = true, c.queue.remove(m, anyFrame)
		for i := range m.held {
			c.heldNow += m.held[i].size()
		}
	}
	return nil
}

// Release queues the messages held since Hold, and passes on later ones, in both cases without
// events up to after (0: the value of the Release before). Messages with Seq 0 are not events. The
// error is ErrNotHeld or ErrClosed.
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
		t.start(after, c.minEpoch, h) // which may deliver events to this socket too
		c.mu.Lock()
		if c.closing != nil {
			return ErrClosed
		}
	}
	held := m.held
	m.holding, m.held = false, nil
	if after > 0 { // 0: the client's position is not known anew
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

// Begin sets the topic's position, which its owner replied after Hold; it must be called between
// Hold and Release. It returns false if the position is outdated: events after it have been delivered
// to earlier members and will not come again, so the caller must ask the owner again.
func (c *Conn) Begin(name tenant.Topic, seq int64) bool {
	c.mu.Lock()
	m := c.member(name)
	var t *topic
	if m != nil {
		t = m.topic
	}
	c.mu.Unlock()
	if t == nil {
		return true // it has left, which Release reports
	}
	t.start(seq, c.minEpoch, c.hub)
	t.mu.RLock()
	defer t.mu.RUnlock()
	return seq >= m.since
}

// Leave ends the subscription to a topic: nothing of it is written any more, except a frame that is
// being written already.
func (c *Conn) Leave(name tenant.Topic) {
	c.mu.Lock()
	m := c.member(name)
	if m != nil {
		c.removeMember(m)
		c.discard(m)
	}
	c.mu.Unlock()
	if m != nil {
		c.leaveTopic(m)
	}
}

// discard drops the held and queued messages of m. c.mu must be held.
func (c *Conn) discard(m *member) {
	for i := range m.held {
		c.heldNow -= m.held[i].size()
	}
	m.held = nil
	c.queue.remove(m, anyFrame)
}

// leaveTopic removes m, which is no longer in c.topics, from its topic.
func (c *Conn) leaveTopic(m *member) {
	c.mu.Lock()
	t := m.topic
	c.mu.Unlock()
	if t != nil && t.remove(m) {
		c.hub.topics.leave(t)
	}
}

// Topics returns the topics that the socket listens to, in no particular order.
func (c *Conn) Topics() []tenant.Topic {
	c.mu.Lock()
	defer c.mu.Unlock()
	names := make([]tenant.Topic, 0, len(c.topics))
	for _, m := range c.topics {
		names = append(names, m.name)
	}
	return names
}
