package web

import (
	"net/http"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/web/internal/api"
	"github.com/pitboss-hub/pitboss/web/operator"
	"github.com/pitboss-hub/pitboss/web/platform"
)

// public is the rule of a route that needs no token.
const public auth.Scope = ""

// signedIn is the rule of a route for whoever has a token or a key, whatever its scopes.
const signedIn auth.Scope = "*"

// route is one route of the API. Needs is the scope that its principal has to have, public or signedIn: a
// route cannot be written without one.
type route struct {
	method, path string
	needs        auth.Scope
	handle       echo.HandlerFunc
}

// apiRoutes returns the whole API of a casino, in the order of docs/protocol.md.
func (s *Server) apiRoutes(op *operator.API) []route {
	return []route{
		{http.MethodGet, "/v1/openapi.json", public, s.documentOf(openAPI)},
		{http.MethodGet, "/v1/session", signedIn, s.sessions.Session},
		{http.MethodGet, "/v1/session/rounds", auth.OwnRead, s.sessions.Rounds},
		{http.MethodGet, "/v1/session/transactions", auth.OwnRead, s.sessions.Transactions},
		{http.MethodPost, "/v1/tickets", auth.SocketOpen, s.sessions.Ticket},

		{http.MethodGet, "/v1/games", auth.GamesRead, op.Games},
		{http.MethodGet, "/v1/rooms", auth.RoomsRead, s.sessions.ListRooms},
		{http.MethodPost, "/v1/rooms", auth.RoomsWrite, op.OpenRoom},
		{http.MethodPost, "/v1/rooms/:room/close", auth.RoomsWrite, op.CloseRoom},
		{http.MethodPost, "/v1/rooms/:room/void", auth.RoundsVoid, op.VoidRound},
		{http.MethodGet, routeRound, public, s.round},

		{http.MethodGet, "/v1/connections", auth.ConnectionsRead, op.Connections},
		{http.MethodGet, "/v1/players", auth.PlayersRead, op.Players},
		{http.MethodGet, "/v1/players/:player/rounds", auth.PlayersRead, op.PlayerRounds},
		{http.MethodGet, "/v1/players/:player/transactions", auth.PlayersRead, op.PlayerTransactions},
		{http.MethodPost, "/v1/players/:player/credit", auth.MoneyWrite, op.Credit},
		{http.MethodPost, "/v1/credits/:command/reverse", auth.MoneyWrite, op.ReverseCredit},
		{http.MethodGet, "/v1/approvals", auth.ApprovalsRead, op.Approvals},
		{http.MethodGet, "/v1/approvals/:id", auth.ApprovalsRead, op.Approval},
		{http.MethodPost, "/v1/approvals/:id/approve", auth.ApprovalsWrite, op.Approve},
		{http.MethodPost, "/v1/approvals/:id/refuse", auth.ApprovalsWrite, op.Refuse},
		{http.MethodPost, "/v1/approvals/:id/withdraw", auth.ApprovalsRead, op.Withdraw}, // by who asked only
		{http.MethodPost, "/v1/players/:player/kick", auth.AccessRevoke, op.Kick},
		{http.MethodPost, "/v1/staff/:subject/kick", auth.AccessRevoke, op.KickStaff},
		{http.MethodPost, "/v1/tokens/revoke", auth.AccessRevoke, op.RevokeToken},

		{http.MethodGet, "/v1/promotions", auth.PromotionsRead, op.Promotions},
		{http.MethodPost, "/v1/promotions", auth.PromotionsWrite, op.PublishPromotion},
		{http.MethodPost, "/v1/promotions/:id/withdraw", auth.PromotionsWrite, op.WithdrawPromotion},

		{http.MethodGet, "/v1/webhooks", auth.WebhooksRead, op.Webhooks},
		{http.MethodPost, "/v1/webhooks", auth.WebhooksWrite, op.CreateWebhook},
		{http.MethodGet, "/v1/webhooks/:id", auth.WebhooksRead, op.Webhook},
		{http.MethodPut, "/v1/webhooks/:id", auth.WebhooksWrite, op.ChangeWebhook},
		{http.MethodDelete, "/v1/webhooks/:id", auth.WebhooksWrite, op.DeleteWebhook},
		{http.MethodPost, "/v1/webhooks/:id/rotate", auth.WebhooksWrite, op.RotateWebhook},
		{http.MethodPost, "/v1/webhooks/:id/test", auth.WebhooksWrite, op.TestWebhook},
		{http.MethodPost, "/v1/webhooks/:id/pause", auth.WebhooksWrite, op.PauseWebhook},
		{http.MethodPost, "/v1/webhooks/:id/resume", auth.WebhooksWrite, op.ResumeWebhook},
		{http.MethodGet, "/v1/webhooks/:id/deliveries", auth.WebhooksRead, op.WebhookDeliveries},
		{http.MethodPost, "/v1/webhooks/:id/deliveries/:delivery/replay", auth.WebhooksWrite, op.ReplayWebhook},

		{http.MethodGet, "/v1/ledger/trial-balance", auth.MoneyRead, op.TrialBalance},
		{http.MethodGet, "/v1/ledger/postings", auth.MoneyRead, op.Postings},
		{http.MethodGet, "/v1/audit", auth.AuditRead, op.Audit},
		{http.MethodGet, "/v1/brand", auth.BrandRead, op.Brand},
		{http.MethodPut, "/v1/brand", auth.BrandWrite, op.SetBrand},
		{http.MethodPut, "/v1/brand/logo", auth.BrandWrite, op.SetLogo},

		{http.MethodGet, "/v1/keys", auth.KeysRead, op.Keys},
		{http.MethodPost, "/v1/keys", auth.KeysWrite, op.CreateKey},
		{http.MethodPost, "/v1/keys/:id/rotate", auth.KeysWrite, op.RotateKey},
		{http.MethodPost, "/v1/keys/:id/revoke", auth.KeysWrite, op.RevokeKey},
	}
}

