package roomstest

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/placement"
)

var _ placement.Leases = (*Memory)(nil)

// held is a node's lease.
type held struct {
	placement.Lease
	until time.Time
}

// Renew implements placement.Leases.
func (m *Memory) Renew(ctx context.Context, l placement.Lease, ttl time.Duration) (int64, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return 0, false, err
	}
	old, found := m.leases[l.Node]
	if found && old.Incarnation != l.Incarnation && !l.Starting && l.Generation == m.generation {
		return 0, false, placement.ErrReplaced
	}
	now := time.Now()
	fresh := !found || old.Incarnation != l.Incarnation || now.After(old.until) || l.Generation != m.generation
	m.leases[l.Node] = held{l, now.Add(ttl)}
	return m.generation, fresh, nil
}

// Release implements placement.Leases.
func (m *Memory) Release(ctx context.Context, l placement.Lease) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.leases[l.Node].Incarnation == l.Incarnation {
		delete(m.leases, l.Node)
	}
	return ctx.Err()
}

// Assignments implements placement.Leases. It returns all rooms, whatever changed.
func (m *Memory) Assignments(ctx context.Context, mark placement.Mark) (placement.Changes, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := placement.Changes{Mark: placement.Mark{Generation: m.generation, Next: m.changes + 1}}
	since := mark.Next
	if mark.Generation != m.generation {
		since = 0
	}
	for _, l := range m.leases {
		if time.Now().Before(l.until) {
			out.Nodes = append(out.Nodes, placement.Node{Name: l.Node, Draining: l.Draining})
		}
	}
	slices.SortFunc(out.Nodes, func(a, b placement.Node) int { return strings.Compare(a.Name, b.Name) })
	for ref, r := range m.rooms {
		if r.change >= since && (since > 0 || r.Status != rooms.Closed) {
			out.Assignments = append(out.Assignments, placement.Assignment{Ref: ref, Status: r.Status, Node: r.node, Epoch: r.Epoch})
		}
	}
	return out, ctx.Err()
}

// HandOver implements placement.Leases.
func (m *Memory) HandOver(ctx context.Context, ref rooms.Ref, epoch int64, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r := m.rooms[ref]; r != nil && r.Epoch == epoch && r.Status != rooms.Closed {
		r.node = to
		m.changed(r)
	}
	return ctx.Err()
}

// Configs implements placement.Leases.
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
