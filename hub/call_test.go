package hub_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/membus"
)

type pendingRequest struct {
	Text string `json:"text"`
}

var errSoldOut = errors.New("sold out")

// echoes is the Call of these tests.
var echoes = hub.Call[pendingRequest, string]{
	Name: "echo", Within: time.Second, ServeWithin: time.Minute, BytesMax: 100,
	Errors: []hub.CallError{{Name: "sold_out", Err: errSoldOut}},
}

// echo serves echoes.
func echo(_ context.Context, q pendingRequest) (string, error) { return q.Text, nil }

// forger is the bus of a node that says it is another one.
type forger struct{ hub.Bus }

func (f forger) Publish(ctx context.Context, m hub.Message) error {
	m.Frame = bytes.Replace(m.Frame, []byte("node-2"), []byte("node-1"), 1)
	return f.Bus.Publish(ctx, m)
}

// onNodes runs test with hubs on one bus, node-0 to node-2, the last of which says that it is node-1.
func onNodes(t *testing.T, test func(t *testing.T, a, b, c *hub.Hub)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		first := membus.New()
		ran := make(chan error, 3)
		var nodes []*hub.Hub
		for i, bus := range []hub.Bus{first, first.Node(), forger{first.Node()}} {
			h := hub.New(hub.Options{Bus: bus, Node: fmt.Sprint("node-", i)})
			nodes = append(nodes, h)
			go func() { ran <- h.Run(ctx) }()
		}
		synctest.Wait()
		test(t, nodes[0], nodes[1], nodes[2])
		cancel()
		for range nodes {
			if err := <-ran; err != nil {
				t.Error(err)
			}
		}
	})
}

// unlimited returns more slots than a test takes.
func unlimited(t *testing.T) *hub.Slots {
	return hub.NewSlots(100, func() { t.Error("the slots are full") })
}

func TestACallIsAnsweredByTheNodeThatIsAsked(t *testing.T) {
	onNodes(t, func(t *testing.T, a, b, _ *hub.Hub) {
		for _, h := range []*hub.Hub{a, b} {
			echoes.Serve(t.Context(), h, unlimited(t), func(_ context.Context, q pendingRequest) (string, error) { return h.Node() + " " + q.Text, nil })
		}
		for _, h := range []*hub.Hub{a, b} {
			if got, err := echoes.Ask(t.Context(), a, h.Node(), pendingRequest{"x"}); err != nil || got != h.Node()+" x" {
				t.Errorf("%q, %v", got, err)
			}
		}
		if got, err := echoes.AskAll(t.Context(), a, []string{"node-0", "node-1"}, pendingRequest{"x"}); err != nil || len(got) != 2 {
			t.Errorf("%q, %v", got, err)
		}
	})
}

