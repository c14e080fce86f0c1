package rooms_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/roomstest"
)

// chaos is a casino where appends fail and stall, another node takes rooms away, and the
// process is restarted, while players bet and repeat what was not answered.
type chaos struct {
	*casino
	tables []rooms.Ref
	now    atomic.Pointer[node]
	reopen atomic.Int64 // how often a room may have been opened anew

	mu     sync.Mutex // guards what follows
	chance *rand.Rand
	calm   bool
	final  map[rooms.CommandKey]outcome
	funded map[game.PlayerID]game.Money
}

type outcome struct {
	ref    rooms.Ref
	amount game.Money
	answer rooms.Answer
}

func TestChaosLosesNothingAndDoublesNothing(t *testing.T) {
	t.Parallel()
	chance := roomstest.Random(t)
	for i := range 5 {
		seed := chance.Uint64()
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := &chaos{
					casino: newCasino(t), chance: rand.New(rand.NewPCG(seed, 0)),
					final: map[rooms.CommandKey]outcome{}, funded: map[game.PlayerID]game.Money{},
				}
				c.run()
			})
		})
	}
}

// n is a random number below most.
func (c *chaos) n(most int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.chance.IntN(most)
}

func (c *chaos) run() {
	c.tables = []rooms.Ref{c.table, c.room("table-2", `{"betting_ms":300}`)}
	c.now.Store(c.node)
	c.journal.Hook(c.disturb)
	for p := range 6 {
		who := game.PlayerID(fmt.Sprint("p", p))
		c.funded[who] = game.Money(100 + c.n(2000))
		c.Fund(who, c.funded[who])
	}
	stop := make(chan struct{})
	var players, world sync.WaitGroup
	world.Go(func() { c.keepOpen(stop) })
	world.Go(func() { c.restartNow(stop) })
	for who := range c.funded {
		players.Go(func() { c.play(who) })
	}
	players.Wait()
	close(stop)
	world.Wait()
	c.mu.Lock()
	c.calm = true
	c.mu.Unlock()
	c.now.Load().end()
	c.reopen.Add(int64(len(c.tables)))
	c.node = c.start()
	c.now.Store(c.node)
	for _, ref := range c.tables {
		c.open(ref)
	}
	c.pass(time.Minute) // all rounds end
	c.check()
	c.node.end()
}

// disturb is the journal's hook.
func (c *chaos) disturb(ctx context.Context, at roomstest.Moment, ref rooms.Ref, _ rooms.Batch) error {
	c.mu.Lock()
	calm, dice, pause := c.calm, c.chance.IntN(100), time.Duration(c.chance.IntN(300))*time.Millisecond
	c.mu.Unlock()
	switch {
	case calm:
		return nil
	case dice < 6:
		return errBroken
	case dice < 8 && at == roomstest.BeforeAppend:
		c.reopen.Add(1)
		go c.steal(ref) // ends within a second
	case dice < 20:
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	case dice == 20:
		<-ctx.Done() // until the room gives up
		return ctx.Err()
	}
	return nil
}

func (c *chaos) steal(ref rooms.Ref) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_, _ = c.journal.Claim(ctx, ref, "thief", rooms.AnyEpoch) // or not
}

