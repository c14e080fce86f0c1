package hub

import (
	"context"
	"iter"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire"
)

// Identity says whose socket it is.
type Identity struct {
	Tenant  tenant.ID
	Slug    string // the tenant's, for people
	Player  string // the token's subject
	Name    string // the name that others see
	Role    string // RolePlayer, or a role of the operator's staff
	Address string // the client's network address
	Host    string // the host by which the client came
	Origin  string // the host whose page opened the socket; empty for programs
	Token   Token
}

// Token describes the token that authorises a socket.
type Token struct {
	ID        string // its jti; may be empty
	Key       string // the name of the key that verified it
	IssuedAt  time.Time
	ExpiresAt time.Time // zero: never
}

// RolePlayer is the role of players. A player has one socket at a time and is sent private forms of
// messages.
const RolePlayer = "player"

// Handler handles a socket's frames. Its methods are called one at a time, by the goroutine that
// reads the socket.
type Handler interface {
	// Received handles one text frame, which is valid during the call only. Until it
	// returns nothing more is read.
	Received(frame []byte)
	// Closed is the last call. The socket has already left all topics.
	Closed()
}

// Conn is one socket. Its methods are safe for concurrent use, except that Hold, Release and
// Leave of one topic must be called by one goroutine at a time. None but Hold blocks.
type Conn struct {
	// Set once, before the socket is registered.
	hub      *Hub
	name     string
	id       Identity
	subject  *subject
	tenant   *tenancy // the subject's
	since    time.Time
	minEpoch int64 // Hub.minEpoch when it connected
	ws       *websocket.Conn
	link     *link
	flusher  *flusher

	renewed atomic.Pointer[Token] // the token that replaced id's
	over    atomic.Bool           // it is closed or closing

	received int32        // length of the frame that Received handles; only for the reading goroutine
	expires  atomic.Int64 // UnixNano; 0: never
	heardAt  atomic.Int64 // of Hub.clock
	sentAt   atomic.Int64 // of Hub.clock
	seatAt   atomic.Int64 // of Hub.clock: when the seat was last published
	dueAt    atomic.Int64 // the tick of the wheel at which it is checked

	mu             sync.Mutex // guards what follows
	queue          queue
	heldNow        int // bytes of members' held
	topics         []*member
	resyncer       Resyncer // nil: none, or it is not open yet
	resyncAt       int64    // of Hub.clock: when it may be resynchronised again
	seat           int64    // its player's, in seated; 0: none yet
	seated         *topic   // the player's own
	closing        *closing // why it ends; nothing is queued any more
	ended          bool     // reading has ended: it is in no topic, for good
	listed         uint8    // bit k: it is in the flusher's line of class k
	deflate        bool     // the client takes compressed messages; set once
	blocked        bool     // drain writes, and nobody else
	broken         bool     // writing has ended
	closeState     closeState
	controlReplies *controlReplies // nil: none yet
	writingEnded   chan struct{}   // made by the goroutine that waits for writingDone
}

type closing struct {
	code  wire.CloseCode
	retry time.Duration
	flush bool // write the queue first
}

// controlReplies holds the replies to the client's control frames that are not sent yet.
type controlReplies struct {
	pong []byte // to its latest ping
	echo []byte // to its close frame; stays
}

// closeState is the state of the socket's close frame, after which nothing is written.
type closeState uint8

const (
	closeUnsent closeState = iota
	closeWriting
	closeSent
)

// ID returns the socket's name in logs and in session.welcome.
func (c *Conn) ID() string { return c.name }

// Identity returns the socket's identity with its current token.
func (c *Conn) Identity() Identity {
	id := c.id
	if t := c.renewed.Load(); t != nil {
		id.Token = *t
	}
	return id
}

// Log returns a logger that adds conn, tenant and player to every line. Each call makes a new one:
// most sockets never log.
func (c *Conn) Log() *slog.Logger {
	return c.hub.log.With("conn", c.name, "tenant", c.id.Tenant, "player", c.id.Player)
}

// Send queues a frame, which must not be changed any more. A frame with a key replaces
// an unsent older one that was sent with that key. Frames of one class keep their
// order, among each other and with a topic's messages of that class: a frame that must precede
// a topic's messages must be sent in ClassResult before Release.
func (c *Conn) Send(class Class, key string, frame []byte) {
	if f := newFrame(frame, class, 0, slot{key: key}); f != nil {
		c.send(f)
	}
}

// SendAll sends all sockets the same frame, which is built, and compressed, once. See Send.
func SendAll(conns iter.Seq[*Conn], class Class, key string, frame []byte) {
	f := newFrame(frame, class, 0, slot{key: key})
	if f == nil {
		return
	}
	for c := range conns {
		c.send(f)
	}
}

