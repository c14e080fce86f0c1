package presence

import (
	"context"
	"encoding/json"
	"sync/atomic"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
)

const (
	// heldMethod is the method by which a node asks another whether a player is there.
	heldMethod = "web.presence.held"
	// askWithin bounds the time that a node has to answer. One that does not may be dead, though its lease still runs.
	askWithin = 500 * time.Millisecond
	// asksMax bounds the players of a tenant about whom a node is asking the others. Who comes beyond it waits for askWithin, and
	// is not asked about then. A player is asked about until every node has answered or askWithin is over, also if his client
	// does not wait for it.
	asksMax = 32
)

// asking are the questions about a tenant's players.
type asking struct {
	slots chan struct{} // of the players who are asked about
	users int           // those, and who waits for a slot
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

// Elsewhere returns how many of a tenant's players are on other nodes whose leases run, as they said last.
func (c *Counter) Elsewhere(id tenant.ID) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for name, p := range c.peers {
		if c.living[name] {
			n += p.counts[id].Online
		}
	}
	return n
}

// Held reports whether a player is on another node, and brings Elsewhere up to date: it asks the nodes that have players of the
// tenant. known is false if it is not known: a node did not answer, or asksMax others were asked about.
func (c *Counter) Held(ctx context.Context, id tenant.ID, player string) (held, known bool) {
	body, err := json.Marshal(heldAsk{id, player})
	if err != nil {
		return false, false
	}
	end, ok := c.mayAsk(ctx, id)
	if !ok {
		return false, false
	}
	boots := map[string]string{}
	c.mu.Lock()
	for name, p := range c.peers { // without the nodes that were found dead meanwhile
		if c.living[name] && p.counts[id].Online > 0 {
			boots[name] = p.boot
		}
	}
	c.mu.Unlock()
	if len(boots) == 0 {
		end()
		return false, true
	}
	var left atomic.Int64
	left.Store(int64(len(boots)))
	type answer struct{ plays, known bool }
	answers := make(chan answer, len(boots))
	for name, boot := range boots {
		c.bus.Ask(name, heldMethod, body, askWithin, func(body []byte, err error) {
			var a heldAnswer
			if err == nil {
				err = strict.DecodeKnown(body, &a)
			}
			if err == nil {
				c.answered(name, boot, id, a)
			}
			if left.Add(-1) == 0 {
				end()
			}
			answers <- answer{err == nil && a.Plays, err == nil}
		})
	}
	known = true
	for range boots {
		select {
		case a := <-answers:
			if a.plays {
				return true, true
			}
			known = known && a.known
		case <-ctx.Done():
			return false, false
		}
	}
	return false, known
}

// mayAsk waits until one more of a tenant's players may be asked about, for askWithin at most. end must be called when nobody is
// asked about him any more.
func (c *Counter) mayAsk(ctx context.Context, id tenant.ID) (end func(), ok bool) {
	c.mu.Lock()
	own := c.asking[id]
	if own == nil {
		own = &asking{slots: make(chan struct{}, asksMax)}
		c.asking[id] = own
	}
	own.users++
	c.mu.Unlock()
	leave := func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if own.users--; own.users == 0 {
			delete(c.asking, id)
		}
	}
	wait := time.NewTimer(askWithin)
	defer wait.Stop()
	select {
	case own.slots <- struct{}{}:
		return func() { <-own.slots; leave() }, true
	case <-wait.C:
	case <-ctx.Done():
	}
	leave()
	return nil, false
}

// answered records what a process of a node answered.
func (c *Counter) answered(name, boot string, id tenant.ID, a heldAnswer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.peers[name]
	if p == nil || p.boot != boot {
		return
	}
	if counts, ok := p.counts[id]; ok {
		counts.Online = max(0, a.Online)
		p.counts[id] = counts
	}
}
