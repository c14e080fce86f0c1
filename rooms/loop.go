package rooms

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

// work is one item to decide: a command, a Close or a Tick.
type work struct {
	at      time.Time
	by      game.Actor
	key     *CommandKey   // of a command
	digest  int64         // of a command
	command *Command      // of a command
	body    any           // what the rules are given: a Tick, a Close, or what Kind.Command decoded
	fresh   game.Seed     // of a Tick
	closing bool          // a Close
	busy    bool          // it was answered with ErrBusy, and is not to be decided
	refusal *game.Refusal // the journal cannot store it: refused, whatever the rules say
	replies []func(Answer, error)
}

// digest returns a hash of what a command asks for, independent of white space and of the way it came here.
// It is never 0.
func digest(c *Command) int64 {
	body, err := json.Marshal(c.Body) // compact, as between nodes
	if err != nil {
		body = c.Body
	}
	h := sha256.New()
	_, _ = h.Write(append([]byte(c.Type), 0))
	_, _ = h.Write(body)
	if d := int64(binary.BigEndian.Uint64(h.Sum(nil))); d != 0 {
		return d
	}
	return 1
}

// read decodes a command and adds it to the pending works. One that the game cannot decode, at any time, is
// refused at once and leaves no row.
func (r *room) read(m *message) *work {
	c := m.command
	w := &work{at: r.now(), key: &CommandKey{c.By.Player, c.ID}, command: c, by: c.By, replies: []func(Answer, error){m.reply}}
	r.pending = append(r.pending, w)
	body, err := r.command(c)
	if err == nil {
		w.body, w.digest = body, digest(c)
		return w
	}
	a := Answer{Epoch: r.epoch, Seq: r.seq, Refusal: refusal(err)}
	r.pending = r.pending[:len(r.pending)-1]
	r.count(a)
	w.answer(a, nil)
	return nil
}

// command decodes a command's body: a Void is the same in every game, all others are the game's own.
func (r *room) command(c *Command) (any, error) {
	if c.Type != TypeVoid {
		return r.kind.Command(c.Type, c.Body)
	}
	var void struct {
		Type   string      `json:"type"`
		Reason strict.Line `json:"reason"`
	}
	switch err := strict.Decode(c.Body, &void); {
	case err != nil || void.Reason == "":
		return nil, game.Refuse(game.CodeInvalidCommand, "To void a round takes a reason.")
	case !c.By.Staff:
		return nil, game.Refuse(game.CodeForbidden, "Only the operator can void a round.")
	}
	return game.Void{Reason: string(void.Reason)}, nil
}

// refusal returns the Refusal that the error of a game's Decide or Command must be.
func refusal(err error) *game.Refusal {
	var no *game.Refusal
	if !errors.As(err, &no) {
		panic(fmt.Sprintf("not a refusal: %v", err)) // a bug in the game
	}
	return no
}

func (w *work) answer(a Answer, err error) {
	replies := w.replies
	w.replies = nil
	for _, reply := range replies {
		reply(a, err)
	}
}

// draft is a batch that is not committed yet: what the rules decided, in memory, unpublished.
type draft struct {
	now      int64 // when it was decided, by Directory.clock
	batch    Batch
	decided  int     // how many of the pending works it decides
	works    []*work // entry i comes from works[i]
	records  []Record
	messages []hub.Message // record i as it will be published
}

// process decides the pending works, appends, answers and publishes. Nothing leaves the room before it is
// committed; what could not be committed leaves no trace, not even in memory.
func (r *room) process(ctx context.Context) {
	if r.exposed { // before anything is decided
		at := r.now()
		if len(r.pending) > 0 {
			at = r.pending[0].at
		}
		r.pending = append([]*work{{at: at, body: game.Void{Reason: wentBack}}}, r.pending...)
	}
	r.atOnce = len(r.pending)
	for len(r.pending) > 0 && !r.gone {
		d := r.decide()
		if len(d.batch.Entries) == 0 {
			r.pending = r.pending[d.decided:]
			continue
		}
		answers, err := r.append(ctx, d.batch)
		var conflict *Conflict
		switch {
		case err == nil:
			r.commit(ctx, d, answers)
		case errors.As(err, &conflict):
			r.resolve(ctx, d, conflict)
		case errors.Is(err, ErrFenced):
			r.log.Warn("another node owns the room now")
			r.d.meter.fenced.Inc()
			r.gone, r.dropped, r.fenced = true, true, true
		case errors.Is(err, ErrNotWritten):
			r.abandon(ctx, d, err)
		default:
			r.log.Error("an append's outcome is not known", "error", err)
			r.recover(ctx)
			r.committed(d.batch)
		}
	}
	if len(r.pending) == 0 {
		r.pending = nil
	}
}

// append appends a batch even if ctx ends: an append that was begun is worth waiting for.
func (r *room) append(ctx context.Context, b Batch) ([]Answer, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), journalTimeout)
	defer cancel()
	began := time.Now()
	answers, err := r.d.o.Journal.Append(ctx, r.ref, b)
	r.d.meter.append.Observe(time.Since(began).Seconds())
	if err == nil && len(answers) != len(b.Entries) {
		return nil, fmt.Errorf("rooms: %d answers to %d entries", len(answers), len(b.Entries))
	}
	return answers, err
}

