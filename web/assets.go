package web

import (
	"embed"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// dist holds the pages as "make web" built them from the sources in web/ui. CI checks
// that it matches them.
//
//go:embed all:ui/dist
var dist embed.FS

// policy is the Content-Security-Policy of every page, less its frame-ancestors: no
// inline script or style, nothing from elsewhere.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors "

// page returns a handler that serves one of the built pages under the tenant's policy.
func (s *Server) page(name string) echo.HandlerFunc {
	return func(c echo.Context) error {
		html, err := dist.ReadFile("ui/dist/" + name)
		if err != nil {
			return api.ErrNotFound
		}
		ancestors := "'none'"
		if list := api.TenantOf(c).FrameAncestors; len(list) > 0 {
			ancestors = strings.Join(list, " ")
		}
		h := c.Response().Header()
		// Not every browser takes 'self' to mean the socket too.
		connect := "; connect-src 'self'"
		for _, d := range api.TenantOf(c).Domains {
			connect += " ws://" + d + ":* wss://" + d + ":*"
		}
		h.Set("Content-Security-Policy", policy+ancestors+connect)
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-cache")
		return c.HTMLBlob(http.StatusOK, html)
	}
}

// asset serves what the pages load. Names carry a hash of the contents, so they can be
// kept for good.
func (s *Server) asset(c echo.Context) error {
	name := path.Clean("/" + c.Param("*"))
	if _, err := fs.Stat(dist, "ui/dist/assets"+name); err != nil || name == "/" {
		return api.ErrNotFound
	}
	h := c.Response().Header()
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	http.ServeFileFS(c.Response(), c.Request(), dist, "ui/dist/assets"+name)
	return nil
}

// home redirects a visitor of the domain to the player's page.
func (s *Server) home(c echo.Context) error { return c.Redirect(http.StatusFound, "/play") }
