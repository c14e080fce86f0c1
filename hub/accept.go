package hub

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/pitboss-hub/pitboss/hub/wire"
)

// tenancy is one tenant's share of this node, while it has sockets.
type tenancy struct {
	tenantMeters
	backlogs []backlog // by flusher, whose mu guards them

	commands, volume bucket

	// Guarded by Hub.mu.
	sockets int
	live    map[string]*Conn // by player: the one that has the seat
}

// Accept makes a socket of a request whose identity and origin have been checked, and
// returns when open has: the socket lives on in a goroutine of its own with a small stack, and
// nothing of the request is kept. It has answered the request in any case. The error is nil
// for a socket that was open; ErrSubprotocol, ErrTooManySockets, ErrDraining, or what was
// wrong with the handshake.
//
// Open is called when the socket is already found by CloseWhere, Drain and Connections: what
// may have been decided against the identity since it was checked must be checked again
// there. It must not wait for the client.
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
	// The library keeps the name as the client wrote it, and with it the whole header.
	r.Header.Set("Sec-WebSocket-Protocol", wire.Subprotocol)
	c := h.newConn(id)
	if err := c.upgrade(w, r); err != nil {
		h.unreserve()
		return fmt.Errorf("hub: handshake: %w", err)
	}
	code, refused := h.register(c)
	if refused != nil {
		retry := overloadRetry
		if code == wire.CloseDraining {
			retry = drainRetry
		}
		c.Close(code, spread(retry))
		go c.serve(nil)
		return refused
	}
	h.wheel.put(c, c.nextLook())
	opened := false
	defer func() {
		if !opened { // open panics
			c.finish(nil, true, errors.New("open failed"))
		}
	}()
	handler := open(c)
	opened = true
	go c.serve(handler)
	return nil
}

// serve reads the socket until it ends. Without a handler it was refused.
func (c *Conn) serve(handler Handler) {
	var err error
	defer func() { c.finish(handler, handler != nil, err) }()
	err = c.read(handler)
}

// finish is what follows reading, which err ended.
func (c *Conn) finish(handler Handler, registered bool, err error) {
	h := c.hub
	defer h.unreserve()
	c.end()
	c.cut()
	if registered {
		h.unregister(c)
	}
	name := c.code(err)
	h.meters.closes.WithLabelValues(name).Inc()
	if h.log.Enabled(context.Background(), slog.LevelDebug) {
		c.Log().Debug("a socket ended", "code", name, "error", err)
	}
	if handler != nil {
		handler.Closed()
	}
}

func (h *Hub) newConn(id Identity) *Conn {
	c := &Conn{
		hub: h, id: id, name: strings.ToLower(rand.Text()[:12]), since: time.Now().UnixNano(),
		flusher: h.flushers.next(),
	}
	c.heardAt.Store(c.since)
	c.sentAt.Store(c.since)
	c.setExpiry(id.Token.ExpiresAt)
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
			live:         map[string]*Conn{},
			backlogs:     make([]backlog, len(h.flushers.all)),
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
