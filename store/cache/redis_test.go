package cache_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/redisbus/redisurl"
	"github.com/pitboss-hub/pitboss/store/cache"
	"github.com/pitboss-hub/pitboss/store/cache/cachetest"
)

func TestOneRedisIsALayer(t *testing.T) {
	t.Parallel()
	url := "redis://" + server(t, 0).Addr
	cachetest.Run(t, func(t *testing.T) cache.Layer { return open(t, cache.RedisOptions{URL: url}).Redis })
}

func TestAClusterIsALayer(t *testing.T) {
	t.Parallel()
	s := server(t, 0, "--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf")
	c := bare(t, s.Addr)
	if err := c.ClusterAddSlotsRange(t.Context(), 0, 16383).Err(); err != nil {
		t.Fatal(err)
	}
	until(t, "the Cluster is up", func() bool {
		info, err := c.ClusterInfo(t.Context()).Result()
		return err == nil && strings.Contains(info, "cluster_state:ok")
	})
	cachetest.Run(t, func(t *testing.T) cache.Layer {
		return open(t, cache.RedisOptions{URL: "redis-cluster://" + s.Addr}).Redis
	})
}

func TestARedisWithoutAURLOrAKeyIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := cache.OpenRedis(cache.RedisOptions{URL: "http://x", Key: key}); !errors.Is(err, redisurl.ErrURL) {
		t.Error(err)
	}
	if _, err := cache.OpenRedis(cache.RedisOptions{URL: "redis://x", Key: key[:31]}); !errors.Is(err, cache.ErrKey) {
		t.Error(err)
	}
}

func TestAllNodesFindWhatOnePut(t *testing.T) {
	t.Parallel()
	url := "redis://" + server(t, 0).Addr
	a, b := open(t, cache.RedisOptions{URL: url}), open(t, cache.RedisOptions{URL: url})
	at := cachetest.At(tenant.New(), "a")
	a.Put(t.Context(), at, cachetest.Good("value"))
	cachetest.Want(t, b, at, "value")
}

func TestOtherInstallationsReleasesAndKeysFindNothing(t *testing.T) {
	t.Parallel()
	url := "redis://" + server(t, 0).Addr
	own := open(t, cache.RedisOptions{URL: url, Release: "1"})
	at := cachetest.At(tenant.New(), "a")
	own.Put(t.Context(), at, cachetest.Good("value"))
	for name, o := range map[string]cache.RedisOptions{
		"another database":                {URL: url, Release: "1", Realm: bytes.Repeat([]byte("s"), 32)},
		"a realm with the same beginning": {URL: url, Release: "1", Realm: append(bytes.Repeat([]byte("r"), 31), 's')},
		"another release":                 {URL: url, Release: "2"},
		"another master key":              {URL: url, Release: "1", Key: bytes.Repeat([]byte("l"), 32)},
	} {
		t.Run(name, func(t *testing.T) { cachetest.WantNone(t, open(t, o), at) })
	}
	cachetest.Want(t, own, at, "value")
}

func TestATenantsValuesAreInOneSlotUnderItsName(t *testing.T) {
	t.Parallel()
	s := server(t, 0)
	n, c := open(t, cache.RedisOptions{URL: "redis://" + s.Addr}), bare(t, s.Addr)
	id := tenant.New()
	for i := range 5 {
		at := cachetest.At(id, strings.Repeat("{x}\r\n", 1000*i))
		at.Epoch = int64(i)
		n.Put(t.Context(), at, cachetest.Good("value"))
	}
	list := names(t, c)
	for _, name := range list {
		if !strings.HasPrefix(name, "pitboss:7272727272727272:{"+id.String()+"}:e") || !strings.Contains(name, ":test:") || len(name) > 200 || strings.ContainsAny(name, "\r\n") {
			t.Errorf("%q", name)
		}
		if left := c.PTTL(t.Context(), name).Val(); left <= 0 || left > time.Hour {
			t.Errorf("%s is kept for %s", name, left)
		}
	}
	if len(list) != 5 {
		t.Errorf("%d values, want 5", len(list))
	}
}

