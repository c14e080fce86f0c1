package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/redisbus/localredis"
	"github.com/pitboss-hub/pitboss/hub/wire"
)

// startServer starts a node that kills itself at a point of a round, if one is given.
func (f *casino) startServer(point string) *server {
	f.t.Helper()
	return f.serve("child", []string{envKillPoint + "=" + point}, "--admin-listen", "")
}

// serve starts a node at the casino's address and returns at once.
func (f *casino) serve(name string, env []string, flags ...string) *server {
	f.t.Helper()
	return startProgram(f.t, f.env(env...), nil, append([]string{"serve", "--listen", f.address, "--node", name}, flags...)...)
}

// startNode runs a node until the test ends, and returns when players can come.
func (f *casino) startNode(flags ...string) *server {
	f.t.Helper()
	s := f.serve("test", nil, append([]string{"--admin-listen", ""}, flags...)...)
	f.t.Cleanup(s.end)
	s.awaitServing()
	return s
}

// awaitServing waits until the node says that players can come.
func (s *server) awaitServing() {
	s.t.Helper()
	eventually(s.t, "the node serves", func() bool {
		select {
		case <-s.died:
			s.t.Fatalf("the node ended:\n%s", s.log)
		default:
		}
		return strings.Contains(s.log.String(), "serving")
	})
}

// awaitServer waits until a node lets players in.
func (f *casino) awaitServer(s *server) {
	f.t.Helper()
	eventually(f.t, "the server is up", func() bool {
		select {
		case <-s.died:
			f.t.Fatalf("the server ended:\n%s", s.log)
		default:
		}
		c, err := net.DialTimeout("tcp", f.address, time.Second)
		if err != nil {
			return false
		}
		_ = c.Close()
		status, _, body := f.do("GET", "/v1/rooms", f.mint("probe", "player"), "")
		return status == 200 && strings.Contains(string(body), f.room)
	})
}

// started is a node that was started and may not be ready.
type started struct {
	*casino
	*server
	admin string
}

// startOn starts a node of the casino's database, at an address of its own. Without a Redis it has a
// bus of its own.
func (f *casino) startOn(name, redis string) *started {
	f.t.Helper()
	one := *f
	one.address = freePort(f.t)
	admin := freePort(f.t)
	return &started{&one, one.serve(name, []string{"PITBOSS_REDIS_URL=" + redis}, "--admin-listen", admin), admin}
}

func (x *started) ready() bool { return ready(x.address) }

// startRedis starts a Redis, until the test ends.
func startRedis(t *testing.T) *localredis.Server {
	t.Helper()
	server, err := localredis.Start(soon(t), openDir(t), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	return server
}

// pair runs two nodes on the casino's database, on one bus, until stop or the test's end. Each
// casino that it returns talks to one of them.
func (f *casino) pair() (a, b *casino, stop func()) {
	f.t.Helper()
	redis := startRedis(f.t)
	casinos, stop := f.serveOn(redis.Addr, redis.Addr)
	return casinos[0], casinos[1], stop
}

// serveOn runs a node on each Redis, like pair.
func (f *casino) serveOn(buses ...string) ([]*casino, func()) {
	f.t.Helper()
	var nodes []*started
	var casinos []*casino
	for i, bus := range buses {
		x := f.startOn(fmt.Sprint("node-", i), "redis://"+bus)
		x.awaitServing()
		nodes, casinos = append(nodes, x), append(casinos, x.casino)
	}
	stopped := false
	stop := func() {
		if stopped {
			return
		}
		stopped = true
		for _, x := range nodes {
			x.end()
		}
	}
	f.t.Cleanup(stop)
	f.awaitAllConnected(casinos)
	return casinos, stop
}

// awaitAcquaintance waits until every node knows the others: each lists a socket that somebody has at
// the last one.
func (f *casino) awaitAllConnected(casinos []*casino) {
	f.t.Helper()
	operator := f.mint("acquaintance", auth.Operator)
	for _, at := range casinos {
		c := at.dial(soon(f.t), operator, nil)
		for _, x := range casinos {
			eventually(f.t, "every node sees the others", func() bool {
				_, _, raw := x.do("GET", "/v1/connections", operator, "")
				return strings.Contains(string(raw), `"total":1`) && strings.Contains(string(raw), `"complete":true`)
			})
		}
		_ = c.conn.CloseNow()
		for _, x := range casinos {
			eventually(f.t, "the socket is gone", func() bool {
				_, _, raw := x.do("GET", "/v1/connections", operator, "")
				return strings.Contains(string(raw), `"total":0`)
			})
		}
	}
}

// join enters the casino's room and returns where it is.
func (f *casino) join(c *rpc, at *wire.Resume) (joined wire.RoomJoinResult, err error) {
	err = c.call(soon(f.t), wire.MethodRoomJoin, wire.RoomJoin{Room: f.room, Resume: at}, &joined)
	return joined, err
}

// comesIn connects and enters the casino's room, and tries again, as a client does, while that is refused.
func (f *casino) comesIn(token string, at *wire.Resume) (c *rpc, joined wire.RoomJoinResult) {
	f.t.Helper()
	again := time.NewTicker(300 * time.Millisecond)
	defer again.Stop()
	for deadline := time.Now().Add(testPatience); time.Now().Before(deadline); <-again.C {
		c, err := dial(soon(f.t), f.address, f.host, token, func(string, json.RawMessage) {})
		if err != nil {
			continue
		}
		go c.read(f.t.Context())
		if joined, err = f.join(c, at); err == nil {
			return c, joined
		}
		_ = c.conn.CloseNow()
	}
	f.t.Fatal("nobody comes in")
	return nil, joined
}

// stake bets on red until a round takes it.
func (f *casino) stake(c *rpc) (placed wire.RoomCommandResult) {
	f.t.Helper()
	eventually(f.t, "a bet is accepted", func() bool {
		return c.call(soon(f.t), wire.MethodRoomCommand, wire.RoomCommand{
			Room: f.room, CommandID: uuid.NewString(), Command: json.RawMessage(`{"type":"bet","bets":[{"position":"red","amount":100}]}`),
		}, &placed) == nil
	})
	return placed
}
