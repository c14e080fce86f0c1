package redisbus_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
)

// BenchmarkPublish measures a message that 16 goroutines publish and nobody receives: the CPU
// time of this process and of Redis, in µs, and both together.
func BenchmarkPublish(b *testing.B) { benchmark(b, false) }

// BenchmarkDeliver measures the same with one other node that receives all, in this process. No more are
// on their way at one time than its queues take, so that none is lost.
func BenchmarkDeliver(b *testing.B) { benchmark(b, true) }

const waitingMax = 2048

// BenchmarkFan measures what a message costs Redis with so many connections that receive it and do nothing
// else.
func BenchmarkFan(b *testing.B) {
	for _, n := range []int{1, 2, 4, 8, 16} {
		b.Run(fmt.Sprintf("hear=%d", n), func(b *testing.B) { benchmarkFan(b, n) })
	}
}

func benchmarkFan(b *testing.B, listeners int) {
	s := server(b, 0)
	from := start(b, "redis://"+s.Addr)
	topics := someTopics(b)
	from.subscribe(b, topics...)
	c := redis.NewClient(&redis.Options{Addr: s.Addr})
	defer func() { _ = c.Close() }()
	var names []string
	for _, topic := range topics { // as Redis has them
		found, err := c.PubSubChannels(b.Context(), "*"+topic.String()).Result()
		if err != nil || len(found) != 1 {
			b.Fatalf("%v, %v", found, err)
		}
		names = append(names, found[0])
	}
	for _, topic := range topics {
		from.Unsubscribe(topic)
	}
	for range listeners {
		conn, err := net.Dial("tcp", s.Addr)
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		if _, err := fmt.Fprintf(conn, "SUBSCRIBE %s\r\n", strings.Join(names, " ")); err != nil {
			b.Fatal(err)
		}
		go func() { _, _ = io.Copy(io.Discard, conn) }()
	}
	until(b, "all listen", func() bool {
		heard, err := c.PubSubNumSub(b.Context(), names...).Result()
		if err != nil {
			b.Fatal(err)
		}
		for _, n := range heard {
			if n != int64(listeners) {
				return false
			}
		}
		return true
	})
	began := redisCPU(b, c)
	b.ResetTimer()
	publishAll(b, c, from, topics, nil)
	b.StopTimer()
	b.ReportMetric(float64((redisCPU(b, c)-began).Nanoseconds())/1000/float64(b.N), "redis-µs/op")
}

func someTopics(b *testing.B) []tenant.Topic {
	b.Helper()
	id := someTenant(b)
	topics := make([]tenant.Topic, 64)
	for i := range topics {
		topics[i] = id.Topic("room", fmt.Sprint(i))
	}
	return topics
}

// publishAll publishes as fast as Redis takes it, and as there is room in waiting, and returns
// when Redis has taken all.
func publishAll(b *testing.B, c *redis.Client, from *node, topics []tenant.Topic, waiting chan<- struct{}) {
	b.Helper()
	before := taken(b, c)
	frame := []byte(strings.Repeat("x", 300))
	b.SetParallelism(8)
	b.RunParallel(func(p *testing.PB) {
		for i := 0; p.Next(); i++ {
			if waiting != nil {
				waiting <- struct{}{}
			}
			for from.Publish(context.Background(), hub.Message{Topic: topics[i%len(topics)], Seq: 1, Frame: frame}) != nil {
				<-time.After(100 * time.Microsecond)
			}
		}
	})
	until(b, "all is published", func() bool { return taken(b, c) >= before+b.N })
}

// taken returns how often Redis was told to publish.
func taken(b *testing.B, c *redis.Client) int {
	b.Helper()
	text, err := c.Info(context.Background(), "commandstats").Result()
	if err != nil {
		b.Fatal(err)
	}
	_, after, _ := strings.Cut(text, "cmdstat_publish:calls=")
	calls, _, _ := strings.Cut(after, ",")
	n, _ := strconv.Atoi(calls) // none yet: 0
	return n
}

func benchmark(b *testing.B, heard bool) {
	s := server(b, 0)
	from := start(b, "redis://"+s.Addr)
	topics := someTopics(b)
	var waiting chan struct{}
	if heard {
		to := start(b, "redis://"+s.Addr)
		to.subscribe(b, topics...)
		waiting = make(chan struct{}, waitingMax)
		go func() { // ends with the process
			for range to.got {
				<-waiting
			}
		}()
	}
	c := redis.NewClient(&redis.Options{Addr: s.Addr})
	defer func() { _ = c.Close() }()
	began, redisBegan := cpu(b), redisCPU(b, c)
	b.ResetTimer()
	publishAll(b, c, from, topics, waiting)
	if heard {
		until(b, "all is heard", func() bool { return len(waiting) == 0 })
	}
	b.StopTimer()
	own, theirs := cpu(b)-began, redisCPU(b, c)-redisBegan
	per := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 / float64(b.N) }
	b.ReportMetric(per(own), "go-µs/op")
	b.ReportMetric(per(theirs), "redis-µs/op")
	b.ReportMetric(per(own+theirs), "cpu-µs/op")
}

func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func redisCPU(b *testing.B, c *redis.Client) (sum time.Duration) {
	b.Helper()
	info, err := c.Info(context.Background(), "cpu").Result()
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name != "used_cpu_sys" && name != "used_cpu_user" {
			continue
		}
		seconds, err := strconv.ParseFloat(value, 64)
		if err != nil {
			b.Fatal(err)
		}
		sum += time.Duration(seconds * float64(time.Second))
	}
	return sum
}
