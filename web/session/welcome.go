package session

import (
	"context"
	"log/slog"
	"time"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/changes"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/lobby"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// begin sends what every socket gets unasked: the welcome, the lobby, the active
// promotions and the balance.
func (x *session) begin() {
	t, s := x.tenant, x.service
	x.push(hub.ClassResult, wire.PushWelcome, wire.Welcome{
		Time: wire.At(time.Now()), HeartbeatMS: s.hub.Heartbeat().Milliseconds(), Connection: x.conn.ID(), Node: s.node,
		Tenant: string(t.Slug), TenantName: t.DisplayName(), Player: x.who.Subject, Name: x.who.Name, Role: string(x.who.Role),
		Currency: t.Currency, Exponent: t.Exponent, ExpiresAt: wire.At(x.who.ExpiresAt), Lobby: rooms.LobbyID,
	})
	ctx, cancel := context.WithTimeout(context.Background(), api.Patience)
	defer cancel()
	// It was let in before the upgrade; that may have changed since.
	if code, again, refused := s.refuses(t, x.who, x.conn.Identity()); refused {
		x.conn.Close(code, again)
		return
	}
	if err := x.enterLobby(ctx); err != nil {
		s.seldom.Log(slog.LevelWarn, "no lobby for a new socket", "tenant", t.ID, "player", x.who.Subject, "error", err)
		x.conn.Close(wire.CloseOverloaded, 2*time.Second)
		return
	}
	s.knowTables(t.ID)
	s.changes.Note(t.ID, changes.Connections)
	s.lobbies.set(x.conn, true)
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

// enterLobby puts the socket into the lobby, and sends it what the lobby has.
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