func TestWhatWasNotPutThereByANodeIsAMiss(t *testing.T) {
	t.Parallel()
	s := server(t, 0)
	n, c := open(t, cache.RedisOptions{URL: "redis://" + s.Addr}), bare(t, s.Addr)
	// kept returns what Redis has of a place, and under which name.
	kept := func(at cache.Place) (name string, sealed []byte) {
		t.Helper()
		if err := c.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		n.Put(t.Context(), at, cachetest.Good("value of "+at.String()))
		list := names(t, c)
		if len(list) != 1 {
			t.Fatal(list)
		}
		sealed, err := c.Get(t.Context(), list[0]).Bytes()
		if err != nil {
			t.Fatal(err)
		}
		return list[0], sealed
	}
	id := tenant.New()
	at := cachetest.At(id, "a")
	_, otherTenant := kept(cachetest.At(tenant.New(), "a"))
	_, otherKey := kept(cachetest.At(id, "b"))
	_, otherEpoch := kept(cache.Place{Key: at.Key, Epoch: at.Epoch - 1, History: at.History})
	_, otherHistory := kept(cache.Place{Key: at.Key, Epoch: at.Epoch, History: "0.9"})
	name, own := kept(at)
	if bytes.Contains(own, []byte("value")) {
		t.Error("Redis can read it")
	}
	changed := map[string][]byte{
		"nothing": {}, "one byte": {1}, "text": []byte("value"), "cut": own[:len(own)-1], "longer": append(bytes.Clone(own), 0),
		"very long": bytes.Repeat([]byte("x"), 64<<20), "another tenant's": otherTenant, "another key's": otherKey,
		"of the epoch before": otherEpoch, "of another history": otherHistory,
	}
	for i := range own {
		flipped := bytes.Clone(own)
		flipped[i] ^= 1
		changed[fmt.Sprint("bit of byte ", i)] = flipped
	}
	refused := 0
	for what, sealed := range changed {
		if err := c.Set(t.Context(), name, sealed, 0).Err(); err != nil {
			t.Fatal(err)
		}
		if e, ok := n.Get(t.Context(), at); ok {
			t.Errorf("%s: %q", what, e.Data)
		}
		if len(sealed) > 0 { // an empty string is what Redis says of nothing
			refused++
		}
	}
	c.Del(t.Context(), name)
	if err := c.LPush(t.Context(), name, "a list").Err(); err != nil {
		t.Fatal(err)
	}
	cachetest.WantNone(t, n, at)
	if got := n.count(t, "refused"); got != refused+1 {
		t.Errorf("%d were refused, want %d", got, refused+1)
	}
	if got := n.count(t, "failed") + n.count(t, "paused"); got != 0 {
		t.Errorf("Redis was thought dead %d times", got)
	}
	n.Put(t.Context(), at, cachetest.Good("again")) // in the list's stead
	cachetest.Want(t, n, at, "again")
}

func TestAValueThatIsPutBackAfterItsTimeIsAMiss(t *testing.T) {
	t.Parallel()
	s := server(t, 0)
	n, c := open(t, cache.RedisOptions{URL: "redis://" + s.Addr}), bare(t, s.Addr)
	at := cachetest.At(tenant.New(), "a")
	n.Put(t.Context(), at, cache.Entry{Data: []byte("value"), Until: time.Now().Add(2 * time.Second)})
	name := names(t, c)[0]
	if err := c.Persist(t.Context(), name).Err(); err != nil {
		t.Fatal(err)
	}
	cachetest.Want(t, n, at, "value")
	until(t, "its time is over", func() bool { _, ok := n.Get(t.Context(), at); return !ok })
	if c.Exists(t.Context(), name).Val() != 1 || n.count(t, "refused") == 0 {
		t.Error("Redis had forgotten it")
	}
}

func TestWhatIsTooLongIsNeitherPutNorRead(t *testing.T) {
	t.Parallel()
	s := server(t, 0)
	n, c := open(t, cache.RedisOptions{URL: "redis://" + s.Addr}), bare(t, s.Addr)
	at := cachetest.At(tenant.New(), "a")
	n.Put(t.Context(), at, cachetest.Good(strings.Repeat("x", cache.SharedBytesMax+1)))
	if list := names(t, c); len(list) != 0 || n.count(t, "too_long") != 1 {
		t.Errorf("it is there: %v", list)
	}
}