func (c *chaos) keepOpen(stop <-chan struct{}) {
	for {
		for _, ref := range c.tables {
			err := c.now.Load().Open(context.Background(), ref)
			if err != nil && !errors.Is(err, rooms.ErrUnavailable) && !errors.Is(err, errBroken) && !errors.Is(err, context.DeadlineExceeded) {
				c.Errorf("open: %v", err)
			}
		}
		select {
		case <-stop:
			return
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (c *chaos) restartNow(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(time.Duration(1+c.n(20)) * time.Second):
		}
		old := c.now.Load()
		if c.n(2) == 0 {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			_ = old.Drain(ctx) // or not in time
			cancel()
		}
		old.end()
		c.reopen.Add(int64(len(c.tables)))
		c.now.Store(c.start())
	}
}

// play makes a player bet, and send again what was not answered, until it is.
func (c *chaos) play(who game.PlayerID) {
	for range 60 {
		ref, amount := c.tables[c.n(len(c.tables))], game.Money(1+c.n(400))
		cmd := betCommand(who, uuid.NewString(), amount)
		for try := 0; ; try++ {
			copies := 1 + c.n(5)/4
			a, err := c.ask(ref, cmd, copies)
			if err == nil {
				c.mu.Lock()
				c.final[rooms.CommandKey{Player: who, ID: cmd.ID}] = outcome{ref, amount, a}
				c.mu.Unlock()
				break
			}
			if !errors.Is(err, rooms.ErrUnavailable) && !errors.Is(err, rooms.ErrBusy) && !errors.Is(err, rooms.ErrNotFound) {
				c.Errorf("%s: %v", who, err)
				return
			}
			if try > 1000 {
				c.Errorf("%s gets no answer: %v", who, err)
				return
			}
			<-time.After(time.Duration(50+c.n(400)) * time.Millisecond)
		}
		<-time.After(time.Duration(c.n(300)) * time.Millisecond)
	}
}

// ask sends a command, some times at once, and returns an answer if one of them has one.
func (c *chaos) ask(ref rooms.Ref, cmd rooms.Command, copies int) (a rooms.Answer, err error) {
	type result struct {
		rooms.Answer
		error
	}
	done := make(chan result, 2*copies)
	for range copies {
		c.now.Load().Send(ref, cmd, func(a rooms.Answer, err error) { done <- result{a, err} })
	}
	err = rooms.ErrUnavailable
	for range copies {
		r := <-done
		if r.error != nil {
			continue
		}
		if err == nil && (r.Seq != a.Seq || r.Epoch != a.Epoch || !cmp.Equal(r.Refusal, a.Refusal)) {
			c.Errorf("%s was answered with %+v and with %+v", cmd.ID, a, r.Answer)
		}
		a, err = r.Answer, nil
	}
	return a, err
}

// check compares what players were told with what the journal has.
func (c *chaos) check() {
	if sum := c.journal.Sum(c.tenant); sum != 0 {
		c.Errorf("the accounts add up to %d", sum)
	}
	type place struct {
		ref rooms.Ref
		seq int64
	}
	placed := map[place]coinBet{}
	balance := map[game.PlayerID]game.Money{}
	for who, amount := range c.funded {
		balance[who] = amount
	}
	for _, ref := range c.tables {
		var open game.Commitment
		for i, r := range c.journal.Events(ref) {
			if r.Seq != int64(i+1) {
				c.Fatalf("event %d at place %d", r.Seq, i+1)
			}
			ev := coinKind.Event(r.Type)
			if err := json.Unmarshal(r.Data, ev); err != nil {
				c.Fatal(err)
			}
			switch ev := ev.(type) {
			case *coinOpened:
				open = ev.Commitment
			case *coinPlaced:
				placed[place{ref, r.Seq}] = ev.Bet
				balance[ev.Bet.Player] -= ev.Bet.Amount
			case *coinTossed:
				if ev.Seed.Commit() != open {
					c.Errorf("round %d has not the outcome that was committed", ev.Round)
				}
				for _, w := range ev.Winners {
					balance[w.Player] += 2 * w.Amount
				}
			}
		}
	}
	accepted := 0
	for key, o := range c.final {
		if o.answer.Refusal == nil {
			accepted++
			if bet := placed[place{o.ref, o.answer.Seq}]; bet.Player != key.Player || bet.Amount != o.amount {
				c.Errorf("%+v was accepted as %+v, where the journal has %+v", key, o, bet)
			}
		}
		again, err := c.ask(o.ref, betCommand(key.Player, key.ID, o.amount), 1)
		for try := 0; errors.Is(err, rooms.ErrUnavailable) && try < 100; try++ { // the last thief was noticed only now
			<-time.After(200 * time.Millisecond)
			_ = c.now.Load().Open(c.Context(), o.ref) // or it is too soon
			again, err = c.ask(o.ref, betCommand(key.Player, key.ID, o.amount), 1)
		}
		if err != nil || again.Seq != o.answer.Seq || !cmp.Equal(again.Refusal, o.answer.Refusal) {
			c.Errorf("%+v was answered with %+v and then with %+v, %v", key, o.answer, again, err)
		}
	}
	if accepted != len(placed) || accepted == 0 {
		c.Errorf("%d bets were accepted and %d are in the journal", accepted, len(placed))
	}
	for who, want := range balance {
		c.has(who, want)
	}
	c.checkTold()
}

// checkTold looks at what sockets heard: nothing twice, nothing out of order, and gaps only
// where a room was opened anew.
func (c *chaos) checkTold() {
	last, gaps := map[string]int64{}, int64(0)
	for _, m := range c.hub.take() {
		if m.Seq == 0 {
			continue
		}
		before := last[m.Topic.Key()]
		if m.Seq <= before {
			c.Errorf("%s: event %d was told after %d", m.Topic.Key(), m.Seq, before)
		}
		if m.Seq != before+1 {
			gaps++
		}
		last[m.Topic.Key()] = m.Seq
	}
	if gaps > c.reopen.Load() {
		c.Errorf("%d gaps though rooms were opened anew %d times at most", gaps, c.reopen.Load())
	}
}