// decide lets the rules decide each work on top of the ones before it, and applies what they decide to the
// state in memory.
func (r *room) decide() *draft {
	d := &draft{
		now: r.d.clock(), decided: min(r.atOnce, len(r.pending)),
		batch: Batch{Epoch: r.epoch, Seq: r.seq, Status: r.status},
	}
	for _, w := range r.pending[:d.decided] {
		if !r.affords(w, d.now) {
			w.busy = true
			w.answer(Answer{}, ErrBusy)
			continue
		}
		entry := Entry{Command: w.key, Digest: w.digest}
		events, no := r.consult(w)
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
		if _, void := w.body.(game.Void); void && r.exposed && w.key == nil && !d.batch.Reveal {
			r.seed, r.exposed = game.Seed{}, false // the game has no use for it: it is as if it were lost
		}
		if w.key == nil && len(events) == 0 && !closes {
			w.answer(Answer{}, nil) // a Tick or a Close that changes nothing is not written
			continue
		}
		if no == nil && w.by.Staff {
			entry.Audit = r.audit(w)
		}
		d.batch.Entries = append(d.batch.Entries, entry)
		d.works = append(d.works, w)
	}
	before := len(r.pending)
	r.pending = slices.DeleteFunc(r.pending, func(w *work) bool { return w.busy })
	d.decided -= before - len(r.pending)
	if n := len(d.records); n > 0 && d.records[n-1].Seq-r.snapshotSeq >= SnapshotEvery {
		snapshot, err := json.Marshal(r.rules)
		if err != nil {
			panic(fmt.Sprintf("snapshot: %v", err))
		}
		d.batch.Snapshot = snapshot
	}
	return d
}

// consult asks the rules to decide one work. They return events or a refusal.
func (r *room) consult(w *work) (events []game.Event, no *game.Refusal) {
	if w.refusal != nil {
		return nil, w.refusal
	}
	events, err := r.rules.Decide(game.Command{At: w.at, By: w.by, Body: r.lend(w.body)})
	if err == nil {
		return r.stored(w, events)
	}
	no = refusal(err)
	if w.command == nil {
		no = nil // a Close of a room that is closing already: nothing happens
	}
	return nil, no
}

// lend returns what the rules are given, with the open seed if they may need it. One that may be known to
// others decides nothing: it is lent to be revealed only.
func (r *room) lend(body any) any {
	switch b := body.(type) {
	case game.Tick:
		if !r.exposed {
			b.Open = r.seed
		}
		return b
	case game.Void:
		b.Open = r.seed
		return b
	case game.Close:
		b.Open = r.seed
		return b
	}
	return body
}

// wentBack is the reason for which a round is void whose seed may be known to others.
const wentBack = "the casino's database went back to an earlier state"

// audit returns the audit line of an operator's command.
func (r *room) audit(w *work) *Audit {
	a := &Audit{
		Actor: string(w.by.Player), Action: w.command.Type, Target: r.ref.Room,
		After:  bytes.ToValidUTF8(w.command.Body, []byte("\uFFFD")),
		Origin: Origin{Address: w.command.Address, Credential: w.command.Credential, Request: w.command.Request},
	}
	if t, ok := w.body.(game.Targeted); ok {
		a.Target = t.Target()
	}
	if w, ok := w.body.(game.Reasoned); ok {
		a.Reason = w.Why()
	}
	return a
}

// record encodes an event and its frames, before the state goes on, and notes its effect on the room's seed
// and status.
func (d *draft) record(r *room, w *work, ev game.Event) Record {
	data, err := json.Marshal(ev)
	if err != nil {
		panic(fmt.Sprintf("event %s: %v", ev.Type(), err))
	}
	rec := Record{Seq: r.seq + int64(len(d.records)) + 1, Epoch: r.epoch, At: w.at, Type: ev.Type(), Data: data}
	if in, ok := ev.(game.InRound); ok {
		rec.Round = in.RoundNo()
	}
	if x, ok := ev.(game.Revealer); ok && !x.Reveals().IsZero() {
		if d.batch.Reveal || r.seed.IsZero() || x.Reveals() != r.seed {
			panic(ev.Type() + " reveals a seed that is not the open one")
		}
		d.batch.Reveal, rec.Reveals = true, true
	}
	if x, ok := ev.(game.Committer); ok {
		d.commit(r, w, ev.Type(), x)
	}
	if ev.Type() == game.TypeClosed {
		d.batch.Status = Closed
	}
	m, err := messageOf(r.ref, rec, ev)
	if err != nil {
		panic(fmt.Sprintf("event %s: %v", ev.Type(), err))
	}
	d.records, d.messages = append(d.records, rec), append(d.messages, m)
	r.charge(d.messages[len(d.messages)-1:], 1, d.now)
	return rec
}

