package redisbus_test

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/bustest"
	"github.com/pitboss-hub/pitboss/hub/redisbus"
	"github.com/pitboss-hub/pitboss/hub/redisbus/localredis"
)

// patience is how long anything may take before a test gives up.
const patience = 60 * time.Second

func server(t testing.TB, port int, args ...string) *localredis.Server {
	t.Helper()
	s, err := localredis.Start(context.Background(), t.TempDir(), port, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	return s
}

func nodes(url string) func(*testing.T, int) []hub.Bus {
	return func(t *testing.T, n int) []hub.Bus {
		var out []hub.Bus
		for range n {
			b, err := redisbus.Open(redisbus.Options{URL: url, Key: key})
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, b)
		}
		return out
	}
}

func TestOneServerIsABus(t *testing.T) {
	t.Parallel()
	bustest.Run(t, nodes("redis://"+server(t, 0).Addr)) // each test has topics of its own
}

func TestAClusterIsABus(t *testing.T) {
	t.Parallel()
	bustest.Run(t, nodes(clusterOf3(t).url))
}

// node is a bus that runs, and what came by it.
type node struct {
	*redisbus.Bus
	got chan hub.Message
}

func start(t testing.TB, url string) *node {
	t.Helper()
	return startWith(t, redisbus.Options{URL: url, Key: key})
}

func startWith(t testing.TB, o redisbus.Options) *node {
	t.Helper()
	b, err := redisbus.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	n := &node{b, make(chan hub.Message, 100_000)}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- b.Run(ctx, func(m hub.Message) { n.got <- m }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ran; err != nil {
			t.Error(err)
		}
	})
	return n
}

func (n *node) subscribe(t testing.TB, topics ...tenant.Topic) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, topic := range topics {
		if err := n.Subscribe(ctx, topic); err != nil {
			t.Fatal(err)
		}
	}
}

