package bustest

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
)

// patience bounds each wait of a test.
const patience = 30 * time.Second

// Run tests a bus against the contract of hub.Bus. Nodes makes n nodes of one bus that nothing else
// uses; it registers its clean-up with t.Cleanup, which is called after every node's Run has returned.
func Run(t *testing.T, nodes func(t *testing.T, n int) []hub.Bus) {
	for name, test := range map[string]func(*testing.T, *bench){
		"EveryNodeGetsATopicInOrder":            everyNodeInOrder,
		"TopicsDoNotMix":                        topicsDoNotMix,
		"OnlySubscribedTopicsAreDelivered":      onlySubscribed,
		"UnsubscribeEndsATopic":                 unsubscribeEnds,
		"SubscribingAgainWorks":                 subscribeAgain,
		"SubscribingTwiceIsOnce":                subscribeTwice,
		"AllFieldsSurvive":                      allFields,
		"LargeFramesSurvive":                    largeFrames,
		"ManyPublishersAreEachInOrder":          manyPublishers,
		"SubscribersComeAndGoWhileMessagesFlow": comeAndGo,
		"PublishFailsAfterItsContextEnded":      publishAfterEnd,
		"RunReturnsWhenItsContextEnds":          runReturns,
		"NodesTalkToEachOther":                  nodesTalk,
		"ANodeThatDeliversIsHealthy":            healthy,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, &bench{t: t, nodes: nodes})
		})
	}
}

type bench struct {
	t     *testing.T
	nodes func(t *testing.T, n int) []hub.Bus
}

// node is a running bus, and the messages that it delivered.
type node struct {
	hub.Bus
	t    *testing.T
	stop func() // ends Run, waits for it, and checks what it returned

	mu   sync.Mutex
	got  map[tenant.Topic][]hub.Message
	more chan struct{} // closed and replaced when a message was delivered
}

func (b *bench) start(n int) []*node {
	b.t.Helper()
	var started []*node
	for _, bus := range b.nodes(b.t, n) {
		nd := &node{Bus: bus, t: b.t, got: map[tenant.Topic][]hub.Message{}, more: make(chan struct{})}
		ctx, cancel := context.WithCancel(context.Background())
		ran := make(chan error, 1)
		go func() { ran <- bus.Run(ctx, nd.deliver) }()
		nd.stop = sync.OnceFunc(func() {
			cancel()
			select {
			case err := <-ran:
				if err != nil {
					b.t.Errorf("Run returned %v", err)
				}
			case <-time.After(patience):
				b.t.Error("Run does not return")
			}
		})
		b.t.Cleanup(nd.stop)
		started = append(started, nd)
	}
	return started
}

func (n *node) deliver(m hub.Message) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.got[m.Topic] = append(n.got[m.Topic], m)
	close(n.more)
	n.more = make(chan struct{})
}

// wait returns the topic's messages as soon as ok accepts them.
func (n *node) wait(topic tenant.Topic, what string, ok func([]hub.Message) bool) []hub.Message {
	n.t.Helper()
	timeout := time.After(patience)
	for {
		n.mu.Lock()
		got, more := n.got[topic], n.more
		n.mu.Unlock()
		if ok(got) {
			return got
		}
		select {
		case <-more:
		case <-timeout:
			n.t.Fatalf("%s: waited in vain for %s; %d messages came", topic, what, len(got))
		}
	}
}

func (n *node) waitFor(topic tenant.Topic, count int) []hub.Message {
	n.t.Helper()
	return n.wait(topic, fmt.Sprint(count, " messages"), func(got []hub.Message) bool { return len(got) >= count })
}

func (n *node) subscribe(topics ...tenant.Topic) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, topic := range topics {
		if err := n.Subscribe(ctx, topic); err != nil {
			n.t.Fatal(err)
		}
	}
}

func (n *node) publish(topic tenant.Topic, seqs ...int64) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, seq := range seqs {
		if err := n.Publish(ctx, message(topic, seq)); err != nil {
			n.t.Errorf("publish %d: %v", seq, err)
			return
		}
	}
}

func message(topic tenant.Topic, seq int64) hub.Message {
	return hub.Message{Topic: topic, Seq: seq, Frame: fmt.Appendf(nil, `{"seq":%d}`, seq)}
}

// seqs returns the numbers from 1 to n.
func seqs(n int64) []int64 {
	all := make([]int64, n)
	for i := range all {
		all[i] = int64(i) + 1
	}
	return all
}

func seqsOf(got []hub.Message) []int64 {
	all := make([]int64, len(got))
	for i, m := range got {
		all[i] = m.Seq
	}
	return all
}

// topics makes n topics of each of two tenants, with names that collide.
func topics(t *testing.T, n int) (x, y []tenant.Topic) {
	t.Helper()
	for i := range n {
		for _, list := range []*[]tenant.Topic{&x, &y} {
			*list = append(*list, tenant.New().Topic("room", fmt.Sprintf("a:%d é", i)))
		}
	}
	return x, y
}

func sameSeqs(t *testing.T, what string, want []int64, got []hub.Message) {
	t.Helper()
	if diff := cmp.Diff(want, seqsOf(got)); diff != "" {
		t.Errorf("%s\n%s", what, diff)
	}
}

func frame(size int) []byte { return bytes.Repeat([]byte("x\x00\n\xc3\xa9"), size/5+1)[:size] }
