package changes

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms"
)

const (
	// interval is the shortest time between two signals to a socket, and between two messages to the other nodes.
	interval = 250 * time.Millisecond
	// beatEvery separates the messages that a node sends the others while anybody watches, even if nothing has changed.
	beatEvery = 2 * time.Second
	// silentAfter bounds how long a node may be silent: after that it counts as gone.
	silentAfter = 3 * beatEvery
	// forgetAfter bounds how long a node goes on noting changes for another one that no longer says that it watches them.
	forgetAfter = 5 * beatEvery
	// tenantsPerMessage bounds a message between nodes: some 30 KiB.
	tenantsPerMessage = 512
)

// method is the method of the messages between nodes.
const method = "web.changes"

// Bus carries messages from one node to all others. *hub.Hub is one.
type Bus interface {
	Tell(method string, body []byte) error
	Answer(method string, f hub.Answerer)
}

// Socket is a socket of the staff's. *hub.Conn is one. Send must not block.
type Socket interface {
	Send(class hub.Class, key string, frame []byte)
}

// Tracker notes what changes on this node, and tells the sockets that watch it, on all nodes.
type Tracker struct {
	node, boot string // boot distinguishes this process from an earlier one of the node's name
	bus        Bus
	log        *slog.Logger
	work       chan struct{} // holds one: there is something to tell
	some       atomic.Bool   // there are tenants

	mu      sync.Mutex // guards what follows; held while sockets are sent something
	tenants map[tenant.ID]*watched
	peers   map[string]*peer
	sent    int64 // the number of the last message
	hasNew  bool  // of a tenant with its first socket here the others do not know yet
}

// watched is a tenant whose changes are watched, here or on other nodes.
type watched struct {
	sockets map[Socket]Set
	nodes   map[string]time.Time // other nodes with sockets, and when each said so last
	noted   Set                  // what changed here and nobody was told
	heard   Set                  // what the sockets here are to be told besides
}

// peer is another node, by its messages.
type peer struct {
	boot    string
	last    int64 // the number of its last message
	heardAt time.Time
}

// message tells the other nodes which tenants a node watches, and what has changed on it.
type message struct {
	Boot    string      `json:"boot"`
	Number  int64       `json:"number"`
	Watched []tenant.ID `json:"watched,omitempty"` // of some tenants that have sockets there
	Changed []changed   `json:"changed,omitempty"`
}

type changed struct {
	Tenant tenant.ID `json:"tenant"`
	Kinds  Set       `json:"kinds"`
}

// New returns the Tracker of a node, which subscribes to the messages of the others. It tells nothing before Run.
func New(node string, bus Bus, log *slog.Logger) *Tracker {
	t := newTracker(node)
	t.bus, t.log = bus, log
	bus.Answer(method, func(from string, body []byte, _ func([]byte)) {
		if from == node {
			return
		}
		var m message
		if err := strict.DecodeKnown(body, &m); err != nil {
			log.Warn("what another node says has changed cannot be read", "from", from, "error", err)
			return
		}
		t.hear(time.Now(), from, m)
	})
	return t
}

func newTracker(node string) *Tracker {
	return &Tracker{node: node, boot: uuid.NewString(), work: make(chan struct{}, 1), tenants: map[tenant.ID]*watched{}, peers: map[string]*peer{}}
}

// Note notes that things of a tenant changed, and are committed. It does not block.
func (t *Tracker) Note(id tenant.ID, what Set) { t.note(id, func() Set { return what }, false) }

// Committed notes what a batch of a room changed. It is for rooms.Options.
func (t *Tracker) Committed(ref rooms.Ref, b rooms.Batch) {
	t.note(ref.Tenant, func() Set { return ofBatch(ref, b) }, false)
}

// NoteHere is Note of what each node notices by itself: only the sockets here are told.
func (t *Tracker) NoteHere(id tenant.ID, what Set) { t.note(id, func() Set { return what }, true) }