// reaches publishes at n until something arrives at to, and returns how long it took.
func (n *node) reaches(t testing.TB, to *node, topic tenant.Topic) time.Duration {
	t.Helper()
	began := time.Now()
	for seq := int64(1); ; seq++ {
		_ = n.Publish(context.Background(), hub.Message{Topic: topic, Seq: seq}) // until one arrives
		select {
		case <-to.got:
			return time.Since(began)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Since(began) > patience {
			t.Fatal("nothing arrives")
		}
	}
}

func until(t testing.TB, what string, ok func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	for !ok() {
		if time.Since(began) > patience {
			t.Fatalf("waited in vain: %s", what)
		}
		<-time.After(10 * time.Millisecond)
	}
	return time.Since(began)
}

func TestTheBusIsBackAfterRedisCameBackEmpty(t *testing.T) {
	t.Parallel()
	s := server(t, 0)
	a, b, topic := start(t, "redis://"+s.Addr), start(t, "redis://"+s.Addr), room(t)
	a.subscribe(t, topic)
	b.subscribe(t, topic)
	a.reaches(t, b, topic)
	s.Kill()
	if took := until(t, "health is red", func() bool { return a.Health() != nil && b.Health() != nil }); took > 5*time.Second {
		t.Errorf("it took %v until health was red", took)
	}
	// Its own sockets are served, and new ones too.
	other := room(t)
	a.subscribe(t, other)
	a.reaches(t, a, other)
	_, port := split(t, s.Addr)
	server(t, number(t, port))
	a.reaches(t, b, topic)
	b.subscribe(t, other)
	b.reaches(t, a, other)
	until(t, "health is green", func() bool { return a.Health() == nil && b.Health() == nil })
}

func TestAStalledRedisTurnsHealthRed(t *testing.T) {
	t.Parallel()
	s := server(t, 0)
	a, topic := start(t, "redis://"+s.Addr), room(t)
	a.subscribe(t, topic)
	if err := s.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if took := until(t, "health is red", func() bool { return a.Health() != nil }); took > 5*time.Second {
		t.Errorf("it took %v until health was red", took)
	}
	if err := s.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	until(t, "health is green", func() bool { return a.Health() == nil })
}

// TestASubscriberThatHearsNothingIsNoticed keeps what Redis says from the node: connections
// stay, and nothing is delivered.
func TestASubscriberThatHearsNothingIsNoticed(t *testing.T) {
	t.Parallel()
	s := server(t, 0)
	link := bustest.NewLink(t, s.Addr)
	a := start(t, "redis://"+link.Addr())
	topic := room(t)
	a.subscribe(t, topic)
	link.Mute() // towards the node
	if took := until(t, "health is red", func() bool { return a.Health() != nil }); took > 5*time.Second {
		t.Errorf("it took %v until health was red", took)
	}
	link.Mend()
	until(t, "health is green", func() bool { return a.Health() == nil })
}

// TestHealthStaysRedWhileNothingIsDelivered has a Redis that takes connections and
// subscriptions, and no messages.
func TestHealthStaysRedWhileNothingIsDelivered(t *testing.T) {
	t.Parallel()
	s := server(t, 0)
	a := start(t, "redis://"+s.Addr)
	until(t, "health is green", func() bool { return a.Health() == nil })
	c := redis.NewClient(&redis.Options{Addr: s.Addr, Protocol: 2, DisableIdentity: true})
	defer func() { _ = c.Close() }()
	may := func(publish string) {
		t.Helper()
		if err := c.Do(context.Background(), "acl", "setuser", "default", publish).Err(); err != nil {
			t.Fatal(err)
		}
	}
	may("-publish")
	if took := until(t, "health is red", func() bool { return a.Health() != nil }); took > 5*time.Second {
		t.Errorf("it took %v until health was red", took)
	}
	for began := time.Now(); time.Since(began) < 8*time.Second; <-time.After(10 * time.Millisecond) { // two new connections
		if a.Health() == nil {
			t.Fatalf("health is green after %v, and nothing is delivered", time.Since(began))
		}
	}
	may("+publish")
	until(t, "health is green", func() bool { return a.Health() == nil })
}

func TestAStalledClusterDoublesNothing(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s, _ := clusterServer(t, "60000")
	c := redis.NewClient(&redis.Options{Addr: s.Addr, Protocol: 2, DisableIdentity: true})
	defer func() { _ = c.Close() }()
	if err := c.ClusterAddSlotsRange(ctx, 0, 16383).Err(); err != nil {
		t.Fatal(err)
	}
	until(t, "the cluster stands", func() bool {
		info, err := c.ClusterInfo(ctx).Result()
		return err == nil && contains(info, "cluster_state:ok")
	})
	a, b, topic := start(t, "redis-cluster://"+s.Addr), start(t, "redis-cluster://"+s.Addr), room(t)
	a.subscribe(t, topic)
	b.subscribe(t, topic)
	a.reaches(t, b, topic)
	if err := s.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	publish := func(text string) {
		t.Helper()
		if err := a.Publish(ctx, hub.Message{Topic: topic, Frame: []byte(text)}); err != nil {
			t.Fatal(err)
		}
	}
	publish("once")
	published := time.Now()
	until(t, "health is red, and it would have been sent again", func() bool {
		return a.Health() != nil && time.Since(published) > 4*time.Second
	})
	if err := s.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	came := 0
	until(t, "the last one comes", func() bool {
		publish("last")
		for {
			select {
			case m := <-b.got:
				switch string(m.Frame) {
				case "once":
					came++
				case "last":
					return true
				}
			default:
				return false
			}
		}
	})
	if came > 1 {
		t.Errorf("it came %d times", came)
	}
}

func TestManySubscriptionsSurviveAReconnect(t *testing.T) {
	t.Parallel()
	const topics = 3000
	s := server(t, 0)
	a, b := start(t, "redis://"+s.Addr), start(t, "redis://"+s.Addr)
	id := someTenant(t)
	all := make([]tenant.Topic, topics)
	for i := range all {
		all[i] = id.Topic("player", fmt.Sprint(i))
	}
	a.subscribe(t, all...)
	s.Kill()
	_, port := split(t, s.Addr)
	server(t, number(t, port))
	for _, topic := range []tenant.Topic{all[0], all[topics/2], all[topics-1]} {
		b.reaches(t, a, topic)
	}
	c := redis.NewClient(&redis.Options{Addr: s.Addr})
	defer func() { _ = c.Close() }()
	until(t, "all are subscribed again", func() bool {
		channels, err := c.PubSubChannels(context.Background(), "*player*").Result()
		return err == nil && len(channels) == topics
	})
	for _, topic := range all[1:] {
		a.Unsubscribe(topic)
	}
	until(t, "those that nobody wants are gone", func() bool {
		channels, err := c.PubSubChannels(context.Background(), "*player*").Result()
		return err == nil && len(channels) == 1
	})
}
