package roomstest

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
)

var _ rooms.Leases = (*Memory)(nil)

// held is a node's lease.
type held struct {
	rooms.Lease
	until time.Time
}

// Renew implements rooms.Leases.
func (m *Memory) Renew(ctx context.Context, l rooms.Lease, ttl time.Duration) (int64, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return 0, false, err
	}
	was, found := m.leases[l.Node]
	if found && was.Incarnation != l.Incarnation && !l.Takes && l.Generation == m.generation {
		return 0, false, rooms.ErrReplaced
	}
	now := time.Now()
	fresh := !found || was.Incarnation != l.Incarnation || now.After(was.until) || l.Generation != m.generation
	m.leases[l.Node] = held{l, now.Add(ttl)}
	return m.generation, fresh, nil
}

// Release implements rooms.Leases.
func (m *Memory) Release(ctx context.Context, l rooms.Lease) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.leases[l.Node].Incarnation == l.Incarnation {
		delete(m.leases, l.Node)
	}
	return ctx.Err()
}

// Floor implements rooms.Leases. It returns all rooms, whatever changed.
func (m *Memory) Floor(ctx context.Context, mark rooms.Mark) (rooms.Floor, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := rooms.Floor{Mark: rooms.Mark{Generation: m.generation, Next: m.changes + 1}}
	since := mark.Next
	if mark.Generation != m.generation {
		since = 0
	}
	for _, l := range m.leases {
		if time.Now().Before(l.until) {
			f.Nodes = append(f.Nodes, rooms.Node{Name: l.Node, Draining: l.Draining})
		}
	}
	slices.SortFunc(f.Nodes, func(a, b rooms.Node) int { return strings.Compare(a.Name, b.Name) })
	for ref, r := range m.rooms {
		if r.change >= since && (since > 0 || r.Status != rooms.Closed) {
			f.Places = append(f.Places, rooms.Place{Ref: ref, Status: r.Status, Node: r.node, Epoch: r.Epoch})
		}
	}
	return f, ctx.Err()
}

// HandOver implements rooms.Leases.
func (m *Memory) HandOver(ctx context.Context, ref rooms.Ref, epoch int64, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r := m.rooms[ref]; r != nil && r.Epoch == epoch && r.Status != rooms.Closed {
		r.node = to
		m.changed(r)
	}
	return ctx.Err()
}

// Configs implements rooms.Leases.
func (m *Memory) Configs(ctx context.Context, id tenant.ID) ([]rooms.Config, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []rooms.Config
	for ref, r := range m.rooms {
		if ref.Tenant == id && r.Status != rooms.Closed {
			out = append(out, r.Config)
		}
	}
	return out, ctx.Err()
}
