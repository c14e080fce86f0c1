package redisbus_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/redisbus"
)

// eavesdropper is somebody who has access to Redis and not the key.
type eavesdropper struct {
	t testing.TB
	*redis.Client
	heard <-chan *redis.Message
}

func eavesdrop(t testing.TB, address string) *eavesdropper {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: address, Protocol: 2, DisableIdentity: true})
	sub := c.PSubscribe(t.Context(), "pb:*}*")
	if _, err := sub.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sub.Close(); _ = c.Close() })
	return &eavesdropper{t, c, sub.Channel()}
}

// capture returns the next message of a topic as it is on Redis.
func (e *eavesdropper) capture(topic tenant.Topic) (channel, payload string) {
	e.t.Helper()
	late := time.After(patience)
	for {
		select {
		case m := <-e.heard:
			if strings.HasSuffix(m.Channel, topic.String()) {
				return m.Channel, m.Payload
			}
		case <-late:
			e.t.Fatal("nothing is heard")
		}
	}
}

func (e *eavesdropper) say(channel, payload string) {
	e.t.Helper()
	if n, err := e.Publish(e.t.Context(), channel, payload).Result(); err != nil || n < 2 {
		e.t.Fatalf("heard by %d, %v", n, err)
	}
}

func refused(t testing.TB, reg *prometheus.Registry, why string) (n float64) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "pitboss_redis_refused_total" && m.GetLabel()[0].GetValue() == why {
				n += m.GetCounter().GetValue()
			}
		}
	}
	return n
}

