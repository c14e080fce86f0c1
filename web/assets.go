package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// dist holds the pages as "make web" built them from the sources in web/ui, each text also compressed
// where that is smaller. CI checks that it matches them.
//
//go:embed all:ui/dist
var dist embed.FS

// policy is the Content-Security-Policy of every page, less its frame-ancestors: no
// inline script or style, nothing from elsewhere.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
	"base-uri 'self'; form-action 'self'; frame-ancestors "

// Pages: the first two, for players and for whoever recomputes a round, have the tenant's look.
const (
	playersPage = "play.html"
	verifyPage  = "verify.html"
	consolePage = "console.html"
	// platformPage is served at the platform's host alone.
	platformPage = "platform.html"
)

// Cache-Control of what browsers may keep for good, and of what they have to ask for again.
const (
	keptForGood = "public, max-age=31536000, immutable"
	askedAnew   = "no-cache"
)

// file is something that browsers load, in all the forms that there are of it.
type file struct {
	contentType string
	plain       form
	compressed  []form // the smallest first
}

// form is a file under one content coding.
type form struct {
	coding string // of Content-Encoding; identity for the file itself
	hash   string // of the body
	body   []byte
}

func newForm(coding string, body []byte) form {
	sum := sha256.Sum256(body)
	return form{coding, base64.RawURLEncoding.EncodeToString(sum[:15]), body}
}

// codings are the content codings of the files in dist by their endings, the smallest first.
var codings = []struct{ ending, coding string }{{".br", "br"}, {".gz", "gzip"}}

// contentTypes are those of the files in dist. They do not depend on what the system knows of types.
var contentTypes = map[string]string{
	".css":   "text/css; charset=utf-8",
	".html":  "text/html; charset=utf-8",
	".js":    "text/javascript; charset=utf-8",
	".json":  "application/json",
	".png":   "image/png",
	".svg":   "image/svg+xml",
	".webp":  "image/webp",
	".woff2": "font/woff2",
}

// builtFiles returns the files of dist by their paths in it.
var builtFiles = sync.OnceValue(func() map[string]*file {
	out := map[string]*file{}
	root, err := fs.Sub(dist, "ui/dist")
	if err == nil {
		err = fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
			contentType, ok := contentTypes[path.Ext(name)]
			if err != nil || d.IsDir() || !ok { // a compressed form has no type of its own
				return err
			}
			f := &file{contentType: contentType}
			body, err := fs.ReadFile(root, name)
			if err != nil {
				return err
			}
			f.plain = newForm(identity, body)
			for _, c := range codings {
				if body, err := fs.ReadFile(root, name+c.ending); err == nil {
					f.compressed = append(f.compressed, newForm(c.coding, body))
				}
			}
			out[name] = f
			return nil
		})
	}
	if err != nil {
		panic(err) // what is embedded can be read
	}
	return out
})

// serve answers with the form of a file that the request asks for. A client that has it already is
// told so, and a part of it may be asked for.
func (f *file) serve(c echo.Context) error {
	h, r := c.Response().Header(), c.Request()
	chosen := f.choose(r.Header.Values(echo.HeaderAcceptEncoding))
	h.Set(echo.HeaderContentType, f.contentType)
	h.Set("ETag", `"`+chosen.hash+`"`)
	if len(f.compressed) > 0 {
		h.Add(echo.HeaderVary, echo.HeaderAcceptEncoding)
	}
	if chosen.coding != identity {
		h.Set(echo.HeaderContentEncoding, chosen.coding)
		if r.Header.Get("If-Match") == "" { // which may be answered without a body; ServeContent leaves the length out
			h.Set(echo.HeaderContentLength, strconv.Itoa(len(chosen.body)))
		}
	}
	http.ServeContent(c.Response(), r, "", time.Time{}, bytes.NewReader(chosen.body))
	return nil
}

// choose returns the form of a file for the values of Accept-Encoding.
func (f *file) choose(accept []string) form {
	if len(f.compressed) == 0 {
		return f.plain
	}
	chosen := f.plain
	weights := parseAcceptEncoding(accept)
	best := weights.of(identity)
	for i := len(f.compressed) - 1; i >= 0; i-- { // of those that are as welcome, the smallest
		if w := weights.of(f.compressed[i].coding); w > 0 && w >= best {
			chosen, best = f.compressed[i], w
		}
	}
	return chosen
}

// page returns a handler that serves one of the built pages under the tenant's policy, with the tenant's look if
// it has that.
func (s *Server) page(name string) echo.HandlerFunc {
	return func(c echo.Context) error {
		f, ok := builtFiles()[name]
		if !ok {
			return api.ErrNotFound
		}
		ancestors := "'none'"
		if list := api.TenantOf(c).FrameAncestors; len(list) > 0 {
			ancestors = strings.Join(list, " ")
		}
		h := c.Response().Header()
		// Not every browser takes 'self' to mean the socket too.
		connect := "; connect-src 'self'"
		if host, err := tenancy.NormalizeHost(c.Request().Host); err == nil { // letters, digits, hyphens and dots
			connect += " ws://" + host + ":* wss://" + host + ":*"
		}
		h.Set("Content-Security-Policy", policy+ancestors+connect)
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", askedAnew)
		if name == playersPage || name == verifyPage {
			f = branded(f, api.TenantOf(c))
		}
		f = based(f, c.Path())
		if now := s.tenants.Now(); name == playersPage && api.TenantOf(c).Status(now) == tenancy.Maintenance {
			tellMaintenance(c, api.TenantOf(c), now)
			h.Set("Cache-Control", "no-store")
			body, err := inMaintenance(c, f, api.TenantOf(c))
			if err != nil {
				return err
			}
			return c.Blob(api.ErrMaintenance.Status, f.contentType, body)
		}
		return f.serve(c)
	}
}

// baseElement is where a page says what its addresses are relative to.
var baseElement = []byte(`<base href="./" />`)

// based returns a page as it is served under the path of a route. All that it loads is relative to where /play is, also once
// the page has gone to another of its addresses.
func based(page *file, route string) *file {
	up := strings.Repeat("../", strings.Count(route, "/")-1)
	if up == "" {
		return page
	}
	body := bytes.Replace(page.plain.body, baseElement, []byte(`<base href="`+up+`" />`), 1)
	deep := &file{contentType: page.contentType, plain: newForm(identity, body)}
	if len(page.compressed) > 0 {
		deep.compressed = []form{newForm("gzip", packed(body))}
	}
	return deep
}

// packed returns what gzip makes of a text.
func packed(text []byte) []byte {
	var out bytes.Buffer
	w := packers.Get().(*gzip.Writer)
	defer packers.Put(w)
	w.Reset(&out)
	_, _ = w.Write(text) // into memory
	_ = w.Close()
	return out.Bytes()
}

// packers holds *gzip.Writer, which are large.
var packers = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

// asset serves what the pages load. Names carry a hash of the contents, so they can be
// kept for good.
func (s *Server) asset(c echo.Context) error {
	f, ok := builtFiles()["assets"+path.Clean("/"+c.Param("*"))]
	if !ok {
		return api.ErrNotFound
	}
	c.Response().Header().Set("Cache-Control", keptForGood)
	return f.serve(c)
}

// home redirects a visitor of the domain to the player's page, and one of a folder whose name has no slash behind it to that
// which has, since pages are relative to it.
func (s *Server) home(c echo.Context) error {
	to := prefixOf(c) + "/play"
	if f, _ := folderOf(c); f.bare {
		to = prefixOf(c) + "/"
	}
	return c.Redirect(http.StatusFound, to)
}
