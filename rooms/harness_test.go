package rooms_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/roomstest"
)

var _ = flag.Uint64("seed", 0, "replay a random test")

// casino holds a tenant's rooms on one node, over the journal in memory.
type casino struct {
	*testing.T
	journal *roomstest.Memory
	hub     *recorder
	tenant  tenant.ID
	table   rooms.Ref
	seeds   atomic.Pointer[error] // what the random engine says
	drawn   atomic.Int64
	skew    atomic.Int64 // by which the time of day was set, in nanoseconds
	log     *bytes.Buffer
	storage atomic.Int64  // all that the tenant may use, and has used; 0: there is enough
	limits  rooms.Limits  // of the nodes that are started
	through rooms.Journal // what they reach the journal through
	kinds   map[string]game.Kind
	noted   atomic.Int64 // batches that the node said are written, or may be

	registry *prometheus.Registry // of the last node
	*node
}

// unlimited is for tests of something else, in which no time passes.
var unlimited = rooms.Limits{
	RoomBytes: rooms.Rate{PerSecond: 1 << 30, Burst: 1 << 30}, PlayerBytes: rooms.Rate{PerSecond: 1 << 30, Burst: 1 << 30},
	PlayerCommands: rooms.Rate{PerSecond: 1 << 30, Burst: 1 << 30},
}

// node is one life of a process.
type node struct {
	*rooms.Directory
	end func() // and wait
}

// inCasino runs a test in a bubble, at one coin table where alice has 1000 and bob 50.
func inCasino(t *testing.T, test func(f *casino)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newCasino(t)
		f.Fund("alice", 1000)
		f.Fund("bob", 50)
		f.open(f.table)
		test(f)
		f.end()
		f.sound()
	})
}

func newCasino(t *testing.T) *casino {
	t.Helper()
	id := tenant.New()
	f := &casino{T: t, journal: roomstest.NewJournal(), tenant: id, log: &bytes.Buffer{}, limits: unlimited}
	f.through, f.kinds = f.journal, map[string]game.Kind{"coin": coinKind, "sum": sumKind}
	f.hub = &recorder{journal: f.journal, listening: true}
	f.table = f.room("table-1", `{}`)
	f.node = f.start()
	t.Cleanup(func() {
		f.end()
		if t.Failed() {
			t.Log(f.log.String())
		}
		for _, wrong := range f.hub.wrong {
			t.Error(wrong)
		}
	})
	return f
}

// start starts a process.
func (f *casino) start() *node {
	ctx, cancel := context.WithCancel(context.Background())
	f.registry = prometheus.NewRegistry()
	d := rooms.NewDirectory(rooms.Options{
		Journal: f.through, Publisher: f.hub, Kinds: f.kinds,
		Seeds: func() (game.Seed, error) {
			if err := f.seeds.Load(); err != nil {
				return game.Seed{}, *err
			}
			n := f.drawn.Add(1)
			return game.Seed{byte(n), byte(n >> 8), byte(n >> 16), 1}, nil
		},
		Listening: func(tenant.Topic) bool { f.hub.mu.Lock(); defer f.hub.mu.Unlock(); return f.hub.listening },
		Currency:  func(tenant.ID) string { return "EUR" },
		Balance: func(_ context.Context, id tenant.ID, who game.PlayerID) (rooms.PlayerBalance, error) {
			return f.journal.Balance(id, who), nil
		},
		Now:  func() time.Time { return time.Now().Add(time.Duration(f.skew.Load())) },
		Node: "node-1", Log: slog.New(slog.NewTextHandler(f.log, nil)), Registerer: f.registry, Limits: f.limits,
		Committed: func(rooms.Ref, rooms.Batch) { f.noted.Add(1) },
		Full:      func(tenant.ID) (int64, bool) { most := f.storage.Load(); return most, most > 0 },
	})
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }() // ends with end
	return &node{d, sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			f.Errorf("Run: %v", err)
		}
	})}
}

// restart kills the process, as far as a test can, and starts another.
func (f *casino) restart() {
	f.Helper()
	f.end()
	f.node = f.start()
	f.open(f.table)
}

func (f *casino) room(id, settings string) rooms.Ref { return f.roomOf("coin", id, settings) }

func (f *casino) roomOf(kind, id, settings string) rooms.Ref {
	f.Helper()
	ref, err := f.journal.OpenRoom(f.tenant, rooms.Config{Room: id, Game: kind, Name: id, Settings: json.RawMessage(settings)})
	if err != nil {
		f.Fatal(err)
	}
	return ref
}

// open opens a room, and lets it open its first round.
func (f *casino) open(ref rooms.Ref) {
	f.Helper()
	if err := f.Open(f.Context(), ref); err != nil {
		f.Fatal(err)
	}
	synctest.Wait()
}

// pass lets time pass in the bubble.
func (f *casino) pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func (f *casino) Fund(who game.PlayerID, amount game.Money) { f.journal.Fund(f.tenant, who, amount) }

func (f *casino) has(who game.PlayerID, want game.Money) {
	f.Helper()
	if got := f.journal.Balance(f.tenant, who).Balance; got != want {
		f.Errorf("%s has %d, want %d", who, got, want)
	}
}

// sound checks what is always so.
func (f *casino) sound() {
	f.Helper()
	if sum := f.journal.Sum(f.tenant); sum != 0 {
		f.Errorf("the accounts add up to %d", sum)
	}
	for i, r := range f.journal.Events(f.table) {
		if r.Seq != int64(i+1) {
			f.Fatalf("event %d is at place %d", r.Seq, i+1)
		}
	}
}

