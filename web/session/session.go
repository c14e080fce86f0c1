package session

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/changes"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

const (
	// askAgain is the pause before a room is asked again that was asked at the wrong node.
	askAgain = 50 * time.Millisecond
	// roomsPerSocketMax bounds how many rooms one socket is in, the lobby aside.
	roomsPerSocketMax = 16
	// chatRunesMax bounds a line of chat.
	chatRunesMax = 300
)

// session is one socket's conversation. Received is called by one goroutine, the
// socket's reader; answers to commands come from the rooms' goroutines and go straight
// into the socket's queue. Resync has a goroutine of its own.
type session struct {
	service *Service
	tenant  *tenancy.Tenant
	who     auth.Principal
	shown   string // the name that others see
	conn    *hub.Conn
	joined  map[string]tenantRoom // by room id; owned by the reader
	moving  sync.Mutex            // held while a room's topic is held, released or left
}

// tenantRoom is a room that this socket is in.
type tenantRoom struct {
	ref   rooms.Ref
	topic tenant.Topic
}

var _ hub.Resyncer = (*session)(nil)

// Closed implements hub.Handler. Stakes stay where they are: a player who is gone is
// paid like any other.
func (x *session) Closed() {
	x.service.lobbies.set(x.conn, false)
	x.service.changes.Watch(x.tenant.ID, x.conn, 0)
	x.service.changes.Note(x.tenant.ID, changes.Connections)
}

// Received implements hub.Handler: one frame, one request.
func (x *session) Received(frame []byte) {
	req, bad := wire.Decode(frame)
	if met := x.conn.Allow(costOf(req.Method)); met != nil {
		bad = wire.NewError(wire.CodeRateLimited, "Slower, please: nothing was done.")
		bad.Data.Params = met
	}
	if bad != nil {
		x.refuse(req, bad)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), api.Patience)
	defer cancel()
	result, err := x.dispatch(ctx, req)
	switch {
	case err != nil:
		x.refuse(req, x.errorOf(err))
	case result != nil:
		x.reply(req.ID, result)
	}
}

// costOf returns how many commands a request counts as: what it makes the server do.
func costOf(method string) int {
	switch method {
	case wire.MethodRoomJoin, wire.MethodRoomList, wire.MethodSessionRenew, wire.MethodHistoryRounds, wire.MethodHistoryTransactions:
		return 10
	case wire.MethodWalletBalance, wire.MethodStaffWatch:
		return 5
	}
	return 1
}

// dispatch does what a request asks, and returns the answer. A nil result without an error means
// that the answer is sent by whoever finishes the work.
func (x *session) dispatch(ctx context.Context, req wire.Request) (any, error) {
	switch req.Method {
	case wire.MethodPing:
		return with(req, func(p wire.PingParams) (any, error) {
			return wire.PingResult{T: p.T, Time: wire.At(time.Now())}, nil
		})
	case wire.MethodRoomList:
		return with(req, func(struct{}) (any, error) { return x.service.listTables(x.tenant), nil })
	case wire.MethodRoomJoin:
		return with(req, func(p wire.RoomJoin) (any, error) { return x.join(ctx, req, p) })
	case wire.MethodRoomLeave:
		return with(req, x.leave)
	case wire.MethodRoomCommand:
		return with(req, func(p wire.RoomCommand) (any, error) { return x.command(req, p) })
	case wire.MethodChatSend:
		return with(req, func(p wire.ChatSend) (any, error) { return x.say(ctx, p) })
	case wire.MethodWalletBalance:
		return with(req, func(struct{}) (any, error) { return x.balance(ctx) })
	case wire.MethodHistoryRounds:
		return with(req, func(p wire.HistoryPage) (any, error) { return history(ctx, x, p, x.service.history.Rounds) })
	case wire.MethodHistoryTransactions:
		return with(req, func(p wire.HistoryPage) (any, error) {
			return history(ctx, x, p, x.service.history.Transactions)
		})
	case wire.MethodSessionRenew:
		return with(req, x.renew)
	case wire.MethodStaffWatch:
		return with(req, x.watch)
	}
	return nil, wire.NewError(wire.CodeUnknownMethod, "There is no method of this name.")
}

// with decodes a request's params strictly and calls do with them.
func with[P any](req wire.Request, do func(P) (any, error)) (any, error) {
	var p P
	if bad := wire.DecodeParams(req.Params, &p); bad != nil {
		return nil, bad
	}
	return do(p)
}

