package web

import (
	"bytes"
	"context"
	"errors"
	"html"
	"regexp"
	"sync"

	"github.com/labstack/echo/v4"
	"golang.org/x/sync/singleflight"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// logosKept is how many logos are kept in memory, of tenancy.LogoBytesMax at most.
const logosKept = 256

// logos holds logos that were read, which strangers ask for.
type logos struct {
	reading singleflight.Group

	mu   sync.Mutex // guards what follows
	kept map[tenant.ID]logo
}

// logo is an image as it is served.
type logo struct {
	file *file
	hash string
}

// Elements of a page that a brand replaces, and the place for its stylesheet, which is behind the others.
var (
	titleElement = regexp.MustCompile(`<title>[^<]*</title>`)
	iconElement  = regexp.MustCompile(`<link rel="icon"[^>]*>`)
	headEnd      = []byte("</head>")
)

// branded returns a page in the look of a tenant: its name as the title, its logo as the icon, and its
// stylesheet. What it loads is relative to the page. A tenant without a brand has the page as it is.
func branded(page *file, t *tenancy.Tenant) *file {
	if t.Brand.IsZero() {
		return page
	}
	body := titleElement.ReplaceAllLiteral(page.plain.body, []byte("<title>"+html.EscapeString(t.DisplayName())+"</title>"))
	if l := t.Brand.Logo; l != nil {
		body = iconElement.ReplaceAllLiteral(body, []byte(`<link rel="icon" href="brand/logo?v=`+l.Hash+`" type="`+l.Type+`" />`))
	}
	style := `<link rel="stylesheet" href="brand.css?v=` + stylesheet(t).plain.hash + `">` + "\n  "
	body = bytes.Replace(body, headEnd, append([]byte(style), headEnd...), 1)
	return &file{contentType: page.contentType, plain: newForm(identity, body)}
}

// stylesheet returns the stylesheet of a tenant's brand.
func stylesheet(t *tenancy.Tenant) *file {
	return &file{contentType: contentTypes[".css"], plain: newForm(identity, []byte(t.Brand.Style.CSS()))}
}

// brandStylesheet answers with the stylesheet of the tenant's brand, which overrides nothing if there is none.
func (s *Server) brandStylesheet(c echo.Context) error {
	f := stylesheet(api.TenantOf(c))
	keep(c, f.plain.hash)
	return f.serve(c)
}

// brandLogo answers with the tenant's logo.
func (s *Server) brandLogo(c echo.Context) error {
	t := api.TenantOf(c)
	if t.Brand.Logo == nil {
		return api.ErrNotFound
	}
	l, err := s.logo(t)
	if err != nil {
		return err
	}
	keep(c, l.hash)
	c.Response().Header().Set("Content-Security-Policy", "default-src 'none'; sandbox") // should a browser be sent to it
	return l.file.serve(c)
}

// keep lets a client keep an answer for good if it asked for just this one by its hash, else until it
// asks again.
func keep(c echo.Context, hash string) {
	kept := askedAnew
	if c.QueryParam("v") == hash {
		kept = keptForGood
	}
	c.Response().Header().Set("Cache-Control", kept)
}

// logo returns the logo of a tenant that has one. It is read once, as long as it is remembered and stays
// the same: strangers must not keep players' bets from the database.
func (s *Server) logo(t *tenancy.Tenant) (logo, error) {
	want := t.Brand.Logo.Hash
	s.logos.mu.Lock()
	l, ok := s.logos.kept[t.ID]
	s.logos.mu.Unlock()
	if ok && l.hash == want {
		return l, nil
	}
	read, err, _ := s.logos.reading.Do(t.ID.String(), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.Background(), api.Patience)
		defer cancel()
		image, stored, err := s.store.Brands.Logo(ctx, t.ID)
		if errors.Is(err, tenancy.ErrNoLogo) {
			return nil, api.ErrNotFound
		}
		if err != nil {
			return nil, err
		}
		l := logo{&file{contentType: stored.Type, plain: newForm(identity, image)}, stored.Hash}
		s.logos.keep(t.ID, l)
		return l, nil
	})
	if err != nil {
		return logo{}, err
	}
	return read.(logo), nil
}

// keep remembers a tenant's logo, in the place of any other if there are too many.
func (s *logos) keep(id tenant.ID, l logo) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept[id] = l
	for other := range s.kept {
		if len(s.kept) <= logosKept {
			return
		}
		if other != id {
			delete(s.kept, other)
		}
	}
}
