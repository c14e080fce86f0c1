package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/access"
	"github.com/pitboss-hub/pitboss/store/journal"
)

// problem is an error as it is told to a client: over HTTP with its status, over a
// socket with its code.
type problem struct {
	status  int
	code    string
	message string
}

// Error implements error.
func (p *problem) Error() string { return p.code + ": " + p.message }

func fail(status int, code, message string) *problem { return &problem{status, code, message} }

// statusClientClosed is nginx's status for a client that left before its answer came.
const statusClientClosed = 499

var (
	errUnknownHost = fail(http.StatusNotFound, "unknown_host", "No operator is served at this address.")
	errSuspended   = fail(http.StatusForbidden, "tenant_suspended", "This operator is suspended.")
	errUnpaid      = fail(http.StatusForbidden, "tenant_unpaid", "This operator's subscription has run out.")
	errOutOfOrder  = fail(http.StatusServiceUnavailable, "tenant_out_of_order", "This operator is out of order: what is stored of it cannot be read. Those who run this service see why.")
	errOrigin      = fail(http.StatusForbidden, "origin_forbidden", "This page may not connect here.")
	errDraining    = fail(http.StatusServiceUnavailable, wire.CodeUnavailable, "This node is going down; try again in a moment.")
	errUnavailable = fail(http.StatusServiceUnavailable, wire.CodeUnavailable, "The database does not answer; try again in a moment.")
	errRole        = fail(http.StatusForbidden, game.CodeForbidden, "This is not for your role.")
	errNotFound    = fail(http.StatusNotFound, "not_found", "There is nothing here.")
	errManyLookups = fail(http.StatusServiceUnavailable, wire.CodeBusy, "Too many rounds are being looked up; try again in a moment.")
	errLongRound   = fail(http.StatusConflict, game.CodeLimitReached, "This round is too long to be shown here.")
	errManyTrials  = fail(http.StatusServiceUnavailable, wire.CodeBusy, "The trial balance is being made already; try again when it is there.")
	errMediaType   = fail(http.StatusUnsupportedMediaType, "unsupported_media_type", "Send JSON, as application/json.")

	errManyRequests   = fail(http.StatusTooManyRequests, wire.CodeRateLimited, "Too many requests come from your address; wait as long as Retry-After says.")
	errRequestTimeout = fail(http.StatusRequestTimeout, "request_timeout", "The request took too long to come.")
	errHalfBody       = fail(http.StatusBadRequest, wire.CodeInvalidParams, "The body did not come whole.")
	errUpgrade        = fail(http.StatusUpgradeRequired, "upgrade_required", "This is for WebSocket handshakes (RFC 6455), by GET.")
)

