package hub_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire"
)

func TestEveryClientGetsEveryEventOnceAndInOrder(t *testing.T) {
	t.Parallel()
	const clients, events, rooms = 240, 150, 4
	h := tcp(t)
	var all []*client
	for i := range clients {
		c := h.connect(h.player(fmt.Sprint("p", i)))
		c.hold(h.room(fmt.Sprint("r", i%rooms)), h.room("everyone"))
		all = append(all, c)
	}
	var wg sync.WaitGroup
	for r := range rooms {
		wg.Go(func() {
			room := h.room(fmt.Sprint("r", r))
			for seq := range int64(events) {
				m := event(room, seq+1, 200)
				m.Class = hub.Class(seq % 2) // results and state, as in a round
				m.Private = []hub.Private{{Player: fmt.Sprint("p", r), Frame: []byte(strings.Replace(string(m.Frame), `"pad":"`, `"pad":"mine`, 1))}}
				h.publish(m)
			}
		})
	}
	wg.Go(func() {
		for seq := range int64(events) {
			h.publish(event(h.room("everyone"), seq+1, 100))
		}
	})
	for i, c := range all {
		wg.Go(func() {
			next := map[string]int64{}
			for range 2 * events {
				_, frame, err := c.ws.Read(context.Background())
				if err != nil {
					t.Errorf("client %d: %v", i, err)
					return
				}
				topic, seq := strings.Split(string(frame), `"`)[3], seqOf(t, string(frame))
				if next[topic]++; seq != next[topic] {
					t.Errorf("client %d, %s: %d came, %d was next", i, topic, seq, next[topic])
					return
				}
				if mine := strings.Contains(string(frame), "mine"); mine != (i < rooms && !strings.HasSuffix(topic, "everyone")) {
					t.Errorf("client %d got a private form: %v", i, mine)
					return
				}
			}
			if len(next) != 2 || next[h.room("everyone").String()] != events || next[h.room(fmt.Sprint("r", i%rooms)).String()] != events {
				t.Errorf("client %d got %v", i, next)
			}
		})
	}
	wg.Wait()
	if got := h.metric("pitboss_hub_messages_sent_total"); got != clients*2*events {
		t.Errorf("%v messages counted, want %d", got, clients*2*events)
	}
}

func TestThousandSocketsThatNeverReadDisturbNobody(t *testing.T) {
	t.Parallel()
	const deaf, events = 1000, 120
	h := tcp(t, limits(hub.Limits{QueueBytesMax: 32 << 10}), func(h *house, _ *hub.Options) {
		h.readBuffer = 4 << 10 // or the kernel would take it all for the deaf
	})
	room := h.room("roulette-1")
	for i := range deaf {
		h.connect(h.player(fmt.Sprint("deaf", i))).hold(room)
	}
	h.readBuffer = 0
	var readers []*client
	for i := range 20 {
		c := h.connect(h.player(fmt.Sprint("reader", i)))
		c.hold(room)
		readers = append(readers, c)
	}
	if got := h.hub.Count(room); got != deaf+20 {
		t.Fatalf("%d players in the room", got)
	}
	for seq := range int64(events) {
		h.publish(event(room, seq+1, 2<<10))
		// One after the other, so that readers have no excuse.
		for i, c := range readers {
			if got := seqOf(t, c.read()); got != seq+1 {
				t.Fatalf("reader %d got %d, want %d", i, got, seq+1)
			}
		}
	}
	until(t, "the deaf are closed", func() bool {
		return h.metric("pitboss_hub_closes_total", "code", wire.CloseSlow.Name) == deaf
	})
	if got := h.metric("pitboss_hub_limit_hits_total", "limit", "queue_bytes"); got != deaf {
		t.Errorf("%v overflows counted, want %d", got, deaf)
	}
	until(t, "only readers are left", func() bool { return h.hub.Online(h.tenant) == len(readers) })
}

func TestSlowSocketIsToldThatItWasSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := pipes(t)
		room := h.room("a")
		slow, quick := h.connect(h.player("slow")), h.connect(h.player("quick"))
		slow.hold(room)
		quick.hold(room)
		for seq := range int64(200) {
			h.publish(event(room, seq+1, 2<<10))
			if got := seqOf(t, quick.read()); got != seq+1 {
				t.Fatalf("got %d, want %d", got, seq+1)
			}
			synctest.Wait() // the slow one's first is being written
		}
		for _, info := range h.hub.Connections(h.tenant) {
			if info.QueuedBytes != 0 {
				t.Errorf("%s keeps %d bytes", info.Player, info.QueuedBytes)
			}
		}
		// It reads again, before it is cut: what was being written, then the end.
		frames, _ := slow.wantClose(wire.CloseSlow)
		if len(frames) != 1 || seqOf(t, frames[0]) != 1 {
			t.Errorf("before the end came %d frames", len(frames))
		}
		h.stop()
	})
}

func TestSocketThatStaysDeafIsCut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := pipes(t)
		deaf := h.connect(h.player("deaf"))
		deaf.conn.Send(hub.ClassState, "", []byte(`{}`)) // far from too much, but never read
		synctest.Wait()
		until := func(open bool) {
			t.Helper()
			if got := h.hub.Online(h.tenant) == 1; got != open {
				t.Fatalf("open: %v", got)
			}
		}
		until(true)
		wait(t, 12)
		until(false)
		if got := h.metric("pitboss_hub_limit_hits_total", "limit", "write_seconds"); got != 1 {
			t.Errorf("counted %v times", got)
		}
		if _, code := deaf.readEnd(); code != -1 {
			t.Errorf("it got close code %d", code)
		}
		h.stop()
	})
}

func TestCloseOvertakesWhatWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := pipes(t)
		c := h.connect(h.player("alice"))
		for i := range 100 {
			c.conn.Send(hub.ClassResult, "", fmt.Appendf(nil, `{"n":%d}`, i))
			if i == 0 {
				synctest.Wait() // it is being written
			}
		}
		c.conn.Close(wire.CloseRevoked, 0)
		c.conn.Close(wire.CloseIdle, 0) // the first Close counts
		c.conn.Send(hub.ClassResult, "", []byte(`{"n":"late"}`))
		if !c.conn.Closing() {
			t.Error("its context goes on")
		}
		frames, _ := c.wantClose(wire.CloseRevoked)
		if diff := cmp.Diff([]string{`{"n":0}`}, frames); diff != "" {
			t.Error(diff)
		}
		h.stop()
	})
}

func TestUrgentFirstButATopicStaysInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := pipes(t)
		c := h.connect(h.player("alice"))
		room, lobby := h.room("a"), h.room("lobby")
		c.hold(room, lobby)
		publish := func(topic tenant.Topic, class hub.Class, seq int64, key, text string) {
			h.publish(hub.Message{Topic: topic, Class: class, Seq: seq, Key: key, Frame: []byte(text)})
		}
		c.conn.Send(hub.ClassResult, "", []byte("being written"))
		synctest.Wait()
		publish(lobby, hub.ClassPromotion, 1, "", "promotion 1")
		publish(lobby, hub.ClassState, 0, "presence", "presence 1")
		publish(room, hub.ClassChat, 0, "", "chat")
		publish(room, hub.ClassState, 1, "", "bet")
		publish(room, hub.ClassState, 0, "beat", "beat 1")
		publish(room, hub.ClassResult, 2, "", "result")
		publish(room, hub.ClassState, 0, "beat", "beat 2") // beat 1's place is before the result
		publish(lobby, hub.ClassState, 0, "presence", "presence 2")
		synctest.Wait()
		c.conn.Send(hub.ClassResult, "", []byte("reply"))
		c.conn.Send(hub.ClassState, "k", []byte("state 1"))
		c.conn.Send(hub.ClassState, "k", []byte("state 2"))
		want := []string{"being written", "reply", "bet", "result", "beat 2", "state 2", "chat", "promotion 1", "presence 2"}
		var got []string
		for range want {
			got = append(got, c.read())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		h.stop()
	})
}

