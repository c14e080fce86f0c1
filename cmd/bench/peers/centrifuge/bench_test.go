package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/centrifugal/centrifuge"
	"github.com/redis/go-redis/v9"

	"github.com/pitboss-hub/pitboss/cmd/bench/peers/side"
	"github.com/pitboss-hub/pitboss/hub/redisbus/localredis"
)

// BenchmarkPublish measures the same as that of hub/redisbus, with centrifuge's broker: what a message costs of
// this process and of Redis that 256 goroutines publish and nobody hears.
func BenchmarkPublish(b *testing.B) { benchmark(b, false) }

// BenchmarkDeliver measures the same with one other node that receives all, in this process. No more are
// on their way at one time than its queues take, so that none is lost.
func BenchmarkDeliver(b *testing.B) { benchmark(b, true) }

const (
	channels   = 64
	waitingMax = 2048
)

func benchmark(b *testing.B, heard bool) {
	s, err := localredis.Start(b.Context(), b.TempDir(), 0)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.Kill)
	*side.Redis = "redis://" + s.Addr
	from := node(b)
	var names [channels]string
	for i := range names {
		names[i] = fmt.Sprint("room-", i)
	}
	to := make(hears, waitingMax)
	if heard {
		n := node(b)
		broker, err := redisBroker(n)
		if err != nil {
			b.Fatal(err)
		}
		if err := broker.RegisterBrokerEventHandler(to); err != nil {
			b.Fatal(err)
		}
		for _, name := range names {
			if err := broker.Subscribe(name); err != nil {
				b.Fatal(err)
			}
		}
	}
	c := redis.NewClient(&redis.Options{Addr: s.Addr})
	defer func() { _ = c.Close() }()
	payload := []byte(`"` + strings.Repeat("x", 298) + `"`)
	began, redisBegan := cpu(b), redisCPU(b, c)
	b.SetParallelism(publishers)
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for i := 0; p.Next(); i++ {
			if heard {
				to <- struct{}{}
			}
			if _, err := from.Publish(names[i%channels], payload); err != nil {
				b.Error(err)
			}
		}
	})
	for heard && len(to) > 0 {
		<-time.After(time.Millisecond)
	}
	b.StopTimer()
	own, theirs := cpu(b)-began, redisCPU(b, c)-redisBegan
	per := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 / float64(b.N) }
	b.ReportMetric(per(own), "go-µs/op")
	b.ReportMetric(per(theirs), "redis-µs/op")
	b.ReportMetric(per(own+theirs), "cpu-µs/op")
}

func node(b *testing.B) *centrifuge.Node {
	b.Helper()
	n, err := centrifuge.New(centrifuge.Config{LogLevel: centrifuge.LogLevelError})
	if err != nil {
		b.Fatal(err)
	}
	if err := overRedis(n); err != nil {
		b.Fatal(err)
	}
	if err := n.Run(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = n.Shutdown(context.Background()) })
	return n
}

// hears holds an element for each message that is on its way.
type hears chan struct{}

// HandlePublication implements centrifuge.BrokerEventHandler.
func (h hears) HandlePublication(string, *centrifuge.Publication, centrifuge.StreamPosition, bool, *centrifuge.Publication) error {
	<-h
	return nil
}

// HandleJoin implements centrifuge.BrokerEventHandler.
func (h hears) HandleJoin(string, *centrifuge.ClientInfo) error { return nil }

// HandleLeave implements centrifuge.BrokerEventHandler.
func (h hears) HandleLeave(string, *centrifuge.ClientInfo) error { return nil }

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
