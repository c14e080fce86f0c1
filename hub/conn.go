package hub

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/time/rate"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire"
)

// Identity is whose socket it is.
type Identity struct {
	Tenant    tenant.ID
	Slug      string // the tenant's, for people
	Player    string // the token's subject
	Name      string // how others call the player
	Role      string // RolePlayer, or one of the operator's people
	TokenID   string // the token's jti; may be empty
	ExpiresAt time.Time
	Address   string // the client's network address
}

// RolePlayer is the role of which a tenant's player has one socket at a time, and which
// is sent private forms.
const RolePlayer = "player"

// Handler is what a socket's frames mean. Its methods are called one at a time, by the
// goroutine that reads the socket.
type Handler interface {
	// Received is given one text frame, which is valid during the call only. Until it
	// returns nothing more is read.
	Received(frame []byte)
	// Closed is the last call. The socket is already in no topic any more.
	Closed()
}

// Conn is one socket. All methods but those of one topic's Hold, Release and Leave may
// be called by anybody at any time; those three are for one goroutine at a time. None
// but Hold waits for anything.
type Conn struct {
	// Set once, before anybody knows it.
	hub    *Hub
	name   string
	id     Identity
	tenant *tenancy
	since  time.Time
	log    *slog.Logger
	ctx    context.Context // ends when the socket is closed or told to
	cancel context.CancelFunc
	rate   *rate.Limiter
	ws     *websocket.Conn
	net    net.Conn

	refused atomic.Int64 // how many more commands were refused than allowed, lately
	expires atomic.Int64 // UnixNano; 0: never
	heardAt atomic.Int64 // UnixNano
	sentAt  atomic.Int64 // UnixNano
	writing atomic.Int64 // UnixNano since when a frame is being written; 0: none is

	mu      sync.Mutex // guards what follows
	wake    sync.Cond  // of mu; the writer waits for it
	queue   queue
	heldNow int // bytes of members' held
	topics  map[tenant.Topic]*member
	closing *closing // why it ends; nothing is queued any more
	ended   bool     // reading is over: it is in no topic, and will not be
}

type closing struct {
	code  wire.CloseCode
	retry time.Duration
	flush bool // first what waits
}

// ID is the socket's name in logs and in session.welcome.
func (c *Conn) ID() string { return c.name }

// Identity is whose socket it is. ExpiresAt is that of the first token; see Renew.
func (c *Conn) Identity() Identity { return c.id }

// Context ends when the socket is closed, or is told to be.
func (c *Conn) Context() context.Context { return c.ctx }

// Log says conn, tenant and player in every line.
func (c *Conn) Log() *slog.Logger { return c.log }

