// Command centrifuge is a server made of the library github.com/centrifugal/centrifuge, as
// well configured for this bench as its documentation says how:
//
//   - memory engine, no history, no presence, no join and leave messages: the least work
//     for a publication; log level error, no log handler;
//   - the token is an HS256 JWT that is verified at connect, by golang-jwt;
//   - MaxMessagesInFrame -1: all that waits goes out in one frame (the default is 16);
//   - ReplyWithoutQueue: answers do not wait for the writer;
//   - ReadBufferSize 1024 and UseWriteBufferPool, which its authors give for many sockets;
//   - ProcessCommandsOffReadLoop by -offload: about half the stack of an idle socket, for a
//     goroutine a command. The driver sets it where memory is measured, and nowhere else;
//   - -defaults leaves the WebSocket handler as it comes, to show what these options save;
//   - WriteDelay 0, or -window where windows are compared, with WriteWithTimer;
//   - ClientQueueMaxSize stays 1 MiB; ping every 25 s stays;
//   - -redis: its Redis broker on one server, as it comes (one connection that receives, a
//     worker a core, commands in pipelines), without history; presence stays in memory and off;
//   - -feed: published by 128 goroutines, as in its own benchmarks, for each waits for Redis to
//     answer. A room's order is not kept by that, which nobody looks at here.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/centrifugal/centrifuge"
	"github.com/golang-jwt/jwt/v5"

	"github.com/pitboss-hub/pitboss/cmd/bench/peers/side"
)

var (
	window   = flag.Duration("window", 0, "WriteDelay")
	offload  = flag.Bool("offload", false, "ProcessCommandsOffReadLoop")
	defaults = flag.Bool("defaults", false, "the WebSocket handler as it comes")
	topics   = flag.Int("topics", 128, "ClientChannelLimit")
)

func main() {
	flag.Parse()
	side.Serve()
	node, err := centrifuge.New(centrifuge.Config{LogLevel: centrifuge.LogLevelError, ClientChannelLimit: *topics})
	if err != nil {
		side.Fail(err)
	}
	node.OnConnecting(func(_ context.Context, e centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
		var claims jwt.RegisteredClaims
		_, err := jwt.ParseWithClaims(e.Token, &claims, func(*jwt.Token) (any, error) { return []byte(*side.Secret), nil }, jwt.WithValidMethods([]string{"HS256"}))
		if err != nil {
			return centrifuge.ConnectReply{}, centrifuge.DisconnectInvalidToken
		}
		return centrifuge.ConnectReply{
			Credentials: &centrifuge.Credentials{UserID: claims.Subject}, MaxMessagesInFrame: -1, ReplyWithoutQueue: true,
			WriteDelay: *window, WriteWithTimer: *window > 0,
		}, nil
	})
	node.OnConnect(func(c *centrifuge.Client) {
		c.OnSubscribe(func(_ centrifuge.SubscribeEvent, reply centrifuge.SubscribeCallback) {
			reply(centrifuge.SubscribeReply{}, nil)
		})
		c.OnPublish(func(_ centrifuge.PublishEvent, reply centrifuge.PublishCallback) {
			reply(centrifuge.PublishReply{}, nil)
		})
		c.OnRPC(func(e centrifuge.RPCEvent, reply centrifuge.RPCCallback) {
			reply(centrifuge.RPCReply{Data: e.Data}, nil)
		})
	})
	if *side.Redis != "" {
		if err := overRedis(node); err != nil {
			side.Fail(err)
		}
	}
	if err := node.Run(); err != nil {
		side.Fail(err)
	}
	feed(node)
	config := centrifuge.WebsocketConfig{ReadBufferSize: 1024, UseWriteBufferPool: true, ProcessCommandsOffReadLoop: *offload}
	if *defaults {
		config = centrifuge.WebsocketConfig{}
	}
	mux := http.NewServeMux()
	mux.Handle("GET /connection/websocket", centrifuge.NewWebsocketHandler(node, config))
	server := &http.Server{Addr: *side.Addr, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	side.Fail(server.ListenAndServe())
}

func overRedis(node *centrifuge.Node) error {
	broker, err := redisBroker(node)
	if err != nil {
		return err
	}
	node.SetBroker(broker)
	return nil
}

func redisBroker(node *centrifuge.Node) (*centrifuge.RedisBroker, error) {
	shard, err := centrifuge.NewRedisShard(node, centrifuge.RedisShardConfig{Address: *side.Redis})
	if err != nil {
		return nil, err
	}
	return centrifuge.NewRedisBroker(node, centrifuge.RedisBrokerConfig{Shards: []*centrifuge.RedisShard{shard}})
}

// publishers is how many wait for Redis at one time.
const publishers = 128

func feed(node *centrifuge.Node) {
	type publication struct {
		room    string
		payload []byte
	}
	queue := make(chan publication, publishers)
	start := sync.OnceFunc(func() {
		for range publishers {
			go func() {
				for p := range queue {
					if _, err := node.Publish(p.room, p.payload); err != nil {
						fmt.Fprintln(os.Stderr, "not published:", err)
					}
				}
			}()
		}
	})
	side.Feed(func(room string, payload []byte) error {
		start()
		queue <- publication{room, payload}
		return nil
	})
}
