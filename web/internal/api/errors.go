package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/access"
	"github.com/pitboss-hub/pitboss/store/answers"
	"github.com/pitboss-hub/pitboss/store/approvals"
	"github.com/pitboss-hub/pitboss/store/jobs"
	"github.com/pitboss-hub/pitboss/store/journal"
	"github.com/pitboss-hub/pitboss/store/list"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/store/webhooks"
)

// Problem is an error as it is told to a client: over HTTP with its status, over a
// socket with its code.
type Problem struct {
	Status  int
	Code    string
	Message string
	// Params says with which numbers and names Message is made, for clients that make words of their own; nil: none.
	Params *game.Params
}

// Error implements error.
func (p *Problem) Error() string { return p.Code + ": " + p.Message }

// Fail returns a Problem of a status, a code and a message.
func Fail(status int, code, message string) *Problem {
	return &Problem{Status: status, Code: code, Message: message}
}

// statusClientClosed is nginx's status for a client that left before its answer came.
const statusClientClosed = 499

// Problems that parts of web answer with; ProblemOf makes those of other errors.
var (
	ErrUnknownHost  = Fail(http.StatusNotFound, "unknown_host", "No operator is served at this address.")
	ErrSuspended    = Fail(http.StatusForbidden, "tenant_suspended", "This operator is suspended.")
	ErrUnpaid       = Fail(http.StatusForbidden, "tenant_unpaid", "This operator's subscription has run out.")
	ErrArchived     = Fail(http.StatusForbidden, "tenant_archived", "This operator is closed.")
	ErrMaintenance  = Fail(http.StatusServiceUnavailable, "tenant_maintenance", "This operator is in maintenance; come back when Retry-After says.")
	ErrOutOfOrder   = Fail(http.StatusServiceUnavailable, "tenant_out_of_order", "This operator is out of order: what is stored of it cannot be read. Those who run this service see why.")
	ErrOrigin       = Fail(http.StatusForbidden, "origin_forbidden", "This page may not connect here.")
	ErrDraining     = Fail(http.StatusServiceUnavailable, wire.CodeUnavailable, "This node is going down; try again in a moment.")
	ErrUnavailable  = Fail(http.StatusServiceUnavailable, wire.CodeUnavailable, "The database does not answer; try again in a moment.")
	ErrRole         = Fail(http.StatusForbidden, game.CodeForbidden, "This is not for your role.")
	ErrNotFound     = Fail(http.StatusNotFound, "not_found", "There is nothing here.")
	ErrManyLookups  = Fail(http.StatusServiceUnavailable, wire.CodeBusy, "Too many rounds are being looked up; try again in a moment.")
	ErrLongRound    = Fail(http.StatusConflict, game.CodeLimitReached, "This round is too long to be shown here.")
	ErrManyTrials   = Fail(http.StatusServiceUnavailable, wire.CodeBusy, "The trial balance is being made already; try again when it is there.")
	ErrManySearches = Fail(http.StatusServiceUnavailable, wire.CodeBusy, "Two lists of your casino are being searched already; try again when they are there.")
	ErrManyStreams  = Fail(http.StatusServiceUnavailable, wire.CodeBusy, "As many lists are being sent already as may be at once; try again when they are there.")
	ErrManyReads    = Fail(http.StatusTooManyRequests, wire.CodeRateLimited, "You ask for too many pages of history; wait a moment.")
	ErrMediaType    = Fail(http.StatusUnsupportedMediaType, "unsupported_media_type", "Send JSON, as application/json.")

	ErrChanged = Fail(http.StatusPreconditionFailed, "changed_meanwhile", "Somebody else changed it meanwhile; read it again. Nothing was done.")

	ErrManyRequests   = Fail(http.StatusTooManyRequests, wire.CodeRateLimited, "Too many requests come from your address; wait as long as Retry-After says.")
	ErrTooFast        = Fail(http.StatusTooManyRequests, wire.CodeRateLimited, "You, or all of your casino together, make too many requests; wait as long as Retry-After says.")
	ErrRequestTimeout = Fail(http.StatusRequestTimeout, "request_timeout", "The request took too long to come.")
	ErrHalfBody       = Fail(http.StatusBadRequest, wire.CodeInvalidParams, "The body did not come whole.")
	ErrUpgrade        = Fail(http.StatusUpgradeRequired, "upgrade_required", "This is for WebSocket handshakes (RFC 6455), by GET.")
)