// commit notes that a round begins under a commitment: to the fresh seed, or to the open one.
func (d *draft) commit(r *room, w *work, typ string, ev game.Committer) {
	open := r.seed
	if d.batch.Reveal {
		open = game.Seed{}
	}
	if !d.batch.Commit.IsZero() {
		open = d.batch.Commit
	}
	switch c, fresh := ev.Commits(); {
	case !fresh && (open.IsZero() || c != open.Commit()):
		panic(typ + " begins a round under a seed that is not the open one")
	case !fresh:
	case w.fresh.IsZero() || c != w.fresh.Commit():
		panic(typ + " commits to a seed that is not the fresh one")
	case !open.IsZero():
		panic(typ + " commits to a seed before the open one was revealed")
	default:
		d.batch.Commit = w.fresh
	}
}

// commit makes a written draft the committed state, answers, and publishes.
func (r *room) commit(ctx context.Context, d *draft, answers []Answer) {
	r.pending = r.pending[d.decided:]
	r.atOnce *= 2
	if r.troubled {
		r.troubled = false
		r.log.Info("the journal can be written again")
	}
	r.adopt(d)
	r.committed(d.batch)
	for i, w := range d.works {
		if w.key != nil {
			r.count(answers[i])
			if answers[i].Refusal != nil {
				r.quotas.charge(payerOf(w.by), refusalCost-1, d.now, &r.d.o.Limits)
			}
		}
		w.answer(answers[i], nil)
	}
	r.d.meter.batch.Observe(float64(len(d.works)))
	r.publishAll(ctx, d.messages)
	r.pushBalances(ctx, answers)
}

// committed tells of a batch that is written, or may be.
func (r *room) committed(b Batch) {
	if r.d.o.Committed != nil {
		r.d.o.Committed(r.ref, b)
	}
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
		r.seed, r.exposed = game.Seed{}, false
	}
	if !d.batch.Commit.IsZero() {
		r.seed, r.exposed = d.batch.Commit, false
	}
	r.setStatus(d.batch.Status)
}

// setStatus sets a new status. A closed room lingers, to answer those who come late.
func (r *room) setStatus(s Status) {
	if s == Closed && r.status != Closed {
		r.closedAt = time.Now()
		r.log.Info("the room is closed", "seq", r.seq)
	}
	if old := r.listed.Swap(s); old != nil && old != s {
		r.d.index.Changed(r.ref.Tenant)
		r.d.meter.rooms.WithLabelValues(string(old.(Status))).Dec()
		r.d.meter.rooms.WithLabelValues(string(s)).Inc()
	}
	r.status = s
}

// resolve rolls back to the committed state, answers the commands that cannot be written, and keeps the
// rest pending, to be decided anew: one player's empty wallet refuses only that player's bet. Each call
// answers or marks at least one work for good, so this ends.
func (r *room) resolve(ctx context.Context, d *draft, c *Conflict) {
	r.charge(d.messages, -1, d.now)
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
		case c.Unfunded[i] && w.refusal == nil && w.key != nil:
			w.refusal = game.Refuse(game.CodeInsufficientFunds, "The balance does not cover the stake.")
			progress = true
			fallthrough
		default:
			rest = append(rest, w)
		}
	}
	r.pending = append(rest, r.pending[d.decided:]...)
	if !progress {
		r.log.Error("a conflict that names nothing new", "error", c)
		r.recover(ctx)
		return
	}
	r.rollBack(ctx)
}

// rollBack rolls the state back to the committed one.
func (r *room) rollBack(ctx context.Context) {
	if err := r.rebuild(); err != nil {
		r.log.Error("the room cannot be rebuilt from what it remembers", "error", err)
		r.recover(ctx)
	}
}

// abandon rolls back after an append of which nothing was written. While the journal accepts no write,
// whoever asked gets ErrUnavailable. If the journal cannot store the batch, the room decides half of it at
// a time until the command that is to blame is alone: that one is refused for good.
func (r *room) abandon(ctx context.Context, d *draft, err error) {
	r.d.meter.unwritten.Inc()
	r.charge(d.messages, -1, d.now)
	w := r.pending[0]
	switch {
	case !errors.Is(err, ErrUnwritable):
		if !r.troubled {
			r.troubled = true
			r.log.Error("the journal cannot be written", "error", err)
		}
		r.failPending(ErrUnavailable)
	case d.decided > 1:
		r.atOnce = (d.decided + 1) / 2
	case w.key != nil && w.refusal == nil:
		r.log.Error("a command cannot be kept", "type", w.command.Type, "player", string(w.by.Player), "error", err)
		w.refusal = game.Refuse(game.CodeInvalidCommand, "This command cannot be stored.")
	default: // it is the room's own work; or not even the refusal can be stored
		r.log.Error("what was decided cannot be kept", "error", err)
		w.answer(Answer{Epoch: r.epoch, Seq: r.seq, Refusal: w.refusal}, nil)
		r.pending = r.pending[1:]
	}
	r.rollBack(ctx)
}
