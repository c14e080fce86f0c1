package rooms

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pitboss-hub/pitboss/rooms/game"
)

const (
	// beatEvery is how long after its last message a room publishes its seq, so that clients notice when
	// they lost its last event.
	beatEvery = 5 * time.Second
	// retickFirst and retickMax bound the pause before a Tick that changed nothing is tried
	// again. It doubles from one to the other.
	retickFirst = 250 * time.Millisecond
	retickMax   = 2 * time.Second
	// journalTimeout bounds one call of the journal. After it the outcome of an append is unknown.
	journalTimeout = 10 * time.Second
	// sleepMax is how long a room without a deadline sleeps.
	sleepMax = 24 * time.Hour
)

// room is one game and the goroutine that owns it.
type room struct {
	// Set once by newRoom.
	d       *Directory
	ref     Ref
	config  Config
	kind    game.Kind
	log     *slog.Logger
	mailbox chan *message
	stop    chan struct{}         // closed by halt
	leaving chan struct{}         // closed by leave and rest
	listed  atomic.Value          // a Status: what List says
	brief   atomic.Pointer[Brief] // what the lobby shows; nil: nothing

	claimed atomic.Int64 // the epoch of its latest claim

	quotas quotas
	past   past

	mu     sync.Mutex // guards what follows
	halted bool
	goes   bool   // leave or rest was called
	to     string // the node that it leaves for; "": it is to rest

	// Owned by run, after load. The state is the committed one, except between decide and
	// the end of the append.
	status      Status
	epoch, seq  int64 // seq is of the last committed event
	rules       game.Rules
	snapshotSeq int64           // where the journal's last snapshot is
	base        json.RawMessage // the game's state at baseSeq, to rebuild from; nil: as new
	baseSeq     int64
	recent      []Record  // the last committed events, at least those after baseSeq
	seed        game.Seed // committed, not revealed
	exposed     bool      // the database has gone back since: the seed may have been revealed in the history that was lost

	// Owned by run.
	budget       bucket     // of Limits.RoomBytes
	pending      []*work    // being decided; not answered yet
	atOnce       int        // how many of them one append decides
	troubled     bool       // the last append was not written, through no fault of its own
	questions    []*message // questions not answered yet
	published    int64      // the seq of the last event that was published
	last         time.Time  // of the last command: time does not run backwards in a game, unless the clock is set
	day          timepiece
	owed         time.Duration // by which the game's deadlines have yet to be moved
	beat         *time.Timer   // to the next beat
	sums         sums
	publicView   json.RawMessage // the view for everybody at everyoneAt; nil: not made yet
	publicViewAt int64
	retryAt      time.Time // no Tick before
	pause        time.Duration
	closedAt     time.Time
	gone         bool // run ends
	dropped      bool // it stops though the room is not closed, and does not leave for another node
	fenced       bool // another node owns it
}

func newRoom(d *Directory, ref Ref, c Config, kind game.Kind) *room {
	return &room{
		d: d, ref: ref, config: c, kind: kind,
		log:     d.o.Log.With("tenant", ref.Tenant, "room", ref.Room),
		mailbox: make(chan *message, MailboxMax), stop: make(chan struct{}),
		leaving: make(chan struct{}), day: timepiece{now: d.o.Now},
	}
}

// halt makes the room process what is in its mailbox, and stop.
func (r *room) halt() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.halted {
		r.halted = true
		close(r.stop)
	}
}

// leave makes the room leave for another node at the end of its round, or rest if to is "".
func (r *room) leave(to string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.goes {
		close(r.leaving)
	}
	r.goes, r.to = true, to
}

// target returns the node that the room leaves for, "" if it is to rest, and whether it leaves or rests at all.
func (r *room) target() (to string, goes bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.to, r.goes
}

// betweenRounds reports whether no round is under way, as the game says; of a game that does not say it: whether
// no seed is committed and unrevealed, or the game waits for somebody to begin.
func (r *room) betweenRounds() bool {
	if p, ok := r.rules.(game.Paused); ok {
		return p.BetweenRounds()
	}
	return r.seed.IsZero() || r.rules.Wake().IsZero()
}

// run runs the room until it stops. A panic of the rules ends this room and nothing else; its pending
// commands are answered.
func (r *room) run(ctx context.Context) {
	if err := catchPanic(func() error { r.live(ctx); return nil }); err != nil {
		r.log.Error("the table is out of order: its rules panicked", "error", err)
		r.d.meter.panics.Inc()
		r.dropped = true
	}
	r.drop()
}

// callers returns the stack of a panic: functions and lines, without their arguments, one of which may be a
// seed.
func callers() string {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	var b strings.Builder
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		fmt.Fprintf(&b, "\t%s (%s:%d)\n", f.Function, filepath.Base(f.File), f.Line)
	}
	return b.String()
}

// catchPanic calls a game's own code and turns a panic into an error.
func catchPanic(f func() error) (err error) {
	defer func() {
		if x := recover(); x != nil {
			err = fmt.Errorf("%w: %v\n%s", errRules, x, callers())
		}
	}()
	return f()
}

// drop answers whatever is pending: with errNotHere if another node owns the room, since that one can answer,
// else with ErrUnavailable.
func (r *room) drop() {
	why := ErrUnavailable
	if r.fenced {
		why = errNotHere
	}
	r.failPending(why)
	for _, q := range r.questions {
		q.reply(Answer{}, why)
	}
	r.questions = nil
}

