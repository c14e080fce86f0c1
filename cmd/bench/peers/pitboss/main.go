// Command pitboss is the product's sockets and fan-out without its games and its database,
// since what they are compared with has neither: package hub on membus, or on redisbus with
// -redis, package wire and package auth, put together as package web does it. A room.command is
// answered, and told to the room as a room.event whose type, and so whose class, is the
// command's; what comes by -feed is told alike. With -redis nothing repairs what Redis loses:
// the load client counts it as lost.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/cmd/bench/peers/side"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/membus"
	"github.com/pitboss-hub/pitboss/hub/redisbus"
	"github.com/pitboss-hub/pitboss/hub/wire"
)

var (
	quota  = flag.Int("tenant-commands", 10_000_000, "commands per second of a tenant")
	window = flag.Duration("window", 0, "how long state waits for more of it")
	topics = flag.Int("topics", 32, "topics of a socket")
)

const unlimited = 10_000_000

func main() {
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	side.Serve()
	if err := run(ctx); err != nil {
		side.Fail(err)
	}
}

func run(ctx context.Context) error {
	s := &server{tenants: map[string]operator{}, rooms: map[tenant.Topic]*room{}}
	keys := auth.StaticKeys{}
	for slug, text := range map[tenant.Slug]string{"casino-a": "t_casino_a_benchx", "casino-b": "t_casino_b_benchx"} {
		id, err := tenant.Parse(text) // the same on every node
		if err != nil {
			return err
		}
		s.tenants[string(slug)+".localhost"] = operator{id, slug}
		keys[id] = []auth.Key{{ID: "bench", Alg: auth.HS256, Secret: []byte(*side.Secret)}}
	}
	s.verifier = auth.NewVerifier(keys, nil)
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	var bus hub.Bus = membus.New()
	if *side.Redis != "" {
		var err error
		if bus, err = redisbus.Open(redisbus.Options{URL: *side.Redis, Key: make([]byte, 32), Log: log, Registerer: prometheus.NewRegistry()}); err != nil {
			return err
		}
	}
	s.hub = hub.New(hub.Options{
		Windows: hub.Windows{State: *window},
		Bus:     bus, Node: "bench", Log: log, Registerer: prometheus.NewRegistry(),
		Limits: hub.Limits{
			SocketsPerTenantMax: 50_000, TopicsPerConnMax: *topics,
			ConnectsPerSecond: unlimited, ConnectsBurst: unlimited, TenantConnectsPerSecond: unlimited, TenantConnectsBurst: unlimited,
			BytesPerSecond: unlimited, BytesBurst: unlimited, TenantBytesPerSecond: unlimited,
			CommandsPerSecond: unlimited, CommandsBurst: unlimited, TenantCommandsPerSecond: *quota,
		},
	})
	side.Feed(func(name string, payload []byte) error {
		_, err := s.room(s.tenants["casino-a.localhost"].id, name).tell(ctx, s.hub, wire.CommandType(payload), payload)
		return err
	})
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.IPExtractor = echo.ExtractIPDirect()
	e.Use(middleware.Recover())
	e.GET("/ws", s.socket)
	web := &http.Server{Addr: *side.Addr, Handler: e, ReadHeaderTimeout: 10 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10}

	parts, ctx := errgroup.WithContext(ctx)
	parts.Go(func() error { return s.hub.Run(ctx) })
	parts.Go(web.ListenAndServe)
	parts.Go(func() error { <-ctx.Done(); return web.Close() })
	if err := parts.Wait(); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// operator is what the store knows of a tenant, as far as it matters here.
type operator struct {
	id   tenant.ID
	slug tenant.Slug
}

type server struct {
	tenants  map[string]operator // by host
	verifier *auth.Verifier
	hub      *hub.Hub

	mu    sync.Mutex
	rooms map[tenant.Topic]*room
}

// room stands for a game's.
type room struct {
	name  string
	topic tenant.Topic
	mu    sync.Mutex // publishing included: seq goes out in order
	seq   int64
}

func (s *server) room(id tenant.ID, name string) *room {
	topic := id.Topic("room", name)
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rooms[topic]
	if r == nil {
		r = &room{name: name, topic: topic}
		s.rooms[topic] = r
	}
	return r
}

func (r *room) top() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seq
}

// tell publishes an event, and returns its seq.
func (r *room) tell(ctx context.Context, h *hub.Hub, kind string, data json.RawMessage) (int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	frame := wire.EncodeRoomEvent(make([]byte, 0, 192+len(data)), wire.PushRoomEvent, &wire.RoomEvent{
		Room: r.name, Epoch: 1, Seq: r.seq + 1, At: wire.At(time.Now()), Type: kind, Data: data,
	})
	if err := h.Publish(ctx, hub.Message{Topic: r.topic, Class: classes[kind], Epoch: 1, Seq: r.seq + 1, Frame: frame}); err != nil {
		return 0, err
	}
	r.seq++
	return r.seq, nil
}

var classes = map[string]hub.Class{"result": hub.ClassResult, "state": hub.ClassState, "chat": hub.ClassChat, "promotion": hub.ClassPromotion}

