package rooms

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

// work is one thing to decide: a command, a Close or a Tick.
type work struct {
	at       time.Time
	by       game.Actor
	key      *CommandKey // of a command
	command  *Command    // of a command
	body     any         // of a Tick or a Close
	fresh    game.Seed   // of a Tick
	closing  bool        // a Close
	unfunded bool        // the ledger said no: refused, whatever the rules say
	replies  []func(Answer, error)
}

func (w *work) answer(a Answer, err error) {
	replies := w.replies
	w.replies = nil
	for _, reply := range replies {
		reply(a, err)
	}
}

// draft is a batch on its way: what the rules decided, in memory, untold.
type draft struct {
	batch    Batch
	works    []*work // entry i is works[i]'s
	records  []Record
	messages []hub.Message // record i as sockets will be told it
}

// process decides what is in hand, appends, answers and tells. Nobody hears of anything
// before it is committed; what could not be committed leaves no trace, in memory neither.
func (r *room) process(ctx context.Context) {
	for len(r.hand) > 0 && !r.gone {
		d := r.decide()
		if len(d.batch.Entries) == 0 {
			r.hand = nil
			return
		}
		answers, err := r.append(ctx, d.batch)
		var conflict *Conflict
		switch {
		case err == nil:
			r.commit(ctx, d, answers)
		case errors.As(err, &conflict):
			r.concede(ctx, d, conflict)
		case errors.Is(err, ErrFenced):
			r.log.Warn("another node owns the room now")
			r.d.meter.fenced.Inc()
			r.gone, r.away, r.fenced = true, true, true
		default:
			r.log.Error("an append's outcome is not known", "err", err)
			r.recover(ctx)
		}
	}
}

// append outlives ctx: an append that was begun is worth waiting for.
func (r *room) append(ctx context.Context, b Batch) ([]Answer, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), journalWithin)
	defer cancel()
	began := time.Now()
	answers, err := r.d.o.Journal.Append(ctx, r.ref, b)
	r.d.meter.append.Observe(time.Since(began).Seconds())
	if err == nil && len(answers) != len(b.Entries) {
		return nil, fmt.Errorf("rooms: %d answers to %d entries", len(answers), len(b.Entries))
	}
	return answers, err
}

// decide lets the rules decide each work on top of the ones before it, and applies what
// they decide to the state in memory.
func (r *room) decide() *draft {
	d := &draft{batch: Batch{Epoch: r.epoch, Seq: r.seq, Status: r.status}}
	for _, w := range r.hand {
		entry := Entry{Command: w.key}
		body, events, no := r.consult(w)
		entry.Refusal = no
		closes := w.closing && d.batch.Status == Open
		if closes {
			d.batch.Status = Closing
		}
		for _, ev := range events {
			entry.Records = append(entry.Records, d.record(r, w, ev))
			entry.Moves = append(entry.Moves, game.Postings(ev)...)
			r.rules.Apply(ev)
		}
		if w.key == nil && len(events) == 0 && !closes {
			w.answer(Answer{}, nil) // a Tick or a Close that changes nothing is not written
			continue
		}
		if no == nil && w.by.Staff {
			entry.Audit = r.audit(w, body)
		}
		d.batch.Entries = append(d.batch.Entries, entry)
		d.works = append(d.works, w)
	}
	if n := len(d.records); n > 0 && d.records[n-1].Seq-r.snapshotSeq >= SnapshotEvery {
		snapshot, err := json.Marshal(r.rules)
		if err != nil {
			panic(fmt.Sprintf("snapshot: %v", err))
		}
		d.batch.Snapshot = snapshot
	}
	return d
}

// consult puts one work to the rules. They say what happens, or no.
func (r *room) consult(w *work) (body any, events []game.Event, no *game.Refusal) {
	if w.unfunded {
		return nil, nil, game.Refuse(game.CodeInsufficientFunds, "The balance does not cover the stake.")
	}
	body = w.body
	var err error
	if w.command != nil {
		body, err = r.kind.Command(w.command.Type, w.command.Body)
	}
	if err == nil {
		events, err = r.rules.Decide(game.Command{At: w.at, By: w.by, Body: body})
	}
	if err == nil {
		return body, events, nil
	}
	if !errors.As(err, &no) {
		panic(fmt.Sprintf("not a refusal: %v", err)) // a bug in the game
	}
	if w.command == nil {
		no = nil // a Close of what is closing already: nothing happens
	}
	return body, nil, no
}

// audit is the line of an operator's command. A command that is about something smaller than
// the room says so by a method Target; one that has a reason, by a method Why.
func (r *room) audit(w *work, body any) *Audit {
	a := &Audit{
		Actor: string(w.by.Player), Action: w.command.Type, Target: r.ref.Room,
		After: bytes.ToValidUTF8(w.command.Body, []byte("\uFFFD")), Address: w.command.Address,
	}
	if t, ok := body.(interface{ Target() string }); ok {
		a.Target = t.Target()
	}
	if w, ok := body.(interface{ Why() string }); ok {
		a.Reason = w.Why()
	}
	return a
}

