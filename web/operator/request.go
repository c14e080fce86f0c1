package operator

import (
	"encoding/json"
	"net/http"

	"github.com/google/uuid"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store/audit"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// actorOf returns who the audit log says did it. The role before the name keeps a subject from
// passing for the platform itself (dev, cli:…).
func actorOf(c echo.Context) string {
	p := api.PrincipalOf(c)
	return string(p.Role) + ":" + p.Subject
}

// command sends a staff command to a room of the tenant and waits for the commit; the room writes
// the audit line in the same transaction.
func (a *API) command(c echo.Context, room, id, typ string, body any) error {
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
	a.rooms.Send(rooms.Ref{Tenant: who.Tenant, Room: room}, rooms.Command{
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

// commandID returns a command_id in its one form, or a Problem.
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
