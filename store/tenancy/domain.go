package tenancy

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// maxDomain and maxLabel bound a domain name and each of its parts, in bytes (RFC 1035 §2.3.4).
const (
	maxDomain = 253
	maxLabel  = 63
)

// NormalizeHost returns the form in which a request's Host is looked up: without port and trailing
// dot, in lower case, international names in their ASCII form. It returns ErrDomain.
func NormalizeHost(host string) (string, error) {
	name := host
	if strings.Contains(name, ":") {
		h, _, err := net.SplitHostPort(name)
		if err != nil {
			return "", fmt.Errorf("%w: %q", ErrDomain, host)
		}
		name = h
	}
	name = strings.TrimSuffix(name, ".")
	ascii, err := idna.Lookup.ToASCII(name)
	if err != nil || ascii == "" || len(ascii) > maxDomain {
		return "", fmt.Errorf("%w: %q", ErrDomain, host)
	}
	for _, label := range strings.Split(ascii, ".") {
		if label == "" || len(label) > maxLabel {
			return "", fmt.Errorf("%w: %q", ErrDomain, host)
		}
	}
	return ascii, nil
}

// ParseDomain returns the form in which a tenant's domain is kept, which is that of NormalizeHost.
// It accepts nothing but the name of a host, and returns an ErrDomain that says what is wrong.
func ParseDomain(domain string) (string, error) {
	if why := notAHost(domain); why != "" {
		return "", fmt.Errorf("%w: %q: %s", ErrDomain, domain, why)
	}
	name := strings.TrimSuffix(domain, ".")
	ascii, err := idna.Lookup.ToASCII(name)
	if err != nil {
		return "", fmt.Errorf("%w: %q: a name has letters, digits and hyphens, and no hyphen at an end (%w)", ErrDomain, domain, err)
	}
	if len(ascii) > maxDomain {
		return "", fmt.Errorf("%w: %.40q…: it has %d bytes, and a name has at most %d", ErrDomain, domain, len(ascii), maxDomain)
	}
	labels := strings.Split(ascii, ".")
	for _, label := range labels {
		switch {
		case label == "":
			return "", fmt.Errorf("%w: %q: there is nothing between two dots", ErrDomain, domain)
		case len(label) > maxLabel:
			return "", fmt.Errorf("%w: %.40q…: a part has %d bytes, and may have %d", ErrDomain, domain, len(label), maxLabel)
		}
	}
	if isNumber(labels[len(labels)-1]) {
		return "", fmt.Errorf("%w: %q: browsers take it for an address, since its last part is a number", ErrDomain, domain)
	}
	return ascii, nil
}

// notAHost returns why a text cannot name a host; "" if it can.
func notAHost(text string) string {
	_, err := netip.ParseAddr(strings.Trim(text, "[]"))
	switch {
	case text == "" || text == ".":
		return "it is empty"
	case err == nil:
		return "it is an address: a casino is found by name"
	case strings.Contains(text, "://"):
		return "it is a URL: give the host alone" + hostOf(text)
	case strings.ContainsAny(text, "/\\?#@"):
		return "it has a path or more: give the host alone"
	case strings.Contains(text, ":"):
		return "it has a port: a domain is served on whatever port a node listens"
	case strings.Contains(text, "*"):
		return "there are no wildcards: name each domain"
	case strings.Contains(text, "_"):
		return "a host's name has no underscore"
	case strings.ContainsRune(text, utf8.RuneError): // also of what is no UTF-8
		return "it has letters that cannot be read"
	case strings.ContainsFunc(text, unicode.IsSpace):
		return "it has a space in it"
	}
	return ""
}

// hostOf returns the host of a URL as the end of a sentence.
func hostOf(text string) string {
	if u, err := url.Parse(text); err == nil && u.Hostname() != "" {
		return ", as " + u.Hostname()
	}
	return ""
}

// isNumber reports whether a host that ends with label is an IPv4 address to browsers (WHATWG URL
// §3.5).
func isNumber(label string) bool {
	if _, err := strconv.ParseUint(label, 10, 64); err == nil {
		return true
	}
	hex, ok := strings.CutPrefix(label, "0x")
	if !ok {
		return false
	}
	_, err := strconv.ParseUint(hex, 16, 64)
	return hex == "" || err == nil
}

// checkAncestor returns ErrTenant unless origin is one that may stand in a frame-ancestors policy:
// a scheme, a host whose first part may be "*", and perhaps a port.
func checkAncestor(origin string) error {
	wrong := func(why string) error {
		return fmt.Errorf("%w: a frame ancestor is an origin as https://casino.example, not %q: %s", ErrTenant, origin, why)
	}
	scheme, rest, _ := strings.Cut(origin, "://")
	if scheme != "https" && scheme != "http" {
		return wrong("it starts with https:// or http://")
	}
	host, port, hasPort := strings.Cut(rest, ":")
	if n, err := strconv.ParseUint(port, 10, 16); hasPort && (err != nil || n == 0) {
		return wrong("its port is no number from 1 to 65535")
	}
	name, err := ParseDomain(strings.TrimPrefix(host, "*."))
	if err != nil {
		return wrong(err.Error())
	}
	if name != strings.TrimPrefix(host, "*.") {
		return wrong("its host is written " + name)
	}
	return nil
}
