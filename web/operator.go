package web

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/lobby"
	"github.com/pitboss-hub/pitboss/store/audit"
	"github.com/pitboss-hub/pitboss/store/journal"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// actorOf is who the audit log says did it. The role before the name keeps a subject from
// passing for the platform's own hands (dev, cli:…).
func actorOf(c echo.Context) string {
	p := api.PrincipalOf(c)
	return string(p.Role) + ":" + p.Subject
}

// games answers with the games of which rooms can be opened, and the settings of their rooms.
func (s *Server) games(c echo.Context) error {
	type kind struct {
		Name     string         `json:"name"`
		Settings []game.Setting `json:"settings"`
	}
	out := struct {
		Games []kind `json:"games"`
	}{[]kind{}}
	for _, k := range s.rooms.Games() {
		out.Games = append(out.Games, kind{k.Name, slices.Concat([]game.Setting{}, k.Settings)})
	}
	return c.JSON(http.StatusOK, out)
}

func (s *Server) openRoom(c echo.Context) error {
	var in struct {
		Room     string          `json:"room"`
		Game     string          `json:"game"`
		Name     strict.Line     `json:"name,omitempty"`
		Settings json.RawMessage `json:"settings,omitempty"`
	}
	if err := api.Read(c, &in); err != nil {
		return err
	}
	t := api.TenantOf(c)
	ref, err := rooms.NewRef(t.ID, in.Room)
	if err != nil {
		return err
	}
	config := rooms.Config{Room: in.Room, Game: in.Game, Name: string(in.Name), Settings: in.Settings}
	if err := s.rooms.Check(&config); err != nil {
		return err
	}
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	if err := s.store.Rooms.Open(ctx, t.ID, config, actorOf(c), c.RealIP()); err != nil {
		return err
	}
	if err := s.rooms.Open(ctx, ref); err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, s.roomInfo(t, rooms.Info{Config: config, Status: rooms.Open}))
}

func (s *Server) closeRoom(c echo.Context) error {
	var in struct {
		Reason strict.Line `json:"reason"`
	}
	if err := api.Read(c, &in); err != nil {
		return err
	}
	if err := checkReason(&in.Reason); err != nil {
		return err
	}
	ref, err := rooms.NewRef(api.TenantOf(c).ID, api.Param(c, "room"))
	if err != nil || ref.Room == rooms.LobbyID {
		return rooms.ErrNotFound
	}
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	if err := s.store.Rooms.Close(ctx, ref, actorOf(c), in.Reason, c.RealIP()); err != nil {
		return err
	}
	s.chat.forget(ref)
	return c.JSON(http.StatusAccepted, struct{}{})
}

// voidRound ends the round at hand of a room and gives every stake back.
func (s *Server) voidRound(c echo.Context) error {
	var in struct {
		Reason    strict.Line `json:"reason"`
		CommandID string      `json:"command_id"`
	}
	if err := api.Read(c, &in); err != nil {
		return err
	}
	if err := checkReason(&in.Reason); err != nil {
		return err
	}
	id, err := commandID(in.CommandID)
	if err != nil {
		return err
	}
	ref, err := rooms.NewRef(api.TenantOf(c).ID, api.Param(c, "room"))
	if err != nil || ref.Room == rooms.LobbyID {
		return rooms.ErrNotFound
	}
	void := struct {
		Type   string      `json:"type"`
		Reason strict.Line `json:"reason"`
	}{rooms.TypeVoid, in.Reason}
	if err := s.command(c, ref.Room, id, rooms.TypeVoid, void); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, struct{}{})
}

type playerBody struct {
	Player    string    `json:"player"`
	Balance   int64     `json:"balance"`
	Online    bool      `json:"online"`
	CreatedAt wire.Time `json:"created_at"`
}