// known is what every error that may reach a client means. The first that errors.Is
// finds counts.
var known = []struct {
	err     error
	problem *problem
}{
	{rooms.ErrNotFound, fail(http.StatusNotFound, wire.CodeRoomNotFound, "There is no such room.")},
	{rooms.ErrRoomID, fail(http.StatusBadRequest, wire.CodeInvalidParams, "A room's id is 1 to 40 lower-case letters, digits and hyphens, and starts with a letter.")},
	{rooms.ErrGame, fail(http.StatusBadRequest, wire.CodeInvalidParams, "There is no such game.")},
	{rooms.ErrExists, fail(http.StatusConflict, "room_exists", "A room of this id exists, or existed.")},
	{rooms.ErrBusy, fail(http.StatusServiceUnavailable, wire.CodeBusy, "The table has too much to do; send it again.")},
	{rooms.ErrRateLimited, fail(http.StatusTooManyRequests, wire.CodeRateLimited, "Slower, please: nothing was done.")},
	{rooms.ErrCommandReused, fail(http.StatusConflict, wire.CodeCommandReused, "This command_id was used for something else.")},
	{rooms.ErrUnavailable, fail(http.StatusServiceUnavailable, wire.CodeUnavailable, "It is not known whether this was done; send it again under the same command_id.")},
	{rooms.ErrTooManyRooms, fail(http.StatusConflict, game.CodeLimitReached, "Too many tables are open; close some.")},
	{access.ErrTooManyRevocations, fail(http.StatusConflict, game.CodeLimitReached, "Too many tokens are taken back; each is for 30 days.")},
	{journal.ErrAmount, fail(http.StatusBadRequest, wire.CodeInvalidParams, "The amount, or the balance that would come of it, is too large.")},
	{store.ErrInvalid, fail(http.StatusBadRequest, wire.CodeInvalidParams, "A value can not be stored.")},
	{context.Canceled, fail(statusClientClosed, wire.CodeUnavailable, "The request was given up.")},
	{journal.ErrInsufficientFunds, fail(http.StatusConflict, game.CodeInsufficientFunds, "The balance does not cover it.")},
	{journal.ErrCurrencyChanged, fail(http.StatusConflict, "currency_changed", "The operator's currency is another since; nothing was done.")},
	{journal.ErrCommandReused, fail(http.StatusConflict, wire.CodeCommandReused, "This command_id was used for something else.")},
	{store.ErrBusy, fail(http.StatusServiceUnavailable, wire.CodeBusy, "Too much is under way here; send it again.")},
	{store.ErrUnavailable, fail(http.StatusServiceUnavailable, wire.CodeUnavailable, "The database can not do this now; send it again under the same command_id.")},
	{context.DeadlineExceeded, fail(http.StatusServiceUnavailable, wire.CodeUnavailable, "It took too long; send it again under the same command_id.")},
}

// explain turns any error into a problem. One that is not known is ours: the client
// gets an id that is in the log beside it.
func explain(log *slog.Logger, err error) *problem {
	var p *problem
	if errors.As(err, &p) {
		return p
	}
	var a *auth.Error
	if errors.As(err, &a) {
		return fail(http.StatusUnauthorized, a.Code, a.Message)
	}
	var settings *rooms.SettingsError
	if errors.As(err, &settings) {
		return fail(http.StatusBadRequest, wire.CodeInvalidParams, settings.Error())
	}
	var r *game.Refusal
	if errors.As(err, &r) {
		return fail(http.StatusConflict, r.Code, r.Message)
	}
	var w *wire.Error
	if errors.As(err, &w) {
		return fail(http.StatusBadRequest, w.Data.Code, w.Message)
	}
	var h *echo.HTTPError
	if errors.As(err, &h) {
		switch h.Code {
		case http.StatusNotFound, http.StatusMethodNotAllowed:
			return errNotFound
		case http.StatusRequestEntityTooLarge:
			return fail(h.Code, wire.CodeInvalidParams, "The body is too large.")
		}
	}
	for _, k := range known {
		if errors.Is(err, k.err) {
			return k.problem
		}
	}
	id := uuid.NewString()
	log.Error("internal error", "id", id, "error", err)
	return fail(http.StatusInternalServerError, wire.CodeInternal, "Something went wrong here. Our log knows it as "+id+".")
}

type errorBody struct {
	Error struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// answerError is Echo's error handler.
func (s *Server) answerError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	p := explain(s.log, err)
	if p.status == http.StatusRequestEntityTooLarge {
		s.hit(limitBody)
	}
	var body errorBody
	body.Error.Code, body.Error.Message = p.code, p.message
	if c.Get(keyPrincipal) == nil && c.Request().ContentLength != 0 {
		c.Response().Header().Set("Connection", "close") // who it is was not shown: the answer does not wait for the rest of the body
	}
	if p.status == http.StatusUnauthorized {
		c.Response().Header().Set("WWW-Authenticate", `Bearer realm="pitboss"`)
	}
	if err := c.JSON(p.status, body); err != nil {
		s.log.Debug("answer not sent", "error", err)
	}
}

// wire is a problem as a JSON-RPC error.
func (p *problem) wire() *wire.Error { return wire.NewError(p.code, p.message) }
