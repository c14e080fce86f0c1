package operator

import (
	"encoding/json"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store/audit"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// command sends a staff command to a room of the tenant and waits for the commit; the room writes
// the audit line in the same transaction.
func (a *API) command(c echo.Context, room, id, typ string, body any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	who, from := api.PrincipalOf(c), api.OriginOf(c)
	type outcome struct {
		answer rooms.Answer
		err    error
	}
	done := make(chan outcome, 1)
	a.rooms.Send(rooms.Ref{Tenant: who.Tenant, Room: room}, rooms.Command{
		ID: id, By: game.Actor{Player: game.PlayerID(api.OwnerOf(c)), Name: who.Name, Staff: true},
		Address: from.Address, Credential: from.Credential, Request: from.Request, Type: typ, Body: raw,
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

// readReasoned reads the body of a request into in, and checks the reason in it as checkReason does.
func readReasoned(c echo.Context, in any, reason *strict.Line) error {
	if err := api.Read(c, in); err != nil {
		return err
	}
	return checkReason(reason)
}

// checkReason trims a reason, and refuses one that is empty or too long.
func checkReason(reason *strict.Line) error {
	if !strict.Trim(reason, 1, audit.ReasonMax) {
		return api.Fail(http.StatusBadRequest, wire.CodeInvalidParams, "reason: want 1 to 500 characters")
	}
	return nil
}
