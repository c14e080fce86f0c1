package redisbus_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/freeport"
	"github.com/pitboss-hub/pitboss/hub/redisbus/localredis"
)

// redisCluster is a Redis Cluster of three masters.
type redisCluster struct {
	url     string
	masters []*localredis.Server
	clients []*redis.Client // of the masters
}

// clusterOf3 starts a Redis Cluster.
func clusterOf3(t *testing.T) *redisCluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	x := &redisCluster{}
	for i := range 3 {
		s, busPort := clusterServer(t, "2000")
		x.masters, x.clients = append(x.masters, s), append(x.clients, clientOf(t, s))
		if err := x.clients[i].ClusterAddSlotsRange(ctx, i*16384/3, (i+1)*16384/3-1).Err(); err != nil {
			t.Fatal(err)
		}
		x.meet(t, s, busPort)
	}
	x.url = "redis-cluster://" + x.masters[0].Addr + "," + x.masters[1].Addr + "," + x.masters[2].Addr
	for _, c := range x.clients {
		until(t, "the cluster stands", func() bool {
			info, err := c.ClusterInfo(ctx).Result()
			shards, errShards := c.ClusterShards(ctx).Result()
			return err == nil && errShards == nil && len(shards) == 3 && contains(info, "cluster_state:ok")
		})
	}
	return x
}

func clientOf(t *testing.T, s *localredis.Server) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: s.Addr, Protocol: 2, DisableIdentity: true, MaxRetries: -1})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func (x *redisCluster) meet(t *testing.T, s *localredis.Server, busPort int) {
	t.Helper()
	host, port := split(t, s.Addr)
	if err := x.clients[0].Do(t.Context(), "cluster", "meet", host, port, busPort).Err(); err != nil {
		t.Fatal(err)
	}
}

// addReplica gives the first master a replica, and waits until it has a copy.
func (x *redisCluster) addReplica(t *testing.T) *redis.Client {
	t.Helper()
	s, busPort := clusterServer(t, "2000")
	x.meet(t, s, busPort)
	id := x.clients[0].Do(t.Context(), "cluster", "myid").String()
	id = id[strings.LastIndexByte(id, ' ')+1:]
	c := clientOf(t, s)
	until(t, "the replica knows its master", func() bool { return c.ClusterReplicate(t.Context(), id).Err() == nil })
	until(t, "the replica has a copy", func() bool {
		info, err := c.Info(t.Context(), "replication").Result()
		return err == nil && contains(info, "master_link_status:up")
	})
	for _, at := range x.clients { // or nobody votes for it
		until(t, "all know the replica", func() bool {
			nodes, err := at.ClusterNodes(t.Context()).Result()
			return err == nil && strings.Count(nodes, "slave "+id) == 1
		})
	}
	return c
}

// clusterServer starts a server of a Redis Cluster, and returns it and its cluster bus port.
func clusterServer(t *testing.T, timeout string) (*localredis.Server, int) {
	t.Helper()
	port, err := freeport.Take()
	if err != nil {
		t.Fatal(err)
	}
	return server(t, 0, "--cluster-enabled", "yes", "--cluster-node-timeout", timeout, "--cluster-port", strconv.Itoa(port)), port
}

// load is two nodes, one of which publishes to topics of all partitions all the time.
type load struct {
	from, to *node
	topics   []tenant.Topic

	mu   sync.Mutex // guards what follows
	came map[tenant.Topic]time.Time
}

func underLoad(t *testing.T, url string) *load {
	t.Helper()
	x := &load{from: start(t, url), to: start(t, url), came: map[tenant.Topic]time.Time{}}
	id := someTenant(t)
	for i := range 128 {
		x.topics = append(x.topics, id.Topic("room", fmt.Sprint("table-", i)))
	}
	x.to.subscribe(t, x.topics...)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for seq := int64(1); ; seq++ {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				_ = x.from.Publish(ctx, hub.Message{Topic: x.topics[seq%int64(len(x.topics))], Seq: seq}) // or it is lost
			}
		}
	})
	running.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case m := <-x.to.got:
				x.mu.Lock()
				x.came[m.Topic] = time.Now()
				x.mu.Unlock()
			}
		}
	})
	t.Cleanup(func() { stop(); running.Wait() })
	until(t, "messages of all topics come", func() bool { return x.flows(time.Now().Add(-patience)) })
	until(t, "health is green", x.green)
	return x
}

