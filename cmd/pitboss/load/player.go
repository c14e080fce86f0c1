package load

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
)

const (
	// initialBackoff and maxBackoff bound the pause before a player reconnects.
	initialBackoff = 100 * time.Millisecond
	maxBackoff     = 5 * time.Second
	// reconnectTimeout bounds a player's attempts to reconnect.
	reconnectTimeout = time.Minute
	// resendDelay is the pause before a bet is sent again that the server did not decide, or of which
	// it did not know the outcome.
	resendDelay = 500 * time.Millisecond
)

// player is one seat: a socket, what was said over it, and the book that is kept of it.
// One goroutine, live, reads; the schedule sends.
type player struct {
	run     *run
	table   *table
	name    string
	token   string
	command commandID
	stats   *stats

	roundOfBets, betsInRound int64 // the schedule's: how often it bet in that round

	mu      sync.Mutex // guards what follows
	book    *book
	socket  *socket // nil while away
	seated  bool    // joined, so that bets may be sent
	id      int64   // of the latest request
	waiting map[int64]waiting
	unsure  map[int64]time.Time // of waiting: bets to be sent again, and when
	calls   map[int64]answer
	spoke   time.Time     // when anything was last sent
	heard   time.Time     // when anything was last read
	beat    time.Duration // the server's heartbeat
	retry   time.Duration // how long the server asked to stay away
	wallet  wire.Balance  // the latest that was pushed
	out     []byte        // for frames

	answerTimes, eventTimes []int64 // of the read at hand, in µs
}

// answer is called with the reply to a request, by the reader, which holds the player's mu.
type answer func(result json.RawMessage, refused *wire.Error)

// waiting is a bet that was sent.
type waiting struct {
	Bet
	due time.Time
}

// live keeps the player connected until ctx ends, whose error it returns then. seated is called once, when he sits.
func (p *player) live(ctx context.Context, seated func()) error {
	var away time.Time // since when
	backoff := initialBackoff
	for {
		joined := false
		err := p.sit(ctx, func() {
			if joined = true; seated != nil {
				seated()
				seated = nil
			}
		})
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case seated != nil:
			return p.run.withAdvice(err) // the first time, what is wrong is likely to stay wrong
		case !comeBack(err):
			return fmt.Errorf("player %s: %w", p.name, err)
		}
		if joined {
			away, backoff = time.Now(), initialBackoff
		}
		if time.Since(away) > reconnectTimeout {
			return fmt.Errorf("player %s could not come back for %s: %w", p.name, reconnectTimeout, err)
		}
		p.mu.Lock()
		wait := max(p.retry, backoff/2+rand.N(backoff))
		p.retry = 0
		p.mu.Unlock()
		backoff = min(2*backoff, maxBackoff)
		if err := pause(ctx, wait); err != nil {
			return err
		}
		p.run.reconnects.Add(1)
	}
}

