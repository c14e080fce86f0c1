package redisbus_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
)

// BenchmarkPublish is what a message costs that 16 goroutines publish and nobody hears: the CPU
// time of this process and of Redis, in µs, and both together.
func BenchmarkPublish(b *testing.B) { benchmark(b, 0) }

// BenchmarkDeliver is the same with one other node that hears all, in this process.
func BenchmarkDeliver(b *testing.B) { benchmark(b, 1) }

func benchmark(b *testing.B, listeners int) {
	s := server(b, 0)
	from := start(b, "redis://"+s.Addr)
	id := someTenant(b)
	topics := make([]tenant.Topic, 64)
	for i := range topics {
		topics[i] = id.Topic("room", fmt.Sprint(i))
	}
	var to *node
	for range listeners {
		to = start(b, "redis://"+s.Addr)
		to.subscribe(b, topics...)
	}
	c := redis.NewClient(&redis.Options{Addr: s.Addr})
	defer func() { _ = c.Close() }()
	frame := []byte(strings.Repeat("x", 300))
	began, redisBegan := cpu(b), redisCPU(b, c)
	b.SetParallelism(8)
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for i := 0; p.Next(); i++ {
			for from.Publish(context.Background(), hub.Message{Topic: topics[i%len(topics)], Seq: 1, Frame: frame}) != nil {
				<-time.After(100 * time.Microsecond) // as fast as Redis takes it
			}
		}
	})
	for n := 0; to != nil && n < b.N; n++ {
		select {
		case <-to.got:
		case <-time.After(time.Second):
			b.Logf("%d of %d were lost: the queue of a node that hears more than it can do is bounded", b.N-n, b.N)
			n = b.N
		}
	}
	b.StopTimer()
	// What waits still is published before the next command of the same connection.
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