func TestPrivateFormIsForThePlayersSocketOnly(t *testing.T) {
	t.Parallel()
	h := tcp(t)
	room := h.room("a")
	staff := h.player("alice") // an operator may have the same subject
	staff.Role = "operator"
	alice, bob, operator := h.connect(h.player("alice")), h.connect(h.player("bob")), h.connect(staff)
	for _, c := range []*client{alice, bob, operator} {
		c.hold(room)
	}
	h.publish(hub.Message{Topic: room, Seq: 1, Frame: []byte("public"), Private: []hub.Private{{Player: "alice", Frame: []byte("hers")}}})
	if a, b, o := alice.read(), bob.read(), operator.read(); a != "hers" || b != "public" || o != "public" {
		t.Errorf("alice %q, bob %q, operator %q", a, b, o)
	}
	if got := h.hub.Count(room); got != 2 {
		t.Errorf("%d players counted, want 2", got)
	}
}

// TestNothingCrossesTenants lets sockets of several tenants listen to topics of the same
// names, at random, while every topic is published to.
func TestNothingCrossesTenants(t *testing.T) {
	t.Parallel()
	rnd := seeded(t)
	h := tcp(t)
	tenants := []tenant.ID{h.tenant, mustTenant(t, "casino-x"), mustTenant(t, "lucky-star")}
	var topics []tenant.Topic
	for _, tn := range tenants {
		for i := range 6 {
			topics = append(topics, tn.Topic([]string{"room", "player"}[i%2], fmt.Sprint("k", i/2)))
		}
	}
	const sockets, rounds = 30, 200
	var all []*client
	listens := make([]map[tenant.Topic]bool, sockets)
	for i := range sockets {
		id := h.player(fmt.Sprint("k", i%7))
		id.Tenant = tenants[i%len(tenants)]
		if i > 20 {
			id.Role = "operator"
		}
		c := h.connect(id)
		all = append(all, c)
		listens[i] = map[tenant.Topic]bool{}
		for _, topic := range topics {
			if rnd.IntN(2) == 0 {
				continue
			}
			err := c.conn.Hold(topic)
			if topic.Tenant() != id.Tenant {
				if !errors.Is(err, hub.ErrOtherTenant) {
					t.Fatalf("another tenant's topic: %v", err)
				}
				continue
			}
			if err != nil || c.conn.Release(topic, 0) != nil {
				t.Fatal(err)
			}
			listens[i][topic] = true
		}
	}
	for round := range int64(rounds) {
		topic := topics[rnd.IntN(len(topics))]
		m := event(topic, round+1, 100)
		m.Class = hub.ClassState
		for p := range 7 {
			m.Private = append(m.Private, hub.Private{Player: fmt.Sprint("k", p), Frame: m.Frame})
		}
		h.publish(m)
	}
	for _, c := range all {
		end := c.conn.Identity().Tenant.Topic("room", "end")
		c.hold(end)
	}
	for _, tn := range tenants {
		h.publish(hub.Message{Topic: tn.Topic("room", "end"), Class: hub.ClassPromotion, Frame: []byte("end " + tn.String())})
	}
	for i, c := range all {
		if c.conn.Closing() {
			continue // its player sits elsewhere by now
		}
		for {
			frame := c.read()
			if frame == "end "+c.conn.Identity().Tenant.String() {
				break
			}
			name, err := tenant.ParseTopic(strings.Split(frame, `"`)[3])
			if err != nil || name.Tenant() != c.conn.Identity().Tenant || !listens[i][name] {
				t.Fatalf("socket %d of %s got %s", i, c.conn.Identity().Tenant, frame)
			}
		}
	}
}

func TestFramesOfTheClientArriveWhole(t *testing.T) {
	t.Parallel()
	got := make(chan string, 10)
	h := tcp(t, func(h *house, _ *hub.Options) {
		h.received = func(_ *hub.Conn, frame []byte) { got <- string(frame) }
	})
	c := h.connect(h.player("alice"))
	frames := []string{`{"a":1}`, strings.Repeat("é", 8<<10), ``, `{"a":2}`}
	for _, f := range frames {
		c.write(f)
	}
	// In pieces, too.
	w, err := c.ws.Writer(t.Context(), websocket.MessageText)
	if err != nil {
		t.Fatal(err)
	}
	for _, piece := range []string{"one ", "two ", "three"} {
		if _, err := w.Write([]byte(piece)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, want := range append(frames, "one two three") {
		if f := <-got; f != want {
			t.Errorf("got %.40q, want %.40q", f, want)
		}
	}
}
