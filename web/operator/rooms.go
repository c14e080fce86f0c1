package operator

import (
	"encoding/json"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// OpenRoom opens a room of a game, with settings as the game reads them.
func (a *API) OpenRoom(c echo.Context) error {
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
	if err := a.rooms.Check(&config); err != nil {
		return err
	}
	if err := t.CheckTable(config, a.rooms.InForce); err != nil {
		return err
	}
	if err := a.rooms.CheckStorage(t.ID); err != nil { // before the database is asked, which has the last word
		return err
	}
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	if err := a.store.Rooms.Open(ctx, t.ID, config, api.OwnerOf(c), api.OriginOf(c)); err != nil {
		return err
	}
	if err := a.rooms.Open(ctx, ref); err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, a.roomInfo(t, rooms.Info{Config: config, Status: rooms.Open}))
}

// CloseRoom closes a room; its round at hand is played to its end first.
func (a *API) CloseRoom(c echo.Context) error {
	var in struct {
		Reason strict.Line `json:"reason"`
	}
	if err := readReasoned(c, &in, &in.Reason); err != nil {
		return err
	}
	ref, err := rooms.NewRef(api.TenantOf(c).ID, api.Param(c, "room"))
	if err != nil || ref.Room == rooms.LobbyID {
		return rooms.ErrNotFound
	}
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	if err := a.store.Rooms.Close(ctx, ref, api.OwnerOf(c), in.Reason, api.OriginOf(c)); err != nil {
		return err
	}
	a.roomClosed(ref)
	return c.JSON(http.StatusAccepted, struct{}{})
}

// VoidRound ends the round at hand of a room and gives every stake back.
func (a *API) VoidRound(c echo.Context) error {
	var in struct {
		Reason    strict.Line `json:"reason"`
		CommandID string      `json:"command_id,omitempty"`
	}
	if err := readReasoned(c, &in, &in.Reason); err != nil {
		return err
	}
	id, err := api.CommandID(c, in.CommandID)
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
	if err := a.command(c, ref.Room, id, rooms.TypeVoid, void); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, struct{}{})
}
