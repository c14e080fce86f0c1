package roomstest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/placement"
)

var errBatch = fmt.Errorf("%w: no room should make this batch", rooms.ErrUnwritable)

// Moment is when a Hook is called.
type Moment int

// The moments. Whatever follows an error at BeforeClaim or BeforeAppend did not happen; whatever precedes
// AfterAppend did.
const (
	BeforeClaim Moment = iota
	BeforeAppend
	AfterAppend
)

// Hook observes a call and may stall it by not returning, or fail it by an error. The batch is that of an
// Append.
type Hook func(ctx context.Context, at Moment, ref rooms.Ref, b rooms.Batch) error

// Memory is a rooms.Journal, and the placement.Leases of its nodes, in memory. It may be used by many goroutines.
type Memory struct {
	mu      sync.Mutex // guards what follows
	hook    Hook
	rooms   map[rooms.Ref]*saved
	tenants map[tenant.ID]*books
	leases  map[string]held
	changes int64 // of where rooms are

	generation int64 // how often it went back
}

var _ rooms.Journal = (*Memory)(nil)

// saved is a room; its events are all in tail.
type saved struct {
	rooms.Saved
	node   string
	change int64 // the number of the last change of where it is
	till   game.Money
}

// books hold a tenant's money, answers and audit log.
type books struct {
	players  map[game.PlayerID]account
	cashier  game.Money // the account that Fund debits
	commands map[rooms.CommandKey]answered
	audits   []rooms.Audit
}

type account struct {
	balance game.Money
	version int64
}

type answered struct {
	ref    rooms.Ref
	digest int64
	answer rooms.Answer
}

// NewJournal returns an empty journal.
func NewJournal() *Memory {
	return &Memory{
		rooms: map[rooms.Ref]*saved{}, tenants: map[tenant.ID]*books{},
		leases: map[string]held{},
	}
}

// Backup copies the Memory. goBack restores the copy, in a new generation, as a database does that fails
// over to a replica that lagged.
func (m *Memory) Backup() (goBack func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	backup := m.copied()
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		current := backup.copied() // it may go back to it again
		m.rooms, m.tenants, m.leases, m.changes = current.rooms, current.tenants, current.leases, current.changes
		m.generation++
	}
}

// copied returns a Memory that shares nothing that changes with m. m.mu is held.
func (m *Memory) copied() *Memory {
	out := NewJournal()
	out.changes = m.changes
	for ref, r := range m.rooms {
		room := *r
		room.Tail = slices.Clone(r.Tail)
		out.rooms[ref] = &room
	}
	for id, b := range m.tenants {
		out.tenants[id] = &books{maps.Clone(b.players), b.cashier, maps.Clone(b.commands), slices.Clone(b.audits)}
	}
	out.leases = maps.Clone(m.leases)
	return out
}

// Hook calls h at every Moment from now on; nil removes it.
func (m *Memory) Hook(h Hook) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hook = h
}

func (m *Memory) at(ctx context.Context, at Moment, ref rooms.Ref, b rooms.Batch) error {
	m.mu.Lock()
	h := m.hook
	m.mu.Unlock()
	if h != nil {
		if err := h(ctx, at, ref, b); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// OpenRoom opens a room. It returns rooms.ErrExists.
func (m *Memory) OpenRoom(id tenant.ID, c rooms.Config) (rooms.Ref, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	ref := rooms.Ref{Tenant: id, Room: c.Room}
	if m.rooms[ref] != nil {
		return ref, fmt.Errorf("%w: %s", rooms.ErrExists, ref)
	}
	r := &saved{Saved: rooms.Saved{Config: c, Status: rooms.Open}}
	m.rooms[ref] = r
	m.changed(r)
	return ref, nil
}

// Fund gives a player money.
func (m *Memory) Fund(id tenant.ID, who game.PlayerID, amount game.Money) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.books(id)
	b.players[who] = b.players[who].plus(amount)
	b.cashier -= amount
}

// Balance returns a player's money.
func (m *Memory) Balance(id tenant.ID, who game.PlayerID) rooms.PlayerBalance {
	m.mu.Lock()
	defer m.mu.Unlock()
	a := m.books(id).players[who]
	return rooms.PlayerBalance{Player: who, Balance: a.balance, Version: a.version}
}

// Sum returns the sum of all the tenant's accounts: zero, or money was made or lost.
func (m *Memory) Sum(id tenant.ID) game.Money {
	m.mu.Lock()
	defer m.mu.Unlock()
	sum := m.books(id).cashier
	for _, a := range m.books(id).players {
		sum += a.balance
	}
	for ref, r := range m.rooms {
		if ref.Tenant == id {
			sum += r.till
		}
	}
	return sum
}

// Audits returns the tenant's audit log, oldest first.
func (m *Memory) Audits(id tenant.ID) []rooms.Audit {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.books(id).audits)
}

// Events returns all events in a room's journal. A room that does not exist has none.
func (m *Memory) Events(ref rooms.Ref) []rooms.Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r := m.rooms[ref]; r != nil {
		return slices.Clone(r.Tail)
	}
	return nil
}

// Seed returns a room's open seed.
func (m *Memory) Seed(ref rooms.Ref) game.Seed {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r := m.rooms[ref]; r != nil {
		return r.Seed
	}
	return game.Seed{}
}

// Status returns a room's status.
func (m *Memory) Status(ref rooms.Ref) rooms.Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r := m.rooms[ref]; r != nil {
		return r.Status
	}
	return ""
}

// ForgetRefusals makes the tenant's refusals older than their life.
func (m *Memory) ForgetRefusals(id tenant.ID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.books(id).commands, func(_ rooms.CommandKey, a answered) bool { return a.answer.Refusal != nil })
}