// flows reports whether something of every topic has come since then.
func (x *load) flows(since time.Time) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, topic := range x.topics {
		if !x.came[topic].After(since) {
			return false
		}
	}
	return true
}

func (x *load) green() bool { return x.from.Health() == nil && x.to.Health() == nil }

// recovers holds the nodes to 5 s from a moment at which Redis was whole again.
func (x *load) recovers(t *testing.T, whole time.Time) {
	t.Helper()
	until(t, "messages of all topics come again, and health is green", func() bool { return x.flows(whole) && x.green() })
	took := time.Since(whole)
	t.Logf("green %v after Redis was whole", took)
	if took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestAClustersFailoverIsSurvivedUnderLoad(t *testing.T) {
	t.Parallel()
	for how, s := range map[string]syscall.Signal{"the master is killed": syscall.SIGKILL, "the master is paused": syscall.SIGSTOP} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			cluster := clusterOf3(t)
			replica := cluster.addReplica(t)
			x := underLoad(t, cluster.url)
			if err := cluster.masters[0].Signal(s); err != nil {
				t.Fatal(err)
			}
			var elected time.Time
			until(t, "the replica is elected", func() bool {
				info, err := replica.Info(t.Context(), "replication").Result()
				state, errState := replica.ClusterInfo(t.Context()).Result()
				elected = time.Now()
				return err == nil && errState == nil && contains(info, "role:master") && contains(state, "cluster_state:ok")
			})
			x.recovers(t, elected)
			if s == syscall.SIGSTOP { // it comes back as a replica
				if err := cluster.masters[0].Signal(syscall.SIGCONT); err != nil {
					t.Fatal(err)
				}
				x.recovers(t, time.Now())
			}
		})
	}
}

func TestSlotsThatMoveUnderLoadAreFollowed(t *testing.T) {
	t.Parallel()
	cluster := clusterOf3(t)
	x := underLoad(t, cluster.url)
	var ids []string
	for _, c := range cluster.clients {
		id, err := c.Do(t.Context(), "cluster", "myid").Text()
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	for slot := range 2000 { // two of the first master's partitions, and no keys
		for i, args := range [][]any{
			1: {"cluster", "setslot", slot, "importing", ids[0]},
			0: {"cluster", "setslot", slot, "migrating", ids[1]},
		} {
			if err := cluster.clients[i].Do(t.Context(), args...).Err(); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []*redis.Client{cluster.clients[1], cluster.clients[0], cluster.clients[2]} {
			if err := c.Do(t.Context(), "cluster", "setslot", slot, "node", ids[1]).Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
	x.recovers(t, time.Now())
}

func TestASentinelsFailoverIsSurvivedUnderLoad(t *testing.T) {
	t.Parallel()
	master := server(t, 0)
	host, port := split(t, master.Addr)
	server(t, 0, "--replicaof", host+" "+port)
	conf := filepath.Join(t.TempDir(), "sentinel.conf")
	if err := os.WriteFile(conf, []byte("sentinel monitor floor "+host+" "+port+" 1\n"+
		"sentinel down-after-milliseconds floor 500\nsentinel failover-timeout floor 3000\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	sentinel := server(t, 0, conf, "--sentinel")
	x := underLoad(t, "redis-sentinel://"+sentinel.Addr+"/floor")
	watch := redis.NewSentinelClient(&redis.Options{Addr: sentinel.Addr})
	defer func() { _ = watch.Close() }()
	until(t, "the sentinel knows the replica", func() bool {
		replicas, err := watch.Replicas(context.Background(), "floor").Result()
		return err == nil && len(replicas) == 1 && replicas[0]["master-link-status"] == "ok"
	})
	master.Kill()
	var promoted time.Time
	until(t, "the replica is promoted", func() bool {
		addr, err := watch.GetMasterAddrByName(context.Background(), "floor").Result()
		promoted = time.Now()
		return err == nil && len(addr) == 2 && net.JoinHostPort(addr[0], addr[1]) != master.Addr
	})
	x.recovers(t, promoted)
}
