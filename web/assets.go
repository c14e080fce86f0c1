package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

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

// page returns a handler that serves one of the built pages under the tenant's policy. A browser that has it already is told so.
func (s *Server) page(name string) echo.HandlerFunc {
	html, err := unpacked("ui/dist/" + name + ".gz")
	if err != nil {
		panic(err) // it is part of the program
	}
	tag := etag(html, "")
	return func(c echo.Context) error {
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
		h.Set("ETag", tag)
		http.ServeContent(c.Response(), c.Request(), name, time.Time{}, bytes.NewReader(html))
		return nil
	}
}

// codings are the forms in which a file is kept that can be compressed, the smallest first: by what its name ends in, and as HTTP calls
// them.
var codings = []struct{ ends, name string }{{".br", "br"}, {".gz", "gzip"}}

// asset serves what the pages load, in the smallest form that the browser takes. Names carry a hash of the contents, so they can be
// kept for good.
func (s *Server) asset(c echo.Context) error {
	name := path.Clean("/" + c.Param("*"))
	for _, k := range codings {
		if path.Ext(name) == k.ends { // not a file of its own
			return api.ErrNotFound
		}
	}
	body, coding, err := form("ui/dist/assets"+name, c.Request().Header.Get("Accept-Encoding"))
	if err != nil {
		return api.ErrNotFound
	}
	h := c.Response().Header()
	if coding != "" {
		h.Set("Content-Encoding", coding)
	}
	h.Set("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("ETag", etag(body, coding))
	http.ServeContent(c.Response(), c.Request(), name, time.Time{}, bytes.NewReader(body))
	return nil
}

// form returns a file of dist in the smallest of its forms that an Accept-Encoding names, and which that is; "" is the file itself.
func form(file, accepted string) (body []byte, coding string, err error) {
	if body, err = dist.ReadFile(file); err == nil { // it is as small as it gets
		return body, "", nil
	}
	for _, k := range codings {
		if accepts(accepted, k.name) {
			body, err = dist.ReadFile(file + k.ends)
			return body, k.name, err
		}
	}
	body, err = unpacked(file + ".gz")
	return body, "", err
}

// unpacked returns what a file that is kept as gzip holds.
func unpacked(file string) ([]byte, error) {
	packed, err := dist.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = packed.Close() }()
	r, err := gzip.NewReader(packed)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// etag returns the strong entity tag of a representation (RFC 9110, section 8.8.3): another form of the same file has another.
func etag(body []byte, coding string) string {
	sum := sha256.Sum256(body)
	return `"` + hex.EncodeToString(sum[:12]) + coding + `"`
}

// accepts reports whether an Accept-Encoding names a content coding, or all that are not named, with a weight that is not zero (RFC 9110,
// section 12.5.3).
func accepts(header, coding string) bool {
	others := false
	for item := range strings.SplitSeq(strings.ToLower(header), ",") {
		name, weight, weighted := strings.Cut(item, ";")
		q := 1.0
		if weighted {
			q = 0
			if value, ok := strings.CutPrefix(strings.TrimSpace(weight), "q="); ok {
				q, _ = strconv.ParseFloat(value, 64)
			}
		}
		switch strings.TrimSpace(name) {
		case coding:
			return q > 0
		case "*":
			others = q > 0
		}
	}
	return others
}

// home redirects a visitor of the domain to the player's page.
func (s *Server) home(c echo.Context) error { return c.Redirect(http.StatusFound, "/play") }
