package rooms

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/pitboss-hub/pitboss/rooms/placement"
)

// localRooms are this node's rooms, as package placement drives them.
type localRooms struct{ d *Directory }

var _ placement.Runtime = localRooms{}

// Runs implements placement.Runtime.
func (l localRooms) Runs(ref Ref) bool { return l.d.find(ref) != nil }

// Staying implements placement.Runtime.
func (l localRooms) Staying() (refs []Ref, leaving int) {
	l.d.mu.RLock()
	defer l.d.mu.RUnlock()
	for ref, r := range l.d.rooms {
		if _, goes := r.target(); goes {
			leaving++
			continue
		}
		refs = append(refs, ref)
	}
	return refs, leaving
}

// Open implements placement.Runtime. Why a room does not open is logged once for each reason.
func (l localRooms) Open(ctx context.Context, a placement.Assignment) {
	err := l.d.openHere(ctx, a.Ref, a.Epoch)
	if ctx.Err() != nil {
		return
	}
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	switch {
	case err == nil, errors.Is(err, ErrFenced), errors.Is(err, ErrNotFound): // or another node was quicker, or it is being opened
		delete(l.d.logged, a.Ref)
	case errors.Is(err, ErrUnavailable): // it may not be opened again yet, which was logged
	case l.d.logged[a.Ref] != err.Error():
		l.d.logged[a.Ref] = err.Error()
		l.d.o.Log.Warn("a room does not open", "tenant", a.Ref.Tenant, "room", a.Ref.Room, "error", err)
	}
}

// Close implements placement.Runtime.
func (l localRooms) Close(ref Ref, reason string) { l.d.Close(ref, reason) }

// Leave implements placement.Runtime.
func (l localRooms) Leave(ref Ref, to string) {
	if r := l.d.find(ref); r != nil {
		r.leave(to)
	}
}

// Lost implements placement.Runtime.
func (l localRooms) Lost(a placement.Assignment) {
	if r := l.d.find(a.Ref); r != nil && a.Epoch > r.claimed.Load() {
		r.log.Warn("another node owns the room now", "owner", a.Node)
		l.d.stopRoom(r)
	}
}

// Died implements placement.Runtime. Whoever waits for the node asks the next owner.
func (l localRooms) Died(node string) { l.d.o.Peers.Forget(node) }

// WentBack implements placement.Runtime: the rooms were built from, and published, a history that the
// database no longer has.
func (l localRooms) WentBack(generation int64) {
	l.d.mu.RLock()
	here := slices.Collect(maps.Values(l.d.rooms))
	l.d.mu.RUnlock()
	for _, r := range here {
		l.d.stopRoom(r)
	}
	l.d.o.Log.Warn("the database has gone back: this node's rooms are claimed anew", "generation", generation, "rooms", len(here))
	if l.d.o.WentBack != nil {
		l.d.o.WentBack(generation)
	}
}