func TestACallOfANodeThatIsAwayEndsInTime(t *testing.T) {
	onNodes(t, func(t *testing.T, a, b, _ *hub.Hub) {
		echoes.Serve(t.Context(), a, unlimited(t), echo)
		echoes.Handle(b, func(pendingRequest, func(string, error)) {}) // never
		for _, node := range []string{"node-1", "node-9"} {
			began := time.Now()
			if got, err := echoes.Ask(t.Context(), a, node, pendingRequest{"x"}); !errors.Is(err, hub.ErrNoAnswer) || time.Since(began) != echoes.Within {
				t.Errorf("%s: %q, %v after %v", node, got, err, time.Since(began))
			}
		}
		got, err := echoes.AskAll(t.Context(), a, []string{"node-9", "node-0", "node-1"}, pendingRequest{"x"})
		if !errors.Is(err, hub.ErrNoAnswer) || !slices.Equal(got, []string{"x"}) {
			t.Errorf("%q, %v", got, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := echoes.Ask(ctx, a, "node-9", pendingRequest{"x"}); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, hub.ErrNoAnswer) {
			t.Errorf("the caller's own deadline: %v", err)
		}
	})
}

func TestACallThatFindsNoSlotIsRefusedAtOnceAndCounted(t *testing.T) {
	onNodes(t, func(t *testing.T, a, b, _ *hub.Hub) {
		refused := 0
		slots := hub.NewSlots(2, func() { refused++ })
		free := make(chan struct{})
		other := echoes
		other.Name = "other"
		for _, c := range []hub.Call[pendingRequest, string]{echoes, other} { // they share the slots
			c.Serve(t.Context(), b, slots, func(_ context.Context, q pendingRequest) (string, error) { <-free; return q.Text, nil })
		}
		done := make(chan error, 2)
		for _, c := range []hub.Call[pendingRequest, string]{echoes, other} {
			c.Go(a, "node-1", pendingRequest{"x"}, func(_ string, err error) { done <- err })
		}
		synctest.Wait()
		began := time.Now()
		if _, err := echoes.Ask(t.Context(), a, "node-1", pendingRequest{"x"}); !errors.Is(err, hub.ErrSlotsFull) || time.Since(began) > 0 || refused != 1 {
			t.Errorf("%v after %v, %d refused", err, time.Since(began), refused)
		}
		close(free)
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		synctest.Wait()
		if _, err := echoes.Ask(t.Context(), a, "node-1", pendingRequest{"x"}); err != nil {
			t.Errorf("the slots are not free again: %v", err)
		}
	})
}

func TestAServedRequestEndsInTimeAndWithItsNode(t *testing.T) {
	onNodes(t, func(t *testing.T, a, b, _ *hub.Hub) {
		life, end := context.WithCancel(t.Context())
		ended := make(chan time.Time, 1)
		echoes.Serve(life, b, unlimited(t), func(ctx context.Context, _ pendingRequest) (string, error) {
			<-ctx.Done()
			ended <- time.Now()
			return "", ctx.Err()
		})
		began := time.Now()
		echoes.Go(a, "node-1", pendingRequest{"x"}, func(string, error) {})
		if took := (<-ended).Sub(began); took != echoes.ServeWithin {
			t.Errorf("it is served for %v", took)
		}
		began = time.Now()
		echoes.Go(a, "node-1", pendingRequest{"x"}, func(string, error) {})
		synctest.Wait()
		end()
		if took := (<-ended).Sub(began); took != 0 {
			t.Errorf("it outlives its node by %v", took)
		}
	})
}

func TestNamedErrorsCrossTheBusAndOthersDoNot(t *testing.T) {
	onNodes(t, func(t *testing.T, a, b, _ *hub.Hub) {
		fails := map[string]error{"sold out": fmt.Errorf("tonight: %w", errSoldOut), "secret": errors.New("password 1234"), "silent": hub.ErrNoAnswer}
		echoes.Serve(t.Context(), b, unlimited(t), func(_ context.Context, q pendingRequest) (string, error) { return "", fails[q.Text] })
		for text, want := range map[string]error{"sold out": errSoldOut, "secret": hub.ErrCallFailed, "silent": hub.ErrNoAnswer} {
			_, err := echoes.Ask(t.Context(), a, "node-1", pendingRequest{text})
			if !errors.Is(err, want) || strings.Contains(err.Error(), "1234") {
				t.Errorf("%s: %v", text, err)
			}
		}
		newer := echoes
		newer.Errors = nil
		if _, err := newer.Ask(t.Context(), a, "node-1", pendingRequest{"sold out"}); !errors.Is(err, hub.ErrCallFailed) {
			t.Errorf("a name that is not known: %v", err)
		}
	})
}

func TestWhatCannotBeReadOrIsTooLargeIsAnError(t *testing.T) {
	onNodes(t, func(t *testing.T, a, b, _ *hub.Hub) {
		large := strings.Repeat("x", 200)
		served := 0
		echoes.Serve(t.Context(), b, unlimited(t), func(_ context.Context, q pendingRequest) (string, error) {
			served++
			if q.Text == "large" {
				return large, nil
			}
			return q.Text, nil
		})
		ask := func(c hub.Call[pendingRequest, string], text string, want error) {
			t.Helper()
			began := time.Now()
			if got, err := c.Ask(t.Context(), a, "node-1", pendingRequest{text}); !errors.Is(err, want) || time.Since(began) > 0 {
				t.Errorf("%q, %v after %v, want %v", got, err, time.Since(began), want)
			}
		}
		generous := echoes
		generous.BytesMax = 0
		ask(echoes, "large", hub.ErrCallTooLarge) // the reply
		served = 0
		ask(echoes, large, hub.ErrCallTooLarge)   // the request, here
		ask(generous, large, hub.ErrCallTooLarge) // the request, there
		for _, body := range []string{"", "{", `{"text": 1}`} {
			got := make(chan []byte, 1)
			a.Ask("node-1", "echo", []byte(body), time.Second, func(b []byte, _ error) { got <- b })
			if b := <-got; string(b) != `{"error":"unreadable"}` {
				t.Errorf("%q: %q", body, b)
			}
		}
		if served > 0 {
			t.Errorf("%d of them were served", served)
		}
		for _, body := range []string{"", "[", `{}`, `{"value": {}}`, `{"error": 1}`, `{"value": "` + large + `"}`} {
			b.Answer("echo", func(_ string, _ []byte, reply func([]byte)) { reply([]byte(body)) })
			want := hub.ErrUnreadable
			if len(body) > echoes.BytesMax {
				want = hub.ErrCallTooLarge
			}
			ask(echoes, "x", want)
		}
	})
}

func TestAReplyOfAnotherNodeThanTheOneAskedIsRefused(t *testing.T) {
	onNodes(t, func(t *testing.T, a, b, c *hub.Hub) {
		echoes.Serve(t.Context(), c, unlimited(t), echo) // replies as node-1
		if got, err := echoes.Ask(t.Context(), a, "node-2", pendingRequest{"x"}); !errors.Is(err, hub.ErrNoAnswer) {
			t.Errorf("%q, %v", got, err)
		}
		echoes.Serve(t.Context(), b, unlimited(t), echo)
		if got, err := echoes.Ask(t.Context(), a, "node-1", pendingRequest{"x"}); err != nil || got != "x" {
			t.Errorf("%q, %v", got, err)
		}
	})
}

func TestWhatIsToldToAllIsNoRequest(t *testing.T) {
	onNodes(t, func(t *testing.T, a, b, _ *hub.Hub) {
		echoes.Serve(t.Context(), b, unlimited(t), func(context.Context, pendingRequest) (string, error) {
			t.Error("it is served")
			return "", nil
		})
		if err := a.Tell("echo", []byte(`{"text":"x"}`)); err != nil {
			t.Error(err)
		}
		synctest.Wait()
	})
}
