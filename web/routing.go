package web

import (
	_ "embed"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// Routing says where casinos are served beside their own domains. The zero value is nowhere else.
type Routing struct {
	// SubfolderHost is the host, in the form of ParseHost, at which every casino is served below /t/<slug>/, and
	// nothing else is. Casinos share an origin there (docs/security.md). "" is none.
	SubfolderHost string
	// PlatformHost is the host, in the form of ParseHost, at which the platform's own API is served, and nothing else. "" is
	// none.
	PlatformHost string
	// UnknownHost says what is served at a host that no casino has.
	UnknownHost UnknownHost
	// ForwardedHost is the header by which trusted proxies say which host a client asked, in the place of Host:
	// XForwardedHost or Forwarded (RFC 7239). "" is none.
	ForwardedHost string
}

// The headers by which proxies say which host a client asked.
const (
	XForwardedHost = "X-Forwarded-Host"
	Forwarded      = "Forwarded"
)

// UnknownHost says what is served at a host that no casino has: a casino, a page that names none, or, as the zero
// value, nothing.
type UnknownHost struct {
	Tenant tenant.Slug
	Page   bool
}

// UnmarshalText implements encoding.TextUnmarshaler, for "refuse", "page" and "tenant:<slug>".
func (u *UnknownHost) UnmarshalText(text []byte) error {
	*u = UnknownHost{}
	slug, isTenant := strings.CutPrefix(string(text), "tenant:")
	switch {
	case isTenant:
		var err error
		u.Tenant, err = tenant.ParseSlug(slug)
		return err
	case string(text) == "page":
		u.Page = true
	case string(text) != "refuse":
		return fmt.Errorf("want refuse, page or tenant:<slug>, not %q", text)
	}
	return nil
}

// ParseHost returns the form in which hosts are compared: that of tenancy.NormalizeHost, or an address without port and
// brackets. It returns tenancy.ErrDomain.
func ParseHost(host string) (string, error) {
	name, err := tenancy.NormalizeHost(host)
	if err == nil {
		return name, nil
	}
	bare := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		bare = h
	}
	a, wrong := netip.ParseAddr(strings.Trim(bare, "[]"))
	if wrong != nil || a.Zone() != "" {
		return "", err
	}
	return a.Unmap().String(), nil
}

// ownHosts returns the hosts at which no casino is served at its domain.
func (r Routing) ownHosts() (out tenancy.OwnHosts) {
	for _, host := range []string{r.PlatformHost, r.SubfolderHost} {
		if host != "" {
			out = append(out, host)
		}
	}
	return out
}

// routing finds the casino of a request and of a socket.
type routing struct {
	Routing
	tenants *tenancy.Directory
	proxies []netip.Prefix
	// strange is called for a peer that is not trusted and names a host, and for one that is and names several.
	strange func(message, peer string)
}

// folder is where a request at the host of sub-folders goes: to a casino, or to none.
type folder struct {
	slug tenant.Slug
	bare bool // without the slash behind the slug
}

const keyFolder = "folder"

// folderOf returns the folder of a request at the host of sub-folders, and false for one at another host.
func folderOf(c echo.Context) (folder, bool) {
	f, ok := c.Get(keyFolder).(folder)
	return f, ok
}

// prefixOf returns what the addresses of a request's casino begin with on their host.
func prefixOf(c echo.Context) string {
	if f, ok := folderOf(c); ok {
		return "/t/" + string(f.slug)
	}
	return ""
}

// enter is middleware before the router: it sets the Host that a client asked, and takes the folder of a casino off the
// path, so that all routes are the same there.
func (r *routing) enter(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		req := c.Request()
		if host := r.forwardedHost(req); host != "" {
			req.Host = host
		}
		if r.SubfolderHost == "" {
			return next(c)
		}
		if host, err := ParseHost(req.Host); err != nil || host != r.SubfolderHost {
			return next(c)
		}
		c.Set(keyFolder, takeFolder(req.URL))
		return next(c)
	}
}

// isPlatform reports whether a request is for the platform's own API, by the Host that a client asked.
func (r *routing) isPlatform(req *http.Request) bool {
	if r.PlatformHost == "" {
		return false
	}
	asked := req.Host
	if host := r.forwardedHost(req); host != "" {
		asked = host
	}
	host, err := ParseHost(asked)
	return err == nil && host == r.PlatformHost
}