// record writes an event down and makes the frames of it, before the state goes on, and
// notes what it does to the room's seed and status.
func (d *draft) record(r *room, w *work, ev game.Event) Record {
	data, err := json.Marshal(ev)
	if err != nil {
		panic(fmt.Sprintf("event %s: %v", ev.Type(), err))
	}
	rec := Record{Seq: r.seq + int64(len(d.records)) + 1, Epoch: r.epoch, At: w.at, Type: ev.Type(), Data: data}
	if in, ok := ev.(game.InRound); ok {
		rec.Round = in.RoundNo()
	}
	if x, ok := ev.(game.Revealer); ok {
		if d.batch.Reveal || r.seed.IsZero() || x.Reveals() != r.seed {
			panic(ev.Type() + " reveals a seed that is not the open one")
		}
		d.batch.Reveal = true
	}
	if x, ok := ev.(game.Committer); ok {
		if w.fresh.IsZero() || x.Commits() != w.fresh.Commit() {
			panic(ev.Type() + " commits to a seed that is not the fresh one")
		}
		if !d.batch.Commit.IsZero() || (!r.seed.IsZero() && !d.batch.Reveal) {
			panic(ev.Type() + " commits to a seed before the open one was revealed")
		}
		d.batch.Commit = w.fresh
	}
	if ev.Type() == game.TypeClosed {
		d.batch.Status = Closed
	}
	m, err := messageOf(r.ref, rec, ev)
	if err != nil {
		panic(fmt.Sprintf("event %s: %v", ev.Type(), err))
	}
	d.records, d.messages = append(d.records, rec), append(d.messages, m)
	return rec
}

// commit makes a written draft the room's past, answers, and tells everybody.
func (r *room) commit(ctx context.Context, d *draft, answers []Answer) {
	r.hand = nil
	r.adopt(d)
	for i, w := range d.works {
		if w.key != nil {
			r.count(answers[i])
		}
		w.answer(answers[i], nil)
	}
	r.d.meter.batch.Observe(float64(len(d.works)))
	r.tell(ctx, d.messages)
	r.tellBalances(ctx, answers)
}

// adopt makes a written draft part of the committed state.
func (r *room) adopt(d *draft) {
	r.seq += int64(len(d.records))
	r.recent = append(r.recent, d.records...)
	if d.batch.Snapshot != nil {
		r.base, r.baseSeq, r.snapshotSeq = d.batch.Snapshot, r.seq, r.seq
	}
	if extra := len(r.recent) - RecentMax; extra >= RecentMax {
		r.recent = append([]Record(nil), r.recent[extra:]...)
	}
	if d.batch.Reveal {
		r.seed = game.Seed{}
	}
	if !d.batch.Commit.IsZero() {
		r.seed = d.batch.Commit
	}
	r.turn(d.batch.Status)
}

// turn notes a new status. A closed room lingers, to answer those who come late.
func (r *room) turn(s Status) {
	if s == Closed && r.status != Closed {
		r.closedAt = time.Now()
		r.log.Info("the room is closed", "seq", r.seq)
	}
	if was := r.listed.Swap(s); was != nil && was != s {
		r.d.floor.changed(r.ref.Tenant)
		r.d.meter.rooms.WithLabelValues(string(was.(Status))).Dec()
		r.d.meter.rooms.WithLabelValues(string(s)).Inc()
	}
	r.status = s
}

// concede goes back to the committed state, answers the commands that can not be written, and
// keeps the rest in hand, to be decided anew: one player's empty wallet refuses only that
// player's bet. Each time at least one work is answered, or marked for good, so this ends.
func (r *room) concede(ctx context.Context, d *draft, c *Conflict) {
	var rest []*work
	progress := false
	for i, w := range d.works {
		first, answered := c.Answered[i]
		switch {
		case answered:
			r.d.meter.commands.WithLabelValues("repeated").Inc()
			w.answer(first, nil)
			progress = true
		case c.Reused[i]:
			r.d.meter.commands.WithLabelValues("reused").Inc()
			w.answer(Answer{}, ErrCommandReused)
			progress = true
		case c.Unfunded[i] && !w.unfunded && w.key != nil:
			w.unfunded = true
			progress = true
			fallthrough
		default:
			rest = append(rest, w)
		}
	}
	r.hand = rest
	if !progress {
		r.log.Error("a conflict that names nothing new", "err", c)
		r.recover(ctx)
		return
	}
	if err := r.rebuild(); err != nil {
		r.log.Error("the room can not be rebuilt from what it remembers", "err", err)
		r.recover(ctx)
	}
}
