package hub

import (
	"context"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire"
)

// tenancy holds the state of one tenant on this node, as long as any of its subjects is known.
type tenancy struct {
	tenantMeters
	id       tenant.ID
	backlogs []backlog // by flusher, whose mu guards them

	connects, commands, volume bucket
	subjectCount               atomic.Int64 // len(subjects), for readers that do not hold Hub.mu

	planned      bucket
	planCommands atomic.Int64 // this node's part of the plan's commands per second; 0: no such limit
	planOf       atomic.Int64 // all of it

	// Guarded by Hub.mu.
	subjects map[subjectKey]*subject
	sockets  int // those that were admitted
	online   int // players with a seat
	players  int // with a socket, also with one that is being made
}

// subject holds the state of one of a tenant's players, or of the operator's staff, across its
// sockets. It is forgotten when it has no socket and all its buckets are full, so that a new one
// would be the same.
type subject struct {
	tenant *tenancy
	key    subjectKey

	connects, commands, volume, chat, frames, refusals bucket
	// The subject's shares of the tenant's limits.
	commandShare, volumeShare, plannedShare bucket

	// Guarded by Hub.mu.
	sockets  int   // including those being made, and refused ones that are being closed
	seat     *Conn // a player's newest admitted socket
	departed bool  // it is in Hub.departed
}

// subjectKey tells a tenant's subjects apart: an operator may have a player's name.
type subjectKey struct {
	name  string
	staff bool
}

const (
	// shareCommandsMin commands, and FrameBytesMax bytes, are the least burst of a subject's share,
	// however small the share is: enough for a join.
	shareCommandsMin = 10
	// plannedShareMax bounds how long a subject has to wait, and is remembered, for commands beyond its share of a plan.
	plannedShareMax = time.Minute
	// commandsMax bounds what a plan may say: more is no limit to a node.
	commandsMax = 1_000_000
	// forgetMax bounds the departed subjects that are examined in one tick of the wheel.
	forgetMax = 4096
)

// take takes n from all, the tenant's bucket. A subject that is within its own share may empty the
// bucket; one beyond its share must leave half, which covers the shares of the others: together
// they never exceed that half at once, nor what is refilled over time.
func (t *tenancy) take(now int64, all, own *bucket, n int, r rate, atOnce int) bool {
	half := r.capacity / 2
	share := rate{interval: r.interval * float64(max(1, t.subjectCount.Load()))}
	share.capacity = max(half, int64(share.interval*float64(atOnce)))
	if !own.take(now, n, share) {
		r.capacity = half
	}
	return all.take(now, n, r)
}

// Allow charges the received command, as cost commands and by its bytes, to the limits of the
// subject, of the tenant's plan and of the tenant on this node. It returns nil if the command is within them, or the limit
// that it met. A ping costs 1. A socket that keeps exceeding its own limits is closed as flooding. Only Received may call
// Allow, once.
func (c *Conn) Allow(cost int) *wire.ErrorParams {
	h, s, t := c.hub, c.subject, c.subject.tenant
	now, r := h.clock(), &h.rates
	var limit string
	var value int64
	switch {
	case !s.commands.take(now, cost, r.commands):
		limit, value = limitCommands, int64(h.limits.CommandsPerSecond)
	case !s.volume.take(now, int(c.received), r.bytes):
		limit, value = limitBytes, int64(h.limits.BytesPerSecond)
	case !t.takePlanned(now, s, cost):
		limit, value = limitPlanCommands, t.planOf.Load()
	case !t.take(now, &t.commands, &s.commandShare, cost, r.tenantCommands, shareCommandsMin):
		limit, value = limitTenantCommands, int64(h.limits.TenantCommandsPerSecond)
	case !t.take(now, &t.volume, &s.volumeShare, int(c.received), r.tenantBytes, h.limits.FrameBytesMax):
		limit, value = limitTenantBytes, int64(h.limits.TenantBytesPerSecond)
	default:
		return nil
	}
	own := limit == limitCommands || limit == limitBytes
	h.hit(c.id.Tenant, limit)
	if own && !s.refusals.take(now, 1, r.refusals) {
		h.hit(c.id.Tenant, limitRefusals)
		c.Close(wire.CloseFlood, overloadRetry)
	}
	return &wire.ErrorParams{Limit: limit, Value: value}
}

