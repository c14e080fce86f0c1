package presence

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
)

const (
	// Every is how often a node has to call Count and Changes.
	Every = time.Second
	// fullEvery is how often a node sends the others all of its counts: what the bus lost is wrong for that
	// long at most.
	fullEvery = 5 * time.Second
	// forgetAfter is how long the counts of a node are kept that has gone silent and whose lease has run
	// out.
	forgetAfter = 10 * time.Second
	// wholeWithin is how long a node that starts waits for the counts of the others. One is told them by the second Every, or at
	// fullEvery if the bus lost them.
	wholeWithin = fullEvery + 2*Every
)

// method is the method of the messages in which nodes exchange their counts.
const method = "web.presence"

// Bus carries messages between nodes. *hub.Hub is one.
type Bus interface {
	Tell(method string, body []byte) error
	Answer(method string, f hub.Answerer)
	Ask(node, method string, body []byte, within time.Duration, answer func([]byte, error))
}

// Counter counts the players of all nodes.
type Counter struct {
	node string
	boot string // distinguishes this process from an earlier one of the node's name
	bus  Bus
	log  *slog.Logger

	mu     sync.Mutex // guards what follows; held while sockets are sent something
	here   map[tenant.ID]Counts
	peers  map[string]*peer
	living map[string]bool // nodes whose leases run
	sent   map[tenant.ID]*sent
	fullAt time.Time // when the others were last sent everything
	asking map[tenant.ID]*asking
	whole  bool      // Health has returned nil
	waits  time.Time // since when Health has not
}

// Counts are the numbers of a tenant's players, in all and by room. Empty rooms are left out.
type Counts struct {
	Online int            `json:"online"`
	Rooms  map[string]int `json:"rooms,omitempty"`
}

// peer is another node, by its messages.
type peer struct {
	boot    string
	heardAt time.Time
	counts  map[tenant.ID]Counts
	fullAt  map[tenant.ID]time.Time // when it last sent all of a tenant's counts
	whole   bool                    // it has sent all counts of every tenant
}

// New returns the Counter of a node, which subscribes to the messages of the others. here returns how many of a tenant's players
// are on this node, and reports whether one is among them.
func New(node string, bus Bus, log *slog.Logger, here func(id tenant.ID, player string) (online int, plays bool)) *Counter {
	c := newCounter(node)
	c.bus, c.log = bus, log
	c.answer(here)
	bus.Answer(method, func(from string, body []byte, _ func([]byte)) {
		var m message
		if err := strict.DecodeKnown(body, &m); err != nil {
			log.Warn("another node's presence cannot be read", "from", from, "error", err)
			return
		}
		c.hear(time.Now(), from, m)
	})
	return c
}

func newCounter(node string) *Counter {
	return &Counter{
		node: node, boot: uuid.NewString(), here: map[tenant.ID]Counts{}, peers: map[string]*peer{},
		living: map[string]bool{}, sent: map[tenant.ID]*sent{}, asking: map[tenant.ID]*asking{},
	}
}

// Count records who is on this node now, which it keeps, and which nodes' leases run, and sends the other
// nodes what changed.
func (c *Counter) Count(now time.Time, here map[tenant.ID]Counts, living []string) {
	for _, m := range c.count(now, here, living) {
		body, err := json.Marshal(m)
		if err == nil {
			err = c.bus.Tell(method, body)
		}
		if err != nil {
			c.log.Debug("other nodes do not hear who is here", "error", err) // the bus's health check reports it
		}
	}
}

