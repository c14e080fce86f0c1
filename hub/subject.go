package hub

import (
	"sync/atomic"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire"
)

// tenancy is one tenant's share of this node, while any of its subjects is known.
type tenancy struct {
	tenantMeters
	id       tenant.ID
	backlogs []backlog // by flusher, whose mu guards them

	connects, commands, volume bucket
	crowd                      atomic.Int64 // of subjects, for who does not hold Hub.mu

	// Guarded by Hub.mu.
	subjects map[subjectKey]*subject
	sockets  int // those that were admitted
	online   int // players with a seat
}

// subject is what this node knows of one of a tenant's players, or of the operator's people,
// whatever sockets come and go. It is forgotten when it has no socket and is owed nothing: when
// to know it would change nothing.
type subject struct {
	tenant *tenancy
	key    subjectKey

	connects, commands, volume, chat, frames, refusals bucket
	// Of what the tenant may, divided by its subjects.
	shareOfCommands, shareOfVolume bucket

	// Guarded by Hub.mu.
	sockets int   // those being made, and those that were refused and are still told so
	seat    *Conn // the socket of a player that was admitted last
	leaving bool  // it is in Hub.leaving
}

// subjectKey tells a tenant's subjects apart: an operator may have a player's name.
type subjectKey struct {
	name  string
	staff bool
}

const (
	// shareCommandsMin and frames of FrameBytesMax are what a subject has at once at least, however
	// small its share is: a join.
	shareCommandsMin = 10
	// forgetMax is how many of the subjects that left are looked at in one tick of the wheel.
	forgetMax = 4096
)

// take takes n of the tenant's from all. Who has not had its own share yet may take the last of
// it; who has may take only what leaves half, which the others' shares are taken from: all of
// them together are no more than that half at once, nor than what comes back in time.
func (t *tenancy) take(now int64, all, own *bucket, n int, r rate, atOnce int) bool {
	half := r.room / 2
	share := rate{each: r.each * float64(max(1, t.crowd.Load()))}
	share.room = max(half, int64(share.each*float64(atOnce)))
	if !own.take(now, n, share) {
		r.room = half
	}
	return all.take(now, n, r)
}

// Allow takes the command that was received from the subject's and from the tenant's allowance,
// and reports whether both had room for it and for its bytes. It counts as cost commands: a ping
// is 1. Who goes on regardless is closed as flooding. Only Received may call it, once.
func (c *Conn) Allow(cost int) bool {
	h, s, t := c.hub, c.subject, c.subject.tenant
	now, r := h.clock(), &h.rates
	own := true
	switch {
	case !s.commands.take(now, cost, r.commands):
		h.meters.hit(limitCommands)
	case !s.volume.take(now, int(c.received), r.bytes):
		h.meters.hit(limitBytes)
	case !t.take(now, &t.commands, &s.shareOfCommands, cost, r.tenantCommands, shareCommandsMin):
		h.meters.hit(limitTenantCommands)
		own = false
	case !t.take(now, &t.volume, &s.shareOfVolume, int(c.received), r.tenantBytes, h.limits.FrameBytesMax):
		h.meters.hit(limitTenantBytes)
		own = false
	default:
		return true
	}
	if own && !s.refusals.take(now, 1, r.refusals) {
		h.meters.hit(limitRefusals)
		c.Close(wire.CloseFlood, overloadRetry)
	}
	return false
}

// AllowChat takes a line of chat from the subject's allowance, and reports whether there was
// room for it.
func (c *Conn) AllowChat() bool {
	return c.subject.chat.take(c.hub.clock(), 1, c.hub.rates.chat)
}

// arrive takes a connect from what the subject and its tenant may, and a place for its socket,
// which depart gives back. It returns nil and the name of the limit that was met.
func (h *Hub) arrive(id Identity) (*subject, string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.reserved >= h.limits.SocketsMax {
		return nil, limitSockets
	}
	t := h.tenants[id.Tenant]
	if t == nil {
		t = &tenancy{
			tenantMeters: h.meters.of(id.Tenant), id: id.Tenant, subjects: map[subjectKey]*subject{},
			backlogs: make([]backlog, len(h.flushers.all)),
		}
	}
	now, key := h.clock(), subjectKey{id.Player, id.Role != RolePlayer}
	s := t.subjects[key]
	switch {
	case s == nil:
		s = &subject{tenant: t, key: key}
	case key.staff && s.sockets >= h.limits.SocketsPerStaffMax:
		return nil, limitStaffSockets
	}
	if !s.connects.take(now, 1, h.rates.connects) {
		return nil, limitConnects
	}
	if !t.connects.take(now, 1, h.rates.tenantConnects) {
		return nil, limitTenantConnects
	}
	h.tenants[id.Tenant], t.subjects[key] = t, s // only who may come is remembered
	t.crowd.Store(int64(len(t.subjects)))
	s.sockets++
	h.reserved++
	return s, ""
}

// depart gives a socket's place back.
func (h *Hub) depart(s *subject) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.sockets--; s.sockets == 0 && !s.leaving {
		s.leaving = true
		h.leaving.push(s)
	}
	if h.reserved--; h.reserved == 0 && h.empty != nil {
		close(h.empty)
		h.empty = nil
	}
}

// forget forgets subjects that left and are owed nothing, some of them at a time. A tenancy goes
// with its last one.
func (h *Hub) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.clock()
	for range min(h.leaving.len(), forgetMax) {
		s, _ := h.leaving.pop()
		t := s.tenant
		switch {
		case s.sockets > 0:
			s.leaving = false
		case !s.idle(now) || len(t.subjects) == 1 && !t.idle(now):
			h.leaving.push(s)
		default:
			delete(t.subjects, s.key)
			t.crowd.Store(int64(len(t.subjects)))
			if len(t.subjects) == 0 {
				delete(h.tenants, t.id)
			}
		}
	}
}

// idle reports whether nothing is owed.
func (s *subject) idle(now int64) bool {
	for _, b := range []*bucket{&s.connects, &s.commands, &s.volume, &s.chat, &s.frames, &s.refusals, &s.shareOfCommands, &s.shareOfVolume} {
		if !b.idle(now) {
			return false
		}
	}
	return true
}

func (t *tenancy) idle(now int64) bool {
	return t.connects.idle(now) && t.commands.idle(now) && t.volume.idle(now)
}