func (s *server) socket(c echo.Context) error {
	r := c.Request()
	host, _, _ := strings.Cut(r.Host, ":")
	op, ok := s.tenants[host]
	if !ok {
		return echo.NewHTTPError(http.StatusNotFound, "no casino has this host")
	}
	who, err := s.verifier.Verify(op.id, op.slug, tokenOf(r))
	if err != nil {
		return echo.NewHTTPError(http.StatusUnauthorized, err.Error())
	}
	id := hub.Identity{
		Tenant: op.id, Slug: string(op.slug), Player: who.Subject, Name: who.Name, Role: string(who.Role),
		Address: c.RealIP(), Token: hub.Token{ID: who.TokenID, IssuedAt: who.IssuedAt, ExpiresAt: who.ExpiresAt},
	}
	return s.hub.Accept(c.Response(), r, id, nil, func(conn *hub.Conn) hub.Handler {
		x := &session{server: s, tenant: op, conn: conn, joined: map[string]*room{}}
		conn.Send(hub.ClassResult, "", wire.Push(wire.PushWelcome, wire.Welcome{
			Time: wire.At(time.Now()), HeartbeatMS: s.hub.Heartbeat().Milliseconds(), Connection: conn.ID(), Node: "bench",
			Tenant: string(op.slug), Player: who.Subject, Name: who.Name, Role: string(who.Role), ExpiresAt: wire.At(who.ExpiresAt),
		}))
		return x
	})
}

func tokenOf(r *http.Request) string {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return token
	}
	for offered := range strings.SplitSeq(r.Header.Get("Sec-WebSocket-Protocol"), ",") {
		if token, ok := strings.CutPrefix(strings.TrimSpace(offered), wire.BearerPrefix); ok {
			return token
		}
	}
	return ""
}

// session is one socket's conversation, as that of package web.
type session struct {
	server *server
	tenant operator
	conn   *hub.Conn
	joined map[string]*room
}

// Closed implements hub.Handler.
func (x *session) Closed() {}

// Received implements hub.Handler.
func (x *session) Received(frame []byte) {
	req, bad := wire.Decode(frame)
	if x.conn.Allow(1) != nil {
		bad = wire.NewError(wire.CodeRateLimited, "Slower, please: nothing was done.")
	}
	var result any
	if bad == nil {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		result, bad = x.obey(ctx, req)
	}
	switch {
	case req.ID == nil && req.Method != "":
	case bad != nil:
		x.conn.Send(hub.ClassResult, "", wire.ReplyError(req.ID, bad))
	case result != nil:
		x.conn.Send(hub.ClassResult, "", wire.Reply(req.ID, result))
	}
}

// obey answers a request; a nil result has been answered.
func (x *session) obey(ctx context.Context, req wire.Request) (any, *wire.Error) {
	switch req.Method {
	case wire.MethodPing:
		var p wire.PingParams
		if bad := wire.DecodeParams(req.Params, &p); bad != nil {
			return nil, bad
		}
		return wire.PingResult{T: p.T, Time: wire.At(time.Now())}, nil
	case wire.MethodRoomJoin:
		var p wire.RoomJoin
		if bad := wire.DecodeParams(req.Params, &p); bad != nil {
			return nil, bad
		}
		return nil, x.join(req, p)
	case wire.MethodRoomCommand:
		var p wire.RoomCommand
		if bad := wire.DecodeParams(req.Params, &p); bad != nil {
			return nil, bad
		}
		return x.command(ctx, p)
	}
	return nil, wire.NewError(wire.CodeUnknownMethod, "There is no method of this name.")
}

func (x *session) join(req wire.Request, p wire.RoomJoin) *wire.Error {
	r := x.server.room(x.tenant.id, p.Room)
	if err := x.conn.Hold(r.topic); err != nil {
		return wire.NewError(wire.CodeInternal, err.Error())
	}
	x.joined[p.Room] = r
	seq := r.top()
	x.conn.Send(hub.ClassResult, "", wire.Reply(req.ID, wire.RoomJoinResult{Epoch: 1, Seq: seq, View: json.RawMessage("{}")}))
	if err := x.conn.Release(r.topic, seq); err != nil {
		return wire.NewError(wire.CodeInternal, err.Error())
	}
	return nil
}

func (x *session) command(ctx context.Context, p wire.RoomCommand) (any, *wire.Error) {
	r := x.joined[p.Room]
	if r == nil {
		return nil, wire.NewError(wire.CodeNotJoined, "Join the room first.")
	}
	if _, err := uuid.Parse(p.CommandID); err != nil || len(p.CommandID) != 36 {
		return nil, wire.NewError(wire.CodeInvalidParams, "command_id: want a UUID, as 36 characters")
	}
	kind := wire.CommandType(p.Command)
	if _, ok := classes[kind]; !ok {
		return nil, wire.NewError(wire.CodeInvalidParams, "command.type: want result, state, chat or promotion")
	}
	seq, err := r.tell(ctx, x.server.hub, kind, p.Command)
	if err != nil {
		return nil, wire.NewError(wire.CodeBusy, err.Error())
	}
	return wire.RoomCommandResult{Accepted: true, Epoch: 1, Seq: seq}, nil
}