func (s *Server) players(c echo.Context) error {
	limit, err := api.Number(c, "limit", 100, 1, 1000)
	if err != nil {
		return err
	}
	t := api.TenantOf(c)
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	after := c.QueryParam("after")
	if after != "" && !auth.ValidSubject(after) {
		return api.Fail(http.StatusBadRequest, wire.CodeInvalidParams, "after: want a player's id")
	}
	list, err := s.store.Ledger.Players(ctx, t.ID, game.PlayerID(after), int(limit))
	if err != nil {
		return err
	}
	q := nodeQuestion{Tenant: t.ID}
	for _, p := range list {
		q.Players = append(q.Players, string(p.Player))
	}
	answers, complete := askNodes(ctx, s, callOnline, q, s.onlineHere)
	online := map[string]bool{}
	for _, some := range answers {
		for _, p := range some {
			online[p] = true
		}
	}
	out := struct {
		Players  []playerBody `json:"players"`
		Next     string       `json:"next,omitempty"`
		Complete bool         `json:"complete"` // all nodes said who is online
	}{Players: []playerBody{}, Complete: complete}
	for _, p := range list {
		out.Players = append(out.Players, playerBody{string(p.Player), int64(p.Balance), online[string(p.Player)], wire.At(p.CreatedAt)})
	}
	if len(list) == int(limit) {
		out.Next = string(list[len(list)-1].Player)
	}
	return c.JSON(http.StatusOK, out)
}

func (s *Server) credit(c echo.Context) error {
	var in struct {
		Amount    int64       `json:"amount"`
		Reason    strict.Line `json:"reason"`
		CommandID string      `json:"command_id"`
	}
	if err := api.Read(c, &in); err != nil {
		return err
	}
	if in.Amount == 0 {
		return api.Fail(http.StatusBadRequest, wire.CodeInvalidParams, "amount: want minor units, not zero")
	}
	if err := checkReason(&in.Reason); err != nil {
		return err
	}
	id, err := commandID(in.CommandID)
	if err != nil {
		return err
	}
	if !auth.ValidSubject(api.Param(c, "player")) {
		return api.Fail(http.StatusBadRequest, wire.CodeInvalidParams, "player: want 1 to 64 printable characters without spaces")
	}
	t := api.TenantOf(c)
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	player := game.PlayerID(api.Param(c, "player"))
	balance, version, err := s.store.Ledger.Credit(ctx, t.ID, journal.Credit{
		Player: player, Amount: game.Money(in.Amount), Currency: t.Currency, Exponent: t.Exponent, Reason: in.Reason,
		Actor: actorOf(c), Address: c.RealIP(), CommandID: id,
	})
	if err != nil {
		return err
	}
	s.tellBalance(ctx, t, player, wire.Balance{Balance: int64(balance), Currency: t.Currency, Version: version})
	return c.JSON(http.StatusOK, map[string]int64{"balance": int64(balance), "version": version})
}

// tellBalance shows a player's new balance on its sockets. Losing it only means that
// the player sees it later.
func (s *Server) tellBalance(ctx context.Context, t *tenancy.Tenant, player game.PlayerID, b wire.Balance) {
	m := hub.Message{Topic: rooms.PlayerTopic(t.ID, player), Class: hub.ClassResult, Key: "balance", Frame: wire.Push(wire.PushWalletBalance, b)}
	if err := s.hub.Publish(ctx, m); err != nil {
		s.log.Warn("balance not pushed", "tenant", t.ID, "player", player, "error", err)
	}
}

func (s *Server) promotions(c echo.Context) error {
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	view, err := s.rooms.StaffView(ctx, rooms.Ref{Tenant: api.TenantOf(c).ID, Room: rooms.LobbyID})
	if err != nil {
		return err
	}
	return c.JSONBlob(http.StatusOK, view)
}

func (s *Server) publishPromotion(c echo.Context) error {
	var in struct {
		Title     strict.Line `json:"title"`
		Text      strict.Text `json:"text"`
		EndsAt    time.Time   `json:"ends_at"`
		CommandID string      `json:"command_id"`
	}
	if err := api.Read(c, &in); err != nil {
		return err
	}
	id, err := commandID(in.CommandID)
	if err != nil {
		return err
	}
	err = s.command(c, rooms.LobbyID, id, lobby.TypePublish, lobby.Publish{ID: strict.Line(id), Title: in.Title, Text: in.Text, EndsAt: wire.At(in.EndsAt)})
	if err != nil {
		return err
	}
	// The answer is what is stored. The id of something else does not pass for a success.
	p, err := s.promotion(c, id)
	if err != nil {
		return err
	}
	if p.Title != strings.TrimSpace(string(in.Title)) || p.Text != strings.TrimSpace(string(in.Text)) || !p.EndsAt.Equal(in.EndsAt.Truncate(time.Millisecond)) {
		return rooms.ErrCommandReused
	}
	return c.JSON(http.StatusCreated, p)
}