// only fails if anything comes but the message that is published now.
func (n *node) only(t testing.TB, from *node, topic tenant.Topic) {
	t.Helper()
	last := hub.Message{Topic: topic, Class: hub.ClassChat, Frame: []byte(`"the last"`)}
	if err := from.Publish(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	select {
	case m := <-n.got:
		if !bytes.Equal(m.Frame, last.Frame) {
			t.Errorf("%s came", m.Frame)
		}
	case <-time.After(patience):
		t.Fatal("nothing comes")
	}
}

// TestAProcessNeverUsesANumberTwice because the tag of a message is worth nothing if its number and time
// are another's.
func TestAProcessNeverUsesANumberTwice(t *testing.T) {
	t.Parallel()
	s := server(t, 0)
	mallory := eavesdrop(t, s.Addr)
	from := start(t, "redis://"+s.Addr)
	var topics []tenant.Topic
	for range 64 { // of all partitions
		topics = append(topics, room(t))
	}
	from.subscribe(t, topics...) // so that its links probe
	for range 20 {
		for _, topic := range topics {
			if err := from.Publish(t.Context(), hub.Message{Topic: topic}); err != nil {
				t.Fatal(err)
			}
			<-from.got
		}
	}
	numbers, probes := map[string]bool{}, 0
	late := time.After(patience)
	for said := 0; said < 20*len(topics) || probes < 8; {
		select {
		case m := <-mallory.heard:
			number := m.Payload[17:25]
			if numbers[number] {
				t.Fatalf("%x came twice, then by %s", number, m.Channel)
			}
			numbers[number] = true
			if strings.Contains(m.Channel, ":probe:") {
				probes++
			} else {
				said++
			}
		case <-late:
			t.Fatalf("%d messages and %d probes are heard", said, probes)
		}
	}
}

func TestWhatWasNotSaidByANodeIsDroppedAndCounted(t *testing.T) {
	t.Parallel()
	s := server(t, 0)
	url := "redis://" + s.Addr
	reg := prometheus.NewRegistry()
	from, to := start(t, url), startWith(t, redisbus.Options{URL: url, Key: key, Registerer: reg})
	topic, other := room(t), room(t)
	to.subscribe(t, topic, other)
	until(t, "the bus is up", func() bool { return from.Health() == nil && to.Health() == nil })
	mallory := eavesdrop(t, s.Addr)
	say := func(m hub.Message) (channel, payload string) {
		t.Helper()
		m.Topic = topic
		if err := from.Publish(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		<-to.got
		return mallory.capture(topic)
	}
	channel, chat := say(hub.Message{Class: hub.ClassChat, Frame: []byte(`"hello"`)})
	_, event := say(hub.Message{Seq: 7, Epoch: 1, Frame: []byte(`"a bet"`)})

	if err := from.Publish(t.Context(), hub.Message{Topic: other, Seq: 1}); err != nil {
		t.Fatal(err)
	}
	<-to.got
	elsewhere, _ := mallory.capture(other)

	count := map[string]int{}
	drop := func(why, channel, payload string) {
		t.Helper()
		mallory.say(channel, payload)
		count[why]++
	}
	drop("unreadable", channel, "")
	drop("unreadable", channel, "bet 50000 on red")
	drop("version", channel, "\x02"+chat[1:])
	drop("version", channel, "\x04"+event[1:])
	for i := 1; i < len(event); i++ { // sender, number, time, body and tag, a bit of each byte
		b := []byte(event)
		b[i] ^= 1 << (i % 8)
		drop("forged", channel, string(b))
	}
	drop("forged", channel, event[:len(event)-1])
	drop("forged", channel, event+"x")
	drop("forged", elsewhere, event) // to another room
	drop("replayed", channel, chat)
	drop("replayed", channel, chat)

	key2 := bytes.Repeat([]byte("K"), 32)
	for why, o := range map[string]redisbus.Options{
		"forged": {URL: url, Key: key2},
		"time":   {URL: url, Key: key, Clock: func() time.Time { return time.Now().Add(-31 * time.Second) }},
	} {
		liar := startWith(t, o)
		if err := liar.Publish(t.Context(), hub.Message{Topic: topic, Seq: 8, Frame: []byte(`"a lie"`)}); err != nil {
			t.Fatal(err)
		}
		count[why]++
	}
	ahead := startWith(t, redisbus.Options{URL: url, Key: key, Clock: func() time.Time { return time.Now().Add(31 * time.Second) }})
	if err := ahead.Publish(t.Context(), hub.Message{Topic: topic, Seq: 8, Frame: []byte(`"a lie"`)}); err != nil {
		t.Fatal(err)
	}
	count["time"]++
	for why, n := range count {
		until(t, fmt.Sprintf("%d are dropped as %s", n, why), func() bool { return refused(t, reg, why) == float64(n) })
	}
	to.only(t, from, topic)

	// An event that is sent again is the same event: whoever counts them notices.
	mallory.say(channel, event)
	if m := <-to.got; m.Seq != 7 || m.Epoch != 1 {
		t.Errorf("%+v", m)
	}
}

func TestAForgedProbeIsNoSignOfLife(t *testing.T) {
	t.Parallel()
	s := server(t, 0)
	reg := prometheus.NewRegistry()
	a := startWith(t, redisbus.Options{URL: "redis://" + s.Addr, Key: key, Registerer: reg})
	until(t, "the bus is up", func() bool { return a.Health() == nil })
	c := redis.NewClient(&redis.Options{Addr: s.Addr, Protocol: 2, DisableIdentity: true})
	defer func() { _ = c.Close() }()
	channels, err := c.PubSubChannels(t.Context(), "*probe*").Result()
	if err != nil || len(channels) == 0 {
		t.Fatal(channels, err)
	}
	if err := c.Publish(t.Context(), channels[0], "1").Err(); err != nil {
		t.Fatal(err)
	}
	until(t, "it is dropped", func() bool { return refused(t, reg, "unreadable") == 1 })
}

func TestTwoRealmsOnOneRedisDoNotHearEachOther(t *testing.T) {
	t.Parallel()
	url := "redis://" + server(t, 0).Addr
	production := startWith(t, redisbus.Options{URL: url, Key: key, Realm: []byte("production")})
	too := startWith(t, redisbus.Options{URL: url, Key: key, Realm: []byte("production")})
	staging := startWith(t, redisbus.Options{URL: url + "/1", Key: key, Realm: []byte("staging")})
	topic := room(t)
	too.subscribe(t, topic)
	staging.subscribe(t, topic)
	for range 10 {
		production.reaches(t, too, topic)
	}
	until(t, "the bus is up", func() bool { return staging.Health() == nil })
	staging.only(t, staging, topic)
}

// database is what nodes ask for the processes that there are.
type database struct {
	mu    sync.Mutex
	known [][16]byte
	err   error
}

func (d *database) processes(context.Context) ([][16]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.known, d.err
}

func (d *database) knows(known ...[16]byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.known = known
}

// TestANodeThatHearsAProcessOfAnotherDatabaseLeavesTheBusUntilItIsKnownOrSilent has two databases of one
// realm, as copies of a server's files are.
func TestANodeThatHearsAProcessOfAnotherDatabaseLeavesTheBusUntilItIsKnownOrSilent(t *testing.T) {
	t.Parallel()
	url := "redis://" + server(t, 0).Addr
	var here, there database
	options := func(id byte, d *database) redisbus.Options {
		return redisbus.Options{URL: url, Key: key, Sender: [16]byte{id}, Processes: d.processes}
	}
	here.knows([16]byte{1}, [16]byte{2})
	there.knows([16]byte{3})
	a, b, foreign := startWith(t, options(1, &here)), startWith(t, options(2, &here)), startWith(t, options(3, &there))
	topic := room(t)
	a.subscribe(t, topic)
	b.subscribe(t, topic)
	b.reaches(t, a, topic)
	a.reaches(t, b, topic)

	talk := func(n *node) {
		_ = n.Publish(context.Background(), hub.Message{Topic: topic, Seq: 1, Frame: []byte(`"foreign"`)})
	}
	until(t, "a has left the bus", func() bool { talk(foreign); return errors.Is(a.Health(), redisbus.ErrForeign) })
	until(t, "b has too", func() bool { talk(foreign); return errors.Is(b.Health(), redisbus.ErrForeign) })
	if err := a.Publish(t.Context(), hub.Message{Topic: topic, Seq: 2}); !errors.Is(err, redisbus.ErrForeign) {
		t.Errorf("it publishes: %v", err)
	}
	for len(a.got) > 0 { // its own sockets are served
		if m := <-a.got; m.Frame != nil {
			t.Errorf("%s came", m.Frame)
		}
	}
	here.knows([16]byte{1}, [16]byte{2}, [16]byte{3})
	until(t, "both are back", func() bool { talk(foreign); return a.Health() == nil && b.Health() == nil })
	b.reaches(t, a, topic)
	foreign.reaches(t, a, topic)
}

// TestANodeThatStartsIsBelievedAtOnce is about a process that the database knows and this node does not
// yet.
func TestANodeThatStartsIsBelievedAtOnce(t *testing.T) {
	t.Parallel()
	url := "redis://" + server(t, 0).Addr
	var d database
	d.knows([16]byte{1})
	a := startWith(t, redisbus.Options{URL: url, Key: key, Sender: [16]byte{1}, Processes: d.processes})
	topic := room(t)
	a.subscribe(t, topic)
	until(t, "the bus is up", func() bool { return a.Health() == nil })
	d.knows([16]byte{1}, [16]byte{2})
	b := startWith(t, redisbus.Options{URL: url, Key: key, Sender: [16]byte{2}, Processes: d.processes})
	until(t, "the bus is up", func() bool { return b.Health() == nil })
	if took := b.reaches(t, a, topic); took > time.Second {
		t.Errorf("it took %v", took)
	}
	if a.Health() != nil {
		t.Error(a.Health())
	}
}
