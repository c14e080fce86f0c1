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

	"github.com/pitboss-hub/pitboss/hub/wire"
)

// Accept upgrades a request whose identity and origin have been checked to a socket, and
// returns when open has: the socket is served by a goroutine of its own with a small stack, and
// nothing of the request is kept. Accept has answered the request, unless admit refused it: with 429 if the
// subject, or all of its tenant's, connect too often. The error is nil for a socket that was
// opened; else ErrSubprotocol, ErrTooManySockets, ErrTooManyConnects, ErrDraining, or the error of
// the handshake.
//
// Admit, if it is not nil, is called when no limit refuses the socket, before the upgrade: a ticket is used then, and not before.
// Its error is returned as it is, and then the request is not answered. The connect stays charged if the ticket is refused; it is
// not if it could not be decided.
//
// Open is called when CloseWhere, Drain and Connections already find the socket, so it must check
// again what may have been revoked since the identity was checked. It must not wait for the client.
func (h *Hub) Accept(w http.ResponseWriter, r *http.Request, id Identity, admit func() (refused bool, err error), open func(*Conn) Handler) error {
	if !offers(r) {
		refuse(w, http.StatusBadRequest, "invalid_params", "offer the WebSocket subprotocol "+wire.Subprotocol)
		return ErrSubprotocol
	}
	s, met := h.enter(r.Context(), id)
	if s == nil {
		return h.rejectConnect(w, id, met)
	}
	if admit != nil {
		admitted := false
		defer func() { // also when admit panicked
			if !admitted {
				h.unreserve(s)
			}
		}()
		if refused, err := admit(); err != nil {
			if !refused {
				h.giveBack(s)
			}
			return err
		}
		admitted = true
	}
	// The library keeps the name as the client wrote it, and with it the whole header.
	r.Header.Set("Sec-WebSocket-Protocol", wire.Subprotocol)
	c := h.newConn(id, s)
	if err := c.upgrade(w, r); err != nil {
		h.unreserve(s)
		return fmt.Errorf("hub: handshake: %w", err)
	}
	code, refused := h.register(c)
	if refused != nil {
		retry := overloadRetry
		if code == wire.CloseDraining {
			retry = drainRetry
		}
		c.Close(code, jitter(retry))
		go c.serve(nil)
		return refused
	}
	h.wheel.put(c, c.nextCheck())
	opened := false
	defer func() {
		if !opened { // open panicked
			c.finish(nil, true, errors.New("open failed"))
		}
	}()
	handler := open(c)
	opened = true
	if r, ok := handler.(Resyncer); ok {
		c.mu.Lock()
		c.resyncer = r
		c.mu.Unlock()
	}
	go c.serve(handler)
	return nil
}

// serve reads the socket until it ends. A nil handler means that it was refused.
func (c *Conn) serve(handler Handler) {
	var err error
	defer func() { c.finish(handler, handler != nil, err) }()
	err = c.read(handler)
}

// finish releases the socket after reading ended with err.
func (c *Conn) finish(handler Handler, registered bool, err error) {
	h := c.hub
	defer h.unreserve(c.subject)
	c.end()
	c.cut()
	_ = c.ws.CloseNow() // else the library keeps itself, and this socket, from being collected
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

func (h *Hub) newConn(id Identity, s *subject) *Conn {
	c := &Conn{
		hub: h, id: id, subject: s, tenant: s.tenant, name: strings.ToLower(rand.Text()[:12]), since: h.now(),
		flusher: h.flushers.next(),
	}
	c.heardAt.Store(h.clock())
	c.sentAt.Store(h.clock())
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

// rejectConnect answers a request that hit a limit before the upgrade.
func (h *Hub) rejectConnect(w http.ResponseWriter, id Identity, limit string) error {
	h.hit(id.Tenant, limit)
	var params *wire.ErrorParams
	status, code, message, retry, err := http.StatusServiceUnavailable, wire.CodeBusy, "this node has all the sockets it can hold", overloadRetry, ErrTooManySockets
	switch limit {
	case limitStaffSockets:
		message = "this account has all the sockets it can have"
	case limitPlanSockets:
		status, code, message = http.StatusTooManyRequests, codeLimit, "as many players are connected as the casino's plan allows"
		params = &wire.ErrorParams{Limit: limit, Value: h.tenantLimits(id.Tenant).Players}
	case limitPlanQuestions:
		message, retry = "as many players are connected as the casino's plan allows, unless this one is on another node, which did not say so in time", connectRetry
	case limitConnects, limitTenantConnects:
		status, code, message, retry, err = http.StatusTooManyRequests, wire.CodeRateLimited, "too many new connections; wait a moment", connectRetry, ErrTooManyConnects
	}
	w.Header().Set("Retry-After", strconv.Itoa(int(retry.Seconds())))
	refuseOver(w, status, code, message, params)
	return err
}

// codeLimit is the error code for who comes when a limit of the plan is reached.
const codeLimit = "limit_reached"

// refuse answers over HTTP, in the API's form.
func refuse(w http.ResponseWriter, status int, code, message string) {
	refuseOver(w, status, code, message, nil)
}

// refuseOver is refuse with the limit that was met.
func refuseOver(w http.ResponseWriter, status int, code, message string, met *wire.ErrorParams) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	body := map[string]any{"error": map[string]string{"code": code, "message": message}}
	if met != nil {
		body["code"], body["params"] = code, met
	}
	_ = json.NewEncoder(w).Encode(body)
}

// register adds the socket to the registry, and closes an older one of the same player. If the
// socket is to be refused, it returns the close code and an error.
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
	s, t := c.subject, c.tenant
	if h.draining {
		return nil, wire.CloseDraining, ErrDraining
	}
	older = s.seat
	if t.sockets >= h.limits.SocketsPerTenantMax && older == nil {
		h.hit(c.id.Tenant, limitTenantSockets)
		return nil, wire.CloseOverloaded, ErrTooManySockets
	}
	if !s.key.staff {
		if s.seat = c; older == nil {
			t.online++
		}
	}
	t.sockets++
	t.connections.Inc()
	shard := h.shard(c)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	c.minEpoch = h.minEpoch.Load()
	shard.conns[c] = struct{}{}
	return older, wire.CloseCode{}, nil
}

func (h *Hub) unregister(c *Conn) {
	shard := h.shard(c)
	shard.mu.Lock()
	delete(shard.conns, c)
	shard.mu.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	s, t := c.subject, c.tenant
	if s.seat == c {
		s.seat = nil
		t.online--
	}
	t.sockets--
	t.connections.Dec()
}
