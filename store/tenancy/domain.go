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
	"golang.org/x/net/publicsuffix"
)

const (
	// maxDomain and maxLabel bound a domain name and each of its parts, in bytes (RFC 1035 §2.3.4).
	maxDomain = 253
	maxLabel  = 63
	// maxHost bounds a Host that is looked at, in bytes: a name in its international form, of four bytes a
	// letter, and a port.
	maxHost = 4*maxDomain + len(":65535")
	// wildcard is how a domain begins that is every name of one more part (RFC 9525 §6.3).
	wildcard = "*."
)

// NormalizeHost returns the form in which a request's Host is looked up: without port and trailing
// dot, in lower case, international names in their ASCII form. It returns ErrDomain.
func NormalizeHost(host string) (string, error) {
	name := host
	if len(name) > maxHost {
		return "", fmt.Errorf("%w: %.40q…: it has %d bytes", ErrDomain, host, len(host))
	}
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

// parseServed returns the form in which a domain is kept that is a name or a wildcard: "*." and the name
// above. A public suffix has no wildcard, since the names below it are not one owner's.
func parseServed(domain string) (string, error) {
	above, ok := strings.CutPrefix(domain, wildcard)
	if !ok {
		return ParseDomain(domain)
	}
	name, err := ParseDomain(above)
	if err != nil {
		return "", err
	}
	if suffix, _ := publicsuffix.PublicSuffix(name); suffix == name {
		return "", fmt.Errorf("%w: %q: names below %s are not one owner's: a wildcard is of a name like *.casino.%s", ErrDomain, domain, name, name)
	}
	if len(wildcard)+len(name) > maxDomain {
		return "", fmt.Errorf("%w: %.40q…: no name below it would be short enough", ErrDomain, domain)
	}
	return wildcard + name, nil
}

// isWildcard reports whether a domain as it is kept is a wildcard.
func isWildcard(domain string) bool { return strings.HasPrefix(domain, wildcard) }

// isNormal reports whether a name is certainly in the form of NormalizeHost, if it is a name at all. What browsers
// send nearly always is; international names never count.
func isNormal(name string) bool {
	if name == "" || len(name) > maxDomain || name[len(name)-1] == '.' {
		return false
	}
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '.':
		case c == '-' && i > 0 && name[i-1] != '-': // two may be the beginning of an international name
		default:
			return false
		}
	}
	return true
}

// isLabel reports whether a part of a name without uncommon letters can stand where a wildcard has its star.
func isLabel(part string) bool {
	return part != "" && len(part) <= maxLabel && part[0] != '-' && part[len(part)-1] != '-'
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
		return "a wildcard is *. before a name, and is added to a casino that has a domain already: pitboss domain add"
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
