package rooms

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pitboss-hub/pitboss/rooms/placement"
)

// Open makes sure that a room runs: on the node that owns it, or on the one that should (placement.Agent.For).
// A closed room stays closed, and one at rest (Options.Rests) stays so, without an error. It returns ErrNotFound, ErrGame, or
// ErrUnavailable while draining and for a room whose rules panicked a moment ago.
func (d *Directory) Open(ctx context.Context, ref Ref) error {
	if d.alone() {
		return d.openHere(ctx, ref, AnyEpoch)
	}
	a, known := d.index.Find(ref)
	if d.find(ref) != nil || known && a.Node != "" && d.index.Lives(a.Node) || d.placement.Rests(ref) {
		return nil
	}
	to := d.placement.For(ref)
	if to == "" || to == d.o.Node {
		return d.openHere(ctx, ref, a.Epoch)
	}
	_, err := callOpen.Ask(ctx, d.o.Peers, to, d.withGeneration(request{Ref: ref, Epoch: a.Epoch}))
	if ctx.Err() != nil {
		return fmt.Errorf("open %s: %w", ref, errors.Join(ErrUnavailable, ctx.Err()))
	}
	if err == nil || errors.Is(err, ErrFenced) {
		return nil
	}
	err = d.openHere(ctx, ref, a.Epoch)
	if errors.Is(err, ErrFenced) { // the other node was slow, and has it
		return nil
	}
	return err
}

// openHere claims the room for this node, if its epoch is seen, and runs it, unless it runs already.
func (d *Directory) openHere(ctx context.Context, ref Ref, seen int64) error {
	for {
		d.mu.Lock()
		if d.rooms[ref] != nil {
			d.mu.Unlock()
			return nil
		}
		if d.draining || time.Now().Before(d.notBefore[ref]) {
			d.mu.Unlock()
			return fmt.Errorf("open %s: %w", ref, ErrUnavailable)
		}
		other := d.opening[ref]
		if other == nil {
			break
		}
		d.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return fmt.Errorf("open %s: %w", ref, ctx.Err())
		}
	}
	mine := make(chan struct{})
	d.opening[ref] = mine
	d.loops.Add(1) // Drain waits for this too
	defer d.loops.Done()
	d.mu.Unlock()

	r, err := d.claim(ctx, ref, seen)
	if err == nil && r != nil && !d.alone() {
		d.publishAssignment(placement.Assignment{Ref: ref, Status: r.status, Node: d.o.Node, Epoch: r.epoch})
		d.index.Learn(ref.Tenant, r.config)
		if d.placement.Rests(ref) { // as is known now that its settings are
			r.leave("")
		}
	}

	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.opening, ref)
	close(mine)
	if err != nil {
		return fmt.Errorf("open %s: %w", ref, err)
	}
	delete(d.notBefore, ref)
	if r == nil {
		return nil
	}
	if d.index.Supersedes(ref, r.epoch) { // the claim's answer was late, and another claim superseded it
		return fmt.Errorf("open %s: %w", ref, ErrFenced)
	}
	if d.draining {
		if to := d.placement.For(ref); to != "" && to != d.o.Node {
			d.loops.Go(func() { d.handOver(r, to) })
		}
		return fmt.Errorf("open %s: %w", ref, ErrUnavailable)
	}
	d.rooms[ref] = r
	d.index.Changed(ref.Tenant)
	d.meter.rooms.WithLabelValues(string(r.status)).Inc()
	d.loops.Go(func() {
		r.run(d.life)
		d.remove(r)
	})
	return nil
}

// claim claims the room and returns it, ready to run; nil if it is closed.
func (d *Directory) claim(ctx context.Context, ref Ref, seen int64) (*room, error) {
	ctx, cancel := context.WithTimeout(ctx, journalTimeout)
	defer cancel()
	saved, err := d.o.Journal.Claim(ctx, ref, d.o.Node, seen)
	if err != nil {
		return nil, err
	}
	if saved.Status == Closed {
		return nil, nil //nolint:nilnil // there is nothing to run
	}
	r, err := d.restore(ref, saved)
	if err != nil { // trying again soon would not help
		d.mu.Lock()
		d.notBefore[ref] = time.Now().Add(reopenDelay)
		d.mu.Unlock()
	}
	return r, err
}

// restore restores the room from what was saved.
func (d *Directory) restore(ref Ref, saved Saved) (*room, error) {
	kind, ok := d.o.Kinds[saved.Game]
	if !ok {
		return nil, fmt.Errorf("%w: %q", ErrGame, saved.Game)
	}
	r := newRoom(d, ref, saved.Config, kind)
	if err := catchPanic(func() error { return r.load(saved) }); err != nil {
		return nil, err
	}
	r.published = r.seq
	return r, nil
}

// remove removes a room whose run has ended from the directory, and hands it over if it left for another
// node.
func (d *Directory) remove(r *room) {
	d.meter.rooms.WithLabelValues(string(r.status)).Dec()
	to, goes := r.target()
	if goes && to == "" && !r.dropped && r.status != Closed && !r.betweenRounds() {
		goes = false // it began a round at the last moment, or the node drains: it is opened again, and rests after the round
	}
	d.mu.Lock()
	if d.rooms[r.ref] == r {
		delete(d.rooms, r.ref)
		d.index.Changed(r.ref.Tenant)
	}
	if r.dropped && (d.alone() || !r.fenced) {
		d.notBefore[r.ref] = time.Now().Add(reopenDelay)
	}
	d.mu.Unlock()
	r.empty()
	if goes && !r.dropped && r.status != Closed {
		d.handOver(r, to)
	}
}

// handOver assigns a room that has stopped here to another node and asks that node to open it, or to none if to is "".
// If the request is lost, the other node finds the assignment in the index.
func (d *Directory) handOver(r *room, to string) {
	a := placement.Assignment{Ref: r.ref, Status: r.status, Node: to, Epoch: r.epoch}
	if err := d.placement.HandOver(a); err != nil {
		// It is still assigned to this node, which opens it again at the next refresh, unless it drains:
		// then its lease ends soon.
		r.log.Warn("the room is not handed over", "to", to, "error", err)
		return
	}
	if to == "" {
		return
	}
	d.meter.handedOver.Inc()
	callOpen.Go(d.o.Peers, to, d.withGeneration(request{Ref: r.ref, Epoch: r.epoch}), func(_ struct{}, err error) {
		if err != nil {
			r.log.Debug("the room is opened when its new owner looks", "to", to, "error", err)
		}
	})
}
