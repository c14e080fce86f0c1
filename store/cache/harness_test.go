package cache_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/pitboss-hub/pitboss/hub/redisbus/localredis"
	"github.com/pitboss-hub/pitboss/store/cache"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

func TestMain(m *testing.M) {
	redis.SetLogger(silent{}) // before any client: it is one for all
	os.Exit(storetest.Main(m))
}

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

// key and realm are those of all nodes.
var key, realm = bytes.Repeat([]byte("k"), 32), bytes.Repeat([]byte("r"), 32)

// server runs a Redis on a free port if port is 0.
func server(t testing.TB, port int, args ...string) *localredis.Server {
	t.Helper()
	s, err := localredis.Start(context.Background(), t.TempDir(), port, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	return s
}

// node is a layer in Redis as one node has it.
type node struct {
	*cache.Redis
	metrics *prometheus.Registry
}

func open(t testing.TB, o cache.RedisOptions) *node {
	t.Helper()
	metrics := prometheus.NewRegistry()
	o.Registerer, o.Log = metrics, slog.New(slog.NewTextHandler(io.Discard, nil))
	if o.Key == nil {
		o.Key = key
	}
	if o.Realm == nil {
		o.Realm = realm
	}
	r, err := cache.OpenRedis(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return &node{r, metrics}
}

// count returns how often commands had a result.
func (n *node) count(t testing.TB, result string) int {
	t.Helper()
	return read(t, n.metrics, "pitboss_cache_redis_total", "result", result)
}

// read returns the sum of a metric's values that have a label.
func read(t testing.TB, metrics prometheus.Gatherer, name, label, value string) int {
	t.Helper()
	families, err := metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if f.GetName() == name && l.GetName() == label && l.GetValue() == value {
					sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
				}
			}
		}
	}
	return int(sum)
}

// bare returns a client of somebody who has no key.
func bare(t testing.TB, address string) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: address, Protocol: 2, DisableIdentity: true})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// names returns the names of all that a Redis has.
func names(t testing.TB, c *redis.Client) []string {
	t.Helper()
	list, err := c.Keys(t.Context(), "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for began := time.Now(); !ok(); {
		if time.Since(began) > 60*time.Second {
			t.Fatalf("waited in vain: %s", what)
		}
		<-time.After(10 * time.Millisecond)
	}
}