func (t *Tracker) note(id tenant.ID, what func() Set, here bool) {
	if !t.some.Load() {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	w := t.tenants[id]
	if w == nil {
		return
	}
	to := &w.noted
	if here {
		to = &w.heard
	}
	if all := *to | what(); all != *to {
		*to = all
		t.wake()
	}
}

// Watch makes a socket watch these kinds of a tenant, and no others: none ends it, as it must before the socket is forgotten.
// The socket is told at once of those that it did not watch before.
func (t *Tracker) Watch(id tenant.ID, s Socket, of Set) {
	t.mu.Lock()
	defer t.mu.Unlock()
	w := t.tenants[id]
	if w == nil {
		if of == 0 {
			return
		}
		w = t.add(id)
	}
	if len(w.sockets) == 0 && of != 0 {
		t.hasNew = true
		t.wake()
	}
	if fresh := of &^ w.sockets[s]; fresh != 0 {
		s.Send(hub.ClassChat, "", frame(fresh))
	}
	if of == 0 {
		delete(w.sockets, s)
	} else {
		w.sockets[s] = of
	}
	t.forget(id, w)
}

// Run tells sockets and other nodes what has changed until ctx ends.
func (t *Tracker) Run(ctx context.Context) error {
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	for {
		due := false
		select {
		case <-ctx.Done():
		case <-beat.C:
			due = true
		case <-t.work:
		}
		for _, m := range t.tell(time.Now(), due) {
			body, err := json.Marshal(m)
			if err == nil {
				err = t.bus.Tell(method, body)
			}
			if err != nil {
				t.log.Debug("other nodes do not hear what has changed", "error", err) // the bus's health check reports it
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(interval):
		}
	}
}

// tell tells the sockets here what has changed, and returns the messages to the other nodes: at least one with each beat, while
// anybody watches.
func (t *Tracker) tell(now time.Time, beat bool) []message {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out writer
	if beat = beat || t.hasNew; beat {
		t.hasNew = false
		t.expire(now)
		if len(t.tenants) > 0 {
			out.begin()
		}
	}
	for id, w := range t.tenants {
		if beat && len(w.sockets) > 0 {
			m := out.next()
			m.Watched = append(m.Watched, id)
		}
		if w.noted != 0 && len(w.nodes) > 0 {
			m := out.next()
			m.Changed = append(m.Changed, changed{id, w.noted})
		}
		w.send(w.noted | w.heard)
		w.noted, w.heard = 0, 0
	}
	for i := range out.messages {
		t.sent++
		out.messages[i].Boot, out.messages[i].Number = t.boot, t.sent
	}
	return out.messages
}

// send tells the sockets of a tenant.
func (w *watched) send(what Set) {
	if what == 0 {
		return
	}
	frames := map[Set][]byte{}
	for s, of := range w.sockets {
		if of &= what; of == 0 {
			continue
		}
		if frames[of] == nil {
			frames[of] = frame(of)
		}
		s.Send(hub.ClassChat, "", frames[of])
	}
}

// hear records another node's message.
func (t *Tracker) hear(now time.Time, from string, m message) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.peers[from]
	if p == nil || p.boot != m.Boot || p.last+1 != m.Number {
		t.missed()
		p = &peer{boot: m.Boot}
		t.peers[from] = p
	}
	p.last, p.heardAt = m.Number, now
	for _, id := range m.Watched {
		if id.IsZero() {
			continue
		}
		w := t.tenants[id]
		if w == nil {
			w = t.add(id)
		}
		if _, known := w.nodes[from]; !known {
			w.noted = All
			t.wake()
		}
		w.nodes[from] = now
	}
	for _, c := range m.Changed {
		if w := t.tenants[c.Tenant]; w != nil {
			w.heard |= c.Kinds & All
			t.wake()
		}
	}
}

// missed has all sockets here be told of all that they watch. t.mu is held.
func (t *Tracker) missed() {
	for _, w := range t.tenants {
		w.heard = All
	}
	t.wake()
}

// expire forgets the nodes that are silent, and those that do not watch any more. t.mu is held.
func (t *Tracker) expire(now time.Time) {
	for name, p := range t.peers {
		if now.Sub(p.heardAt) > silentAfter {
			delete(t.peers, name)
			t.missed() // it may have died before it told of a change
		}
	}
	for id, w := range t.tenants {
		for name, at := range w.nodes {
			if now.Sub(at) > forgetAfter {
				delete(w.nodes, name)
			}
		}
		t.forget(id, w)
	}
}

// add adds a tenant. t.mu is held.
func (t *Tracker) add(id tenant.ID) *watched {
	w := &watched{sockets: map[Socket]Set{}, nodes: map[string]time.Time{}}
	t.tenants[id] = w
	t.some.Store(true)
	return w
}

// forget forgets a tenant that nobody watches. t.mu is held.
func (t *Tracker) forget(id tenant.ID, w *watched) {
	if len(w.sockets) == 0 && len(w.nodes) == 0 {
		delete(t.tenants, id)
		t.some.Store(len(t.tenants) > 0)
	}
}

// wake makes Run tell. t.mu need not be held.
func (t *Tracker) wake() {
	select {
	case t.work <- struct{}{}:
	default:
	}
}

// frame returns the signal of some kinds.
func frame(of Set) []byte {
	return wire.Push(wire.PushStaffChanged, wire.StaffChanged{Of: of.Names()})
}

// writer splits what is told into messages.
type writer struct{ messages []message }

func (w *writer) begin() { w.messages = append(w.messages, message{}) }

// next returns the message that takes one more.
func (w *writer) next() *message {
	if n := len(w.messages); n == 0 || len(w.messages[n-1].Watched)+len(w.messages[n-1].Changed) >= tenantsPerMessage {
		w.begin()
	}
	return &w.messages[len(w.messages)-1]
}
