package web

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store/approvals"
	"github.com/pitboss-hub/pitboss/store/audit"
	"github.com/pitboss-hub/pitboss/store/jobs"
	"github.com/pitboss-hub/pitboss/store/journal"
	"github.com/pitboss-hub/pitboss/store/webhooks"
	"github.com/pitboss-hub/pitboss/web/internal/api"
	"github.com/pitboss-hub/pitboss/web/operator"
	"github.com/pitboss-hub/pitboss/web/platform"
	"github.com/pitboss-hub/pitboss/web/session"
)

// public is the rule of a route that needs no token.
const public auth.Scope = ""

// signedIn is the rule of a route for whoever has a token or a key, whatever its scopes.
const signedIn auth.Scope = "*"

// route is one route of the API. Needs is the scope that its principal has to have, public or signedIn: a
// route cannot be written without one. Query names the query parameters that it has; others are refused.
type route struct {
	method, path string
	needs        auth.Scope
	query        []string
	handle       echo.HandlerFunc
}

// pages are the query parameters of a player's history.
var pages = []string{"cursor", "limit"}

// apiRoutes returns the whole API of a casino, in the order of docs/protocol.md.
func (s *Server) apiRoutes(op *operator.API) []route {
	return []route{
		{http.MethodGet, "/v1/openapi.json", public, nil, s.documentOf(openAPI)},
		{http.MethodGet, "/v1/session", signedIn, nil, s.sessions.Session},
		{http.MethodGet, "/v1/session/rounds", auth.OwnRead, pages, s.sessions.Rounds},
		{http.MethodGet, "/v1/session/transactions", auth.OwnRead, pages, s.sessions.Transactions},
		{http.MethodPost, "/v1/tickets", auth.SocketOpen, nil, s.sessions.Ticket},

		{http.MethodGet, "/v1/games", auth.GamesRead, api.TableParams(operator.GameTable), op.Games},
		{http.MethodGet, "/v1/rooms", auth.RoomsRead, api.TableParams(session.RoomTable), s.sessions.ListRooms},
		{http.MethodPost, "/v1/rooms", auth.RoomsWrite, nil, op.OpenRoom},
		{http.MethodPost, "/v1/rooms/:room/close", auth.RoomsWrite, nil, op.CloseRoom},
		{http.MethodPost, "/v1/rooms/:room/void", auth.RoundsVoid, nil, op.VoidRound},
		{http.MethodGet, routeRound, public, nil, s.round},

		{http.MethodGet, "/v1/connections", auth.ConnectionsRead, api.TableParams(operator.ConnectionTable), op.Connections},
		{http.MethodGet, "/v1/players", auth.PlayersRead, api.TableParams(journal.Players), op.Players},
		{http.MethodGet, "/v1/players/:player/rounds", auth.PlayersRead, pages, op.PlayerRounds},
		{http.MethodGet, "/v1/players/:player/transactions", auth.PlayersRead, pages, op.PlayerTransactions},
		{http.MethodPost, "/v1/players/:player/credit", auth.MoneyWrite, []string{"create", "dry_run"}, op.Credit},
		{http.MethodPost, "/v1/credits/:command/reverse", auth.MoneyWrite, []string{"dry_run"}, op.ReverseCredit},
		{http.MethodGet, "/v1/approvals", auth.ApprovalsRead, api.TableParams(approvals.Table), op.Approvals},
		{http.MethodGet, "/v1/approvals/:id", auth.ApprovalsRead, nil, op.Approval},
		{http.MethodPost, "/v1/approvals/:id/approve", auth.ApprovalsWrite, nil, op.Approve},
		{http.MethodPost, "/v1/approvals/:id/refuse", auth.ApprovalsWrite, nil, op.Refuse},
		{http.MethodPost, "/v1/approvals/:id/withdraw", auth.ApprovalsRead, nil, op.Withdraw}, // by who asked only
		{http.MethodPost, "/v1/players/:player/kick", auth.AccessRevoke, nil, op.Kick},
		{http.MethodPost, "/v1/staff/:subject/kick", auth.AccessRevoke, nil, op.KickStaff},
		{http.MethodPost, "/v1/tokens/revoke", auth.AccessRevoke, nil, op.RevokeToken},

		{http.MethodGet, "/v1/promotions", auth.PromotionsRead, api.TableParams(operator.PromotionTable), op.Promotions},
		{http.MethodPost, "/v1/promotions", auth.PromotionsWrite, nil, op.PublishPromotion},
		{http.MethodPost, "/v1/promotions/:id/withdraw", auth.PromotionsWrite, nil, op.WithdrawPromotion},

		{http.MethodGet, "/v1/webhooks", auth.WebhooksRead, api.TableParams(operator.WebhookTable), op.Webhooks},
		{http.MethodPost, "/v1/webhooks", auth.WebhooksWrite, nil, op.CreateWebhook},
		{http.MethodGet, "/v1/webhooks/:id", auth.WebhooksRead, nil, op.Webhook},
		{http.MethodPut, "/v1/webhooks/:id", auth.WebhooksWrite, nil, op.ChangeWebhook},
		{http.MethodDelete, "/v1/webhooks/:id", auth.WebhooksWrite, nil, op.DeleteWebhook},
		{http.MethodPost, "/v1/webhooks/:id/rotate", auth.WebhooksWrite, nil, op.RotateWebhook},
		{http.MethodPost, "/v1/webhooks/:id/test", auth.WebhooksWrite, nil, op.TestWebhook},
		{http.MethodPost, "/v1/webhooks/:id/pause", auth.WebhooksWrite, nil, op.PauseWebhook},
		{http.MethodPost, "/v1/webhooks/:id/resume", auth.WebhooksWrite, nil, op.ResumeWebhook},
		{http.MethodGet, "/v1/webhooks/:id/deliveries", auth.WebhooksRead, api.TableParams(webhooks.DeliveryTable), op.WebhookDeliveries},
		{http.MethodPost, "/v1/webhooks/:id/deliveries/:delivery/replay", auth.WebhooksWrite, nil, op.ReplayWebhook},

		{http.MethodGet, "/v1/ledger/trial-balance", auth.MoneyRead, nil, op.TrialBalance},
		{http.MethodGet, "/v1/ledger/postings", auth.MoneyRead, api.TableParams(journal.Postings), op.Postings},
		{http.MethodGet, "/v1/audit", auth.AuditRead, api.TableParams(audit.Lines), op.Audit},
		{http.MethodGet, "/v1/casino", auth.CasinoRead, nil, op.Casino},
		{http.MethodGet, "/v1/nodes", auth.CasinoRead, nil, op.Nodes},
		{http.MethodGet, "/v1/limits", auth.CasinoRead, nil, op.Limits},
		{http.MethodGet, "/v1/brand", auth.BrandRead, nil, op.Brand},
		{http.MethodPut, "/v1/brand", auth.BrandWrite, nil, op.SetBrand},
		{http.MethodPut, "/v1/brand/logo", auth.BrandWrite, nil, op.SetLogo},

		{http.MethodGet, "/v1/keys", auth.KeysRead, api.TableParams(operator.KeyTable), op.Keys},
		{http.MethodPost, "/v1/keys", auth.KeysWrite, nil, op.CreateKey},
		{http.MethodPost, "/v1/keys/:id/rotate", auth.KeysWrite, nil, op.RotateKey},
		{http.MethodPost, "/v1/keys/:id/revoke", auth.KeysWrite, nil, op.RevokeKey},
	}
}

