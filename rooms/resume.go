package rooms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

const (
	// eventBytes is the length of an event's frame besides its data.
	eventBytes = 128
	// olderMax is how many events before those in memory are read from the journal for clients that resume.
	olderMax = 512
	// readsMax is how many rooms of a tenant do so at once, on this node; others wait for readTimeout, and
	// then their clients get the view.
	readsMax    = 2
	readTimeout = time.Second
	// pastTTL is how long what was read and encoded for one client is kept for the next: after a node or a
	// network fails, all of a room's clients come at once and missed the same.
	pastTTL = 10 * time.Second
)

// Joined is what a viewer who joins a room is sent.
type Joined struct {
	Epoch, Seq int64
	View       json.RawMessage  `json:",omitempty"` // the room's view at Seq; nil if Events fill the gap
	Events     []wire.RoomEvent // the events after the resume position, up to Seq
	Totals     json.RawMessage  `json:",omitempty"` // with Events, if the game has some
}

// Join returns the room's state for viewer: the events since resume if the room knows that position and
// they are not too many, else its view. It returns ErrNotFound, ErrBusy, ErrRateLimited or ErrUnavailable.
func (d *Directory) Join(ctx context.Context, ref Ref, viewer game.PlayerID, resume *wire.Resume) (Joined, error) {
	return query(ctx, d, callJoin, request{Ref: ref, Viewer: viewer, Resume: resume}, func(ctx context.Context) (Joined, error) {
		return d.joinHere(ctx, ref, viewer, resume)
	})
}

func (d *Directory) joinHere(ctx context.Context, ref Ref, viewer game.PlayerID, resume *wire.Resume) (Joined, error) {
	cost := joinCost
	if ref.Room == LobbyID && resume == nil {
		cost = 1 // every socket begins with the lobby
	}
	asked := d.find(ref)
	if asked != nil && !asked.allows(payer{id: viewer}, cost) {
		return Joined{}, ErrRateLimited
	}
	gap, err := ask(ctx, d, ref, func(r *room) (gap, error) { return r.catchUp(viewer, resume) })
	if asked != nil && errors.Is(err, errNotHere) { // it is asked again
		asked.refund(payer{id: viewer}, cost)
	}
	if err != nil || gap.past == nil {
		return gap.Joined, err
	}
	joined, known, err := d.resume(ctx, ref, viewer, *resume, gap)
	if err != nil || known {
		return joined, err
	}
	return ask(ctx, d, ref, func(r *room) (Joined, error) { return r.show(viewer) })
}

// gap is the room's position, and what a viewer missed of it.
type gap struct {
	Joined
	kind    game.Kind
	past    *past    // nil: Joined has the view instead
	records []Record // in memory, up to Seq: those from the position on, or all
	first   int64    // the seq of the first of them, or of the next event if there are none
}

// show returns the room's view for viewer. The one that everybody may see is made once for each event.
func (r *room) show(viewer game.PlayerID) (Joined, error) {
	view := r.publicView
	if viewer != "" || view == nil || r.publicViewAt != r.seq {
		var err error
		if view, err = json.Marshal(r.rules.View(viewer)); err != nil {
			return Joined{}, fmt.Errorf("view of %s: %w", r.ref, err)
		}
		if viewer == "" {
			r.publicView, r.publicViewAt = view, r.seq
		}
	}
	r.sums.published = nil // this viewer has those of the view, whatever was published last
	return Joined{Epoch: r.epoch, Seq: r.seq, View: view}, nil
}

// catchUp returns the room's position and what viewer missed. The cost of sending that is computed before any
// of it is done: if it is too high, or the room does not know the position, the result has the view.
func (r *room) catchUp(viewer game.PlayerID, at *wire.Resume) (gap, error) {
	if at != nil && at.Seq > 0 && at.Seq <= r.seq {
		g := gap{Joined: Joined{Epoch: r.epoch, Seq: r.seq}, kind: r.kind, first: at.Seq, records: r.remembered(at.Seq)}
		if g.records != nil && wasAt(g.records, *at, r.epoch) && sendable(g.records[1:]) {
			g.past = &r.past
		}
		if g.records == nil {
			g.first, g.records = r.seq+1-int64(len(r.recent)), slices.Clip(r.recent)
			if g.first-at.Seq <= olderMax && sendable(g.records) {
				g.past = &r.past
			}
		}
		if g.past != nil {
			var err error
			g.Totals, err = r.totals()
			r.sums.published = nil // this viewer has these, whatever was published last
			return g, err
		}
	}
	joined, err := r.show(viewer)
	return gap{Joined: joined}, err
}

// wasAt reports whether the room was ever at this position: at its seq from the epoch that wrote it until
// the one that wrote the next. records are those from the position on.
func wasAt(records []Record, at wire.Resume, epoch int64) bool {
	if records[0].Seq != at.Seq {
		return false
	}
	if len(records) > 1 {
		epoch = records[1].Epoch
	}
	return at.Epoch >= records[0].Epoch && at.Epoch <= epoch
}

// sendable reports whether records are few enough to be sent.
func sendable(records []Record) bool {
	size := 0
	for _, rec := range records {
		if size += len(rec.Data) + eventBytes; size > ResumeBytesMax {
			return false
		}
	}
	return true
}