func (c *Conn) send(f *frame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.admit(item{frame: f}) {
		c.kick(f.class)
	}
}

// Renew replaces the socket's token by another of the same identity, and with it the time at which
// the socket is closed as expired. The caller must check again after Renew whether the token has
// been revoked since it was checked.
func (c *Conn) Renew(t Token) {
	c.renewed.Store(&t)
	c.setExpiry(t.ExpiresAt)
	c.hub.wheel.put(c, c.nextCheck())
}

func (c *Conn) setExpiry(expires time.Time) {
	if expires.IsZero() || expires.Year() > 2200 { // UnixNano ends in 2262
		c.expires.Store(0)
		return
	}
	c.expires.Store(expires.UnixNano())
}

// Close closes the socket: session.closing and a close frame overtake all queued messages. A zero
// retryAfter does not tell the client when to come back. Only the first Close has an effect.
func (c *Conn) Close(code wire.CloseCode, retryAfter time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.close(closing{code: code, retry: retryAfter})
}

// close closes the socket unless it is closing already. c.mu must be held.
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
	c.kick(ClassResult)
	// From here on all that still goes over the connection is bounded in time.
	_ = c.link.SetDeadline(time.Now().Add(closeTimeout))
	c.over.Store(true)
	if c.hub.log.Enabled(context.Background(), slog.LevelDebug) {
		c.Log().Debug("closing a socket", "code", why.code.Name, "retry_after", why.retry)
	}
}

// deliver queues a message of a topic, which calls it in order. It reports whether the socket must be
// listed at its flusher.
func (c *Conn) deliver(m *member, f *frame) (list bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !m.left && c.admit(item{frame: f, from: m}) && c.listing(f.class)
}

// admit queues the item, or keeps it while its topic is held, unless the client knows it, and
// reports whether it is in the queue now. c.mu must be held.
func (c *Conn) admit(it item) bool {
	m := it.from
	if m != nil && !m.holding && it.seq > 0 && it.seq <= m.after || c.closing != nil || c.ended || !c.bound() {
		return false
	}
	if m != nil && m.holding { // bound may have held the topic
		m.held = append(m.held, it)
		c.heldNow += it.size()
		return false
	}
	c.queue.push(it)
	return true
}

// listing reports whether the socket must be listed in class, and assumes that the caller does
// so. It need not if it is listed in that class or a more urgent one. c.mu must be held.
func (c *Conn) listing(class Class) bool {
	if c.blocked || c.listed&(2<<class-1) != 0 {
		return false
	}
	c.listed |= 1 << class
	return true
}

// kick lists the socket at its flusher, to write a message of class. c.mu must be held.
func (c *Conn) kick(class Class) {
	if c.listing(class) {
		c.flusher.list(class, c)
	}
}

// bound reports whether another message may be queued. If too much is queued already it starts to
// resynchronise the socket, or closes it; a single frame of any length may always be sent. c.mu must be held.
func (c *Conn) bound() bool {
	if c.queue.bytes+c.heldNow <= c.hub.limits.QueueBytesMax {
		return true
	}
	c.hub.hit(c.id.Tenant, limitQueue)
	if c.startResync() {
		return true
	}
	c.close(closing{code: wire.CloseSlow})
	return false
}

func (c *Conn) queued() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.queue.bytes + c.heldNow
}

// Closing reports whether the socket is closed or closing.
func (c *Conn) Closing() bool { return c.over.Load() }

// end leaves all topics after reading has ended, and returns when writing has ended too.
func (c *Conn) end() {
	c.mu.Lock()
	c.ended = true
	c.queue.clear()
	left := c.topics
	for _, m := range left {
		m.left, m.held = true, nil
	}
	c.topics, c.heldNow = nil, 0
	c.over.Store(true)
	if c.closing == nil && !c.clientClosed() {
		c.broken = true // nobody is left to read a close frame
		c.cut()
	}
	c.mu.Unlock()
	for _, m := range left {
		c.leaveTopic(m)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.writingDone() {
		ended := make(chan struct{})
		c.writingEnded = ended
		c.mu.Unlock()
		<-ended
		c.mu.Lock()
	}
}

// clientClosed reports whether the client has closed the socket. c.mu must be held.
func (c *Conn) clientClosed() bool { return c.controlReplies != nil && c.controlReplies.echo != nil }

// writingDone reports whether nothing is being written, nor will be. c.mu must be held.
func (c *Conn) writingDone() bool { return !c.blocked && (c.broken || c.closeState == closeSent) }

// notifyWritingDone wakes the goroutine that waits for writingDone. c.mu must be held.
func (c *Conn) notifyWritingDone() {
	if c.writingEnded != nil && c.writingDone() {
		close(c.writingEnded)
		c.writingEnded = nil
	}
}

// code returns the name of the socket's close code, for the metric.
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
