package web

import (
	"net/http"
	"strings"
)

// maxHops is how many elements a Forwarded header may have.
const maxHops = 32

// Why a host that a proxy names is not believed.
const (
	strangeHost = "a peer that is no trusted proxy says which host was asked, and is not believed: if it is yours, set --trusted-proxy"
	vagueHost   = "a trusted proxy does not say which one host was asked, and is not believed: let it set the header anew instead of adding to what clients send"
)

// forwardedHost returns the host that a trusted proxy says its client asked, or "" if Host counts.
func (r *routing) forwardedHost(req *http.Request) string {
	if r.ForwardedHost == "" {
		return ""
	}
	said := req.Header.Values(r.ForwardedHost)
	if len(said) == 0 {
		return ""
	}
	peer, ok := hop(req.RemoteAddr)
	if !ok || !trusts(r.proxies, peer) {
		r.strange(strangeHost, peer.String())
		return ""
	}
	// A list does not say who wrote which of it.
	host, ok := strings.TrimSpace(said[0]), len(said) == 1 && !strings.Contains(said[0], ",")
	if r.ForwardedHost == Forwarded {
		host, ok = r.hostOf(strings.Join(said, ","))
	}
	if !ok {
		r.strange(vagueHost, peer.String())
		return ""
	}
	return host
}

// hostOf returns the host in a Forwarded header that a trusted proxy sent. The last element is that proxy's own; one before it
// counts if who asked the proxy behind is a trusted one too. It returns false for a header that cannot be read.
func (r *routing) hostOf(header string) (host string, ok bool) {
	elements, ok := parseForwarded(header)
	if !ok {
		return "", false
	}
	for i := len(elements) - 1; i >= 0; i-- {
		if h := elements[i]["host"]; h != "" {
			host = h
		}
		if from, ok := hop(elements[i]["for"]); !ok || !trusts(r.proxies, from) {
			break
		}
	}
	return host, true
}

// parseForwarded returns the elements of a Forwarded header (RFC 7239 §4) by their parameters, which are named in lower case, and
// false if it is none or is too long: a parameter that comes twice in an element could mean either.
func parseForwarded(header string) (elements []map[string]string, ok bool) {
	element, rest := map[string]string{}, header
	for {
		name, after, found := strings.Cut(strings.TrimLeft(rest, " \t"), "=")
		value, after, isValue := cutValue(after)
		name = strings.ToLower(name)
		if _, twice := element[name]; !found || !isValue || twice || !isToken(name) {
			return nil, false
		}
		element[name] = value
		after = strings.TrimLeft(after, " \t")
		if after == "" {
			return append(elements, element), true
		}
		if after[0] == ',' && len(elements) < maxHops {
			elements, element = append(elements, element), map[string]string{}
		} else if after[0] != ';' {
			return nil, false
		}
		rest = after[1:]
	}
}

// cutValue returns a token or a quoted string at the start of a text, without quotes, and the text after it.
func cutValue(text string) (value, after string, ok bool) {
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexAny(text, " \t,;")
		if end < 0 {
			end = len(text)
		}
		return text[:end], text[end:], isToken(text[:end])
	}
	var unquoted strings.Builder
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '"':
			return unquoted.String(), text[i+1:], true
		case '\\':
			if i++; i == len(text) {
				return "", "", false
			}
		}
		unquoted.WriteByte(text[i])
	}
	return "", "", false
}

// isToken reports whether a text is a token (RFC 9110 §5.6.2), or an address or a host with its port, which many proxies leave unquoted.
func isToken(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune(`"(),/;<=>?@\{}`, r)
	})
}
