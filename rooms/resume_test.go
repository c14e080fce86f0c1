package rooms_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/roomstest"
	"github.com/pitboss-hub/pitboss/rooms/roulette"
)

// reader is a journal whose Since is counted, and waits for gate, if there is one.
type reader struct {
	*roomstest.Memory
	reads atomic.Int64
	gate  chan struct{}
}

func (r *reader) Since(ctx context.Context, ref rooms.Ref, seq int64, limit int) ([]rooms.Record, error) {
	r.reads.Add(1)
	if limit > 512 {
		return nil, fmt.Errorf("%d events are asked for", limit)
	}
	if r.gate != nil {
		<-r.gate
	}
	return r.Memory.Since(ctx, ref, seq, limit)
}

// watched is the game of coins, and counts how often its events are read back and it is viewed.
func watched(decoded, viewed *atomic.Int64) game.Kind {
	k := coinKind
	k.Event = func(typ string) game.Event {
		decoded.Add(1)
		return coinKind.Event(typ)
	}
	k.New = func(settings json.RawMessage) (game.Rules, error) {
		rules, err := coinKind.New(settings)
		return &seen{rules.(*coin), viewed}, err
	}
	return k
}

type seen struct {
	*coin
	viewed *atomic.Int64
}

func (s *seen) View(who game.PlayerID) any {
	s.viewed.Add(1)
	return s.coin.View(who)
}

func TestAllWhoMissedTheSameCostOneReadAndOneForm(t *testing.T) {
	inCasino(t, func(f *casino) {
		var decoded, viewed atomic.Int64
		journal := &reader{Memory: f.journal}
		f.through, f.kinds["coin"] = journal, watched(&decoded, &viewed)
		f.note(f.table, 700, 1)
		for range 10 {
			f.bet("alice", 1).accepted()
		}
		f.restart()
		top := int64(len(f.journal.Events(f.table)))
		decoded.Store(0)
		var joining sync.WaitGroup
		for i := range 60 {
			joining.Go(func() {
				who := game.PlayerID(fmt.Sprint("p", i))
				if i == 0 {
					who = "alice"
				}
				j, err := f.Join(f.Context(), f.table, who, resume(1, top-500))
				if err != nil || len(j.Events) != 500 || j.Events[499].Seq != top {
					f.Errorf("%d events at %d, view %s, %v", len(j.Events), j.Seq, j.View, err)
				}
				if own := string(j.Events[499].Data) == `{"amount":1,"heads":true,"mine":true}`; own != (i == 0) {
					f.Errorf("%s is told %s", who, j.Events[499].Data)
				}
			})
		}
		joining.Wait()
		if n := journal.reads.Load(); n != 1 {
			f.Errorf("the journal was read %d times", n)
		}
		if n := decoded.Load(); n < 500 || n > 510 {
			f.Errorf("%d events were read back for 60 who missed the same 500, ten of them one's own", n)
		}
		f.pass(11 * time.Second) // it is not kept for ever
		if _, err := f.Join(f.Context(), f.table, "bob", resume(1, top-500)); err != nil || journal.reads.Load() != 2 {
			f.Errorf("%d reads, %v", journal.reads.Load(), err)
		}
	})
}

func TestAGapThatIsTooLongCostsNothingButTheView(t *testing.T) {
	inCasino(t, func(f *casino) {
		var decoded, viewed atomic.Int64
		journal := &reader{Memory: f.journal}
		f.through, f.kinds["coin"] = journal, watched(&decoded, &viewed)
		f.note(f.table, 600, 500) // 370 KiB
		join := func(missed int64) {
			f.Helper()
			top := int64(len(f.journal.Events(f.table)))
			for range 5 {
				if j, err := f.Join(f.Context(), f.table, "", resume(1, top-missed)); err != nil || j.View == nil || j.Events != nil {
					f.Errorf("%d missed: %d events, %v", missed, len(j.Events), err)
				}
			}
		}
		f.restart()
		decoded.Store(0)
		viewed.Store(0)
		join(250)
		join(600)
		if decoded.Load() != 0 || viewed.Load() != 1 || journal.reads.Load() > 1 {
			f.Errorf("%d events were read back, %d views made, %d reads", decoded.Load(), viewed.Load(), journal.reads.Load())
		}
	})
}

