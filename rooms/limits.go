package rooms

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

// Rate is a sustained rate per second, and how much may come at once.
type Rate struct{ PerSecond, Burst int }

// Limits bound what players may send to a room and what the room publishes in return. A zero field takes
// its default.
//
// The defaults fit an ordinary link of 1 Mbit/s, 125,000 bytes a second with some 4 % for the headers of
// packets: 80 KiB a second of the room, 16 KiB of what only this player is sent, and 20 KB for answers,
// balances, chat and the lobby. What comes at once waits in the socket's queue, of 256 KiB in which each
// message counts 128 bytes more than it has: 96 KiB of the smallest events (some 220 bytes) count 152 KiB
// there, 48 KiB of a player's own (some 300) count 69 KiB, and the rest is for answers.
type Limits struct {
	// RoomBytes are frames for everybody in the room; events that nobody's command caused count
	// and are never held back. Defaults to 80 KiB and 96 KiB at once. Beyond it commands are
	// answered with ErrBusy.
	RoomBytes Rate
	// PlayerBytes are frames for one player alone: the events of a room in the player's own form.
	// Defaults to 16 KiB and 48 KiB at once. Beyond it the player's commands are answered with
	// ErrBusy.
	PlayerBytes Rate
	// PlayerCommands are what one player sends to one room, over all sockets and nodes, in commands; a join
	// costs joinCost of them, a refusal that is kept refusalCost. Defaults to 50 and 200 at once. Beyond it
	// the answer is ErrRateLimited.
	PlayerCommands Rate
}

const (
	// refusalCost is the cost, in commands, of a command that the rules refuse: the refusal is a row in the
	// database, as an accepted bet is, and costs nobody any money.
	refusalCost = 10
	// joinCost is the cost of a join, in commands: the answer may have 100 KiB.
	joinCost = 5
)

// The names of the limits in pitboss_room_limit_hits_total.
const (
	limitMailbox        = "mailbox"
	limitRoomBytes      = "room_bytes"
	limitPlayerBytes    = "player_bytes"
	limitPlayerCommands = "player_commands"
	limitNodeQuestions  = "node_questions"
	limitResumeReads    = "resume_reads"
	limitBrief          = "brief"
)

func (l Limits) withDefaults() Limits {
	set := func(r *Rate, perSecond, burst int) {
		if *r == (Rate{}) {
			*r = Rate{perSecond, burst}
		}
	}
	set(&l.RoomBytes, 80<<10, 96<<10)
	set(&l.PlayerBytes, 16<<10, 48<<10)
	set(&l.PlayerCommands, 50, 200)
	return l
}

// bucket is the state of a Rate's token bucket, kept as the moment at which it is full again, in
// nanoseconds of Directory.clock: the virtual scheduling form of the generic cell rate algorithm (ITU-T
// I.371).
type bucket int64

// empty reports whether nothing is left.
func (b bucket) empty(now int64, r Rate) bool { return int64(b)-now >= r.time(r.Burst) }

// spend takes n tokens, whether they are there or not; a negative n gives them back.
func (b *bucket) spend(now int64, n int, r Rate) { *b = bucket(max(int64(*b), now) + r.time(n)) }

// take takes n tokens if they are there, and reports whether they were.
func (b *bucket) take(now int64, n int, r Rate) bool {
	if max(int64(*b), now)+r.time(n)-now > r.time(r.Burst) {
		return false
	}
	b.spend(now, n, r)
	return true
}

// time returns how long it takes until there are n more tokens.
func (r Rate) time(n int) int64 { return int64(n) * int64(time.Second) / int64(r.PerSecond) }

// quotas are what each player has left of a room's Limits. A player with full quotas is forgotten. The
// owner keeps them, so that using another socket or node gains nothing.
type quotas struct {
	mu      sync.Mutex // guards what follows
	players map[payer]*quota
	enough  int // number of players from which on full quotas are looked for and deleted
}

// payer identifies whose quota a command is charged to. Staff with a player's name is somebody else.
type payer struct {
	id    game.PlayerID
	staff bool
}

type quota struct{ commands, bytes bucket }

func payerOf(a game.Actor) payer { return payer{a.Player, a.Staff} }

// quotasLeast is the number of players up to which nothing is deleted.
const quotasLeast = 32

// of returns the quota of who. q.mu is held.
func (q *quotas) of(who payer, now int64) *quota {
	left := q.players[who]
	if left != nil {
		return left
	}
	if len(q.players) >= max(q.enough, quotasLeast) {
		q.sweep(now)
		q.enough = 2 * len(q.players)
	}
	if q.players == nil {
		q.players = map[payer]*quota{}
	}
	left = &quota{}
	q.players[who] = left
	return left
}

