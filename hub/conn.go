package hub

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire"
)

// Identity is whose socket it is.
type Identity struct {
	Tenant  tenant.ID
	Slug    string // the tenant's, for people
	Player  string // the token's subject
	Name    string // how others call the player
	Role    string // RolePlayer, or one of the operator's people
	Address string // the client's network address
	Host    string // the tenant's domain by which the client came
	Origin  string // the tenant's domain whose page opened the socket; empty for programs
	Token   Token
}

// Token is the token that lets a socket stay.
type Token struct {
	ID        string // its jti; may be empty
	Key       string // of the key that verified it
	IssuedAt  time.Time
	ExpiresAt time.Time // zero: never
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
	hub     *Hub
	name    string
	id      Identity
	subject *subject
	tenant  *tenancy // the subject's
	since   time.Time
	first   int64 // the smallest epoch that there could be when it came
	ws      *websocket.Conn
	link    *link
	flusher *flusher

	renewed atomic.Pointer[Token] // the token that took the place of id's
	over    atomic.Bool           // it is closed or told to

	received int32        // length of the frame that Received is given; of who reads
	expires  atomic.Int64 // UnixNano; 0: never
	heardAt  atomic.Int64 // of Hub.clock
	sentAt   atomic.Int64 // of Hub.clock
	seatAt   atomic.Int64 // of Hub.clock: when the seat was told last
	dueAt    atomic.Int64 // the tick of the wheel at which it is looked at

	mu       sync.Mutex // guards what follows
	queue    queue
	heldNow  int // bytes of members' held
	topics   []*member
	resyncer Resyncer // nil: none, or it is not open yet
	resyncAt int64    // of Hub.clock: when it may be resynchronised again
	seat     int64    // its player's, in seated; 0: none yet
	seated   *topic   // the player's own
	closing  *closing // why it ends; nothing is queued any more
	ended    bool     // reading is over: it is in no topic, and will not be
	listed   uint8    // bit k: the flusher has it in its line of class k
	deflate  bool     // the client takes compressed messages; set once
	blocked  bool     // drain writes, and nobody else
	broken   bool     // writing is over
	bye      bye
	answer   *answers      // to the client's control frames; nil: to none yet
	silence  chan struct{} // made by who waits for quiet
}

type closing struct {
	code  wire.CloseCode
	retry time.Duration
	flush bool // first what waits
}

// answers are those to the client's control frames that are not sent yet.
type answers struct {
	pong []byte // to its latest ping
	echo []byte // to its close frame; stays
}

// bye is where the socket's close frame is; nothing is written after it.
type bye uint8

const (
	byeUnsaid bye = iota
	byeWriting
	byeSaid
)

// ID is the socket's name in logs and in session.welcome.
func (c *Conn) ID() string { return c.name }

// Identity is whose socket it is, with the token that it has now.
func (c *Conn) Identity() Identity {
	id := c.id
	if t := c.renewed.Load(); t != nil {
		id.Token = *t
	}
	return id
}

// Log says conn, tenant and player in every line. It is made anew for each call: most
// sockets never log.
func (c *Conn) Log() *slog.Logger {
	return c.hub.log.With("conn", c.name, "tenant", c.id.Tenant.String(), "player", c.id.Player)
}

// Send queues a frame, which must not be changed any more. A frame with a key replaces
// an unsent older one that was sent with that key. Frames of one class keep their
// order, among each other and with what comes from topics in that class: what must come
// before a topic's messages is sent in ClassResult before Release.
func (c *Conn) Send(class Class, key string, frame []byte) {
	if f := newFrame(frame, class, 0, slot{key: key}); f != nil {
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

// Renew gives the socket another token of the same identity, and with it another moment at
// which it is closed as expired. What may have been decided against that token since it was
// checked must be checked again after Renew.
func (c *Conn) Renew(t Token) {
	c.renewed.Store(&t)
	c.setExpiry(t.ExpiresAt)
	c.hub.wheel.put(c, c.nextLook())
}

func (c *Conn) setExpiry(expires time.Time) {
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
	c.kick(ClassResult)
	// From here on everything that still goes over the connection has an end.
	_ = c.link.SetDeadline(time.Now().Add(closeTimeout))
	c.over.Store(true)
	if c.hub.log.Enabled(context.Background(), slog.LevelDebug) {
		c.Log().Debug("closing a socket", "code", why.code.Name, "retry_after", why.retry)
	}
}

// deliver is called by the topic, in order, for each message. It reports whether the
// socket is to be listed at its flusher.
func (c *Conn) deliver(m *member, f *frame) (list bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !m.left && c.admit(item{frame: f, from: m}) && c.listing(f.class)
}

// admit needs mu. It queues the item, or keeps it while its topic is held, unless it is known to
// the client, and reports whether it is in the queue now.
func (c *Conn) admit(it item) bool {
	m := it.from
	if m != nil && !m.holding && it.seq > 0 && it.seq <= m.after || c.closing != nil || c.ended || !c.bound() {
		return false
	}
	if m != nil && m.holding { // maybe since bound
		m.held = append(m.held, it)
		c.heldNow += it.size()
		return false
	}
	c.queue.push(it)
	return true
}

// listing needs mu. It reports whether the socket must be listed in class, and takes it
// that it is: what is listed in that class, or a more urgent one, is written to soon.
func (c *Conn) listing(class Class) bool {
	if c.blocked || c.listed&(2<<class-1) != 0 {
		return false
	}
	c.listed |= 1 << class
	return true
}

// kick needs mu: there is something to be written.
func (c *Conn) kick(class Class) {
	if c.listing(class) {
		c.flusher.list(class, c)
	}
}

// bound needs mu. If too much waits already it resynchronises the socket, or closes it: a single
// frame, however long, may always be sent.
func (c *Conn) bound() bool {
	if c.queue.bytes+c.heldNow <= c.hub.limits.QueueBytesMax {
		return true
	}
	c.hub.meters.hit(limitQueue)
	if c.relieve() {
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

// Closing reports whether the socket is closed, or was told to.
func (c *Conn) Closing() bool { return c.over.Load() }

// end is called when reading is over. It leaves all topics, and returns when nothing more
// is written.
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
	if c.closing == nil && !c.left() {
		c.broken = true // nobody is there to say goodbye to
		c.cut()
	}
	c.mu.Unlock()
	for _, m := range left {
		c.part(m)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.quiet() {
		silence := make(chan struct{})
		c.silence = silence
		c.mu.Unlock()
		<-silence
		c.mu.Lock()
	}
}

// left needs mu. It reports whether the client has closed the socket.
func (c *Conn) left() bool { return c.answer != nil && c.answer.echo != nil }

// quiet needs mu. It reports whether nothing is written any more, nor will be.
func (c *Conn) quiet() bool { return !c.blocked && (c.broken || c.bye == byeSaid) }

// hush needs mu: whoever waits for quiet is told of it.
func (c *Conn) hush() {
	if c.silence != nil && c.quiet() {
		close(c.silence)
		c.silence = nil
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
