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
	PlatformHost  string          `help:"The host at which nodes serve the platform's own API, for its API keys. Empty for none; 'pitboss dev' has platform.localhost." env:"PITBOSS_PLATFORM_HOST" placeholder:"HOST"`
	UnknownHost   web.UnknownHost `help:"What is served at a host that no casino has: refuse (404), page (a page that names no casino), or tenant:<slug> (that casino)." default:"refuse" env:"PITBOSS_UNKNOWN_HOST" placeholder:"refuse|page|tenant:SLUG"`
}

// Validate implements kong's check.
func (r routing) Validate() error {
	sub, err := hostFlag(r.SubfolderHost)
	if err != nil {
		return fmt.Errorf("--subfolder-host: %w", err)
	}
	platform, err := hostFlag(r.PlatformHost)
	if err != nil {
		return fmt.Errorf("--platform-host: %w", err)
	}
	if platform != "" && platform == sub {
		return fmt.Errorf("--platform-host and --subfolder-host are both %s: name two hosts", platform)
	}
	return nil
}

// hostFlag returns a host as web compares it; "" is none.
func hostFlag(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	if _, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return web.ParseHost(text)
	}
	return tenancy.ParseDomain(text)
}

// options returns the flags, which are valid, as web has them.
func (r routing) options() web.Routing {
	sub, _ := hostFlag(r.SubfolderHost)
	platform, _ := hostFlag(r.PlatformHost)
	return web.Routing{SubfolderHost: sub, PlatformHost: platform, UnknownHost: r.UnknownHost}
}

// forwardedHosts are the headers that --forwarded-host names.
var forwardedHosts = map[string]string{"off": "", "x-forwarded-host": web.XForwardedHost, "forwarded": web.Forwarded}