// route makes the route table: health, the pages, the socket, and the API.
func (s *Server) route(op *operator.API) {
	e := s.echo
	get(e, routeHealth, s.healthz)
	get(e, routeReady, s.readyz)

	t := e.Group("", s.ofHost)
	get(t, "/", s.home)
	get(t, "/play", s.page(playersPage))
	get(t, "/play/history", s.page(playersPage))
	get(t, "/play/t/:room", s.page(playersPage))
	get(t, "/console", s.page("console.html"))
	get(t, "/verify", s.page(verifyPage))
	get(t, "/api", s.page("api.html"))
	get(t, "/assets/*", s.asset)
	get(t, "/brand.css", s.brandStylesheet)
	get(t, "/brand/logo", s.brandLogo)
	get(t, routeSocket, s.sessions.Socket)

	s.add(t, s.apiRoutes(op), s.idempotent)
}

// platformRoutes returns the whole API of the platform.
func (s *Server) platformRoutes(p *platform.API) []route {
	return []route{
		{http.MethodGet, "/v1/openapi.json", public, s.documentOf(platformOpenAPI)},
		{http.MethodGet, "/v1/tenants", auth.TenantsRead, p.Tenants},
		{http.MethodGet, "/v1/audit", auth.AuditRead, p.Audit},
	}
}

// routePlatform makes the route table of the platform.
func (s *Server) routePlatform(p *platform.API) {
	s.add(s.platform.Group("", ofPlatform), s.platformRoutes(p))
}

// add adds routes to a group, of which those that change something pass change too.
func (s *Server) add(t *echo.Group, routes []route, change ...echo.MiddlewareFunc) {
	// Middleware is named per route: Echo gives a group's middleware to unknown paths too.
	body := middleware.BodyLimit(api.BodyMax)
	for _, r := range routes {
		m := []echo.MiddlewareFunc{body}
		if r.needs != public {
			m = append(m, s.bearer, s.perPerson, needs(r.needs))
		}
		if r.method == http.MethodGet {
			get(t, r.path, r.handle, m...)
		} else {
			t.Add(r.method, r.path, r.handle, append(m, change...)...)
		}
	}
}

// needs refuses principals without a scope.
func needs(scope auth.Scope) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			switch p := api.PrincipalOf(c); {
			case scope == signedIn || p.May(scope):
				return next(c)
			case p.Role == auth.APIKey:
				return api.Fail(http.StatusForbidden, game.CodeForbidden, "This API key does not have the scope "+string(scope)+".")
			}
			return api.ErrRole
		}
	}
}