// pagePaths are the paths of the pages.
var pagePaths = []string{"/", "/play", "/play/history", "/play/t/:room", "/console", "/console/:section", "/console/:section/:id", "/verify", "/api"}

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
	get(t, "/console", s.page(consolePage))
	get(t, "/console/:section", s.page(consolePage))
	get(t, "/console/:section/:id", s.page(consolePage))
	get(t, "/verify", s.page(verifyPage))
	get(t, "/api", s.page("api.html"))
	get(t, "/assets/*", s.asset)
	get(t, "/brand.css", s.brandStylesheet)
	get(t, "/brand/logo", s.brandLogo)
	get(t, routeSocket, s.sessions.Socket)

	s.add(t, s.apiRoutes(op), func(r route) []echo.MiddlewareFunc {
		return []echo.MiddlewareFunc{s.noted(changedBy(r.needs)), s.idempotent}
	})
}

// platformRoutes returns the whole API of the platform.
func (s *Server) platformRoutes(p *platform.API) []route {
	return []route{
		{http.MethodGet, "/v1/openapi.json", public, nil, s.documentOf(platformOpenAPI)},
		{http.MethodGet, "/v1/session", signedIn, nil, p.Session},
		{http.MethodGet, "/v1/tenants", auth.TenantsRead, api.TableParams(platform.TenantTable), p.Tenants},
		{http.MethodPost, "/v1/tenants", auth.TenantsWrite, nil, p.Task("tenant.create")},
		{http.MethodGet, "/v1/tenants/:slug", auth.TenantsRead, nil, p.Tenant},
		{http.MethodPatch, "/v1/tenants/:slug", auth.TenantsWrite, nil, p.Task("tenant.set")},
		{http.MethodPost, "/v1/tenants/:slug/provision", auth.TenantsWrite, nil, p.Task("tenant.provision")},
		{http.MethodPost, "/v1/tenants/:slug/suspend", auth.TenantsWrite, nil, p.Task("tenant.suspend")},
		{http.MethodPost, "/v1/tenants/:slug/resume", auth.TenantsWrite, nil, p.Task("tenant.resume")},
		{http.MethodPost, "/v1/tenants/:slug/maintenance", auth.TenantsWrite, nil, p.Task("tenant.maintain")},
		{http.MethodPost, "/v1/tenants/:slug/rename", auth.TenantsWrite, nil, p.Task("tenant.rename")},
		{http.MethodPost, "/v1/tenants/:slug/archive", auth.TenantsEnd, nil, p.Task("tenant.archive")},
		{http.MethodPost, "/v1/tenants/:slug/purge", auth.TenantsEnd, nil, p.Task("tenant.purge")},
		{http.MethodPost, "/v1/tenants/:slug/domains/add", auth.TenantsWrite, nil, p.Task("domain.add")},
		{http.MethodPost, "/v1/tenants/:slug/domains/remove", auth.TenantsWrite, nil, p.Task("domain.remove")},
		{http.MethodPost, "/v1/tenants/:slug/domains/primary", auth.TenantsWrite, nil, p.Task("domain.primary")},
		{http.MethodPost, "/v1/tenants/:slug/domains/verify", auth.TenantsWrite, nil, p.Task("domain.verify")},
		{http.MethodPost, "/v1/tenants/:slug/signing-keys/rotate", auth.TenantsWrite, nil, p.Task("signing_key.rotate")},
		{http.MethodPost, "/v1/tenants/:slug/keys", auth.TenantsWrite, nil, p.Task("api_key.create")},
		{http.MethodPost, "/v1/tenants/:slug/keys/revoke", auth.TenantsWrite, nil, p.Task("api_key.revoke")},
		{http.MethodPost, "/v1/tenants/:slug/entries", auth.TenantsEnter, nil, p.Task("entry.create")},
		{http.MethodGet, "/v1/plans", auth.TenantsRead, nil, p.Plans},
		{http.MethodGet, "/v1/migrate", auth.TenantsRead, nil, p.Fleet},
		{http.MethodPost, "/v1/migrate", auth.TenantsWrite, nil, p.Task("migrate")},
		{http.MethodPost, "/v1/migrate/plan", auth.TenantsRead, nil, p.Task("migrate.plan")},
		{http.MethodPost, "/v1/migrate/pause", auth.TenantsWrite, nil, p.Task("migrate.pause")},
		{http.MethodPost, "/v1/migrate/cancel", auth.TenantsWrite, nil, p.Task("migrate.cancel")},
		{http.MethodPost, "/v1/drift", auth.TenantsRead, nil, p.Task("drift")},
		{http.MethodPost, "/v1/doctor", auth.TenantsRead, nil, p.Task("doctor")},
		{http.MethodGet, "/v1/nodes", auth.TenantsRead, nil, p.Nodes},
		{http.MethodGet, "/v1/rooms", auth.TenantsRead, api.TableParams(platform.RoomTable), p.Rooms},
		{http.MethodGet, "/v1/jobs", auth.TenantsRead, api.TableParams(jobs.Jobs), p.Jobs},
		{http.MethodGet, "/v1/jobs/:id", auth.TenantsRead, nil, p.Job},
		{http.MethodGet, "/v1/audit", auth.AuditRead, api.TableParams(audit.PlatformLines), p.Audit},
	}
}

