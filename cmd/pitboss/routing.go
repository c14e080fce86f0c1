package main

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web"
)

// routing holds the flags about where casinos are served beside their own domains.
type routing struct {
	SubfolderHost string          `help:"A host, or an address, at which every casino is served under /t/<slug>/ too, for casinos without a domain. They share an origin there, which is a weaker wall between them (docs/security.md). Empty for none." env:"PITBOSS_SUBFOLDER_HOST" placeholder:"HOST"`
	UnknownHost   web.UnknownHost `help:"What is served at a host that no casino has: refuse (404), page (a page that names no casino), or tenant:<slug> (that casino)." default:"refuse" env:"PITBOSS_UNKNOWN_HOST" placeholder:"refuse|page|tenant:SLUG"`
}

// Validate implements kong's check.
func (r routing) Validate() error {
	if _, err := r.host(); err != nil {
		return fmt.Errorf("--subfolder-host: %w", err)
	}
	return nil
}

// host returns the host of sub-folders as web compares it; "" is none.
func (r routing) host() (string, error) {
	if r.SubfolderHost == "" {
		return "", nil
	}
	if _, err := netip.ParseAddr(strings.Trim(r.SubfolderHost, "[]")); err == nil {
		return web.ParseHost(r.SubfolderHost)
	}
	return tenancy.ParseDomain(r.SubfolderHost)
}

// options returns the flags, which are valid, as web has them.
func (r routing) options() web.Routing {
	host, _ := r.host()
	return web.Routing{SubfolderHost: host, UnknownHost: r.UnknownHost}
}

// forwardedHosts are the headers that --forwarded-host names.
var forwardedHosts = map[string]string{"off": "", "x-forwarded-host": web.XForwardedHost, "forwarded": web.Forwarded}