func TestARedisThatForgotEverythingIsFilledAgain(t *testing.T) {
	t.Parallel()
	s := server(t, 0)
	n, c := open(t, cache.RedisOptions{URL: "redis://" + s.Addr}), bare(t, s.Addr)
	id := tenant.New()
	forget := map[string]func() error{
		"FLUSHALL": func() error { return c.FlushAll(t.Context()).Err() },
		"evicted":  func() error { return c.Del(t.Context(), names(t, c)...).Err() },
	}
	for what, f := range forget {
		at := cachetest.At(id, what)
		n.Put(t.Context(), at, cachetest.Good("value"))
		if err := f(); err != nil {
			t.Fatal(err)
		}
		cachetest.WantNone(t, n, at)
		n.Put(t.Context(), at, cachetest.Good("again"))
		cachetest.Want(t, n, at, "again")
	}
}

func TestAFullRedisIsAMiss(t *testing.T) {
	t.Parallel()
	s := server(t, 0)
	n, c := open(t, cache.RedisOptions{URL: "redis://" + s.Addr}), bare(t, s.Addr)
	if err := c.ConfigSet(t.Context(), "maxmemory", "1mb").Err(); err != nil { // less than it needs for itself, and it may evict nothing
		t.Fatal(err)
	}
	at := cachetest.At(tenant.New(), "a")
	n.Put(t.Context(), at, cachetest.Good("value"))
	cachetest.WantNone(t, n, at)
	if n.count(t, "failed") != 1 {
		t.Error("it is not counted")
	}
}

// readings asks a layer often, and returns how long that took.
func readings(t *testing.T, n *node, at cache.Place, times int) time.Duration {
	t.Helper()
	began := time.Now()
	for range times {
		n.Get(t.Context(), at)
	}
	return time.Since(began)
}

func TestADeadRedisIsAMissAndIsAskedAgainWhenItIsBack(t *testing.T) {
	t.Parallel()
	s := server(t, 0)
	n := open(t, cache.RedisOptions{URL: "redis://" + s.Addr})
	at := cachetest.At(tenant.New(), "a")
	n.Put(t.Context(), at, cachetest.Good("value"))
	cachetest.Want(t, n, at, "value")
	s.Kill()
	loses(t, n, at)
	_, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	server(t, number)
	until(t, "it is used again", func() bool {
		n.Put(t.Context(), at, cachetest.Good("again"))
		e, ok := n.Get(t.Context(), at)
		return ok && string(e.Data) == "again"
	})
}

func TestAStalledRedisSlowsNobody(t *testing.T) {
	t.Parallel()
	s := server(t, 0)
	n := open(t, cache.RedisOptions{URL: "redis://" + s.Addr})
	at := cachetest.At(tenant.New(), "a")
	n.Put(t.Context(), at, cachetest.Good("value"))
	if err := s.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	loses(t, n, at)
	if err := s.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	until(t, "what it has is found again", func() bool { _, ok := n.Get(t.Context(), at); return ok })
}

// loses holds that a layer whose Redis does not answer waits for it a few times and then no more.
func loses(t *testing.T, n *node, at cache.Place) {
	t.Helper()
	const times = 2000
	took := readings(t, n, at, times)
	tried, skipped := n.count(t, "failed"), n.count(t, "paused")
	// Three until it is left alone, and one for each second after that, of a tenth of a second each at most.
	if most := 3 + int(took/time.Second) + 1; tried < 3 || tried > most || tried+skipped != times {
		t.Errorf("of %d readings in %s, %d waited for Redis (want 3 to %d) and %d did not", times, took, tried, most, skipped)
	}
	t.Logf("%d readings took %s, of which %d waited", times, took, tried)
}

func TestRedisIsAskedOnlyByName(t *testing.T) {
	t.Parallel()
	s := server(t, 0)
	n, c := open(t, cache.RedisOptions{URL: "redis://" + s.Addr}), bare(t, s.Addr)
	at := cachetest.At(tenant.New(), "a")
	before := commands(t, c)
	const times = 10
	for range times {
		n.Put(t.Context(), at, cachetest.Good("value"))
		cachetest.Want(t, n, at, "value")
	}
	after := commands(t, c)
	if after["set"]-before["set"] != times || after["getrange"]-before["getrange"] != times {
		t.Errorf("before %v, after %v: a Get or a Put is more than one command", before, after)
	}
}

// commands returns how often each command was called.
func commands(t *testing.T, c *redis.Client) map[string]int {
	t.Helper()
	info, err := c.Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]int{}
	for line := range strings.Lines(info) {
		var calls int
		name, rest, _ := strings.Cut(strings.TrimPrefix(line, "cmdstat_"), ":")
		if _, err := fmt.Sscanf(rest, "calls=%d,", &calls); err == nil {
			out[name] = calls
		}
	}
	return out
}