// join holds the room's messages back, asks the room where it is, answers, and lets
// go: the first event that the client sees is the one after the answer.
func (x *session) join(ctx context.Context, req wire.Request, p wire.RoomJoin) (any, error) {
	ref, err := rooms.NewRef(x.tenant.ID, p.Room)
	if err != nil {
		return nil, rooms.ErrNotFound
	}
	if _, again := x.joined[p.Room]; !again && p.Room != rooms.LobbyID && len(x.joined) >= roomsPerSocketMax {
		x.service.limits.Hit(x.tenant.ID, api.LimitRoomsPerSocket)
		return nil, wire.NewError(wire.CodeTooManyRooms, "Leave a room first: a socket can be in 16.")
	}
	x.moving.Lock()
	defer x.moving.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), api.Patience) // a resync may have taken its time
	defer cancel()
	if err := x.conn.Hold(ref.Topic()); err != nil {
		return nil, err
	}
	joined, err := x.ask(ctx, ref, p.Resume)
	if err != nil {
		if p.Room == rooms.LobbyID {
			_ = x.conn.Release(ref.Topic(), 0) // every socket stays in the lobby
		} else {
			x.conn.Leave(ref.Topic())
			delete(x.joined, p.Room)
			x.service.lobbies.set(x.conn, len(x.joined) == 0)
		}
		return nil, err
	}
	if p.Room != rooms.LobbyID {
		x.joined[p.Room] = tenantRoom{ref, ref.Topic()}
		x.service.changes.Note(x.tenant.ID, changes.Connections)
		x.service.lobbies.set(x.conn, false)
	}
	x.reply(req.ID, wire.RoomJoinResult{
		Epoch: joined.Epoch, Seq: joined.Seq, View: joined.View, Events: joined.Events, Totals: joined.Totals,
		Chat: x.service.chat.latest(ref, x.who.Subject),
	})
	if err := x.conn.Release(ref.Topic(), joined.Seq); err != nil {
		x.service.log.Debug("the socket ended while it joined", "conn", x.conn.ID(), "error", err)
	}
	return nil, nil //nolint:nilnil // answered above, before the held messages
}

// ask asks a room where it is, and asks again if whoever answered no longer owned it: this node has
// heard of later events.
func (x *session) ask(ctx context.Context, ref rooms.Ref, resume *wire.Resume) (rooms.Joined, error) {
	for {
		joined, err := x.service.rooms.Join(ctx, ref, x.viewer(), resume)
		if err != nil || x.conn.Begin(ref.Topic(), joined.Seq) {
			return joined, err
		}
		select {
		case <-ctx.Done():
			return joined, rooms.ErrUnavailable
		case <-time.After(askAgain):
		}
	}
}

// Resync implements hub.Resyncer: a room.resync takes the place of the events that the client
// was too slow for.
func (x *session) Resync(ctx context.Context, topic tenant.Topic, dropped int) error {
	ref, err := rooms.RefOf(topic)
	if err != nil {
		return err // the player's own
	}
	x.moving.Lock()
	defer x.moving.Unlock()
	if !x.conn.Held(topic) {
		return nil // it joined again, or left
	}
	joined, err := x.ask(ctx, ref, nil)
	if err != nil {
		return err
	}
	if len(joined.View) >= dropped {
		return fmt.Errorf("the view of %s is %d bytes", ref, len(joined.View))
	}
	x.push(hub.ClassResult, wire.PushRoomResync, wire.Resync{Room: ref.Room, Epoch: joined.Epoch, Seq: joined.Seq, View: joined.View})
	return x.conn.Release(topic, joined.Seq)
}

// leave lets a room go.
func (x *session) leave(p wire.RoomLeave) (any, error) {
	room, ok := x.joined[p.Room]
	if !ok {
		return nil, notJoined()
	}
	delete(x.joined, p.Room)
	x.service.lobbies.set(x.conn, len(x.joined) == 0)
	x.moving.Lock()
	defer x.moving.Unlock()
	x.conn.Leave(room.topic)
	x.service.changes.Note(x.tenant.ID, changes.Connections)
	return struct{}{}, nil
}

// command sends a player's move to the room. The answer comes from the room's
// goroutine, after the commit.
func (x *session) command(req wire.Request, p wire.RoomCommand) (any, error) {
	room, ok := x.joined[p.Room]
	if !ok {
		return nil, notJoined()
	}
	if x.who.Role != auth.Player {
		return nil, api.ErrRole
	}
	command, err := uuid.Parse(p.CommandID)
	if err != nil || len(p.CommandID) != 36 {
		return nil, wire.NewError(wire.CodeInvalidParams, "command_id: want a UUID, as 36 characters")
	}
	kind := wire.CommandType(p.Command)
	if kind == "" {
		return nil, wire.NewError(wire.CodeInvalidParams, "command: want an object with a type")
	}
	x.service.rooms.Send(room.ref, rooms.Command{
		ID:      command.String(),
		By:      game.Actor{Player: game.PlayerID(x.who.Subject), Name: x.shown},
		Address: x.conn.Identity().Address,
		Type:    kind,
		Body:    p.Command,
	}, func(a rooms.Answer, err error) {
		switch {
		case err != nil:
			x.refuse(req, x.errorOf(err))
		case a.Refusal != nil:
			refused := wire.NewError(a.Refusal.Code, a.Refusal.Message)
			refused.Data.Params = (*wire.ErrorParams)(a.Refusal.Params)
			x.refuse(req, refused)
		default:
			x.reply(req.ID, wire.RoomCommandResult{Accepted: true, Epoch: a.Epoch, Seq: a.Seq, Balance: int64(a.Balance)})
		}
	})
	return nil, nil //nolint:nilnil // answered by the room
}

