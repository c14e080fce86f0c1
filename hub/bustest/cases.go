package bustest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
)

func everyNodeInOrder(t *testing.T, b *bench) {
	const messages = 2000
	nodes := b.start(3)
	topics, _ := topics(t, 1)
	for _, n := range nodes {
		n.subscribe(topics[0])
	}
	nodes[1].publish(topics[0], seqs(messages)...)
	for i, n := range nodes {
		sameSeqs(t, "node "+string(rune('0'+i)), seqs(messages), n.waitFor(topics[0], messages))
	}
}

func topicsDoNotMix(t *testing.T, b *bench) {
	const messages = 300
	n := b.start(1)[0]
	xs, ys := topics(t, 5)
	all := append(xs, ys...)
	n.subscribe(all...)
	for seq := range int64(messages) {
		for i, topic := range all {
			n.publish(topic, seq*100+int64(i))
		}
	}
	for i, topic := range all {
		got := n.waitFor(topic, messages)
		for seq := range int64(messages) {
			if got[seq].Seq != seq*100+int64(i) {
				t.Fatalf("%s: message %d is %d", topic, seq, got[seq].Seq)
			}
		}
	}
}

func onlySubscribed(t *testing.T, b *bench) {
	nodes := b.start(2)
	x, y := topics(t, 2)
	nodes[0].subscribe(x[0])
	nodes[1].subscribe(x[1], y[0])
	for _, topic := range []tenant.Topic{x[0], x[1], y[0], y[1]} {
		nodes[0].publish(topic, seqs(20)...)
		nodes[1].publish(topic, seqs(20)...)
	}
	nodes[0].waitFor(x[0], 40)
	nodes[1].waitFor(x[1], 40)
	nodes[1].waitFor(y[0], 40)
	for i, want := range [][]tenant.Topic{{x[0]}, {x[1], y[0]}} {
		nodes[i].stop()
		if len(nodes[i].got) != len(want) {
			t.Errorf("node %d got %d topics, subscribed %d", i, len(nodes[i].got), len(want))
		}
		for _, topic := range want {
			if got := len(nodes[i].got[topic]); got != 40 {
				t.Errorf("node %d: %s: %d messages, want 40", i, topic, got)
			}
		}
	}
}

func unsubscribeEnds(t *testing.T, b *bench) {
	n := b.start(1)[0]
	x, _ := topics(t, 2)
	ended, marker := x[0], x[1]
	n.subscribe(ended, marker)
	n.publish(ended, seqs(10)...)
	n.waitFor(ended, 10)
	n.Unsubscribe(ended)
	// "Soon": at some time a marker comes without the message published before it, and
	// from then on always.
	count := func() int {
		n.mu.Lock()
		defer n.mu.Unlock()
		return len(n.got[ended])
	}
	quiet, last := 0, count()
	for round := 1; quiet < 50; round++ {
		n.publish(ended, int64(1000+round))
		n.publish(marker, int64(round))
		n.waitFor(marker, round)
		if now := count(); now == last {
			quiet++
		} else {
			quiet, last = 0, now
		}
		if round > 100_000 {
			t.Fatal("the topic goes on")
		}
	}
	n.Unsubscribe(ended) // once more is nothing
}

func subscribeAgain(t *testing.T, b *bench) {
	nodes := b.start(2)
	x, _ := topics(t, 1)
	for round := range int64(50) {
		nodes[0].subscribe(x[0])
		base := round * 10
		nodes[1].publish(x[0], base+1, base+2, base+3)
		nodes[0].wait(x[0], "this round's last", func(got []hub.Message) bool {
			return len(got) > 0 && got[len(got)-1].Seq == base+3
		})
		nodes[0].Unsubscribe(x[0])
	}
	got := nodes[0].waitFor(x[0], 150)
	if len(got) != 150 {
		t.Errorf("%d messages, want 150", len(got))
	}
}

func subscribeTwice(t *testing.T, b *bench) {
	n := b.start(1)[0]
	x, _ := topics(t, 2)
	n.subscribe(x[0], x[0], x[1])
	n.publish(x[0], seqs(100)...)
	n.publish(x[1], seqs(1)...)
	n.waitFor(x[1], 1)
	sameSeqs(t, "once each", seqs(100), n.waitFor(x[0], 100))
	n.Unsubscribe(x[0])
	n.subscribe(x[0])
	n.publish(x[0], 101)
	sameSeqs(t, "and after one Unsubscribe", seqs(101), n.waitFor(x[0], 101))
}

