package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"github.com/pitboss-hub/pitboss/hub/wire"
)

// ordinaryLink reads as much as a link of 1 Mbit/s brings, and lets little wait on the way.
type ordinaryLink struct {
	net.Conn
	speed *rate.Limiter
}

const linkBytesPerSecond = 1_000_000 / 8

func slowly(link net.Conn) net.Conn {
	if tcp, ok := link.(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(4 << 10) // or it is more, and the test a little kinder
	}
	return &ordinaryLink{link, rate.NewLimiter(linkBytesPerSecond, 4<<10)}
}

func (l *ordinaryLink) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p[:min(len(p), 4<<10)])
	if wait := l.speed.WaitN(context.Background(), n); wait != nil {
		return n, wait
	}
	return n, err
}

// watcher is somebody at a table, over an ordinary link.
type watcher struct {
	name string
	c    *rpc

	mu     sync.Mutex // guards what follows
	seq    int64      // the latest event, as of the join
	faults []string
	totals json.RawMessage
}

func (w *watcher) told(method string, params json.RawMessage) {
	var e struct {
		Room string          `json:"room"`
		Seq  int64           `json:"seq"`
		Data json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(params, &e); err != nil || e.Room != "wide" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch method {
	case wire.PushRoomEvent:
		if w.seq > 0 && e.Seq != w.seq+1 {
			w.faults = append(w.faults, fmt.Sprintf("after event %d came %d", w.seq, e.Seq))
		}
		w.seq = e.Seq
	case wire.PushRoomResync:
		w.faults = append(w.faults, "was given a view")
	case "room.totals":
		w.totals = e.Data
	}
}

func (w *watcher) at() (seq int64, closed error) {
	w.c.mu.Lock()
	closed = w.c.ended
	w.c.mu.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seq, closed
}

// wideTable opens a table where a player may bet on every position, and starts a node.
func wideTable(t *testing.T) *casino {
	f := newCasino(t)
	f.openRoom("wide", `{"betting_ms": 600000, "min_bet": 1, "round_min": 1}`)
	f.startNode()
	return f
}

// seat seats n people at the wide table, each over an ordinary link.
func (f *casino) seat(n int) []*watcher {
	f.t.Helper()
	all := make([]*watcher, n)
	var seating errgroup.Group
	seating.SetLimit(16)
	for i := range all {
		w := &watcher{name: fmt.Sprintf("w-%d", i)}
		all[i] = w
		token := f.token(w.name)
		seating.Go(func() (err error) {
			if w.c, err = dialOver(soon(f.t), f.address, f.host, token, w.told, slowly); err != nil {
				return err
			}
			done := make(chan struct{})
			go func() { w.c.read(context.Background()); close(done) }()
			f.t.Cleanup(func() { _ = w.c.conn.CloseNow(); <-done })
			return w.c.call(soon(f.t), wire.MethodRoomJoin, wire.RoomJoin{Room: "wide"}, nil)
		})
	}
	if err := seating.Wait(); err != nil {
		f.t.Fatal(err)
	}
	return all
}

// allThere waits until everybody has seen the event seq, and says who has not, or missed one.
func (f *casino) allThere(all []*watcher, seq int64) {
	f.t.Helper()
	closed := 0
	for _, w := range all {
		eventually(f.t, w.name+" sees the last event", func() bool {
			at, ended := w.at()
			return at >= seq || ended != nil
		})
		w.mu.Lock()
		faults := w.faults
		w.mu.Unlock()
		if _, ended := w.at(); ended != nil {
			closed++
			f.t.Logf("%s: %v", w.name, ended)
		}
		if len(faults) > 0 {
			f.t.Errorf("%s: %v", w.name, faults)
		}
	}
	if closed > 0 {
		f.t.Errorf("%d of %d were closed", closed, len(all))
	}
}

// everyPosition returns a bet on all 157 positions.
func everyPosition() json.RawMessage {
	var all []string
	for _, p := range roulettePositions() {
		all = append(all, fmt.Sprintf(`{"position":%q,"amount":1}`, p))
	}
	return json.RawMessage(`{"type":"bet","bets":[` + strings.Join(all, ",") + `]}`)
}

// roulettePositions returns the ids of all positions.
func roulettePositions() []string {
	out := []string{"split:0-1", "split:0-2", "split:0-3", "trio:0-1-2", "trio:0-2-3", "first_four", "red", "black", "odd", "even", "low", "high"}
	for n := range 37 {
		out = append(out, fmt.Sprintf("straight:%d", n))
		if n >= 1 && n <= 3 {
			out = append(out, fmt.Sprintf("dozen:%d", n), fmt.Sprintf("column:%d", n))
		}
		if n%3 != 0 {
			out = append(out, fmt.Sprintf("split:%d-%d", n, n+1))
			if n <= 32 {
				out = append(out, fmt.Sprintf("corner:%d-%d-%d-%d", n, n+1, n+3, n+4))
			}
		}
		if n > 0 && n <= 33 {
			out = append(out, fmt.Sprintf("split:%d-%d", n, n+3))
		}
		if n%3 == 1 {
			out = append(out, fmt.Sprintf("street:%d-%d-%d", n, n+1, n+2))
			if n <= 31 {
				out = append(out, fmt.Sprintf("line:%d-%d-%d-%d-%d-%d", n, n+1, n+2, n+3, n+4, n+5))
			}
		}
	}
	return out
}

// One player sends 78 bets on all positions at once, takes all of them back, and does so again.
func TestOnePlayerCannotEmptyATable(t *testing.T) {
	f := wideTable(t)
	watchers := f.seat(30)
	c := f.dial(soon(t), f.token("mallory"), nil)
	if err := c.call(soon(t), wire.MethodRoomJoin, wire.RoomJoin{Room: "wide"}, nil); err != nil {
		t.Fatal(err)
	}
	bet, last, accepted := everyPosition(), int64(0), 0
	answers := map[string]int{}
	for range 3 {
		var waiting []<-chan reply
		for i := range 79 {
			command := bet
			if i == 78 {
				command = json.RawMessage(`{"type":"clear"}`)
			}
			ch, err := c.start(soon(t), wire.MethodRoomCommand, wire.RoomCommand{Room: "wide", CommandID: uuid.NewString(), Command: command})
			if err != nil {
				t.Fatal(err)
			}
			waiting = append(waiting, ch)
		}
		for _, ch := range waiting {
			r, ok := <-ch
			var result wire.RoomCommandResult
			switch {
			case !ok:
				t.Fatal("the player's own socket was closed")
			case r.Error != nil:
				answers[r.Error.Data.Code]++
			case json.Unmarshal(r.Result, &result) == nil:
				accepted++
				last = max(last, result.Seq)
			}
		}
	}
	t.Logf("%d were accepted, others answered with %v", accepted, answers)
	if accepted == 0 {
		t.Error("nothing was accepted")
	}
	for code := range answers {
		if !slices.Contains([]string{wire.CodeBusy, wire.CodeRateLimited, "invalid_command"}, code) {
			t.Errorf("answered with %s", code)
		}
	}
	f.allThere(watchers, last)
}

// Three hundred players bet on all positions, each once, at the same moment; then everybody is
// told what lies on the table.
func TestAFullTableThatBetsOnEverythingStaysTogether(t *testing.T) {
	f := wideTable(t)
	players := f.seat(300)
	bet := everyPosition()
	var mu sync.Mutex
	last, again := int64(0), map[string]int{}
	var betting errgroup.Group
	for _, w := range players {
		betting.Go(func() error {
			id := uuid.NewString()
			for {
				var result wire.RoomCommandResult
				err := w.c.call(soon(t), wire.MethodRoomCommand, wire.RoomCommand{Room: "wide", CommandID: id, Command: bet}, &result)
				var refused *wire.Error
				switch {
				case errors.As(err, &refused) && retriable(refused.Data.Code):
					mu.Lock()
					again[refused.Data.Code]++
					mu.Unlock()
					<-time.After(100 * time.Millisecond)
					continue
				case err != nil:
					return fmt.Errorf("%s: %w", w.name, err)
				}
				mu.Lock()
				last = max(last, result.Seq)
				mu.Unlock()
				return nil
			}
		})
	}
	if err := betting.Wait(); err != nil {
		t.Error(err)
	}
	t.Logf("sent again after %v", again)
	f.allThere(players, last)

	// Who comes now gets a small view; who comes back gets the gap or, where that is longer, the view.
	late := f.dial(soon(t), f.token("late"), nil)
	var view, gap, long wire.RoomJoinResult
	for _, x := range []struct {
		after int64
		into  *wire.RoomJoinResult
	}{{0, &view}, {last - 5, &gap}, {last - 200, &long}} {
		join := wire.RoomJoin{Room: "wide"}
		if x.after > 0 {
			join.Resume = &wire.Resume{Epoch: 1, Seq: x.after}
		}
		if err := late.call(soon(t), wire.MethodRoomJoin, join, x.into); err != nil {
			t.Fatal(err)
		}
	}
	if len(view.View) == 0 || len(view.View) > 64<<10 || len(gap.Events) != 5 || len(long.View) == 0 {
		t.Errorf("a view of %d bytes, a gap of %d events, a view of %d bytes for a gap of 200", len(view.View), len(gap.Events), len(long.View))
	}
	var sums struct {
		Totals []struct{ Amount int } `json:"totals"`
	}
	if err := json.Unmarshal(gap.Totals, &sums); err != nil || len(sums.Totals) != 157 || sums.Totals[0].Amount != 300 {
		t.Errorf("totals with the gap: %.200s, %v", gap.Totals, err)
	}
	for _, w := range players {
		eventually(t, w.name+" is told the same totals", func() bool {
			w.mu.Lock()
			defer w.mu.Unlock()
			return string(w.totals) == string(gap.Totals)
		})
	}
}
