package hub_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/membus"
)

// twoNodes runs two hubs on one bus.
func twoNodes(t *testing.T) (a, b *hub.Hub) {
	t.Helper()
	first := membus.New()
	for i, bus := range []*membus.Bus{first, first.Node()} {
		h := hub.New(hub.Options{Bus: bus, Node: fmt.Sprint("node-", i)})
		ctx, cancel := context.WithCancel(context.Background())
		ran := make(chan error, 1)
		go func() { ran <- h.Run(ctx) }()
		t.Cleanup(func() {
			cancel()
			if err := <-ran; err != nil {
				t.Error(err)
			}
		})
		if i == 0 {
			a = h
			continue
		}
		b = h
	}
	for _, h := range []*hub.Hub{a, b} { // until both listen
		heard := make(chan bool, 1)
		h.Answer("up", func(_ string, _ []byte, reply func([]byte)) { reply(nil) })
		for up := false; !up; {
			h.Ask(h.Node(), "up", nil, 50*time.Millisecond, func(_ []byte, err error) { heard <- err == nil })
			up = <-heard
		}
	}
	return a, b
}

func TestANodeAnswersAnother(t *testing.T) {
	t.Parallel()
	a, b := twoNodes(t)
	b.Answer("twice", func(from string, body []byte, reply func([]byte)) {
		reply([]byte(from + " " + string(body) + string(body)))
	})
	type answer struct {
		body []byte
		err  error
	}
	got := make(chan answer, 1)
	ask := func(node, method string, within time.Duration) answer {
		a.Ask(node, method, []byte("x"), within, func(body []byte, err error) { got <- answer{body, err} })
		return <-got
	}
	if g := ask(b.Node(), "twice", time.Minute); g.err != nil || string(g.body) != "node-0 xx" {
		t.Errorf("%s, %v", g.body, g.err)
	}
	for _, nobody := range []answer{ask(b.Node(), "thrice", 10*time.Millisecond), ask("node-9", "twice", 10*time.Millisecond)} {
		if !errors.Is(nobody.err, hub.ErrNoAnswer) {
			t.Errorf("nobody answered, but %q, %v", nobody.body, nobody.err)
		}
	}
}

func TestWhoWaitsForAForgottenNodeIsToldAtOnce(t *testing.T) {
	t.Parallel()
	a, b := twoNodes(t)
	b.Answer("slow", func(string, []byte, func([]byte)) {})
	b.Answer("fast", func(_ string, _ []byte, reply func([]byte)) { reply(nil) })
	forgotten, other := make(chan error, 1), make(chan error, 1)
	a.Ask("node-9", "slow", nil, time.Hour, func(_ []byte, err error) { forgotten <- err })
	a.Ask(b.Node(), "slow", nil, time.Hour, func(_ []byte, err error) { other <- err })
	a.Forget("node-9")
	if err := <-forgotten; !errors.Is(err, hub.ErrNoAnswer) {
		t.Error(err)
	}
	a.Ask(b.Node(), "fast", nil, time.Minute, func(_ []byte, err error) { forgotten <- err })
	if err := <-forgotten; err != nil {
		t.Error(err)
	}
	select {
	case err := <-other:
		t.Errorf("another node's answer is not waited for: %v", err)
	default:
	}
}

func TestAnAnswerToAnEarlierProcessIsNobodys(t *testing.T) {
	t.Parallel()
	bus := membus.New()
	run := func(bus hub.Bus, name string) (*hub.Hub, func()) {
		h := hub.New(hub.Options{Bus: bus, Node: name})
		ctx, cancel := context.WithCancel(context.Background())
		ran := make(chan error, 1)
		go func() { ran <- h.Run(ctx) }()
		up := make(chan bool, 1)
		h.Answer("up", func(_ string, _ []byte, reply func([]byte)) { reply(nil) })
		for listens := false; !listens; {
			h.Ask(name, "up", nil, 50*time.Millisecond, func(_ []byte, err error) { up <- err == nil })
			listens = <-up
		}
		return h, sync.OnceFunc(func() {
			cancel()
			if err := <-ran; err != nil {
				t.Error(err)
			}
		})
	}
	b, endB := run(bus, "b")
	defer endB()
	asked := make(chan func([]byte), 2)
	b.Answer("bet", func(_ string, _ []byte, reply func([]byte)) { asked <- reply })
	old, endOld := run(bus.Node(), "a")
	old.Ask("b", "bet", nil, time.Hour, func([]byte, error) {})
	answerOld := <-asked
	endOld()
	a, endA := run(bus.Node(), "a")
	defer endA()
	got := make(chan string, 1)
	a.Ask("b", "bet", nil, time.Hour, func(body []byte, _ error) { got <- string(body) })
	answer := <-asked
	answerOld([]byte("alice's"))
	answer([]byte("bob's"))
	if whose := <-got; whose != "bob's" {
		t.Errorf("bob is told %s answer", whose)
	}
}

func TestNewsReachEveryNode(t *testing.T) {
	t.Parallel()
	a, b := twoNodes(t)
	heard := make(chan string, 2)
	for _, h := range []*hub.Hub{a, b} {
		h.Answer("news", func(from string, body []byte, reply func([]byte)) {
			if reply != nil {
				t.Error("news want no answer")
			}
			heard <- h.Node() + " from " + from + ": " + string(body)
		})
	}
	if err := a.Tell("news", []byte("hello")); err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{<-heard: true, <-heard: true}
	if !got["node-0 from node-0: hello"] || !got["node-1 from node-0: hello"] {
		t.Error(got)
	}
}

func TestANodesNameCanBeATopic(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{"a": true, "pod-7.eu_west": true, "": false, "*": false, "a b": false, "a:b": false} {
		if err := hub.CheckNode(name); (err == nil) != want {
			t.Errorf("%q: %v", name, err)
		}
	}
}