func TestATenantsReadsWaitForEachOtherAndThenItIsTheView(t *testing.T) {
	inCasino(t, func(f *casino) {
		journal := &reader{Memory: f.journal}
		f.through = journal
		var refs []rooms.Ref
		for i := range 4 {
			ref := f.room(fmt.Sprint("r-", i), `{}`)
			refs = append(refs, ref)
			f.open(ref)
			f.note(ref, 300, 1)
		}
		f.end()
		f.node = f.start()
		for _, ref := range refs {
			f.open(ref)
		}
		journal.gate = make(chan struct{})
		began := time.Now()
		var mu sync.Mutex
		views := 0
		var joining sync.WaitGroup
		for _, ref := range refs {
			joining.Go(func() {
				j, err := f.Join(f.Context(), ref, "alice", resume(1, 5))
				if err != nil {
					f.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				if j.View != nil {
					views++
					if took := time.Since(began); took != time.Second {
						f.Errorf("the view came after %s", took)
					}
				}
			})
		}
		f.pass(2 * time.Second)
		if n := journal.reads.Load(); n != 2 || views != 2 || hits(f, f.registry, "resume_reads") != 2 {
			f.Errorf("%d reads, %d views", n, views)
		}
		close(journal.gate)
		joining.Wait()
		if views != 2 {
			f.Errorf("%d views", views)
		}
		f.through = f.journal
	})
}

// BenchmarkOldResumes is what a join costs that asks for all of the gap that there can be, at a
// table of roulette with a hundred players and full bets: eight clients ask at once. Before gaps
// were measured first, each of them formed half a MiB and threw it away.
func BenchmarkOldResumes(b *testing.B) {
	id := tenant.New()
	for name, size := range map[string]int{"bets of all positions": 157, "bets of one": 1} {
		b.Run(name, func(b *testing.B) {
			journal := roomstest.NewJournal()
			ref, err := journal.OpenRoom(id, rooms.Config{Room: "table-1", Game: "roulette", Settings: []byte(`{"betting_ms":600000,"round_max":100000000}`)})
			if err != nil {
				b.Fatal(err)
			}
			d := rooms.NewDirectory(rooms.Options{
				Journal: journal, Publisher: deaf{}, Kinds: map[string]game.Kind{"roulette": roulette.Kind},
				Seeds:     func() (game.Seed, error) { return game.Seed{1}, nil },
				Listening: func(tenant.Topic) bool { return true }, Currency: func(tenant.ID) string { return "EUR" },
				Node: "node-1", Log: slog.New(slog.DiscardHandler), Limits: unlimited,
			})
			ctx, cancel := context.WithCancel(b.Context())
			var running sync.WaitGroup
			running.Go(func() { _ = d.Run(ctx) })
			defer running.Wait()
			defer cancel()
			if err := d.Open(b.Context(), ref); err != nil {
				b.Fatal(err)
			}
			bet := map[string]any{"bets": positions(b)[:size]}
			body, err := json.Marshal(bet)
			if err != nil {
				b.Fatal(err)
			}
			done := make(chan error, 1)
			for i := range 900 {
				who := game.PlayerID(fmt.Sprint("player-", i%100))
				journal.Fund(id, who, 1<<40)
				for {
					d.Send(ref, rooms.Command{ID: uuid.NewString(), By: game.Actor{Player: who, Name: "pl***"}, Type: "bet", Body: body}, func(a rooms.Answer, err error) {
						if a.Refusal != nil {
							err = a.Refusal
						}
						done <- err
					})
					if err := <-done; err == nil {
						break
					} else if i > 0 {
						b.Fatal(err)
					}
				}
			}
			b.ResetTimer()
			b.ReportAllocs()
			b.SetParallelism(4)
			var next atomic.Int64
			b.RunParallel(func(pb *testing.PB) {
				who := game.PlayerID(fmt.Sprint("player-", next.Add(1)))
				for pb.Next() {
					if _, err := d.Join(ctx, ref, who, resume(1, 2)); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

// positions is a stake on each position of a table.
func positions(b *testing.B) (out []map[string]any) {
	b.Helper()
	for n := range 37 {
		out = append(out, map[string]any{"position": fmt.Sprint("straight:", n), "amount": 100})
	}
	for n := 1; n <= 34; n += 3 {
		out = append(out, map[string]any{"position": fmt.Sprintf("street:%d-%d-%d", n, n+1, n+2), "amount": 100})
	}
	for n := 1; n <= 33; n++ {
		out = append(out, map[string]any{"position": fmt.Sprintf("split:%d-%d", n, n+3), "amount": 100})
	}
	for len(out) < 157 {
		out = append(out, out[len(out)%82])
	}
	return out
}
