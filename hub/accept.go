package hub

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/pitboss-hub/pitboss/hub/wire"
)

// tenancy is one tenant's share of this node, while it has sockets.
type tenancy struct {
	tenantMeters
	rate *rate.Limiter

	// Guarded by Hub.mu.
	sockets int
	live    map[string]*Conn // by player: the one that has the seat
}

// Accept makes a socket of a request whose identity and origin have been checked, and
// returns when the socket has ended. It has answered the request in any case. The error
// is nil for a socket that was open, however it ended; ErrSubprotocol,
// ErrTooManySockets, ErrDraining, or what was wrong with the handshake.
//
// Open is called when the socket is already found by CloseWhere, Drain and Connections:
// what may have been decided against the identity since it was checked must be checked
// again there. It must not wait for the client.
func (h *Hub) Accept(w http.ResponseWriter, r *http.Request, id Identity, open func(*Conn) Handler) error {
	if !offers(r) {
		refuse(w, http.StatusBadRequest, "invalid_params", "offer the WebSocket subprotocol "+wire.Subprotocol)
		return ErrSubprotocol
	}
	if !h.reserve() {
		h.meters.hit(limitSockets)
		w.Header().Set("Retry-After", strconv.Itoa(int(overloadRetry.Seconds())))
		refuse(w, http.StatusServiceUnavailable, wire.CodeBusy, "this node has all the sockets it can hold")
		return ErrTooManySockets
	}
	defer h.unreserve()

	c := h.newConn(id)
	defer c.cancel()
	if err := c.upgrade(w, r); err != nil {
		return fmt.Errorf("hub: handshake: %w", err)
	}
	defer c.cut()
	if code, refused := h.register(c); refused != nil {
		c.Close(code, spread(overloadRetry))
		c.write()
		h.meters.closes.WithLabelValues(code.Name).Inc()
		return refused
	}

	var writer sync.WaitGroup
	writer.Go(c.write)
	var handler Handler
	var err error
	defer func() {
		c.end()
		writer.Wait()
		h.unregister(c)
		name := c.code(err)
		h.meters.closes.WithLabelValues(name).Inc()
		c.log.Debug("a socket ended", "code", name, "error", err)
		if handler != nil {
			handler.Closed()
		}
	}()
	handler = open(c)
	err = c.read(handler)
	return nil
}

func (h *Hub) newConn(id Identity) *Conn {
	c := &Conn{
		hub: h, id: id, name: strings.ToLower(rand.Text()[:12]), since: time.Now(),
		rate: rate.NewLimiter(rate.Limit(h.limits.CommandsPerSecond), h.limits.CommandsBurst),
	}
	c.log = h.log.With("conn", c.name, "tenant", id.Tenant.String(), "player", id.Player)
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.wake.L = &c.mu
	c.heardAt.Store(c.since.UnixNano())
	c.sentAt.Store(c.since.UnixNano())
	c.Renew(id.ExpiresAt)
	return c
}

// offers reports whether the client's list of subprotocols has ours.
func offers(r *http.Request) bool {
	for _, header := range r.Header.Values("Sec-WebSocket-Protocol") {
		for name := range strings.SplitSeq(header, ",") {
			if strings.TrimSpace(name) == wire.Subprotocol {
				return true
			}
		}
	}
	return false
}

// refuse answers over HTTP, in the API's form.
func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]string{"code": code, "message": message}})
}

func (h *Hub) reserve() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.reserved >= h.limits.SocketsMax {
		return false
	}
	h.reserved++
	return true
}

func (h *Hub) unreserve() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.reserved--; h.reserved == 0 && h.empty != nil {
		close(h.empty)
		h.empty = nil
	}
}

// register makes the socket known, and takes the player's seat from an older one. It
// returns the code with which the socket is to be refused.
func (h *Hub) register(c *Conn) (wire.CloseCode, error) {
	older, code, err := h.admit(c)
	if older != nil {
		older.Close(wire.CloseSuperseded, 0)
	}
	return code, err
}

func (h *Hub) admit(c *Conn) (older *Conn, code wire.CloseCode, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	tn := h.tenants[c.id.Tenant]
	if tn == nil {
		tn = &tenancy{
			tenantMeters: h.meters.of(c.id.Tenant),
			rate:         rate.NewLimiter(rate.Limit(h.limits.TenantCommandsPerSecond), h.limits.TenantCommandsPerSecond),
			live:         map[string]*Conn{},
		}
	}
	c.tenant = tn
	if h.draining {
		return nil, wire.CloseDraining, ErrDraining
	}
	older = tn.live[c.id.Player]
	if c.id.Role != RolePlayer {
		older = nil
	}
	if tn.sockets >= h.limits.SocketsPerTenantMax && older == nil {
		h.meters.hit(limitTenantSockets)
		return nil, wire.CloseOverloaded, ErrTooManySockets
	}
	if c.id.Role == RolePlayer {
		tn.live[c.id.Player] = c
	}
	h.tenants[c.id.Tenant] = tn
	tn.sockets++
	tn.connections.Set(float64(tn.sockets))
	s := h.shard(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns[c] = struct{}{}
	return older, wire.CloseCode{}, nil
}

func (h *Hub) unregister(c *Conn) {
	s := h.shard(c)
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	tn := c.tenant
	if tn.live[c.id.Player] == c {
		delete(tn.live, c.id.Player)
	}
	tn.sockets--
	tn.connections.Set(float64(tn.sockets))
	if tn.sockets == 0 && h.tenants[c.id.Tenant] == tn {
		delete(h.tenants, c.id.Tenant)
	}
}
