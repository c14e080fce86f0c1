package operator

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/lobby"
	"github.com/pitboss-hub/pitboss/store/list"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// PromotionTable is the list of Promotions.
var PromotionTable = list.Table{
	Fields: []list.Field{
		{Name: "id", Sort: true}, {Name: "title", Sort: true}, {Name: "published_at", Type: list.Time, Sort: true}, {Name: "ends_at", Type: list.Time, Sort: true},
		{Name: "status", Values: []string{lobby.StatusActive, lobby.StatusWithdrawn, lobby.StatusEnded}, Sort: true}, {Name: "by", Sort: true},
	},
	Key: "id", Order: "-published_at",
}

// Promotions answers with the promotions that the lobby has, also those that ended, the latest first.
func (a *API) Promotions(c echo.Context) error {
	return api.AnswerRows(a.lists, c, "promotions", PromotionTable, lobby.ActiveMax+lobby.PastMax, func(ctx context.Context) ([]lobby.Past, error) {
		return a.promotions(ctx, api.TenantOf(c).ID)
	})
}

// promotions returns the promotions that a lobby has.
func (a *API) promotions(ctx context.Context, id tenant.ID) ([]lobby.Past, error) {
	view, err := a.rooms.StaffView(ctx, rooms.Ref{Tenant: id, Room: rooms.LobbyID})
	if err != nil {
		return nil, err
	}
	var all struct {
		Promotions []lobby.Past `json:"promotions"`
	}
	err = strict.DecodeKnown(view, &all)
	return all.Promotions, err
}

// PublishPromotion publishes a promotion to everybody in the lobby. It answers with what is stored.
func (a *API) PublishPromotion(c echo.Context) error {
	var in struct {
		Title     strict.Line `json:"title"`
		Text      strict.Text `json:"text"`
		EndsAt    time.Time   `json:"ends_at"`
		CommandID string      `json:"command_id,omitempty"`
	}
	if err := api.Read(c, &in); err != nil {
		return err
	}
	id, err := api.CommandID(c, in.CommandID)
	if err != nil {
		return err
	}
	err = a.command(c, rooms.LobbyID, id, lobby.TypePublish, lobby.Publish{ID: strict.Line(id), Title: in.Title, Text: in.Text, EndsAt: wire.At(in.EndsAt)})
	if err != nil {
		return err
	}
	// The answer is what is stored: the id of another promotion is no success.
	p, err := a.promotion(c, id)
	if err != nil {
		return err
	}
	if p.Title != strings.TrimSpace(string(in.Title)) || p.Text != strings.TrimSpace(string(in.Text)) || !p.EndsAt.Equal(in.EndsAt.Truncate(time.Millisecond)) {
		return rooms.ErrCommandReused
	}
	return c.JSON(http.StatusCreated, p)
}

// promotion returns one promotion as the lobby has it, or rooms.ErrCommandReused if there is none
// of that id.
func (a *API) promotion(c echo.Context, id string) (lobby.Past, error) {
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	all, err := a.promotions(ctx, api.TenantOf(c).ID)
	if err != nil {
		return lobby.Past{}, err
	}
	for _, p := range all {
		if p.ID == id {
			return p, nil
		}
	}
	return lobby.Past{}, rooms.ErrCommandReused
}

// WithdrawPromotion withdraws a promotion. It answers with what is stored.
func (a *API) WithdrawPromotion(c echo.Context) error {
	var in struct {
		Reason    strict.Line `json:"reason,omitempty"`
		CommandID string      `json:"command_id,omitempty"`
	}
	if err := api.Read(c, &in); err != nil {
		return err
	}
	id, err := api.CommandID(c, in.CommandID)
	if err != nil {
		return err
	}
	if err := a.command(c, rooms.LobbyID, id, lobby.TypeWithdraw, lobby.Withdraw{ID: strict.Line(api.Param(c, "id")), Reason: in.Reason}); err != nil {
		return err
	}
	p, err := a.promotion(c, api.Param(c, "id"))
	if err != nil {
		return err
	}
	if p.Status == lobby.StatusActive {
		return rooms.ErrCommandReused // the id was another command's, and that was answered
	}
	return c.JSON(http.StatusOK, p)
}