func allFields(t *testing.T, b *bench) {
	nodes := b.start(2)
	x, _ := topics(t, 1)
	nodes[1].subscribe(x[0])
	want := []hub.Message{
		{Topic: x[0]},
		{Topic: x[0], Class: hub.ClassPromotion, Epoch: 1<<62 + 1, Seq: 1<<53 + 1, Key: "beat:é\x00", Frame: []byte(`{"a":"é"}`),
			Private: []hub.Private{{Player: "alice", Frame: []byte(`{"a":1}`)}, {Player: "bob:\"x\"", Frame: []byte("")}}},
		{Topic: x[0], Class: hub.ClassChat, Epoch: -1, Seq: -1, Frame: frame(1000)},
		{Topic: x[0], Epoch: 3, Top: 1<<53 + 1, Key: "beat", Frame: frame(10)},
		{Topic: x[0], Seat: 1<<62 + 1},
	}
	for _, m := range want {
		if err := nodes[0].Publish(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	got := nodes[1].waitFor(x[0], len(want))
	// Between nil and empty there is no difference.
	same := cmp.Options{
		cmp.Comparer(func(a, b []byte) bool { return string(a) == string(b) }),
		cmp.Comparer(func(a, b tenant.Topic) bool { return a == b }),
	}
	if diff := cmp.Diff(want, got, same); diff != "" {
		t.Error(diff)
	}
}

func nodesTalk(t *testing.T, b *bench) {
	nodes := b.start(2)
	one, all := tenant.NodeTopic("b-1.example"), tenant.NodeTopic(tenant.AllNodes)
	nodes[0].subscribe(all)
	nodes[1].subscribe(one, all)
	nodes[0].publish(one, seqs(100)...)
	nodes[0].publish(all, 1)
	sameSeqs(t, "to one", seqs(100), nodes[1].waitFor(one, 100))
	for _, n := range nodes {
		sameSeqs(t, "to all", seqs(1), n.waitFor(all, 1))
	}
}

func healthy(t *testing.T, b *bench) {
	n := b.start(1)[0]
	x, _ := topics(t, 1)
	n.subscribe(x[0])
	n.publish(x[0], 1)
	n.waitFor(x[0], 1)
	for began := time.Now(); n.Health() != nil; <-time.After(time.Millisecond) { // it may have to receive a probe first
		if time.Since(began) > patience {
			t.Fatalf("while it delivers: %v", n.Health())
		}
	}
	n.stop()
	if n.Health() == nil {
		t.Error("a stopped node is healthy")
	}
}

func largeFrames(t *testing.T, b *bench) {
	nodes := b.start(2)
	x, _ := topics(t, 1)
	nodes[1].subscribe(x[0])
	sizes := []int{1 << 20, 0, 3 << 20, 70_000, 1}
	for i, size := range sizes {
		m := hub.Message{Topic: x[0], Seq: int64(i) + 1, Frame: frame(size), Private: []hub.Private{{Player: "alice", Frame: frame(size / 2)}}}
		if err := nodes[0].Publish(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	for i, m := range nodes[1].waitFor(x[0], len(sizes)) {
		if string(m.Frame) != string(frame(sizes[i])) || string(m.Private[0].Frame) != string(frame(sizes[i]/2)) {
			t.Errorf("frame of %d bytes came with %d", sizes[i], len(m.Frame))
		}
	}
}

func manyPublishers(t *testing.T, b *bench) {
	const publishers, messages = 16, 250
	nodes := b.start(2)
	x, _ := topics(t, 1)
	nodes[0].subscribe(x[0])
	nodes[1].subscribe(x[0])
	var wg sync.WaitGroup
	for p := range int64(publishers) {
		wg.Go(func() {
			for i := range int64(messages) {
				nodes[p%2].publish(x[0], p*1_000_000+i)
			}
		})
	}
	wg.Wait()
	for _, n := range nodes {
		next := map[int64]int64{}
		for _, m := range n.waitFor(x[0], publishers*messages) {
			p, i := m.Seq/1_000_000, m.Seq%1_000_000
			if i != next[p] {
				t.Fatalf("publisher %d: %d came, %d was next", p, i, next[p])
			}
			next[p]++
		}
	}
}

func comeAndGo(t *testing.T, b *bench) {
	nodes := b.start(2)
	x, _ := topics(t, 4)
	nodes[1].subscribe(x[3])
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() {
			for range 100 {
				nodes[1].subscribe(x[i])
				nodes[1].Unsubscribe(x[i])
			}
			nodes[1].subscribe(x[i])
		})
	}
	wg.Go(func() {
		for seq := range int64(500) {
			for _, topic := range x {
				nodes[0].publish(topic, seq+1)
			}
		}
	})
	wg.Wait()
	sameSeqs(t, "who stayed", seqs(500), nodes[1].waitFor(x[3], 500))
	for _, topic := range x[:3] {
		nodes[0].publish(topic, 501)
		got := nodes[1].wait(topic, "the last", func(got []hub.Message) bool {
			return len(got) > 0 && got[len(got)-1].Seq == 501
		})
		for i := 1; i < len(got); i++ {
			if got[i].Seq <= got[i-1].Seq {
				t.Fatalf("%d after %d", got[i].Seq, got[i-1].Seq)
			}
		}
	}
}

func publishAfterEnd(t *testing.T, b *bench) {
	n := b.start(1)[0]
	x, _ := topics(t, 1)
	n.subscribe(x[0])
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := n.Publish(ctx, message(x[0], 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
	n.publish(x[0], 2)
	sameSeqs(t, "what came", []int64{2}, n.waitFor(x[0], 1))
	n.stop()
	if err := n.Publish(context.Background(), message(x[0], 3)); err == nil {
		t.Error("a stopped node published")
	}
}

func runReturns(t *testing.T, b *bench) {
	nodes := b.start(2)
	x, _ := topics(t, 1)
	nodes[0].subscribe(x[0])
	nodes[1].subscribe(x[0])
	nodes[0].publish(x[0], 1)
	nodes[0].waitFor(x[0], 1)
	nodes[0].stop()
	// The other one goes on, and nothing is delivered to the first any more.
	nodes[1].waitFor(x[0], 1)
	nodes[1].publish(x[0], 2)
	sameSeqs(t, "the other node", seqs(2), nodes[1].waitFor(x[0], 2))
	if got := len(nodes[0].got[x[0]]); got != 1 {
		t.Errorf("a stopped node got %d messages, want 1", got)
	}
}