// sit connects, joins, and reads until the socket ends, and returns why it did.
func (p *player) sit(ctx context.Context, joined func()) error {
	if err := p.run.doors.enter(ctx); err != nil {
		return err
	}
	s, err := dialSocket(ctx, p.run.base, p.token)
	p.run.doors.leave()
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, s.sayGoodbye)()
	defer func() { _ = s.conn.Close() }()

	var refused error
	p.mu.Lock()
	p.socket, p.heard = s, time.Now()
	join := wire.RoomJoin{Room: p.table.room}
	if p.book.seq > 0 {
		join.Resume = &wire.Resume{Epoch: p.book.epoch, Seq: p.book.seq}
	}
	err = p.ask(wire.MethodRoomJoin, join, func(result json.RawMessage, e *wire.Error) {
		if refused = p.joined(result, e); refused == nil {
			p.seated = true
			p.sendAgain()
			joined()
		}
	})
	p.mu.Unlock()
	for err == nil {
		if err = s.fill(); err == nil {
			err = p.read(s, time.Now())
		}
		if refused != nil {
			err = refused
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.socket, p.seated = nil, false
	for id, answered := range p.calls {
		delete(p.calls, id)
		answered(nil, wire.NewError(wire.CodeUnavailable, "the socket ended"))
	}
	return err
}

// read handles all complete frames that were received, at now.
func (p *player) read(s *socket, now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heard = now
	p.answerTimes, p.eventTimes = p.answerTimes[:0], p.eventTimes[:0]
	defer func() { p.stats.record(p.answerTimes, p.eventTimes) }()
	for {
		op, payload, ok, err := s.frame()
		if err != nil || !ok {
			return err
		}
		switch op {
		case opText:
			if err := p.scan(payload, now); err != nil {
				return err
			}
		case opPing:
			s.write(seal(opPong, append(newFrame(nil), payload...)))
		case opPong:
		case opClose:
			s.write(seal(opClose, append(newFrame(nil), payload[:min(2, len(payload))]...)))
			return closedBy(payload)
		default:
			return fmt.Errorf("the server sent a frame of type %d", op)
		}
	}
}

// scan handles one message, and parses only what the scanner does not know.
func (p *player) scan(frame []byte, now time.Time) error {
	if e, ok := scanEvent(frame); ok {
		return p.receive(&e, now)
	}
	if id, seq, ok := scanAccepted(frame); ok {
		p.accepted(id, seq, now)
		return nil
	}
	if b, ok := scanBalance(frame); ok {
		p.wealth(b)
		return nil
	}
	if isDull(frame) {
		return nil
	}
	return p.parse(frame, now)
}

// parse handles a message of a rare kind, with encoding/json.
func (p *player) parse(frame []byte, now time.Time) error {
	var m struct {
		ID     int64           `json:"id"`
		Method string          `json:"method"`
		Params json.RawMessage `json:"params"`
		Result json.RawMessage `json:"result"`
		Error  *wire.Error     `json:"error"`
	}
	if err := strict.DecodeKnown(frame, &m); err != nil {
		return fmt.Errorf("the server sent what is no message: %w: %.200s", err, frame)
	}
	var err error
	switch m.Method {
	case "":
		return p.answered(m.ID, m.Result, m.Error, now)
	case wire.PushWelcome:
		var w wire.Welcome
		if err = strict.DecodeKnown(m.Params, &w); err == nil {
			p.beat = time.Duration(w.HeartbeatMS) * time.Millisecond
			p.run.clocks.note(now.Sub(w.Time.Time))
		}
	case wire.PushClosing:
		var c wire.Closing
		if err = strict.DecodeKnown(m.Params, &c); err == nil {
			p.retry = time.Duration(c.RetryAfterMS) * time.Millisecond
		}
	case wire.PushWalletBalance:
		var b wire.Balance
		if err = strict.DecodeKnown(m.Params, &b); err == nil {
			p.wealth(b)
		}
	case wire.PushRoomEvent:
		var e wire.RoomEvent
		if err = strict.DecodeKnown(m.Params, &e); err == nil {
			told := eventOf(&e)
			err = p.receive(&told, now)
		}
	}
	return err
}

func eventOf(e *wire.RoomEvent) event {
	return event{room: []byte(e.Room), typ: []byte(e.Type), data: e.Data, epoch: e.Epoch, seq: e.Seq, at: time.Duration(e.At.UnixNano()) % (24 * time.Hour)}
}

// receive handles an event that was pushed.
func (p *player) receive(e *event, now time.Time) error {
	if string(e.room) != p.table.room {
		return nil // the lobby's
	}
	p.eventTimes = append(p.eventTimes, e.since(now).Microseconds())
	return p.enter(e)
}

// enter puts an event into the book.
func (p *player) enter(e *event) error {
	if !p.book.next(e.epoch, e.seq) {
		return nil
	}
	if string(e.typ) == p.table.game.BetPlaced {
		round, b, own, err := p.table.game.OwnBet(e.data)
		if err != nil {
			return fmt.Errorf("event %d: %w", e.seq, err)
		}
		if own {
			p.book.place(e.seq, round, b)
		}
		return nil
	}
	typ := string(e.typ)
	d, err := p.table.game.Event(typ, e.data)
	if err != nil {
		return fmt.Errorf("event %d, %s: %w", e.seq, e.typ, err)
	}
	p.table.observe(e.seq, typ, &d)
	if d.Settled != nil {
		p.book.settle(d.Round, d.Outcome, d.Settled.Own)
	}
	if d.Voided != nil {
		p.book.void(d.Round, d.Voided.Refund, d.Voided.Reason)
	}
	return nil
}

// accepted handles the reply that a bet was accepted.
func (p *player) accepted(id, seq int64, now time.Time) {
	w, ok := p.waiting[id]
	if !ok {
		p.book.fault(wrongEvent, "request %d was answered twice, or never asked", id)
		return
	}
	delete(p.waiting, id)
	delete(p.unsure, id)
	p.answerTimes = append(p.answerTimes, now.Sub(w.due).Microseconds())
	p.book.accept(seq, w.Bet)
}

// answered handles any other reply.
func (p *player) answered(id int64, result json.RawMessage, e *wire.Error, now time.Time) error {
	if answered, ok := p.calls[id]; ok {
		delete(p.calls, id)
		answered(result, e)
		return nil
	}
	if e == nil {
		var r wire.RoomCommandResult
		if err := strict.DecodeKnown(result, &r); err != nil || !r.Accepted {
			return fmt.Errorf("the server answered a bet with %.200s", result)
		}
		p.accepted(id, r.Seq, now)
		return nil
	}
	if _, ok := p.waiting[id]; !ok {
		return fmt.Errorf("the server refused what was never asked: %w", e)
	}
	p.stats.refuse(e.Data.Code)
	switch e.Data.Code {
	case wire.CodeUnavailable, wire.CodeBusy, wire.CodeRateLimited:
		p.unsure[id] = now.Add(resendDelay) // no answer: it may have been accepted, or be so later
		return nil
	}
	delete(p.waiting, id)
	delete(p.unsure, id)
	return nil
}

func (p *player) wealth(b wire.Balance) {
	switch {
	case b.Version > p.wallet.Version:
		p.wallet = b
	case b.Version == p.wallet.Version && b.Balance != p.wallet.Balance:
		p.book.fault(wrongBalance, "version %d of the balance is %d and %d", b.Version, p.wallet.Balance, b.Balance)
	}
}

// joined handles the reply to room.join.
func (p *player) joined(result json.RawMessage, e *wire.Error) error {
	if e != nil {
		return fmt.Errorf("player %s cannot join %s: %w", p.name, p.table.room, e)
	}
	var r wire.RoomJoinResult
	if err := strict.DecodeKnown(result, &r); err != nil {
		return err
	}
	if r.View == nil {
		for i := range r.Events {
			e := eventOf(&r.Events[i])
			if err := p.enter(&e); err != nil {
				return err
			}
		}
		if r.Seq != p.book.seq {
			p.book.fault(missingSeq, "came back to event %d, and the events sent end with %d", r.Seq, p.book.seq)
		}
		p.book.epoch, p.book.seq = r.Epoch, r.Seq
		return nil
	}
	v, err := p.table.game.View(r.View)
	if err != nil {
		return err
	}
	if p.book.seq > 0 {
		p.book.fault(missingSeq, "came back after event %d, and the events up to %d were not sent", p.book.seq, r.Seq)
	}
	p.book.epoch, p.book.seq = r.Epoch, r.Seq
	p.table.applyView(r.Seq, &v)
	return nil
}