func (m *Memory) books(id tenant.ID) *books {
	b := m.tenants[id]
	if b == nil {
		b = &books{players: map[game.PlayerID]account{}, commands: map[rooms.CommandKey]answered{}}
		m.tenants[id] = b
	}
	return b
}

// Claim implements rooms.Journal.
func (m *Memory) Claim(ctx context.Context, ref rooms.Ref, node string, seen int64) (rooms.Saved, error) {
	if err := m.at(ctx, BeforeClaim, ref, rooms.Batch{}); err != nil {
		return rooms.Saved{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.rooms[ref]
	if r == nil {
		return rooms.Saved{}, fmt.Errorf("%w: %s", rooms.ErrNotFound, ref)
	}
	if seen >= 0 && seen != r.Epoch {
		return rooms.Saved{}, rooms.ErrFenced
	}
	r.Epoch = max(r.Epoch+1, placement.FirstEpoch(m.generation))
	r.node = node
	m.changed(r)
	out := r.Saved
	out.Tail = slices.Clone(r.Tail[r.SnapshotSeq:])
	return out, nil
}

// Since implements rooms.Journal.
func (m *Memory) Since(ctx context.Context, ref rooms.Ref, seq int64, limit int) ([]rooms.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.rooms[ref]
	if r == nil {
		return nil, ctx.Err()
	}
	from := min(max(seq, 0), r.Seq)
	to := min(from+int64(max(limit, 0)), r.Seq)
	return slices.Clone(r.Tail[from:to]), ctx.Err()
}

// Append implements rooms.Journal.
func (m *Memory) Append(ctx context.Context, ref rooms.Ref, b rooms.Batch) ([]rooms.Answer, error) {
	if err := m.at(ctx, BeforeAppend, ref, b); err != nil {
		return nil, err
	}
	answers, err := m.append(ref, b)
	if err != nil {
		return nil, err
	}
	return answers, m.at(ctx, AfterAppend, ref, b)
}

func (m *Memory) append(ref rooms.Ref, b rooms.Batch) ([]rooms.Answer, error) {
	b, err := checked(b)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.rooms[ref]
	if r == nil || r.Epoch != b.Epoch || r.Seq != b.Seq {
		return nil, rooms.ErrFenced
	}
	p := post(m.books(ref.Tenant), ref, b)
	if len(p.conflict.Answered)+len(p.conflict.Reused)+len(p.conflict.Unfunded) > 0 {
		return nil, &p.conflict
	}
	m.write(r, ref, b, p)
	return p.answers, nil
}

func (m *Memory) write(r *saved, ref rooms.Ref, b rooms.Batch, p *posting) {
	books := m.books(ref.Tenant)
	for i, e := range b.Entries {
		r.Tail = append(r.Tail, e.Records...)
		if e.Command != nil {
			kept := p.answers[i]
			kept.Balances = nil
			books.commands[*e.Command] = answered{ref, e.Digest, kept}
		}
		if e.Audit != nil {
			books.audits = append(books.audits, *e.Audit)
		}
	}
	for who, a := range p.players {
		books.players[who] = a
	}
	r.till += p.till
	r.Seq = int64(len(r.Tail))
	if b.Snapshot != nil {
		r.Snapshot, r.SnapshotSeq = b.Snapshot, r.Seq
	}
	if b.Reveal {
		r.Seed, r.SeedEpoch = game.Seed{}, 0
	}
	if !b.Commit.IsZero() {
		r.Seed, r.SeedEpoch = b.Commit, b.Epoch
	}
	if b.Status != "" && r.Status != rooms.Closed && !(r.Status == rooms.Closing && b.Status == rooms.Open) {
		r.Status = b.Status
		m.changed(r)
	}
}

// changed notes that a room's assignment or status changed. m.mu is held.
func (m *Memory) changed(r *saved) {
	m.changes++
	r.change = m.changes
}

// checked returns the batch with one spelling of every id, and an error for one that no room should have
// made.
func checked(b rooms.Batch) (rooms.Batch, error) {
	seq, seen := b.Seq, map[rooms.CommandKey]bool{}
	b.Entries = slices.Clone(b.Entries)
	for i, e := range b.Entries {
		if e.Command != nil {
			id, err := uuid.Parse(e.Command.ID)
			key := rooms.CommandKey{Player: e.Command.Player, ID: id.String()}
			if err != nil || seen[key] {
				return b, fmt.Errorf("%w: command %+v", errBatch, *e.Command)
			}
			seen[key] = true
			b.Entries[i].Command = &key
		}
		for _, rec := range e.Records {
			seq++
			if rec.Seq != seq || rec.Epoch != b.Epoch || !json.Valid(rec.Data) {
				return b, fmt.Errorf("%w: event %d of epoch %d", errBatch, rec.Seq, rec.Epoch)
			}
		}
		if e.Audit != nil && !storable(e.Audit.Actor, e.Audit.Action, e.Audit.Target, e.Audit.Reason, e.Audit.Address, e.Audit.Credential, e.Audit.Request) {
			return b, fmt.Errorf("%w: %+v", errBatch, *e.Audit)
		}
		for _, move := range e.Moves {
			if move.Amount <= 0 || (move.Kind != game.Stake && move.Kind != game.Payout && move.Kind != game.Refund) || !storable(move.Ref) {
				return b, fmt.Errorf("%w: %+v", errBatch, move)
			}
		}
	}
	return b, nil
}

// storable reports whether PostgreSQL could keep the texts.
func storable(texts ...string) bool {
	return !slices.ContainsFunc(texts, func(s string) bool { return strings.ContainsRune(s, 0) || !utf8.ValidString(s) })
}