// promotion is one promotion as the lobby has it. It returns rooms.ErrCommandReused if there
// is none of that id.
func (s *Server) promotion(c echo.Context, id string) (lobby.Past, error) {
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	view, err := s.rooms.StaffView(ctx, rooms.Ref{Tenant: api.TenantOf(c).ID, Room: rooms.LobbyID})
	if err != nil {
		return lobby.Past{}, err
	}
	var all struct {
		Promotions []lobby.Past `json:"promotions"`
	}
	if err := strict.DecodeKnown(view, &all); err != nil {
		return lobby.Past{}, err
	}
	for _, p := range all.Promotions {
		if p.ID == id {
			return p, nil
		}
	}
	return lobby.Past{}, rooms.ErrCommandReused
}

func (s *Server) withdrawPromotion(c echo.Context) error {
	var in struct {
		Reason    strict.Line `json:"reason,omitempty"`
		CommandID string      `json:"command_id"`
	}
	if err := api.Read(c, &in); err != nil {
		return err
	}
	id, err := commandID(in.CommandID)
	if err != nil {
		return err
	}
	if err := s.command(c, rooms.LobbyID, id, lobby.TypeWithdraw, lobby.Withdraw{ID: strict.Line(api.Param(c, "id")), Reason: in.Reason}); err != nil {
		return err
	}
	p, err := s.promotion(c, api.Param(c, "id"))
	if err != nil {
		return err
	}
	if p.Status == lobby.StatusActive {
		return rooms.ErrCommandReused // the id was another command's, and that was answered
	}
	return c.JSON(http.StatusOK, p)
}

// command sends a staff command to a room of the tenant and waits for the commit; the room writes
// the audit line in the same transaction.
func (s *Server) command(c echo.Context, room, id, typ string, body any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	who := api.PrincipalOf(c)
	type outcome struct {
		answer rooms.Answer
		err    error
	}
	done := make(chan outcome, 1)
	s.rooms.Send(rooms.Ref{Tenant: who.Tenant, Room: room}, rooms.Command{
		ID: id, By: game.Actor{Player: game.PlayerID(actorOf(c)), Name: who.Name, Staff: true},
		Address: c.RealIP(), Type: typ, Body: raw,
	}, func(a rooms.Answer, err error) { done <- outcome{a, err} })
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	select {
	case <-ctx.Done():
		return rooms.ErrUnavailable
	case o := <-done:
		if o.err == nil && o.answer.Refusal != nil {
			return o.answer.Refusal
		}
		return o.err
	}
}

func (s *Server) audit(c echo.Context) error {
	before, err := api.Number(c, "before", 0, 1, 1<<62)
	if err != nil {
		return err
	}
	limit, err := api.Number(c, "limit", 50, 1, 500)
	if err != nil {
		return err
	}
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	lines, err := s.store.Audit.Lines(ctx, api.TenantOf(c).ID, before, int(limit))
	if err != nil {
		return err
	}
	type entry struct {
		ID int64     `json:"id"`
		At wire.Time `json:"at"`
		rooms.Audit
	}
	out := struct {
		Entries []entry `json:"entries"`
		Next    int64   `json:"next,omitempty"`
	}{Entries: []entry{}}
	for _, l := range lines {
		out.Entries = append(out.Entries, entry{l.ID, wire.At(l.At), l.Audit})
	}
	if len(lines) == int(limit) {
		out.Next = lines[len(lines)-1].ID
	}
	return c.JSON(http.StatusOK, out)
}

func (s *Server) trialBalance(c echo.Context) error {
	free, ok := s.trials.Acquire(api.TenantOf(c).ID) // it reads all of the ledger
	if !ok {
		s.limits.Hit(api.LimitTrialBalances)
		return api.ErrManyTrials
	}
	defer free()
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	tb, err := s.store.Ledger.TrialBalance(ctx, api.TenantOf(c).ID)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, tb)
}

func commandID(text string) (string, error) {
	id, err := uuid.Parse(text)
	if err != nil || len(text) != 36 {
		return "", api.Fail(http.StatusBadRequest, wire.CodeInvalidParams, "command_id: want a UUID, as 36 characters")
	}
	return id.String(), nil
}

// checkReason trims a reason, and refuses one that is empty or too long.
func checkReason(reason *strict.Line) error {
	if !strict.Trim(reason, 1, audit.ReasonMax) {
		return api.Fail(http.StatusBadRequest, wire.CodeInvalidParams, "reason: want 1 to 500 characters")
	}
	return nil
}
