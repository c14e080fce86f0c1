package cache

import (
	"container/heap"
	"container/list"
	"context"
	"sync"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

// entryBytes is what a value costs in memory besides its data.
const entryBytes = 512

// Memory is a Layer in memory. When it is full, it forgets the value that nobody asked for for the longest time,
// of the tenant that has the most in it: a tenant that asks for very much forgets its own.
type Memory struct {
	max int

	mu      sync.Mutex // guards what follows
	size    int
	values  map[Place]*list.Element
	shelves map[tenant.ID]*shelf
	bySize  bySize // the shelves
}

var _ Layer = (*Memory)(nil)

// shelf holds the values of a tenant.
type shelf struct {
	order list.List // of *value, the latest asked for first
	size  int
	at    int // in Memory.bySize
}

// bySize is a heap.Interface of shelves, the largest first, so that it is found without looking at all tenants.
type bySize []*shelf

func (b bySize) Len() int           { return len(b) }
func (b bySize) Less(i, j int) bool { return b[i].size > b[j].size }
func (b bySize) Swap(i, j int) {
	b[i], b[j] = b[j], b[i]
	b[i].at, b[j].at = i, j
}

func (b *bySize) Push(x any) {
	s := x.(*shelf)
	s.at = len(*b)
	*b = append(*b, s)
}

func (b *bySize) Pop() any {
	last := len(*b) - 1
	s := (*b)[last]
	(*b)[last] = nil
	*b = (*b)[:last]
	return s
}

type value struct {
	at    Place
	entry Entry
}

func (v *value) size() int { return len(v.entry.Data) + entryBytes }

// NewMemory returns an empty Memory for so many bytes.
func NewMemory(bytes int) *Memory {
	return &Memory{max: bytes, values: map[Place]*list.Element{}, shelves: map[tenant.ID]*shelf{}}
}

// Get implements Layer.
func (m *Memory) Get(_ context.Context, at Place) (Entry, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.values[at]
	if e == nil {
		return Entry{}, false
	}
	v := e.Value.(*value)
	if !time.Now().Before(v.entry.Until) {
		m.forget(e)
		return Entry{}, false
	}
	m.shelves[at.Key.Tenant()].order.MoveToFront(e)
	return v.entry, true
}

// Put implements Layer. What is larger than the Memory is not kept.
func (m *Memory) Put(_ context.Context, at Place, e Entry) {
	v := &value{at, e}
	m.mu.Lock()
	defer m.mu.Unlock()
	if old := m.values[at]; old != nil {
		m.forget(old)
	}
	if v.size() > m.max || !time.Now().Before(e.Until) {
		return
	}
	id := at.Key.Tenant()
	s := m.shelves[id]
	if s == nil {
		s = &shelf{}
		m.shelves[id] = s
		heap.Push(&m.bySize, s)
	}
	m.values[at] = s.order.PushFront(v)
	s.size += v.size()
	heap.Fix(&m.bySize, s.at)
	for m.size += v.size(); m.size > m.max; {
		m.forget(m.bySize[0].order.Back())
	}
}

// forget forgets a value. It needs mu.
func (m *Memory) forget(e *list.Element) {
	v := e.Value.(*value)
	id := v.at.Key.Tenant()
	s := m.shelves[id]
	s.order.Remove(e)
	delete(m.values, v.at)
	s.size -= v.size()
	m.size -= v.size()
	if s.order.Len() > 0 {
		heap.Fix(&m.bySize, s.at)
		return
	}
	heap.Remove(&m.bySize, s.at)
	delete(m.shelves, id)
}

// sizes calls f with the bytes of each tenant.
func (m *Memory) sizes(f func(tenant.ID, int)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, s := range m.shelves {
		f(id, s.size)
	}
}