// known holds what a client is told of every error that may reach it. The first that errors.Is finds
// counts.
var known = []struct {
	err     error
	problem *Problem
}{
	{rooms.ErrNotFound, Fail(http.StatusNotFound, wire.CodeRoomNotFound, "There is no such room.")},
	{rooms.ErrRoomID, Fail(http.StatusBadRequest, wire.CodeInvalidParams, "A room's id is 1 to 40 lower-case letters, digits and hyphens, and starts with a letter.")},
	{rooms.ErrGame, Fail(http.StatusBadRequest, wire.CodeInvalidParams, "There is no such game.")},
	{rooms.ErrExists, Fail(http.StatusConflict, "room_exists", "A room of this id exists, or existed.")},
	{rooms.ErrBusy, Fail(http.StatusServiceUnavailable, wire.CodeBusy, "The table has too much to do; send it again.")},
	{rooms.ErrRateLimited, Fail(http.StatusTooManyRequests, wire.CodeRateLimited, "Slower, please: nothing was done.")},
	{rooms.ErrCommandReused, Fail(http.StatusConflict, wire.CodeCommandReused, "This command_id was used for something else.")},
	{rooms.ErrUnavailable, Fail(http.StatusServiceUnavailable, wire.CodeUnavailable, "It is not known whether this was done; send it again under the same command_id.")},
	{rooms.ErrTooManyRooms, Fail(http.StatusConflict, game.CodeLimitReached, "Too many tables are open; close some.")},
	{access.ErrTooManyRevocations, Fail(http.StatusConflict, game.CodeLimitReached, "Too many tokens are taken back; each is for 30 days.")},
	{webhooks.ErrNoEndpoint, Fail(http.StatusNotFound, "not_found", "There is no such webhook endpoint.")},
	{webhooks.ErrNoDelivery, Fail(http.StatusNotFound, "not_found", "There is no such delivery; deliveries are kept for 30 days.")},
	{webhooks.ErrTooManyEndpoints, Fail(http.StatusConflict, game.CodeLimitReached, "There are as many webhook endpoints as there may be; delete one.")},
	{webhooks.ErrNotActive, Fail(http.StatusConflict, "webhook_not_active", "The webhook endpoint is paused or disabled: nothing is sent until it is resumed.")},
	{webhooks.ErrPending, Fail(http.StatusConflict, "delivery_pending", "The delivery has not ended yet; it is tried again by itself.")},
	{tenancy.ErrTooManyAPIKeys, Fail(http.StatusConflict, game.CodeLimitReached, "There are too many API keys; one that ends counts for 30 days more.")},
	{tenancy.ErrNoAPIKey, Fail(http.StatusNotFound, "not_found", "There is no such API key.")},
	{tenancy.ErrAPIKeyEnded, Fail(http.StatusConflict, "key_ended", "This API key has ended, or was replaced already.")},
	{tenancy.ErrAPIKeyScope, Fail(http.StatusForbidden, game.CodeForbidden, "You cannot give a key a scope that you do not have.")},
	{journal.ErrAmount, Fail(http.StatusBadRequest, wire.CodeInvalidParams, "The amount, or the balance that would come of it, is too large.")},
	{store.ErrInvalid, Fail(http.StatusBadRequest, wire.CodeInvalidParams, "A value cannot be stored.")},
	{answers.ErrReused, Fail(http.StatusUnprocessableEntity, "idempotency_key_reused", "This Idempotency-Key was used for another request: send a new one, or the same request again.")},
	{answers.ErrUnderWay, Fail(http.StatusConflict, "idempotency_key_in_use", "A request under this Idempotency-Key is being answered; send it again in a moment.")},
	{jobs.ErrNotFound, Fail(http.StatusNotFound, "job_not_found", "There is no such job; jobs are kept for 30 days.")},
	{jobs.ErrReused, Fail(http.StatusUnprocessableEntity, "idempotency_key_reused", "This Idempotency-Key was used for another request: send a new one, or the same request again.")},
	{jobs.ErrTooMany, Fail(http.StatusServiceUnavailable, wire.CodeBusy, "Too many jobs wait; send it again later.")},
	{context.Canceled, Fail(statusClientClosed, wire.CodeUnavailable, "The request was given up.")},
	{journal.ErrInsufficientFunds, Fail(http.StatusConflict, game.CodeInsufficientFunds, "The balance does not cover it.")},
	{journal.ErrCurrencyChanged, Fail(http.StatusConflict, "currency_changed", "The operator's currency is another since; nothing was done.")},
	{journal.ErrCommandReused, Fail(http.StatusConflict, wire.CodeCommandReused, "This command_id was used for something else.")},
	{journal.ErrNoPlayer, Fail(http.StatusNotFound, "player_not_found", "There is no such player.")},
	{journal.ErrNoCredit, Fail(http.StatusNotFound, "credit_not_found", "There is no credit of this command_id.")},
	{journal.ErrAlreadyReversed, Fail(http.StatusConflict, "already_reversed", "This credit was reversed before.")},
	{journal.ErrReversal, Fail(http.StatusConflict, "not_reversible", "This is a reversal itself.")},
	{approvals.ErrNotFound, Fail(http.StatusNotFound, "approval_not_found", "There is no such approval.")},
	{approvals.ErrReused, Fail(http.StatusConflict, wire.CodeCommandReused, "This command_id was used for something else.")},
	{approvals.ErrTooMany, Fail(http.StatusConflict, game.CodeLimitReached, "Too many approvals are open; answer some.")},
	{approvals.ErrSecondPerson, Fail(http.StatusForbidden, "second_person_needed", "You asked for it, yourself or by an API key that you made or rotated: another person has to answer.")},
	{approvals.ErrNotAllowed, Fail(http.StatusForbidden, game.CodeForbidden, "This is not for you to answer.")},
	{approvals.ErrAnswered, Fail(http.StatusConflict, "already_answered", "The approval has an answer.")},
	{approvals.ErrExpired, Fail(http.StatusConflict, "approval_expired", "The approval has expired; ask again.")},
	{store.ErrBusy, Fail(http.StatusServiceUnavailable, wire.CodeBusy, "Too much is under way here; send it again.")},
	{store.ErrUnavailable, Fail(http.StatusServiceUnavailable, wire.CodeUnavailable, "The database cannot do this now; send it again under the same command_id.")},
	{context.DeadlineExceeded, Fail(http.StatusServiceUnavailable, wire.CodeUnavailable, "It took too long; send it again under the same command_id.")},
}