// takePlanned takes cost from this node's part of the commands of the tenant's plan, if it limits them.
func (t *tenancy) takePlanned(now int64, s *subject, cost int) bool {
	n := int(t.planCommands.Load())
	if n == 0 {
		return true
	}
	// The least burst is enough for a join, and for another's while one is beyond its share.
	s.plannedShare.forgive(now, int64(plannedShareMax))
	return t.take(now, &t.planned, &s.plannedShare, cost, rateOf(n, max(n, 2*shareCommandsMin)), shareCommandsMin)
}

// LimitTenants has the hub ask of for the limits of a tenant: at each connect, and about once a second while it has sockets. of is
// called by many goroutines, must not block and must not call the hub. held is asked about a player who would be one more than
// the limit: it reports whether another node has a socket of the player, who is no new one then, and whether that is known. It may
// bring what of returns as Elsewhere up to date, and should not take longer than a handshake may.
func (h *Hub) LimitTenants(of func(tenant.ID) TenantLimits, held func(ctx context.Context, id tenant.ID, player string) (held, known bool)) {
	h.plans.Store(&plans{of, held})
}

// plans holds what LimitTenants was given.
type plans struct {
	of   func(tenant.ID) TenantLimits
	held func(context.Context, tenant.ID, string) (held, known bool)
}

// tenantLimits returns the limits of a tenant.
func (h *Hub) tenantLimits(id tenant.ID) TenantLimits {
	if p := h.plans.Load(); p != nil {
		return p.of(id)
	}
	return TenantLimits{}
}

// PlanMet returns the limit of the tenant's plan that a new player would be refused with who connected now; nil if none, or if the
// player has a socket here. It asks no other node, unlike a handshake, which lets in who has a socket there.
func (h *Hub) PlanMet(id tenant.ID, player string) *wire.ErrorParams {
	limits := h.tenantLimits(id)
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.tenants[id]
	if t == nil {
		t = &tenancy{}
	}
	s := t.subjects[subjectKey{name: player}]
	if s != nil && s.sockets > 0 || t.admits(limits) {
		return nil
	}
	return &wire.ErrorParams{Limit: limitPlanSockets, Value: limits.Players}
}

// admits reports whether the plan lets one more player in. Hub.mu is held.
func (t *tenancy) admits(l TenantLimits) bool {
	return l.Players <= 0 || int64(t.players)+max(0, l.Elsewhere) < l.Players
}

// replan asks for the limits of all tenants with a socket here.
func (h *Hub) replan() {
	if h.plans.Load() == nil {
		return
	}
	h.mu.Lock()
	here := slices.Collect(maps.Values(h.tenants))
	h.mu.Unlock()
	for _, t := range here {
		limits := h.tenantLimits(t.id)
		h.mu.Lock()
		t.plan(h.clock(), limits)
		h.mu.Unlock()
	}
}

// plan sets this node's part of the plan's commands: that of its players. Hub.mu is held.
// The part changes with the plan, and as players come: what was taken at the rate before would come back too late, or too
// soon.
func (t *tenancy) plan(now int64, l TenantLimits) {
	before := t.planCommands.Load()
	t.planOf.Store(l.CommandsPerSecond)
	if l.CommandsPerSecond <= 0 {
		t.planCommands.Store(0)
		return
	}
	here := int64(max(1, t.players))
	part := float64(here) / float64(here+max(0, l.Elsewhere))
	next := min(max(1, int64(part*float64(l.CommandsPerSecond))), commandsMax)
	if before > 0 && before != next {
		t.planned.rescale(now, float64(before)/float64(next))
	}
	t.planCommands.Store(next)
}

// AllowChat charges a line of chat to the subject's limit, and reports whether it is within it.
func (c *Conn) AllowChat() bool {
	return c.subject.chat.take(c.hub.clock(), 1, c.hub.rates.chat)
}

