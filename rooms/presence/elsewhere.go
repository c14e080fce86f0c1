package presence

import (
	"context"
	"encoding/json"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
)

const (
	// heldMethod is the method by which a node asks another whether a player is there.
	heldMethod = "web.presence.held"
	// askWithin is how long a node has to answer. One that does not may be dead, though its lease still runs.
	askWithin = 500 * time.Millisecond
	// asksMax bounds the questions about a tenant's players that a node has under way. Who comes beyond it waits for askWithin, and
	// is not asked about then.
	asksMax = 32
)

// asking are the questions about a tenant's players.
type asking struct {
	slots   chan struct{} // of those under way
	callers int           // of Held
}

// heldAsk asks whether a player is on a node, and heldAnswer says so, and how many of the tenant's players are.
type heldAsk struct {
	Tenant tenant.ID `json:"tenant"`
	Player string    `json:"player"`
}

type heldAnswer struct {
	Plays  bool `json:"plays,omitempty"`
	Online int  `json:"online"`
}

// answer answers the questions of other nodes.
func (c *Counter) answer(here func(tenant.ID, string) (int, bool)) {
	c.bus.Answer(heldMethod, func(from string, body []byte, reply func([]byte)) {
		var ask heldAsk
		if err := strict.DecodeKnown(body, &ask); err != nil || reply == nil {
			c.log.Warn("another node's question cannot be read", "from", from, "error", err)
			return
		}
		var a heldAnswer
		a.Online, a.Plays = here(ask.Tenant, ask.Player)
		if body, err := json.Marshal(a); err == nil {
			reply(body)
		}
	})
}

// Elsewhere returns how many of a tenant's players are on other nodes, as they said last: those that live, and answered when
// they were asked last.
func (c *Counter) Elsewhere(id tenant.ID) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for name := range c.counting(id) {
		n += c.peers[name].counts[id].Online
	}
	return n
}

// counting yields the nodes of whose players of a tenant Elsewhere is the sum. c.mu is held.
func (c *Counter) counting(id tenant.ID) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for name, p := range c.peers {
			if c.living[name] && !p.silent && p.counts[id].Online > 0 && !yield(name) {
				return
			}
		}
	}
}

// Held reports whether a player is on another node, and brings Elsewhere up to date: it asks the nodes that have players of the
// tenant. One that does not answer is not counted until it is heard again, so that a dead one holds nobody's place while its
// lease runs.
func (c *Counter) Held(ctx context.Context, id tenant.ID, player string) bool {
	body, err := json.Marshal(heldAsk{id, player})
	if err != nil {
		return false
	}
	c.mu.Lock()
	own := c.asking[id]
	if own == nil {
		own = &asking{slots: make(chan struct{}, asksMax)}
		c.asking[id] = own
	}
	own.callers++
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if own.callers--; own.callers == 0 {
			delete(c.asking, id)
		}
	}()
	wait := time.NewTimer(askWithin)
	defer wait.Stop()
	select {
	case own.slots <- struct{}{}:
		defer func() { <-own.slots }()
	case <-wait.C:
		return false
	case <-ctx.Done():
		return false
	}
	boots := map[string]string{}
	c.mu.Lock()
	for name := range c.counting(id) { // without the nodes that were found dead meanwhile
		boots[name] = c.peers[name].boot
	}
	c.mu.Unlock()
	plays := make(chan bool, len(boots))
	for name, boot := range boots {
		c.bus.Ask(name, heldMethod, body, askWithin, func(body []byte, err error) {
			var a heldAnswer
			if err == nil {
				err = strict.DecodeKnown(body, &a)
			}
			c.answered(name, boot, id, a, err)
			plays <- err == nil && a.Plays
		})
	}
	for range boots {
		select {
		case yes := <-plays:
			if yes {
				return true
			}
		case <-ctx.Done():
			return false
		}
	}
	return false
}

// answered records what a process of a node answered, or that it did not.
func (c *Counter) answered(name, boot string, id tenant.ID, a heldAnswer, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.peers[name]
	if p == nil || p.boot != boot {
		return
	}
	if err != nil {
		p.silent = true
		return
	}
	if counts, ok := p.counts[id]; ok {
		counts.Online = max(0, a.Online)
		p.counts[id] = counts
	}
}