// ProblemOf returns what a client is told of an error. One that is not known is the server's own
// fault: the client gets an id that is in the log beside the error.
func ProblemOf(log *slog.Logger, err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	var a *auth.Error
	if errors.As(err, &a) {
		status := http.StatusUnauthorized
		if a == auth.ErrKeyAddress {
			status = http.StatusForbidden
		}
		return Fail(status, a.Code, a.Message)
	}
	var settings *rooms.SettingsError
	if errors.As(err, &settings) {
		return Fail(http.StatusBadRequest, wire.CodeInvalidParams, settings.Error())
	}
	var plan *rooms.PlanError
	if errors.As(err, &plan) {
		return &Problem{http.StatusConflict, game.CodeLimitReached, "The casino has as much of this as its plan allows.", &game.Params{Limit: plan.Limit, Value: plan.Value}}
	}
	if errors.Is(err, tenancy.ErrTable) {
		return Fail(http.StatusConflict, "table_not_allowed", "T"+strings.TrimPrefix(err.Error(), "t")+".")
	}
	var listed *list.Error
	if errors.As(err, &listed) {
		return Fail(http.StatusBadRequest, wire.CodeInvalidParams, listed.Error())
	}
	var brand *tenancy.BrandError
	if errors.As(err, &brand) {
		return Fail(http.StatusBadRequest, wire.CodeInvalidParams, brand.Error())
	}
	var spec *webhooks.SpecError
	if errors.As(err, &spec) {
		return Fail(http.StatusBadRequest, wire.CodeInvalidParams, spec.Error())
	}
	var key *tenancy.APIKeyError
	if errors.As(err, &key) {
		return Fail(http.StatusBadRequest, wire.CodeInvalidParams, key.Error())
	}
	var r *game.Refusal
	if errors.As(err, &r) {
		return &Problem{http.StatusConflict, r.Code, r.Message, r.Params}
	}
	var w *wire.Error
	if errors.As(err, &w) {
		return Fail(http.StatusBadRequest, w.Data.Code, w.Message)
	}
	var h *echo.HTTPError
	if errors.As(err, &h) {
		switch h.Code {
		case http.StatusNotFound, http.StatusMethodNotAllowed:
			return ErrNotFound
		case http.StatusRequestEntityTooLarge:
			return Fail(h.Code, wire.CodeInvalidParams, "The body is too large.")
		}
	}
	for _, k := range known {
		if errors.Is(err, k.err) {
			return k.problem
		}
	}
	id := uuid.NewString()
	log.Error("internal error", "id", id, "error", err)
	return Fail(http.StatusInternalServerError, wire.CodeInternal, "Something went wrong here. Our log knows it as "+id+".")
}

