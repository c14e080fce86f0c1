package web

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/lobby"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// socket upgrades a request. Who it is was settled before the upgrade; afterwards the
// tenant and the player are the socket's, and no message can change them.
func (s *Server) socket(c echo.Context) error {
	t, r := api.TenantOf(c), c.Request()
	if r.Method != http.MethodGet {
		return api.ErrUpgrade // HEAD, of what is no document
	}
	if s.isDraining() {
		return api.ErrDraining
	}
	origin, err := s.checkOrigin(t, r)
	if err != nil {
		return err
	}
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	who, err := s.socketPrincipal(ctx, t, r)
	if err != nil {
		return err
	}
	s.giveBack(c, who.Role)
	verified(r.Context())
	id := hub.Identity{
		Tenant: t.ID, Slug: string(t.Slug), Player: who.Subject, Name: who.Name, Role: string(who.Role),
		Address: c.RealIP(), Host: domainOf(t, r.Host), Origin: origin, Token: tokenOf(who),
	}
	return s.hub.Accept(c.Response(), r, id, func(conn *hub.Conn) hub.Handler {
		sess := &session{server: s, tenant: t, who: who, conn: conn, joined: map[string]tenantRoom{}}
		sess.begin()
		return sess
	})
}

// begin sends what every socket gets unasked: the welcome, the lobby, the active
// promotions and the balance.
func (x *session) begin() {
	t, s := x.tenant, x.server
	x.push(hub.ClassResult, wire.PushWelcome, wire.Welcome{
		Time: wire.At(time.Now()), HeartbeatMS: s.hub.Heartbeat().Milliseconds(), Connection: x.conn.ID(), Node: s.node,
		Tenant: string(t.Slug), TenantName: t.Name, Player: x.who.Subject, Name: x.who.Name, Role: string(x.who.Role),
		Currency: t.Currency, Exponent: t.Exponent, ExpiresAt: wire.At(x.who.ExpiresAt), Lobby: rooms.LobbyID,
	})
	ctx, cancel := context.WithTimeout(context.Background(), api.Patience)
	defer cancel()
	// The door was open before the upgrade; it may have been shut since.
	now, ok := s.tenants.ByID(t.ID)
	if !ok {
		x.conn.Close(wire.CloseSuspended, 0)
		return
	}
	if err := mayServe(now, time.Now()); err != nil {
		x.conn.Close(shutBecause(err))
		return
	}
	if !now.SameMoney(t) || !cameBy(now, x.conn.Identity()) { // since it was let in
		x.conn.Close(wire.CloseOverloaded, changedAgain)
		return
	}
	if s.verifier.Revoked(x.who) {
		x.conn.Close(wire.CloseRevoked, 0)
		return
	}
	if err := x.enterLobby(ctx); err != nil {
		s.seldom.Log(slog.LevelWarn, "no lobby for a new socket", "tenant", t.ID, "player", x.who.Subject, "error", err)
		x.conn.Close(wire.CloseOverloaded, 2*time.Second)
		return
	}
	s.knowTables(t.ID)
	s.presence.Welcome(time.Now(), t.ID, func(frame []byte) { x.conn.Send(hub.ClassChat, "", frame) })
	if x.who.Role != auth.Player {
		return
	}
	mine := rooms.PlayerTopic(t.ID, game.PlayerID(x.who.Subject))
	if err := x.conn.Hold(mine); err != nil {
		x.conn.Close(wire.CloseOverloaded, 2*time.Second)
		return
	}
	balance, version, seat, err := s.store.Ledger.Seat(ctx, t.ID, game.PlayerID(x.who.Subject))
	if err != nil { // nobody could say which of two sockets is the newer one
		s.seldom.Log(slog.LevelWarn, "no seat for a new socket", "tenant", t.ID, "player", x.who.Subject, "error", err)
		x.conn.Close(wire.CloseOverloaded, 2*time.Second)
		return
	}
	x.push(hub.ClassResult, wire.PushWalletBalance, wire.Balance{Balance: int64(balance), Currency: t.Currency, Version: version})
	x.conn.Sit(mine, seat)
	if err := x.conn.Release(mine, 0); err != nil {
		s.log.Debug("no balance pushes", "conn", x.conn.ID(), "error", err)
	}
}

func (x *session) enterLobby(ctx context.Context) error {
	ref, err := rooms.NewRef(x.tenant.ID, rooms.LobbyID)
	if err != nil {
		return err
	}
	if err := x.conn.Hold(ref.Topic()); err != nil {
		return err
	}
	joined, err := x.ask(ctx, ref, nil)
	if err != nil {
		return err
	}
	x.push(hub.ClassResult, wire.PushRoomResync, wire.Resync{Room: ref.Room, Epoch: joined.Epoch, Seq: joined.Seq, View: joined.View})
	active, err := lobby.Active(joined.View)
	if err != nil {
		return err
	}
	for _, p := range active {
		if p.EndsAt.After(time.Now()) {
			x.push(hub.ClassPromotion, wire.PushPromotionPublished, reminder{Room: ref.Room, Epoch: joined.Epoch, At: p.PublishedAt, Type: wire.PushPromotionPublished, Data: p})
		}
	}
	return x.conn.Release(ref.Topic(), joined.Seq)
}

// reminder is a promotion.published of one that was published before: seq 0.
type reminder struct {
	Room  string         `json:"room"`
	Epoch int64          `json:"epoch"`
	Seq   int64          `json:"seq"`
	At    wire.Time      `json:"at"`
	Type  string         `json:"type"`
	Data  wire.Promotion `json:"data"`
}

func (x *session) balance(ctx context.Context) (wire.Balance, error) {
	amount, version, err := x.server.store.Ledger.Balance(ctx, x.tenant.ID, game.PlayerID(x.who.Subject))
	return wire.Balance{Balance: int64(amount), Currency: x.tenant.Currency, Version: version}, err
}

func (x *session) push(class hub.Class, method string, params any) {
	x.conn.Send(class, "", wire.Push(method, params))
}

// viewer is whose eyes a room is seen with: staff see what everyone sees.
func (x *session) viewer() game.PlayerID {
	if id := x.conn.Identity(); id.Role == hub.RolePlayer {
		return game.PlayerID(id.Player)
	}
	return ""
}

// maskName shows the first two letters of a name: enough to recognise oneself, too
// little to recognise others.
func maskName(name string) string {
	shown := 2
	if utf8.RuneCountInString(name) <= 3 {
		shown = 1
	}
	r := slices.DeleteFunc([]rune(name), func(r rune) bool { return !unicode.IsPrint(r) }) // an isolate would go on without its end
	return string(r[:min(shown, len(r))]) + strings.Repeat("*", 3)
}

// roomInfo is a room as the lobby shows it.
func (s *Server) roomInfo(t *tenancy.Tenant, info rooms.Info) wire.RoomInfo {
	return wire.RoomInfo{Room: info.Room, Game: info.Game, Name: info.Name, Status: string(info.Status), Settings: info.Settings, Players: s.presence.Players(t.ID, info.Room)}
}