// Send queues a frame, which must not be changed any more. A frame with a key replaces
// an unsent older one that was sent with that key. Frames of one class keep their
// order, among each other and with what comes from topics in that class: what must come
// before a topic's messages is sent in ClassResult before Release.
func (c *Conn) Send(class Class, key string, frame []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.push(item{frame: frame, class: class, slot: slot{key: key}})
}

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
	if m := c.topics[name]; m != nil {
		defer c.mu.Unlock()
		return c.holdAgain(m)
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
	if c.topics == nil {
		c.topics = map[tenant.Topic]*member{}
	}
	c.topics[name] = m
	c.mu.Unlock()

	ctx, cancel := context.WithTimeout(c.ctx, busTimeout)
	defer cancel()
	t, err := c.hub.topics.enter(ctx, name)
	if err == nil {
		// Leave, or the end of the socket, may have come meanwhile.
		c.mu.Lock()
		m.topic = t
		still := c.topics[name] == m
		c.mu.Unlock()
		if still && t.add(m) {
			return nil
		}
		c.hub.topics.leave(t)
		return ErrClosed
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.topics[name] != m || c.closing != nil {
		err = ErrClosed
	}
	if c.topics[name] == m {
		delete(c.topics, name)
	}
	return err
}

// holdAgain needs mu.
func (c *Conn) holdAgain(m *member) error {
	if c.closing != nil {
		return ErrClosed
	}
	if !m.holding {
		m.holding, m.held = true, c.queue.take(m)
		for i := range m.held {
			c.heldNow += m.held[i].bytes()
		}
	}
	return nil
}

// Release queues what was kept back since Hold, without the events up to after, and
// lets later messages through, again without events up to after. Messages with Seq 0
// are no events. The error is ErrNotHeld or ErrClosed.
func (c *Conn) Release(name tenant.Topic, after int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing != nil {
		return ErrClosed
	}
	m := c.topics[name]
	if m == nil || !m.holding {
		return ErrNotHeld
	}
	held := m.held
	m.holding, m.held, m.after = false, nil, after
	for i := range held {
		c.heldNow -= held[i].bytes()
		if held[i].seq <= 0 || held[i].seq > after {
			c.push(held[i])
		}
	}
	return nil
}

// Leave ends a topic: nothing of it is written any more, but for a frame that is being
// written now.
func (c *Conn) Leave(name tenant.Topic) {
	c.mu.Lock()
	m := c.topics[name]
	if m != nil {
		delete(c.topics, name)
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
		c.heldNow -= m.held[i].bytes()
	}
	m.held = nil
	c.queue.take(m)
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
	for name := range c.topics {
		names = append(names, name)
	}
	return names
}

// Allow takes one command from the socket's and from the tenant's allowance, and
// reports whether there was one. Who goes on regardless is closed as flooding.
func (c *Conn) Allow() bool {
	if !c.rate.Allow() {
		c.hub.meters.hit(limitCommands)
		if c.refused.Add(1) >= int64(c.hub.limits.RefusalsMax) {
			c.hub.meters.hit(limitRefusals)
			c.Close(wire.CloseFlood, overloadRetry)
		}
		return false
	}
	if c.refused.Add(-1) < 0 {
		c.refused.Store(0)
	}
	if !c.tenant.rate.Allow() {
		c.hub.meters.hit(limitTenantCommands)
		return false
	}
	return true
}

// Renew moves the moment at which the socket is closed as expired. The zero time is
// never.
func (c *Conn) Renew(expires time.Time) {
	if expires.IsZero() || expires.Year() > 2200 { // UnixNano ends in 2262
		c.expires.Store(0)
		return
	}
	c.expires.Store(expires.UnixNano())
}

// Close ends the socket: session.closing and a close frame overtake all that waits.
// Zero retryAfter says nothing about when to come back. The first Close counts.
func (c *Conn) Close(code wire.CloseCode, retryAfter time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.close(closing{code: code, retry: retryAfter})
}

// close needs mu.
func (c *Conn) close(why closing) {
	if c.closing != nil || c.ended {
		return
	}
	c.closing = &why
	if !why.flush {
		c.queue.clear()
	}
	for _, m := range c.topics {
		m.held = nil
	}
	c.heldNow = 0
	// From here on everything that still goes over the connection has an end.
	_ = c.net.SetDeadline(time.Now().Add(closeTimeout))
	c.cancel()
	c.wake.Signal()
	c.log.Debug("closing a socket", "code", why.code.Name, "retry_after", why.retry)
}

// deliver is called by the topic, in order, for each message.
func (c *Conn) deliver(m *member, msg *Message, frame []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing != nil || c.topics[m.name] != m {
		return
	}
	it := item{frame: frame, from: m, class: msg.Class, seq: msg.Seq}
	if msg.Key != "" {
		it.slot = slot{m.name, msg.Key}
	}
	switch {
	case m.holding:
		if c.bound() {
			m.held = append(m.held, it)
			c.heldNow += it.bytes()
		}
	case msg.Seq > 0 && msg.Seq <= m.after:
	default:
		c.push(it)
	}
}

// push needs mu.
func (c *Conn) push(it item) {
	if c.closing != nil || c.ended || len(it.frame) == 0 {
		return
	}
	if c.bound() {
		c.queue.push(it)
		c.wake.Signal()
	}
}

// bound needs mu. It closes the socket if too much waits already: a single frame, however
// long, may always be sent.
func (c *Conn) bound() bool {
	if c.queue.bytes+c.heldNow <= c.hub.limits.QueueBytesMax {
		return true
	}
	c.hub.meters.hit(limitQueue)
	c.close(closing{code: wire.CloseSlow})
	return false
}

func (c *Conn) queued() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.queue.bytes + c.heldNow
}

func (c *Conn) isClosing() bool { return c.ctx.Err() != nil }

// end is called when reading is over, and leaves all topics.
func (c *Conn) end() {
	c.mu.Lock()
	c.ended = true
	c.queue.clear()
	left := make([]*member, 0, len(c.topics))
	for _, m := range c.topics {
		m.held = nil
		left = append(left, m)
	}
	c.topics, c.heldNow = nil, 0
	c.cancel()
	c.wake.Signal()
	if c.closing == nil {
		c.cut() // nobody is there to say goodbye to
	}
	c.mu.Unlock()
	for _, m := range left {
		c.part(m)
	}
}

// code is how the socket ended, for the metric.
func (c *Conn) code(read error) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing != nil {
		return c.closing.code.Name
	}
	switch websocket.CloseStatus(read) {
	case websocket.StatusNormalClosure, websocket.StatusGoingAway, websocket.StatusNoStatusRcvd:
		return wire.CloseNormal.Name
	}
	return "lost"
}