// sweep deletes full quotas. q.mu is held.
func (q *quotas) sweep(now int64) {
	for who, has := range q.players {
		if int64(has.commands) <= now && int64(has.bytes) <= now {
			delete(q.players, who)
		}
	}
	if len(q.players) == 0 {
		q.players = nil // maps do not shrink
	}
}

// forget sweeps when a room has nothing else to do.
func (q *quotas) forget(now int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sweep(now)
}

// allow charges the cost of a command or a question if the player's quota covers it, and reports whether it
// did.
func (q *quotas) allow(who payer, cost int, now int64, l *Limits) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.of(who, now).commands.take(now, cost, l.PlayerCommands)
}

// charge charges the cost of what has been answered.
func (q *quotas) charge(who payer, cost int, now int64, l *Limits) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.of(who, now).commands.spend(now, cost, l.PlayerCommands)
}

// saturated reports whether a player has been sent as much as Limits.PlayerBytes allows for now.
func (q *quotas) saturated(who payer, now int64, l *Limits) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	has := q.players[who]
	return has != nil && has.bytes.empty(now, l.PlayerBytes)
}

// chargeFrames charges players for the frames that they alone are sent; sign is -1 to take the charge back.
func (q *quotas) chargeFrames(frames []hub.Private, sign int, now int64, l *Limits) {
	if len(frames) == 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, p := range frames {
		q.of(payer{id: game.PlayerID(p.Player)}, now).bytes.spend(now, sign*len(p.Frame), l.PlayerBytes)
	}
}

// allows charges a player for a command or a question, and reports whether the quota covers it.
func (r *room) allows(who payer, cost int) bool {
	if who.id == "" || r.quotas.allow(who, cost, r.d.clock(), &r.d.o.Limits) {
		return true
	}
	r.d.hit(r.ref.Tenant, limitPlayerCommands)
	return false
}

// refund takes back a charge that allows made.
func (r *room) refund(who payer, cost int) {
	if who.id != "" {
		r.quotas.charge(who, -cost, r.d.clock(), &r.d.o.Limits)
	}
}

// affords reports whether the limits let the room publish now what a command causes. A command that the
// journal refused publishes nothing.
func (r *room) affords(w *work, now int64) bool {
	if w.command == nil || w.refusal != nil {
		return true
	}
	limit := limitRoomBytes
	if !r.budget.empty(now, r.d.o.Limits.RoomBytes) {
		if !r.quotas.saturated(payerOf(w.by), now, &r.d.o.Limits) {
			return true
		}
		limit = limitPlayerBytes
	}
	r.d.hit(r.ref.Tenant, limit)
	return false
}

// charge charges the room's limits for messages that are going to be published; sign is -1 to take the
// charge back.
func (r *room) charge(messages []hub.Message, sign int, now int64) {
	for i := range messages {
		r.budget.spend(now, sign*len(messages[i].Frame), r.d.o.Limits.RoomBytes)
		r.quotas.chargeFrames(messages[i].Private, sign, now, &r.d.o.Limits)
	}
}

// stored returns what the rules decided, or a refusal if that takes a stake and the tenant has used its storage up. Whatever
// else a command does is decided as ever, and so are Ticks: rounds that have stakes are played and paid.
func (r *room) stored(w *work, events []game.Event) ([]game.Event, *game.Refusal) {
	if w.command == nil {
		return events, nil
	}
	stakes := slices.ContainsFunc(events, func(ev game.Event) bool {
		return slices.ContainsFunc(game.Postings(ev), func(p game.Posting) bool { return p.Kind == game.Stake })
	})
	if !stakes {
		return events, nil
	}
	var full *PlanError
	if !errors.As(r.d.CheckStorage(r.ref.Tenant), &full) {
		return events, nil
	}
	no := game.Refuse(game.CodeLimitReached, "The casino has no space left for new bets. Those that were accepted stand.")
	no.Params = &game.Params{Limit: full.Limit, Value: full.Value}
	return nil, no
}

// CheckStorage returns a PlanError, and counts it, if a tenant has used its storage up, as far as this node knows.
func (d *Directory) CheckStorage(id tenant.ID) error {
	if d.o.Full == nil {
		return nil
	}
	most, full := d.o.Full(id)
	if !full {
		return nil
	}
	d.hit(id, LimitStorage)
	return &PlanError{Limit: LimitStorage, Value: most}
}
