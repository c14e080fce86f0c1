package db

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
)

// groupWithin bounds the time of a group, which outlives its callers' contexts. It is less than a room waits, so
// that the room gets an answer.
const groupWithin = 8 * time.Second

// errPanic means that there is a bug in what does a group. It ends no more than that work.
var errPanic = errors.New("store: panic in a group")

// Lanes gathers a tenant's work that waits at the same time, so that it is done together: what comes while groups
// are under way goes into the next one. Many share a commit, nobody waits for a timer, and the busier the database
// is, the fewer transactions it gets. Its fields are not to be changed once it is used.
type Lanes[W any] struct {
	DB *DB
	// AtOnce is the number of groups that one tenant may have under way.
	AtOnce int
	// Keys returns what two of a group must not have in common.
	Keys func(W) []string
	// Size returns the size of a piece of work, and Max bounds the sum of a group of more than one.
	Size func(W) int
	Max  int
	// Do does a group, in Scope.ForGroups or ForAppends, and sets its results. It returns an error that all have in common.
	// If that is a panic, or the server refuses what may be the fault of one, Do is called anew with each alone.
	Do func(ctx context.Context, id tenant.ID, group []W) error

	mu    sync.Mutex
	lanes map[tenant.ID]*lane[W] // there is an entry while something is done
}

// lane holds what waits of one tenant.
type lane[W any] struct {
	waiting []*piece[W]
	busy    int // groups that are under way
}

// piece is work, and what became of it.
type piece[W any] struct {
	work W
	done chan struct{} // closed when err is set
	err  error
}

// Run returns when work is done, with an error that it may have in common with others, or when ctx ends. If it is
// sure then that it will never be done, the error is a rooms.ErrNotWritten. It returns ErrBusy if too much waits.
func (l *Lanes[W]) Run(ctx context.Context, id tenant.ID, work W) error {
	p := &piece[W]{work: work, done: make(chan struct{})}
	l.mu.Lock()
	own := l.lanes[id]
	if own == nil {
		own = &lane[W]{}
		if l.lanes == nil {
			l.lanes = map[tenant.ID]*lane[W]{}
		}
		l.lanes[id] = own
	}
	full := len(own.waiting) >= waitersMax
	more := !full && own.busy < l.AtOnce
	if !full {
		own.waiting = append(own.waiting, p)
	}
	if more {
		own.busy++
	}
	l.mu.Unlock()
	if full {
		l.DB.Hit(id, limitTenantConns)
		return fmt.Errorf("%w: %w", rooms.ErrNotWritten, ErrBusy)
	}
	if more {
		go l.serve(context.WithoutCancel(ctx), id)
	}
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		err := classify(ctx.Err(), false)
		if l.withdraw(id, p) {
			err = fmt.Errorf("%w: %w", rooms.ErrNotWritten, err)
		}
		return err // else the group goes on
	}
}

// withdraw reports whether p was still waiting, and makes sure that it is not done.
func (l *Lanes[W]) withdraw(id tenant.ID, p *piece[W]) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	own := l.lanes[id]
	if own == nil {
		return false
	}
	i := slices.Index(own.waiting, p)
	if i < 0 {
		return false
	}
	own.waiting = slices.Delete(own.waiting, i, i+1)
	return true
}

// serve does a tenant's work until none waits.
func (l *Lanes[W]) serve(ctx context.Context, id tenant.ID) {
	for {
		group := l.next(id)
		if group == nil {
			return
		}
		l.together(ctx, id, group)
	}
}

// next removes and returns the next group.
func (l *Lanes[W]) next(id tenant.ID) []*piece[W] {
	l.mu.Lock()
	defer l.mu.Unlock()
	own := l.lanes[id]
	if len(own.waiting) == 0 {
		if own.busy--; own.busy == 0 {
			delete(l.lanes, id)
		}
		return nil
	}
	var now, later []*piece[W]
	size, taken := 0, map[string]bool{}
	for i, p := range own.waiting {
		if size >= l.Max {
			later = append(later, own.waiting[i:]...)
			break
		}
		keys, more := l.Keys(p.work), l.Size(p.work)
		if len(now) > 0 && size+more > l.Max || slices.ContainsFunc(keys, func(k string) bool { return taken[k] }) {
			later = append(later, p)
			continue
		}
		for _, k := range keys {
			taken[k] = true
		}
		size += more
		now = append(now, p)
	}
	own.waiting = later
	return now
}

// together does a group, or each piece alone if one may be to blame for what the group met.
func (l *Lanes[W]) together(ctx context.Context, id tenant.ID, group []*piece[W]) {
	err := l.try(ctx, id, group)
	var refused *pgconn.PgError
	if len(group) > 1 && (errors.Is(err, errPanic) || errors.As(err, &refused) && !Transient(refused.Code)) {
		for i := range group {
			l.together(ctx, id, group[i:i+1])
		}
		return
	}
	for _, p := range group {
		p.err = err
		close(p.done)
	}
}

// try calls Do, and turns a panic into errPanic.
func (l *Lanes[W]) try(ctx context.Context, id tenant.ID, group []*piece[W]) (err error) {
	ctx, cancel := context.WithTimeout(ctx, groupWithin)
	defer cancel()
	defer func() {
		if x := recover(); x != nil {
			err = fmt.Errorf("%w: %v", errPanic, x)
			l.DB.Log.ErrorContext(ctx, "a group of the store panicked", "tenant", id, "panic", x, "stack", string(debug.Stack()))
		}
	}()
	work := make([]W, len(group))
	for i, p := range group {
		work[i] = p.work
	}
	return l.Do(ctx, id, work)
}

// Together does work at once, in one group, and returns the errors of each. It is for tests.
func (l *Lanes[W]) Together(ctx context.Context, id tenant.ID, work []W) []error {
	group := make([]*piece[W], len(work))
	for i, w := range work {
		group[i] = &piece[W]{work: w, done: make(chan struct{})}
	}
	l.together(ctx, id, group)
	errs := make([]error, len(group))
	for i, p := range group {
		errs[i] = p.err
	}
	return errs
}

// Waiting returns how much work of a tenant waits; -1 if none is done either. It is for tests.
func (l *Lanes[W]) Waiting(id tenant.ID) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if own := l.lanes[id]; own != nil {
		return len(own.waiting)
	}
	return -1
}