// takeFolder takes the folder of a casino off a path, if it begins with one. A folder is written without escapes.
func takeFolder(u *url.URL) folder {
	rest, ok := strings.CutPrefix(u.EscapedPath(), "/t/")
	name, _, slash := strings.Cut(rest, "/")
	slug, err := tenant.ParseSlug(name)
	if !ok || err != nil {
		return folder{}
	}
	under := "/t/" + name
	u.Path, u.RawPath = strings.TrimPrefix(u.Path, under), strings.TrimPrefix(u.RawPath, under)
	if !slash {
		u.Path = "/"
	}
	return folder{slug: slug, bare: !slash}
}

// tenant returns the casino of a request.
func (r *routing) tenant(c echo.Context) (*tenancy.Tenant, bool) {
	if f, ok := folderOf(c); ok {
		return r.named(f.slug)
	}
	if t, ok := r.tenants.Lookup(c.Request().Host); ok {
		return t, true
	}
	return r.named(r.UnknownHost.Tenant)
}

// named returns the casino of a slug, which is "" for none.
func (r *routing) named(slug tenant.Slug) (*tenancy.Tenant, bool) {
	if slug == "" {
		return nil, false
	}
	if t, ok := r.tenants.BySlug(slug); ok {
		return t, true
	}
	return r.tenants.ByFormerSlug(slug) // pages that are open, and links, have it for a while
}

// cameBy returns the hosts by which a socket comes to a casino: that of the request, and that of the page which opens it, ""
// for programs. It returns api.ErrOrigin for a page from elsewhere (RFC 6455 §10.2).
func (r *routing) cameBy(c echo.Context) (host, origin string, err error) {
	t, req := api.TenantOf(c), c.Request()
	host = shared(t, req.Host)
	if page := req.Header.Get(echo.HeaderOrigin); page != "" {
		u, err := url.Parse(page)
		if err != nil || u.Host == "" {
			return "", "", api.ErrOrigin
		}
		if origin = shared(t, u.Host); origin == "" {
			return "", "", api.ErrOrigin
		}
	}
	if !r.admits(hub.Identity{Tenant: t.ID, Host: host, Origin: origin}) {
		return "", "", api.ErrOrigin
	}
	return host, origin, nil
}

// shared returns a host as it is compared, "" if it is none: the tenant's text, if that is a domain of the tenant, since there
// are many sockets of each.
func shared(t *tenancy.Tenant, host string) string {
	name, err := ParseHost(host)
	if err != nil {
		return ""
	}
	if i := slices.Index(t.Domains, name); i >= 0 {
		return t.Domains[i]
	}
	return strings.Clone(name) // not the whole header
}

// admits reports whether a socket may be at its casino by the hosts by which it came. A page may connect from each of a
// casino's domains to each; where others are served too, from the same host alone.
func (r *routing) admits(id hub.Identity) bool {
	same := id.Origin == "" || id.Origin == id.Host
	if r.SubfolderHost != "" && id.Host == r.SubfolderHost {
		return same
	}
	if t, ok := r.tenants.Lookup(id.Host); ok {
		return t.ID == id.Tenant && (id.Origin == "" || r.isDomainOf(t, id.Origin))
	}
	t, ok := r.named(r.UnknownHost.Tenant)
	return ok && t.ID == id.Tenant && same
}

// isDomainOf reports whether a tenant is served at a host as at its own.
func (r *routing) isDomainOf(t *tenancy.Tenant, host string) bool {
	if host == r.SubfolderHost {
		return false
	}
	from, ok := r.tenants.Lookup(host)
	return ok && from.ID == t.ID
}

//go:embed unknown.html
var unknownPage []byte

// unknown answers a request for a host that no casino has.
func (r *routing) unknown(c echo.Context) error {
	req := c.Request()
	reads := req.Method == http.MethodGet || req.Method == http.MethodHead
	if !r.UnknownHost.Page || !reads || !strings.Contains(req.Header.Get(echo.HeaderAccept), echo.MIMETextHTML) {
		return api.ErrUnknownHost
	}
	h := c.Response().Header()
	h.Set("Content-Security-Policy", policy+"'none'")
	h.Set("Referrer-Policy", "no-referrer")
	return c.HTMLBlob(http.StatusNotFound, unknownPage)
}
