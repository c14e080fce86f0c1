package rooms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/placement"
)

const (
	recoverFirst = 50 * time.Millisecond // the first pause between two tries
	recoverMax   = 2 * time.Second       // the longest
	// rebaseEvery is the number of replayed events from which on the rebuilt state becomes the base of the
	// next rebuild: a player who keeps betting with an empty wallet costs little.
	rebaseEvery = 32
)

// load sets the room to what the journal has.
func (r *room) load(saved Saved) error {
	r.epoch, r.seq, r.seed = saved.Epoch, saved.Seq, saved.Seed
	r.exposed = !r.seed.IsZero() && placement.GenerationOf(saved.SeedEpoch) < placement.GenerationOf(saved.Epoch)
	r.claimed.Store(saved.Epoch)
	r.base, r.baseSeq, r.snapshotSeq, r.recent = saved.Snapshot, saved.SnapshotSeq, saved.SnapshotSeq, saved.Tail
	r.setStatus(saved.Status)
	if n := len(r.recent); n > 0 && r.recent[n-1].At.After(r.last) {
		r.last = r.recent[n-1].At
	}
	return r.rebuild()
}

// rebuild makes the game's state anew from a snapshot and the events after it, as a restart would.
func (r *room) rebuild() error {
	rules, err := r.kind.New(r.config.Settings)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrGame, r.config.Game, err)
	}
	if r.base != nil {
		if err := strict.DecodeKnown(r.base, rules); err != nil {
			return fmt.Errorf("snapshot at %d: %w", r.baseSeq, err)
		}
	}
	at := r.baseSeq
	for _, rec := range r.recent {
		if rec.Seq <= r.baseSeq {
			continue
		}
		if rec.Seq != at+1 {
			break
		}
		ev, err := decode(r.kind, rec)
		if err != nil {
			return err
		}
		rules.Apply(ev)
		at = rec.Seq
	}
	if at != r.seq {
		return fmt.Errorf("rooms: no event %d though the last is %d", at+1, r.seq)
	}
	r.rules = rules
	if at-r.baseSeq < rebaseEvery {
		return nil
	}
	base, err := json.Marshal(rules)
	if err != nil {
		return fmt.Errorf("snapshot at %d: %w", at, err)
	}
	r.base, r.baseSeq = base, at
	return nil
}

// decode decodes a stored event.
func decode(kind game.Kind, rec Record) (game.Event, error) {
	ev := kind.Event(rec.Type)
	if rec.Type == game.TypeClosed {
		ev = &game.Closed{}
	}
	if ev == nil {
		return nil, fmt.Errorf("rooms: %s has no event %q (seq %d)", kind.Name, rec.Type, rec.Seq)
	}
	if err := strict.DecodeKnown(rec.Data, ev); err != nil {
		return nil, fmt.Errorf("rooms: event %d, %s: %w", rec.Seq, rec.Type, err)
	}
	return ev, nil
}

// recover finds out the outcome of an append: it claims the room anew, which fences off the append if it is
// still on its way, and publishes what was committed and not published yet. Until that works, whoever asks
// gets ErrUnavailable.
func (r *room) recover(ctx context.Context) {
	r.d.meter.recoveries.Inc()
	r.drop()
	level := slog.LevelWarn // logged as a warning once
	for pause := recoverFirst; !r.gone; pause = min(2*pause, recoverMax) {
		err := r.reclaim(ctx)
		if err == nil {
			r.log.Info("the room goes on", "epoch", r.epoch, "seq", r.seq)
			return
		}
		r.log.Log(ctx, level, "the room cannot be claimed yet", "error", err)
		level = slog.LevelDebug
		if errors.Is(err, ErrNotFound) {
			r.gone = true
			return
		}
		if errors.Is(err, ErrFenced) { // by another node, or by a claim of our own whose answer was lost
			r.d.meter.fenced.Inc()
			r.gone, r.dropped, r.fenced = true, true, true
			return
		}
		r.refuse(ctx, pause/2+rand.N(pause/2))
	}
}

// refuse answers every message with ErrUnavailable for a while.
func (r *room) refuse(ctx context.Context, while time.Duration) {
	over := time.NewTimer(while)
	defer over.Stop()
	for {
		select {
		case <-over.C:
			return
		case <-ctx.Done():
			r.gone = true
			return
		case <-r.stop:
			r.gone = true
			return
		case m := <-r.mailbox:
			m.reply(Answer{}, ErrUnavailable)
		}
	}
}

func (r *room) reclaim(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, journalTimeout)
	defer cancel()
	seen := r.epoch
	if r.d.alone() {
		seen = AnyEpoch
	}
	saved, err := r.d.o.Journal.Claim(ctx, r.ref, r.d.o.Node, seen)
	if err != nil {
		return err
	}
	if saved.Seq < r.published || r.epoch < placement.FirstEpoch(placement.GenerationOf(saved.Epoch)) { // sockets were sent a history that no longer exists
		return fmt.Errorf("%w: the database has gone back", ErrFenced)
	}
	if err := r.load(saved); err != nil {
		return err
	}
	missed := r.remembered(r.published + 1)
	if n := r.seq - r.published; int64(len(missed)) != n {
		if missed, err = r.d.o.Journal.Since(ctx, r.ref, r.published, int(n)); err != nil {
			return err
		}
	}
	var messages []hub.Message
	var movers []game.PlayerID
	for _, rec := range missed {
		ev, err := decode(r.kind, rec)
		if err != nil {
			return err
		}
		m, err := messageOf(r.ref, rec, ev)
		if err != nil {
			return err
		}
		messages = append(messages, m)
		for _, p := range game.Postings(ev) {
			movers = append(movers, p.Player)
		}
	}
	r.publishAll(ctx, messages)
	r.lookUpBalances(ctx, movers)
	return nil
}