// resume fills the gap after a position, if the journal knows the position and the gap is small. Reading
// and encoding the events takes the caller's time, not the room's.
func (d *Directory) resume(ctx context.Context, ref Ref, viewer game.PlayerID, at wire.Resume, g gap) (Joined, bool, error) {
	if at.Seq < g.first {
		older, err := g.past.before(ctx, d, ref, g.first)
		if err != nil {
			return Joined{}, false, errors.Join(ErrUnavailable, err)
		}
		i, found := slices.BinarySearchFunc(older, at.Seq, func(rec Record, seq int64) int { return int(rec.Seq - seq) })
		if !found {
			return Joined{}, false, nil
		}
		g.records = slices.Concat(older[i:], g.records)
		if !wasAt(g.records, at, g.Epoch) || !sendable(g.records[1:]) {
			return Joined{}, false, nil
		}
	}
	err := catchPanic(func() (err error) {
		g.Events, err = g.past.forms(g.kind, ref.Room, g.records[1:], viewer)
		return err
	})
	return g.Joined, true, err
}

// past is what a room's clients that resume have missed, so that it is read and encoded once for all of
// them. It is dropped after pastTTL.
type past struct {
	mu      sync.Mutex // guards what follows
	kept    bool       // until the timer that drops it fires
	formed  map[int64]formed
	older   []Record // before the event first, as far as they were read; nil: they were not
	first   int64
	reading chan struct{} // closed when the read in progress ends; nil: there is none
}

// formed is an event encoded for everybody, and the players who have a form of their own.
type formed struct {
	wire.RoomEvent
	audience []game.PlayerID
}

// keep makes sure that what is put into p now is dropped later. p.mu is held.
func (p *past) keep() {
	if !p.kept {
		p.kept = true
		time.AfterFunc(pastTTL, p.forget)
	}
}

func (p *past) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kept, p.formed, p.older = false, nil, nil
}

// forms returns records as viewer may see them.
func (p *past) forms(kind game.Kind, room string, records []Record, viewer game.PlayerID) ([]wire.RoomEvent, error) {
	out := make([]wire.RoomEvent, len(records))
	own, err := p.public(kind, room, records, viewer, out)
	if err != nil {
		return nil, err
	}
	for _, i := range own {
		if out[i], err = formOf(kind, room, records[i], viewer); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// public puts everybody's form of records into out, and returns the indexes of those of which viewer has
// another.
func (p *past) public(kind game.Kind, room string, records []Record, viewer game.PlayerID, out []wire.RoomEvent) (own []int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keep()
	if p.formed == nil {
		p.formed = make(map[int64]formed, len(records))
	}
	for i, rec := range records {
		f, ok := p.formed[rec.Seq]
		if !ok {
			if f, err = form(kind, room, rec); err != nil {
				return nil, err
			}
			p.formed[rec.Seq] = f
		}
		out[i] = f.RoomEvent
		if viewer != "" && slices.Contains(f.audience, viewer) {
			own = append(own, i)
		}
	}
	return own, nil
}

func form(kind game.Kind, room string, rec Record) (formed, error) {
	ev, err := decode(kind, rec)
	if err != nil {
		return formed{}, err
	}
	red, ok := ev.(game.Redactor)
	if !ok {
		return formed{RoomEvent: formedAs(room, rec, rec.Data)}, nil
	}
	data, err := json.Marshal(red.Public())
	if err != nil {
		return formed{}, fmt.Errorf("event %d, %s: %w", rec.Seq, rec.Type, err)
	}
	return formed{formedAs(room, rec, data), red.Audience()}, nil
}

// before returns the olderMax events before the event first, or those of them that a client could be sent.
// They are read once for all who ask; nil if others of the tenant's rooms occupy all reads.
func (p *past) before(ctx context.Context, d *Directory, ref Ref, first int64) ([]Record, error) {
	for {
		p.mu.Lock()
		if p.older != nil && p.first == first {
			defer p.mu.Unlock()
			return p.older, nil
		}
		other := p.reading
		if other == nil {
			break
		}
		p.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	mine := make(chan struct{})
	p.reading = mine
	p.mu.Unlock()
	read, err := d.readBefore(ctx, ref, first)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reading = nil
	close(mine)
	if err == nil && read != nil {
		p.keep()
		p.older, p.first = read, first
	}
	return read, err
}

func (d *Directory) readBefore(ctx context.Context, ref Ref, first int64) ([]Record, error) {
	free, ok := d.reads.enter(ctx, ref.Tenant)
	if !ok {
		d.hit(ref.Tenant, limitResumeReads)
		return nil, ctx.Err()
	}
	defer free()
	from := max(0, first-1-olderMax)
	records, err := d.o.Journal.Since(ctx, ref, from, int(first-1-from))
	if err != nil {
		return nil, err
	}
	keep := len(records)
	for size := 0; keep > 0 && size <= ResumeBytesMax; keep-- {
		size += len(records[keep-1].Data) + eventBytes
	}
	return append([]Record{}, records[keep:]...), nil
}

// reads limits the tenants' reads of older events.
type reads struct {
	mu      sync.Mutex // guards what follows
	tenants map[tenant.ID]chan struct{}
}

// enter waits for one of a tenant's readsMax slots, for readTimeout at most.
func (r *reads) enter(ctx context.Context, id tenant.ID) (leave func(), ok bool) {
	r.mu.Lock()
	slots := r.tenants[id]
	if slots == nil {
		slots = make(chan struct{}, readsMax)
		if r.tenants == nil {
			r.tenants = map[tenant.ID]chan struct{}{}
		}
		r.tenants[id] = slots
	}
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	select {
	case slots <- struct{}{}:
		return func() { <-slots }, true
	case <-ctx.Done():
		return nil, false
	}
}
