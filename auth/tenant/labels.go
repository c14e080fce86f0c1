package tenant

import "sync"

const (
	// LabelsMax bounds how many tenants have metrics of their own on a node, so that the number of series is bounded.
	LabelsMax = 100
	// LabelOfOthers is the label under which all other tenants are added up.
	LabelOfOthers = "other"
)

// Labels gives tenants their labels in a set of metrics: the first LabelsMax keep their IDs for good, so that no counter
// falls. The zero Labels is ready for use, by many goroutines.
type Labels struct {
	mu    sync.RWMutex // guards what follows
	named map[ID]string
}

// Of returns a tenant's label: its ID, or LabelOfOthers.
func (l *Labels) Of(id ID) string {
	l.mu.RLock()
	name, ok := l.named[id]
	full := len(l.named) >= LabelsMax
	l.mu.RUnlock()
	switch {
	case ok:
		return name
	case full:
		return LabelOfOthers
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if name, ok := l.named[id]; ok {
		return name
	}
	if len(l.named) >= LabelsMax {
		return LabelOfOthers
	}
	if l.named == nil {
		l.named = map[ID]string{}
	}
	l.named[id] = id.String()
	return l.named[id]
}