// problemBody is the JSON of every error: a problem of RFC 9457, whose extensions are the code, its parameters and the
// id of the request, and the error as it was before.
type problemBody struct {
	Type      string       `json:"type"`   // urn:pitboss:problem: and the code
	Title     string       `json:"title"`  // of the status
	Status    int          `json:"status"` // of the answer
	Detail    string       `json:"detail"` // for people
	Code      string       `json:"code"`
	Params    *game.Params `json:"params,omitempty"`
	RequestID string       `json:"request_id"`
	Error     struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// problemType is the media type of a problemBody.
const problemType = "application/problem+json"

// answer sends a Problem.
func (p *Problem) answer(c echo.Context) error {
	body := problemBody{
		Type: "urn:pitboss:problem:" + p.Code, Title: http.StatusText(p.Status), Status: p.Status, Detail: p.Message,
		Code: p.Code, Params: p.Params, RequestID: RequestID(c),
	}
	if p.Status == statusClientClosed {
		body.Title = "Client Closed Request"
	}
	body.Error.Code, body.Error.Message = p.Code, p.Message
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return c.Blob(p.Status, problemType, raw)
}

// AnswerErrors returns Echo's error handler: every error is answered as its Problem.
func AnswerErrors(log *slog.Logger, limits *Limits) echo.HTTPErrorHandler {
	return func(err error, c echo.Context) {
		if c.Response().Committed {
			return
		}
		p := ProblemOf(log.With("request", RequestID(c)), err)
		if p.Status == http.StatusRequestEntityTooLarge {
			limits.Hit(tenantIDOf(c), LimitBody)
		}
		if c.Get(keyPrincipal) == nil && c.Request().ContentLength != 0 {
			c.Response().Header().Set("Connection", "close") // no token was verified: the answer does not wait for the rest of the body
		}
		if p.Status == http.StatusUnauthorized {
			c.Response().Header().Set("WWW-Authenticate", `Bearer realm="pitboss"`)
		}
		if err := p.answer(c); err != nil {
			log.Debug("answer not sent", "error", err)
		}
	}
}

// Wire returns the Problem as a JSON-RPC error.
func (p *Problem) Wire() *wire.Error { return wire.NewError(p.Code, p.Message) }

// IsAuth reports whether err is a refused token or ticket.
func IsAuth(err error) bool {
	var a *auth.Error
	return errors.As(err, &a)
}