// routePlatform makes the route table of the platform: health, the page, and the API.
func (s *Server) routePlatform(p *platform.API) {
	get(s.platform, routeHealth, s.healthz)
	get(s.platform, routeReady, s.readyz)
	t := s.platform.Group("", ofPlatform)
	get(t, "/", func(c echo.Context) error { return c.Redirect(http.StatusFound, "/platform") })
	get(t, "/platform", s.page(platformPage))
	get(t, "/platform/:section", s.page(platformPage))
	get(t, "/platform/:section/:id", s.page(platformPage))
	get(t, "/assets/*", s.asset)
	s.add(t, s.platformRoutes(p), func(route) []echo.MiddlewareFunc { return nil })
}

// add adds routes to a group, of which those that change something pass what change returns too. A ticket changes nothing.
func (s *Server) add(t *echo.Group, routes []route, change func(route) []echo.MiddlewareFunc) {
	// Middleware is named per route: Echo gives a group's middleware to unknown paths too.
	body := middleware.BodyLimit(api.BodyMax)
	for _, r := range routes {
		m := []echo.MiddlewareFunc{body}
		if r.needs != public {
			m = append(m, s.bearer, s.perPerson, needs(r.needs))
		}
		m = append(m, query(r.query))
		if r.method == http.MethodGet {
			get(t, r.path, r.handle, m...)
			continue
		}
		if r.needs != auth.SocketOpen {
			m = append(m, change(r)...)
		}
		t.Add(r.method, r.path, r.handle, m...)
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

// query refuses requests with other query parameters than those named, or with one twice.
func query(names []string) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			has, err := url.ParseQuery(c.Request().URL.RawQuery)
			if err != nil {
				return api.Fail(http.StatusBadRequest, wire.CodeInvalidParams, "the query cannot be read: "+err.Error())
			}
			for _, name := range slices.Sorted(maps.Keys(has)) {
				switch {
				case !slices.Contains(names, name):
					why := name + ": there is no such parameter here: want none"
					if len(names) > 0 {
						why = name + ": there is no such parameter here: want some of " + strings.Join(names, ", ")
					}
					return api.Fail(http.StatusBadRequest, wire.CodeInvalidParams, why)
				case len(has[name]) > 1:
					return api.Fail(http.StatusBadRequest, wire.CodeInvalidParams, name+": want it once")
				}
			}
			return next(c)
		}
	}
}