// say says a line in a room.
func (x *session) say(ctx context.Context, p wire.ChatSend) (any, error) {
	room, ok := x.joined[p.Room]
	if !ok {
		return nil, notJoined()
	}
	if !strict.Trim(&p.Text, 1, chatRunesMax) {
		x.service.limits.Hit(x.tenant.ID, api.LimitChatLength)
		return nil, wire.NewError(wire.CodeTextTooLong, "A message has 1 to 300 characters.")
	}
	if !x.conn.AllowChat() {
		x.service.limits.Hit(x.tenant.ID, api.LimitChatRate)
		return nil, wire.NewError(wire.CodeRateLimited, "You say too much at once; wait a moment.")
	}
	return struct{}{}, x.service.say(ctx, room.ref, x.who.Subject, x.shown, p.Text)
}

// renew replaces the socket's token by a later one of the same bearer.
func (x *session) renew(p wire.SessionRenew) (any, error) {
	t, ok := x.service.tenants.ByID(x.tenant.ID) // it may have another slug since the socket was opened
	if !ok {
		t = x.tenant
	}
	who, err := x.service.verifier.Verify(t.ID, t.Slug, p.Token, t.FormerSlugs(x.service.tenants.Now())...)
	if err != nil {
		return nil, err
	}
	if who.Subject != x.who.Subject || who.Role != x.who.Role {
		return nil, wire.NewError(wire.CodeTokenInvalid, "The token is somebody else's.")
	}
	x.who = who
	x.conn.Renew(tokenOf(who))
	if x.service.verifier.Revoked(who) { // since it was verified, when the socket had another token
		x.conn.Close(wire.CloseRevoked, 0)
	}
	return wire.SessionRenewResult{ExpiresAt: wire.At(who.ExpiresAt)}, nil
}

// watch has the socket be told when something of some kinds changes.
func (x *session) watch(p wire.StaffWatch) (any, error) {
	of, err := watchable(x.who, p.Of)
	if err != nil {
		return nil, err
	}
	x.service.changes.Watch(x.tenant.ID, x.conn, of)
	return struct{}{}, nil
}

// watchable returns the kinds of these names if somebody may watch all of them: staff, by the scope that reads each.
func watchable(who auth.Principal, of []string) (changes.Set, error) {
	if who.Role == auth.Player {
		return 0, api.ErrRole
	}
	set, err := changes.Parse(of)
	if err != nil {
		return 0, wire.NewError(wire.CodeInvalidParams, "params.of: "+err.Error())
	}
	for _, kind := range set.Names() {
		if scope := auth.Scope(kind + ":read"); !who.May(scope) {
			return 0, wire.NewError(game.CodeForbidden, "To watch "+kind+" takes the scope "+string(scope)+".")
		}
	}
	return set, nil
}

// errorOf returns what a socket is told of an error.
func (x *session) errorOf(err error) *wire.Error {
	if api.IsAuth(err) {
		return wire.NewError(wire.CodeTokenInvalid, err.Error())
	}
	return api.ProblemOf(x.service.log, err).Wire()
}

// refuse answers a request with an error. What cannot even be read is answered with a null id
// (JSON-RPC 2.0 §5), a notification not at all.
func (x *session) refuse(req wire.Request, e *wire.Error) {
	if req.ID != nil || req.Method == "" {
		x.conn.Send(hub.ClassResult, "", wire.ReplyError(req.ID, e))
	}
}

// reply answers a request with its result.
func (x *session) reply(id json.RawMessage, result any) {
	if id == nil {
		return // a notification
	}
	x.conn.Send(hub.ClassResult, "", wire.Reply(id, result))
}

// notJoined returns the error of whoever did not join a room.
func notJoined() *wire.Error { return wire.NewError(wire.CodeNotJoined, "Join the room first.") }

// balance returns the player's balance.
func (x *session) balance(ctx context.Context) (wire.Balance, error) {
	amount, version, err := x.service.store.Ledger.Balance(ctx, x.tenant.ID, game.PlayerID(x.who.Subject))
	return wire.Balance{Balance: int64(amount), Currency: x.tenant.Currency, Version: version}, err
}

// history returns a page of the player's history.
func history[P any](ctx context.Context, x *session, p wire.HistoryPage, page func(context.Context, api.Asked) (P, error)) (any, error) {
	if x.who.Role != auth.Player {
		return nil, api.ErrRole
	}
	return page(ctx, api.Asked{Tenant: x.tenant, By: x.who, Player: game.PlayerID(x.who.Subject), Page: p})
}

// push sends the socket what it did not ask for.
func (x *session) push(class hub.Class, method string, params any) {
	x.conn.Send(class, "", wire.Push(method, params))
}

// viewer returns whose view of a room the socket is shown: staff see what everyone sees.
func (x *session) viewer() game.PlayerID {
	if id := x.conn.Identity(); id.Role == hub.RolePlayer {
		return game.PlayerID(id.Player)
	}
	return ""
}