// failPending answers the pending commands with the error why.
func (r *room) failPending(why error) {
	for _, w := range r.pending {
		if w.key != nil && len(w.replies) > 0 {
			r.d.meter.commands.WithLabelValues("unavailable").Inc()
		}
		w.answer(Answer{}, why)
	}
	r.pending = nil
}

// live runs the game until the room stops.
func (r *room) live(ctx context.Context) {
	wake := time.NewTimer(sleepMax)
	defer wake.Stop()
	r.beat = time.NewTimer(beatEvery)
	defer r.beat.Stop()
	if !r.d.alone() {
		r.publishBeat(ctx) // clients notice now what the former owner could not publish
		r.totalsChanged()
	}
	r.keepBrief()
	defer r.sums.stop()
	if r.d.trusted() {
		r.adjustDeadline(ctx) // the former owner's clock may have been wrong
	}
	if r.exposed && r.d.trusted() {
		r.process(ctx)
	}
	leaving := r.leaving
	for !r.gone {
		if leaving == nil && r.betweenRounds() {
			r.halt()
		}
		wake.Reset(r.sleepLimit())
		select {
		case <-ctx.Done():
			return
		case <-r.stop:
			for len(r.mailbox) > 0 && !r.gone && r.d.trusted() { // enqueued before the room left the directory
				r.handle(ctx)
			}
			return
		case <-leaving:
			leaving = nil
		case m := <-r.mailbox:
			if !r.d.trusted() {
				r.redirect(m)
				r.awaitTrust(ctx)
				continue
			}
			if r.adjustDeadline(ctx); r.gone {
				r.redirect(m)
				continue
			}
			r.handle(ctx, m)
		case <-wake.C:
			if r.awaitTrust(ctx); !r.gone {
				r.adjustDeadline(ctx)
			}
			if !r.gone {
				r.tick(ctx)
			}
		case <-r.beat.C:
			r.publishBeat(ctx)
			if r.d.trusted() {
				r.adjustDeadline(ctx)
			}
			r.quotas.forget(r.d.clock())
		case <-r.sums.due():
			r.publishTotals(ctx)
		}
	}
}

// awaitTrust waits until the node may decide. Messages that come meanwhile are answered with errNotHere, since the
// room may be elsewhere now.
func (r *room) awaitTrust(ctx context.Context) {
	for !r.d.alone() && !r.gone {
		ok, moved := r.d.placement.Trust()
		if ok {
			return
		}
		select {
		case <-moved:
		case <-ctx.Done():
			r.gone = true
		case <-r.stop:
			r.gone = true
		case m := <-r.mailbox:
			r.redirect(m)
		}
	}
}

// handle takes the waiting messages, up to BatchMax, decides their commands in one append, and then answers
// the questions, which see what was committed.
func (r *room) handle(ctx context.Context, first ...*message) {
	seen := map[CommandKey]*work{}
	for _, m := range first {
		r.accept(m, seen)
	}
	for range BatchMax - len(first) {
		select {
		case m := <-r.mailbox:
			r.accept(m, seen)
			continue
		default:
		}
		break
	}
	r.process(ctx)
	for len(r.questions) > 0 && !r.gone {
		r.questions[0].question(r)
		r.questions = r.questions[1:]
	}
}

// accept turns a message into a work. Two messages with the same command share one work.
func (r *room) accept(m *message, seen map[CommandKey]*work) {
	switch {
	case m.question != nil:
		r.questions = append(r.questions, m)
		return
	case m.close != nil:
		r.pending = append(r.pending, &work{at: r.now(), body: *m.close, closing: true, replies: []func(Answer, error){m.reply}})
		return
	}
	w := r.read(m)
	if w == nil {
		return
	}
	twin := seen[*w.key]
	if twin == nil {
		seen[*w.key] = w
		return
	}
	r.pending = r.pending[:len(r.pending)-1]
	if twin.digest != w.digest {
		r.d.meter.commands.WithLabelValues("reused").Inc()
		m.reply(Answer{}, ErrCommandReused)
		return
	}
	twin.replies = append(twin.replies, m.reply)
}

// now returns the time for the next command: UTC, in milliseconds, never before the last one.
func (r *room) now() time.Time {
	t := r.day.now().UTC().Truncate(time.Millisecond)
	if t.Before(r.last) {
		t = r.last
	}
	r.last = t
	return t
}

// tick gives the game the Tick that it waits for. Without randomness there is no fresh seed: a round that
// has its seed is played to its end, and no new one begins.
func (r *room) tick(ctx context.Context) {
	if r.due() > 0 {
		return
	}
	if r.status == Closed {
		r.gone = true
		return
	}
	fresh, err := r.d.o.Seeds()
	if err != nil {
		fresh = game.Seed{}
		r.log.Error("no randomness: no new round", "error", err)
		r.d.meter.seedless.Inc()
	}
	before := r.seq
	r.pending = []*work{{at: r.now(), body: game.Tick{Fresh: fresh}, fresh: fresh}}
	r.process(ctx)
	if r.seq != before {
		r.retryAt, r.pause = time.Time{}, 0
		return
	}
	r.pause = min(max(2*r.pause, retickFirst), retickMax)
	r.retryAt = time.Now().Add(r.pause)
}

// remembered returns the event of this seq and those after it, or nil if the room does not have all of them
// in memory. The records must not be changed.
func (r *room) remembered(seq int64) []Record {
	n := len(r.recent)
	if n == 0 || seq < r.recent[0].Seq || seq > r.seq {
		return nil
	}
	return r.recent[seq-r.recent[0].Seq : n : n]
}
