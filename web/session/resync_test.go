package session

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/membus"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/changes"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/roomstest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

// noise is a game whose events are long and whose view is short.
type noise struct {
	Said int `json:"said"`
}

type noiseSaid struct {
	Text string `json:"text"`
}

func (*noiseSaid) Type() string { return "noise.said" }

func (n *noise) Decide(cmd game.Command) ([]game.Event, error) {
	if said, ok := cmd.Body.(*noiseSaid); ok {
		return []game.Event{said}, nil
	}
	return nil, nil
}
func (n *noise) Apply(game.Event)       { n.Said++ }
func (n *noise) Wake() time.Time        { return time.Time{} }
func (n *noise) View(game.PlayerID) any { return n }

var noiseKind = game.Kind{
	Name: "noise",
	New:  func(json.RawMessage) (game.Rules, error) { return &noise{}, nil },
	Command: func(_ string, body json.RawMessage) (any, error) {
		var said struct {
			Type string `json:"type"`
			noiseSaid
		}
		return &said.noiseSaid, json.Unmarshal(body, &said)
	},
	Event: func(string) game.Event { return &noiseSaid{} },
}

// pipes is a listener whose connections buffer nothing.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

func (p pipes) dial(context.Context, string, string) (net.Conn, error) {
	mine, theirs := net.Pipe()
	p <- theirs
	return mine, nil
}

// TestAWatcherWhoReadsTooSlowlyIsSentARoomResyncAndThenEveryLaterEvent has a player look away
// from a table while more happens there than may wait for him.
func TestAWatcherWhoReadsTooSlowlyIsSentARoomResyncAndThenEveryLaterEvent(t *testing.T) {
	t.Parallel()
	id := tenant.New()
	journal := roomstest.NewJournal()
	ref, err := journal.OpenRoom(id, rooms.Config{Room: "loud", Game: "noise", Name: "Loud", Settings: json.RawMessage(`{}`)})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	registry := prometheus.NewRegistry()
	h := hub.New(hub.Options{Bus: membus.New(), Node: "n1", Log: log, Limits: hub.Limits{QueueBytesMax: 16 << 10}, Registerer: registry})
	directory := rooms.NewDirectory(rooms.Options{
		Journal: journal, Publisher: h, Kinds: map[string]game.Kind{"noise": noiseKind}, Node: "n1", Log: log,
		Seeds:     func() (game.Seed, error) { return game.Seed{1}, nil },
		Listening: func(tenant.Topic) bool { return false },
		Currency:  func(tenant.ID) string { return "EUR" },
	})
	s := &Service{node: "n1", log: log, hub: h, rooms: directory, changes: changes.New("n1", h, log), chat: newChats()}
	listener := make(pipes)
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = h.Accept(w, r, hub.Identity{Tenant: id, Player: "alice", Role: hub.RolePlayer}, nil, func(c *hub.Conn) hub.Handler {
			return &session{service: s, tenant: &tenancy.Tenant{ID: id}, who: auth.Principal{Subject: "alice", Role: auth.Player}, conn: c, joined: map[string]tenantRoom{}}
		})
	})}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 3)
	go func() { ended <- h.Run(ctx) }()
	go func() { ended <- directory.Run(ctx) }()
	go func() { _ = server.Serve(listener); ended <- nil }()
	t.Cleanup(func() {
		cancel()
		close(listener)
		_ = server.Close()
		for range 3 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	})
	if err := directory.Open(ctx, ref); err != nil {
		t.Fatal(err)
	}

	ws, resp, err := websocket.Dial(ctx, "ws://casino-x.test/ws", &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: &http.Transport{DialContext: listener.dial}}, Subprotocols: []string{wire.Subprotocol},
	})
	if err != nil {
		t.Fatal(resp, err)
	}
	ws.SetReadLimit(-1)
	defer func() { _ = ws.CloseNow() }()
	if err := ws.Write(ctx, websocket.MessageText, []byte(`{"jsonrpc":"2.0","id":1,"method":"room.join","params":{"room":"loud"}}`)); err != nil {
		t.Fatal(err)
	}
	type frame struct {
		Method string
		Result *wire.RoomJoinResult
		Params struct {
			Seq  int64
			View *noise
		}
	}
	read := func() (f frame) {
		t.Helper()
		_, text, err := ws.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &f); err != nil {
			t.Fatal(err)
		}
		return f
	}
	at := read().Result.Seq
	last := int64(0)
	say := func(n int) {
		t.Helper()
		for range n {
			for done := false; !done; { // a room may be too busy
				answers := make(chan error, 1)
				directory.Send(ref, rooms.Command{
					ID: uuid.NewString(), By: game.Actor{Player: "bob"}, Type: "say",
					Body: json.RawMessage(fmt.Sprintf(`{"type":"say","text":%q}`, strings.Repeat("x", 1<<10))),
				}, func(a rooms.Answer, err error) {
					last = max(last, a.Seq)
					answers <- err
				})
				done = <-answers == nil
			}
		}
	}
	for n := 0; !resynced(t, registry); n++ { // some of it is being written already
		if n == 10 {
			t.Fatal("what happened while nobody read is no reason for a resync")
		}
		say(8)
		for late := time.After(100 * time.Millisecond); late != nil && !resynced(t, registry); {
			select {
			case <-time.After(time.Millisecond):
			case <-late:
				late = nil
			}
		}
	}
	resyncs := 0
	for more := true; at < last; {
		f := read()
		switch {
		case f.Method == wire.PushRoomResync:
			if resyncs++; f.Params.View == nil || f.Params.Seq <= at {
				t.Errorf("after %d a resync at %d: %v", at, f.Params.Seq, f.Params.View)
			}
			at = f.Params.Seq
		case f.Params.Seq == at+1:
			at++
		default:
			t.Fatalf("%d came after %d", f.Params.Seq, at)
		}
		if at == last && more {
			more = false
			say(3)
		}
	}
	if resyncs != 1 {
		t.Errorf("%d resyncs, want 1", resyncs)
	}
}

// resynced reports whether the hub has resynchronised a socket.
func resynced(t *testing.T, registry *prometheus.Registry) bool {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "pitboss_hub_resyncs_total" {
			return f.GetMetric()[0].GetCounter().GetValue() > 0
		}
	}
	return false
}