// count does what Count does, but returns the messages to the other nodes.
func (c *Counter) count(now time.Time, here map[tenant.ID]Counts, living []string) []message {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.living)
	for _, name := range living {
		c.living[name] = true
	}
	for name, p := range c.peers {
		if !c.living[name] && now.Sub(p.heardAt) > forgetAfter {
			delete(c.peers, name)
			continue
		}
		for id, at := range p.fullAt { // a node that lives would have sent this tenant again
			if p.heardAt.Sub(at) > 2*fullEvery {
				delete(p.counts, id)
				delete(p.fullAt, id)
			}
		}
	}
	full := now.Sub(c.fullAt) >= fullEvery
	if full {
		c.fullAt = now
	}
	out := &writer{boot: c.boot}
	for id, counts := range here {
		before, ok := c.here[id]
		if full || !ok || before.Online == 0 && len(before.Rooms) == 0 { // others forgot an empty one
			out.write(tenantCounts{Tenant: id, Full: true, Counts: counts})
			continue
		}
		if changed := counts.since(before); changed.Online != before.Online || len(changed.Rooms) > 0 {
			out.write(tenantCounts{Tenant: id, Counts: changed})
		}
	}
	for id := range c.here {
		if _, still := here[id]; !still {
			out.write(tenantCounts{Tenant: id, Full: true})
		}
	}
	c.here = here
	if full {
		if len(out.messages) == 0 {
			out.messages = append(out.messages, message{Boot: c.boot})
		}
		out.messages[len(out.messages)-1].Whole = true
	}
	return out.messages
}

// hear records another node's message.
func (c *Counter) hear(now time.Time, from string, m message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if from == c.node {
		return
	}
	p := c.peers[from]
	if p == nil || p.boot != m.Boot {
		p = &peer{boot: m.Boot, counts: map[tenant.ID]Counts{}, fullAt: map[tenant.ID]time.Time{}}
		c.peers[from] = p
		c.fullAt = time.Time{} // that node knows nothing of this one either
	}
	p.heardAt, p.whole = now, p.whole || m.Whole
	for _, said := range m.Counts {
		if said.Full {
			p.fullAt[said.Tenant] = now
		}
		counts, known := p.counts[said.Tenant]
		switch {
		case said.Full && said.Online == 0 && len(said.Rooms) == 0:
			delete(p.counts, said.Tenant)
			continue
		case said.Full:
			counts.Rooms = map[string]int{}
		case !known:
			continue // the rest comes within fullEvery
		}
		counts.Online = said.Online
		for room, n := range said.Rooms {
			if counts.Rooms[room] = n; n == 0 {
				delete(counts.Rooms, room)
			}
		}
		p.counts[said.Tenant] = counts
	}
}

// sum returns how many of a tenant's players there are, on all nodes. c.mu is held.
func (c *Counter) sum(id tenant.ID) Counts {
	all := Counts{c.here[id].Online, maps.Clone(c.here[id].Rooms)}
	if all.Rooms == nil {
		all.Rooms = map[string]int{}
	}
	for name, p := range c.peers {
		if !c.living[name] {
			continue
		}
		counts := p.counts[id]
		all.Online += counts.Online
		for room, n := range counts.Rooms {
			all.Rooms[room] += n
		}
	}
	return all
}

// Players returns how many players are in a room, on all nodes.
func (c *Counter) Players(id tenant.ID, room string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.here[id].Rooms[room]
	for name, p := range c.peers {
		if c.living[name] {
			n += p.counts[id].Rooms[room]
		}
	}
	return n
}

// Health returns nil once all nodes whose leases run have said how many players they have, and Count was told that they live:
// before that Elsewhere is too low, and a plan's limit would let too many in. It waits for wholeWithin, since a node may not be on
// the bus. Once it has returned nil it always does: of the players of a node that comes later this one hears as they come.
func (c *Counter) Health(now time.Time, living []string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.whole {
		return nil
	}
	for _, name := range living {
		if p := c.peers[name]; name == c.node || p != nil && p.whole && c.living[name] {
			continue
		}
		if c.waits.IsZero() {
			c.waits = now
		}
		if now.Sub(c.waits) < wholeWithin {
			return fmt.Errorf("presence: node %s has not said yet how many players it has", name)
		}
		c.log.Warn("another node does not say how many players it has; plans' limits count none there", "node", name)
	}
	c.whole = true
	return nil
}
