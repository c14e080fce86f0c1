package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

// crashPlayer is a client that behaves as the SDK promises: it comes back, resumes by
// (epoch, seq), and resends unanswered commands under their ids. It writes down all
// that it is told.
type crashPlayer struct {
	f     *casino
	name  string
	token string
	calm  bool          // bets now and then, not whenever somebody else does
	most  time.Duration // how long it waits between two tries to come back, at most
	stays bool          // comes back also when everything is answered

	mu        sync.Mutex
	rnd       *rand.Rand
	last      wire.Resume
	joinedAt  int64 // the seq that its last join was answered with
	events    []seen
	faults    []string
	bets      []*bet
	done      bool       // no more new bets
	views     [][2]int64 // the gaps, from and to, instead of which it was given a view
	connected int
	retry     time.Duration   // how long the server asked it to stay away
	left      time.Time       // when it was thrown off its table; zero: it sits there, or never did
	away      []time.Duration // how long each time, from there to the next join
	wake      chan struct{}   // a round opened, or it is time to finish
}

func newCrashPlayer(f *casino, name string, rnd *rand.Rand) *crashPlayer {
	return &crashPlayer{f: f, name: name, token: f.token(name), rnd: rnd, most: 100 * time.Millisecond, wake: make(chan struct{}, 1)}
}

// play comes back until every command is answered and finish was called, as the SDK does: after
// what the server asked for, or longer each time (web/ui/client/src/backoff.ts).
func (p *crashPlayer) play(ctx context.Context) {
	for try := 0; ctx.Err() == nil && (p.stays || !p.finished()); try++ {
		if p.sit(ctx) {
			try = 0
		}
		p.mu.Lock()
		wait := p.retry
		p.retry = 0
		p.mu.Unlock()
		if wait > 0 {
			try = 0
		}
		wait += time.Duration(rand.Float64() * float64(min(p.most, 250*time.Millisecond<<min(try, 10))))
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

func (p *crashPlayer) finish() {
	p.mu.Lock()
	p.done = true
	p.mu.Unlock()
	p.nudge()
}

func (p *crashPlayer) nudge() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *crashPlayer) finished() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.done && len(p.unansweredLocked()) == 0
}

func (p *crashPlayer) unansweredLocked() []*bet {
	var out []*bet
	for _, b := range p.bets {
		if !b.answered {
			out = append(out, b)
		}
	}
	return out
}

// sit serves one connection, from dialling to its end, and reports whether it joined the table.
func (p *crashPlayer) sit(ctx context.Context) bool {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	dialling, giveUp := context.WithTimeout(ctx, 10*time.Second)
	c, err := dial(dialling, p.f.address, p.f.host, p.token, p.told)
	giveUp()
	if err != nil {
		return false
	}
	var reader sync.WaitGroup
	reader.Go(func() { c.read(ctx); cancel() })
	defer reader.Wait()
	defer func() { _ = c.conn.CloseNow() }()

	watching := time.AfterFunc(10*time.Second, cancel) // a server that does not answer is left
	came := p.join(ctx, c)
	watching.Stop()
	if !came {
		return false
	}
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.left = time.Now()
	}()
	p.mu.Lock()
	p.connected++
	if !p.left.IsZero() {
		p.away = append(p.away, time.Since(p.left))
		p.left = time.Time{}
	}
	resend := p.unansweredLocked()
	p.mu.Unlock()
	for _, b := range resend {
		p.send(ctx, c, &reader, b)
	}
	p.nudge()
	again := 50 * time.Millisecond
	if p.calm {
		again = 500 * time.Millisecond
	}
	for ctx.Err() == nil && (p.stays || !p.finished()) {
		select {
		case <-ctx.Done():
			return true
		case <-p.wake:
			for _, b := range p.think() {
				p.send(ctx, c, &reader, b)
			}
		case <-time.After(again): // what was answered "not now" is sent again
			p.mu.Lock()
			again := p.unansweredLocked()
			p.mu.Unlock()
			// Also while the first answer may be on its way: that is what command_id is for.
			for _, b := range again {
				p.send(ctx, c, &reader, b)
			}
		}
	}
	return true
}

func (p *crashPlayer) join(ctx context.Context, c *rpc) bool {
	p.mu.Lock()
	params := map[string]any{"room": p.f.room}
	resumed := p.last.Seq > 0
	if resumed {
		params["resume"] = p.last
	}
	p.mu.Unlock()
	done := make(chan bool, 1)
	if c.ask(ctx, wire.MethodRoomJoin, params, func(r reply, ok bool) { done <- ok && p.joined(r, resumed) }) != nil {
		return false
	}
	return <-done // the reader always calls back
}

// joined handles the reply to room.join. The reader calls it before any event that follows.
func (p *crashPlayer) joined(r reply, resumed bool) bool {
	var joined wire.RoomJoinResult
	if r.Error != nil || json.Unmarshal(r.Result, &joined) != nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case joined.View == nil:
		for _, e := range joined.Events {
			p.noteLocked(seen{e.Room, e.Epoch, e.Seq, e.Type, e.Data})
		}
	case resumed:
		p.views = append(p.views, [2]int64{p.last.Seq, joined.Seq})
	}
	p.last = wire.Resume{Epoch: joined.Epoch, Seq: joined.Seq}
	p.joinedAt = joined.Seq
	return true
}

