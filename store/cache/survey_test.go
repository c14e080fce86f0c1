package cache_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/redisbus/redisurl"
	"github.com/pitboss-hub/pitboss/store/cache"
	"github.com/pitboss-hub/pitboss/store/cache/cachetest"
)

func TestALookAtRedisSeesTheNamesOfOneDatabaseAndItsClock(t *testing.T) {
	t.Parallel()
	one := server(t, 0)
	many := server(t, 0, "--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf")
	if err := bare(t, many.Addr).ClusterAddSlotsRange(t.Context(), 0, 16383).Err(); err != nil {
		t.Fatal(err)
	}
	until(t, "the Cluster is up", func() bool {
		info, err := bare(t, many.Addr).ClusterInfo(t.Context()).Result()
		return err == nil && strings.Contains(info, "cluster_state:ok")
	})
	for url, c := range map[string]string{"redis://" + one.Addr: one.Addr, "redis-cluster://" + many.Addr: many.Addr} {
		id, client := tenant.New(), bare(t, c)
		open(t, cache.RedisOptions{URL: url}).Put(t.Context(), cachetest.At(id, "a"), cachetest.Good("value"))
		open(t, cache.RedisOptions{URL: url, Realm: slices.Repeat([]byte("o"), 32)}).Put(t.Context(), cachetest.At(id, "a"), cachetest.Good("value"))
		channel := "pb:{0}" + cache.RealmText(realm) + ":x"
		sub := client.SSubscribe(t.Context(), channel, "pb:{0}other:x")
		defer func() { _ = sub.Close() }()
		if _, err := sub.Receive(t.Context()); err != nil {
			t.Fatal(err)
		}
		got, err := cache.Look(t.Context(), url, realm)
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Keys) != 1 || !strings.HasPrefix(got.Keys[0], fmt.Sprintf("pitboss:%s:{%s}:", cache.RealmText(realm), id)) {
			t.Errorf("%s: the keys are %q", url, got.Keys)
		}
		if !slices.Equal(got.Channels, []string{channel}) || got.More || time.Since(got.Now).Abs() > time.Minute {
			t.Errorf("%s: %+v", url, got)
		}
	}
	if _, err := cache.Look(t.Context(), "http://x", realm); !errors.Is(err, redisurl.ErrURL) {
		t.Error(err)
	}
	one.Kill()
	if _, err := cache.Look(t.Context(), "redis://"+one.Addr, realm); err == nil {
		t.Error("nobody answers, and that is no error")
	}
}

func TestALookAtARedisThatIsFullEnds(t *testing.T) {
	t.Parallel()
	s := server(t, 0)
	script := `for i = 1, 30000 do redis.call('set', '` + "pitboss:" + cache.RealmText(realm) + `:' .. i, 'x') end`
	if err := bare(t, s.Addr).Eval(t.Context(), script, nil).Err(); err != nil && err.Error() != "redis: nil" {
		t.Fatal(err)
	}
	got, err := cache.Look(t.Context(), "redis://"+s.Addr, realm)
	if err != nil || !got.More || len(got.Keys) < 10_000 || len(got.Keys) > 20_000 {
		t.Errorf("%d keys, more: %v, %v", len(got.Keys), got.More, err)
	}
}