// types is what happened in a room, by its journal.
func (f *casino) types(ref rooms.Ref) []string {
	var out []string
	for _, r := range f.journal.Events(ref) {
		out = append(out, r.Type)
	}
	return out
}

// note lets staff write n notes, each of so many characters.
func (f *casino) note(ref rooms.Ref, n, length int) {
	op := game.Actor{Player: "op", Staff: true}
	body := fmt.Appendf(nil, `{"text":%q}`, strings.Repeat("x", length))
	for i := range n {
		f.Send(ref, rooms.Command{ID: uuid.NewString(), By: op, Type: "note", Body: body}, func(rooms.Answer, error) {})
		if i%500 == 0 {
			synctest.Wait()
		}
	}
	synctest.Wait()
}

func resume(epoch, seq int64) *wire.Resume { return &wire.Resume{Epoch: epoch, Seq: seq} }

// reply is what a command is answered with, some time.
type reply struct {
	f    *casino
	id   string
	by   game.PlayerID
	many atomic.Int32
	done chan struct{}
	rooms.Answer
	err error
}

func (f *casino) sendTo(ref rooms.Ref, c rooms.Command) *reply {
	r := &reply{f: f, id: c.ID, by: c.By.Player, done: make(chan struct{})}
	f.Send(ref, c, func(a rooms.Answer, err error) {
		if r.many.Add(1) > 1 {
			f.Errorf("command %s was answered twice", r.id)
			return
		}
		r.Answer, r.err = a, err
		close(r.done)
	})
	return r
}

func command(who game.PlayerID, id, typ, body string) rooms.Command {
	return rooms.Command{ID: id, By: game.Actor{Player: who, Name: "m***"}, Address: "127.0.0.1", Type: typ, Body: json.RawMessage(body)}
}

func betCommand(who game.PlayerID, id string, amount game.Money) rooms.Command {
	return command(who, id, "bet", fmt.Sprintf(`{"amount":%d,"heads":true}`, amount))
}

// bet sends a bet on heads under a new id.
func (f *casino) bet(who game.PlayerID, amount game.Money) *reply {
	return f.sendTo(f.table, betCommand(who, uuid.NewString(), amount))
}

// answered waits until nothing can happen any more but by time, and returns the reply.
func (r *reply) answered() (rooms.Answer, error) {
	r.f.Helper()
	synctest.Wait()
	select {
	case <-r.done:
	default:
		r.f.Fatalf("command %s is not answered", r.id)
	}
	return r.Answer, r.err
}

func (r *reply) open() bool {
	synctest.Wait()
	select {
	case <-r.done:
		return false
	default:
		return true
	}
}

func (r *reply) accepted() rooms.Answer {
	r.f.Helper()
	a, err := r.answered()
	if err != nil || a.Refusal != nil {
		r.f.Fatalf("the answer is %+v, %v", a, err)
	}
	return a
}

func (r *reply) refused(code string) {
	r.f.Helper()
	a, err := r.answered()
	if err != nil || a.Refusal == nil || a.Refusal.Code != code {
		r.f.Fatalf("the answer is %+v, %v; want %s", a, err, code)
	}
}

func (r *reply) failed(want error) {
	r.f.Helper()
	if a, err := r.answered(); !errors.Is(err, want) {
		r.f.Fatalf("the answer is %+v, %v; want %v", a, err, want)
	}
}

// recorder is what sockets were told. It looks every event up in the journal at once.
type recorder struct {
	journal *roomstest.Memory

	mu        sync.Mutex // guards what follows
	listening bool
	told      []hub.Message
	wrong     []string
	err       error
}

func (r *recorder) Publish(_ context.Context, m hub.Message) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return r.err
	}
	if m.Topic.Kind() == "room" && m.Seq > 0 {
		ref := rooms.Ref{Tenant: m.Topic.Tenant(), Room: m.Topic.Key()}
		events := r.journal.Events(ref)
		if int64(len(events)) < m.Seq || events[m.Seq-1].Epoch != m.Epoch {
			r.wrong = append(r.wrong, fmt.Sprintf("event %d of epoch %d was told and is not in the journal", m.Seq, m.Epoch))
		}
	}
	r.told = append(r.told, m)
	return nil
}

// take returns what was told since the last take.
func (r *recorder) take() []hub.Message {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.told
	r.told = nil
	return out
}

// push is a frame as a client reads it.
type push struct {
	Method string `json:"method"`
	Params struct {
		Room    string          `json:"room"`
		Epoch   int64           `json:"epoch"`
		Seq     int64           `json:"seq"`
		At      time.Time       `json:"at"`
		Type    string          `json:"type"`
		Data    json.RawMessage `json:"data"`
		Balance game.Money      `json:"balance"`
		Version int64           `json:"version"`
	} `json:"params"`
}

func read(t testing.TB, frame []byte) push {
	t.Helper()
	var p push
	if err := json.Unmarshal(frame, &p); err != nil {
		t.Fatalf("%s: %v", frame, err)
	}
	return p
}

// summary is each message in a few words.
func summary(t testing.TB, messages []hub.Message) []string {
	t.Helper()
	var out []string
	for _, m := range messages {
		p := read(t, m.Frame)
		switch p.Method {
		case "room.event":
			out = append(out, fmt.Sprintf("%d %s", p.Params.Seq, p.Params.Type))
		case "wallet.balance":
			out = append(out, fmt.Sprintf("%s has %d", m.Topic.Key(), p.Params.Balance))
		default:
			out = append(out, fmt.Sprintf("%s %d", p.Method, p.Params.Seq))
		}
	}
	return out
}