// entry says how reserve is called.
type entry int

const (
	entryFirst entry = iota // the connect is charged
	entryAgain              // it was charged
	entryHeld               // it was charged, and the player is no new one
)

// enter reserves a socket, which the caller must release with unreserve. It returns nil and the limit's name if one is hit. Who
// would be a player too many is let in all the same who has a socket on another node, which may not know yet that it is dead.
// If the other nodes do not say so in time, the limit is that of questions.
func (h *Hub) enter(ctx context.Context, id Identity) (*subject, string) {
	s, met := h.reserve(id, entryFirst)
	if met != limitPlanSockets {
		return s, met
	}
	held, known := h.plans.Load().held(ctx, id.Tenant, id.Player)
	if held {
		return h.reserve(id, entryHeld)
	}
	s, met = h.reserve(id, entryAgain) // by what the other nodes said now
	if met == limitPlanSockets && !known {
		met = limitPlanQuestions
	}
	return s, met
}

// reserve charges a connect to the limits of the subject and its tenant, and reserves a socket. It returns nil and the limit's
// name if one is hit.
func (h *Hub) reserve(id Identity, as entry) (*subject, string) {
	limits := h.tenantLimits(id.Tenant) // before the lock: it may take others
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
	if as == entryFirst {
		if !s.connects.take(now, 1, h.rates.connects) {
			return nil, limitConnects
		}
		if !t.connects.take(now, 1, h.rates.tenantConnects) {
			return nil, limitTenantConnects
		}
	}
	h.tenants[id.Tenant], t.subjects[key] = t, s // only subjects that were charged are remembered
	t.subjectCount.Store(int64(len(t.subjects)))
	if !key.staff && s.sockets == 0 && as != entryHeld && !t.admits(limits) {
		h.depart(s) // so that it is charged for the next one too
		return nil, limitPlanSockets
	}
	if s.sockets++; s.sockets == 1 && !key.staff {
		t.players++
	}
	t.plan(h.clock(), limits)
	h.reserved++
	return s, ""
}

// depart has the subject be forgotten when its buckets are full. Hub.mu is held.
func (h *Hub) depart(s *subject) {
	if !s.departed {
		s.departed = true
		h.departed.push(s)
	}
}

// giveBack gives back what reserve charged for a connect that came to nothing.
func (h *Hub) giveBack(s *subject) {
	s.connects.give(1, h.rates.connects)
	s.tenant.connects.give(1, h.rates.tenantConnects)
}

// unreserve releases the reservation of a socket.
func (h *Hub) unreserve(s *subject) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.sockets--; s.sockets == 0 {
		if !s.key.staff {
			s.tenant.players--
		}
		h.depart(s)
	}
	if h.reserved--; h.reserved == 0 && h.empty != nil {
		close(h.empty)
		h.empty = nil
	}
}

// forget forgets some of the departed subjects whose buckets are full. A tenancy is forgotten with
// its last subject.
func (h *Hub) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.clock()
	for range min(h.departed.len(), forgetMax) {
		s, _ := h.departed.pop()
		t := s.tenant
		switch {
		case s.sockets > 0:
			s.departed = false
		case !s.idle(now) || len(t.subjects) == 1 && !t.idle(now):
			h.departed.push(s)
		default:
			delete(t.subjects, s.key)
			t.subjectCount.Store(int64(len(t.subjects)))
			if len(t.subjects) == 0 {
				delete(h.tenants, t.id)
			}
		}
	}
}

// idle reports whether all buckets are full.
func (s *subject) idle(now int64) bool {
	for _, b := range []*bucket{&s.connects, &s.commands, &s.volume, &s.chat, &s.frames, &s.refusals, &s.commandShare, &s.volumeShare, &s.plannedShare} {
		if !b.idle(now) {
			return false
		}
	}
	return true
}

func (t *tenancy) idle(now int64) bool {
	return t.connects.idle(now) && t.commands.idle(now) && t.volume.idle(now) && t.planned.idle(now)
}