// told handles a push. The reader calls it.
func (p *crashPlayer) told(method string, params json.RawMessage) {
	var closing wire.Closing
	if method == wire.PushClosing && json.Unmarshal(params, &closing) == nil {
		p.mu.Lock()
		p.retry = time.Duration(closing.RetryAfterMS) * time.Millisecond
		p.mu.Unlock()
	}
	if method != wire.PushRoomEvent {
		return
	}
	var e seen
	if err := json.Unmarshal(params, &e); err != nil || e.Room != p.f.room {
		p.mu.Lock()
		p.faults = append(p.faults, "an event of another room: "+string(params))
		p.mu.Unlock()
		return
	}
	p.mu.Lock()
	p.noteLocked(e)
	p.mu.Unlock()
	if e.Type == "round.opened" || !p.calm && e.Type == "bet.placed" {
		p.nudge()
	}
}

func (p *crashPlayer) noteLocked(e seen) {
	if p.last.Seq > 0 && e.Seq > p.last.Seq+1 {
		p.faults = append(p.faults, fmt.Sprintf("after %v (joined at %d) came %s at %d of epoch %d, at %s", p.last, p.joinedAt, e.Type, e.Seq, e.Epoch, time.Now().Format(time.StampMilli)))
	}
	if e.Seq <= p.last.Seq {
		p.faults = append(p.faults, fmt.Sprintf("%s at %d came again after %d", e.Type, e.Seq, p.last.Seq))
		return
	}
	p.last = wire.Resume{Epoch: e.Epoch, Seq: e.Seq}
	p.events = append(p.events, e)
}

// think makes up the next commands: a few bets, now and then an undo or a clear.
func (p *crashPlayer) think() []*bet {
	p.mu.Lock()
	defer p.mu.Unlock()
	// One who is calm bets at first: a round begins with a bet, and without one nobody is woken again.
	if p.done || len(p.unansweredLocked()) > 4 || p.calm && len(p.bets) > 0 && p.rnd.IntN(3) > 0 {
		return nil
	}
	var out []*bet
	for range 1 + p.rnd.IntN(3) {
		b := &bet{id: uuid.NewString(), kind: "bet"}
		switch p.rnd.IntN(8) {
		case 0:
			b.kind = "undo"
		case 1:
			b.kind = "clear"
		default:
			for range 1 + p.rnd.IntN(3) {
				b.bets = append(b.bets, p.f.play.bet(p.rnd))
			}
		}
		out = append(out, b)
	}
	p.bets = append(p.bets, out...)
	return out
}

// send gives a command and notes its answer when it comes.
func (p *crashPlayer) send(ctx context.Context, c *rpc, group *sync.WaitGroup, b *bet) {
	ch, err := c.start(ctx, wire.MethodRoomCommand, wire.RoomCommand{Room: p.f.room, CommandID: b.id, Command: mustJSON(b.command())})
	if err != nil {
		return
	}
	group.Go(func() {
		r, ok := <-ch
		if !ok {
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		var result wire.RoomCommandResult
		switch {
		case r.Error != nil && retriable(r.Error.Data.Code):
			return
		case r.Error != nil:
			if b.answered && (b.accepted || b.code != r.Error.Data.Code) {
				p.faults = append(p.faults, "two different answers to "+b.id+": "+b.code+" and "+r.Error.Data.Code)
			}
			b.answered, b.code = true, r.Error.Data.Code
		case json.Unmarshal(r.Result, &result) != nil || !result.Accepted:
			p.faults = append(p.faults, "not an answer: "+string(r.Result))
		default:
			if b.answered && (!b.accepted || b.seq != result.Seq) {
				p.faults = append(p.faults, "two different answers to "+b.id)
			}
			b.answered, b.accepted, b.seq = true, true, result.Seq
		}
	})
}

func mustJSON(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}

// bet is a command that a player gave, and what it was told.
type bet struct {
	id       string
	kind     string // bet, undo or clear
	bets     []position
	answered bool
	accepted bool
	seq      int64
	code     string
}

type position struct {
	Position string     `json:"position"`
	Amount   game.Money `json:"amount"`
}

func (b *bet) command() any {
	if b.kind == "bet" {
		return map[string]any{"type": "bet", "bets": b.bets}
	}
	return map[string]any{"type": b.kind}
}

// retriable reports whether a code means that the command was not decided.
func retriable(code string) bool {
	return code == "busy" || code == "unavailable" || code == "rate_limited"
}

// seen is an event as a player was told it.
type seen struct {
	Room  string          `json:"room"`
	Epoch int64           `json:"epoch"`
	Seq   int64           `json:"seq"`
	Type  string          `json:"type"`
	Data  json.RawMessage `json:"data"`
}
