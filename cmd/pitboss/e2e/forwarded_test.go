package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"go.yaml.in/yaml/v3"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/wire"
)

// comesFrom returns a client with an address of its own on the loopback.
func comesFrom(t *testing.T, ip string) *http.Client {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(ip)}}
	transport := &http.Transport{DialContext: d.DialContext}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// frontTo starts our own proxy before a node and returns its address.
func frontTo(t *testing.T, node string) string {
	t.Helper()
	address := freePort(t)
	startProxy(t, address, node)
	eventually(t, "the node is ready", func() bool { return ready(address) })
	return address
}

// appendingTo starts a proxy that appends its peer's address to X-Forwarded-For, and connects from an
// address of its own.
func appendingTo(t *testing.T, next, from string) string {
	t.Helper()
	server := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", next, r.In.Host
			r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
			r.SetXForwarded()
		},
		Transport: comesFrom(t, from).Transport, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	})
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func TestBehindProxiesTheAuditLogAndConnectionsNameTheClientWhateverItForges(t *testing.T) {
	f := newCasino(t)
	f.startNode("--trusted-proxy", "127.0.0.1/32,127.0.7.0/24")
	operator := f.mint("olivia", auth.Operator)
	for name, c := range map[string]struct {
		at, from, forged, want string
	}{
		"straight":                        {f.address, "127.0.0.9", "", "127.0.0.9"},
		"straight, forged":                {f.address, "127.0.0.10", "6.6.6.6", "127.0.0.10"},
		"our proxy":                       {frontTo(t, f.address), "127.0.0.11", "", "127.0.0.11"},
		"our proxy, forged":               {frontTo(t, f.address), "127.0.0.12", "6.6.6.6", "127.0.0.12"},
		"our proxy, a trusted one forged": {frontTo(t, f.address), "127.0.0.13", "6.6.6.6, 127.0.7.1", "127.0.0.13"},
		"two proxies, forged":             {appendingTo(t, appendingTo(t, f.address, "127.0.7.1"), "127.0.7.2"), "127.0.0.14", "6.6.6.6", "127.0.0.14"},
		"a proxy that is not trusted":     {appendingTo(t, f.address, "127.0.8.1"), "127.0.0.15", "6.6.6.6", "127.0.8.1"},
		"garbage through a proxy":         {appendingTo(t, f.address, "127.0.7.3"), "127.0.0.16", "', ;--", "127.0.0.16"},
		"a client of IPv6 behind two":     {appendingTo(t, f.address, "127.0.7.4"), "127.0.7.5", "2001:db8::7", "2001:db8::7"},
	} {
		reason := strings.ReplaceAll(name, " ", "-")
		client := comesFrom(t, c.from)
		header := http.Header{"Authorization": {"Bearer " + operator}}
		if c.forged != "" {
			header.Set("X-Forwarded-For", c.forged)
		}
		ask := func(method, path, body string) string {
			t.Helper()
			req, err := http.NewRequestWithContext(soon(t), method, "http://"+c.at+path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			req.Host = f.host
			req.Header = header.Clone()
			res, err := client.Do(req)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			defer func() { _ = res.Body.Close() }()
			raw, err := io.ReadAll(res.Body)
			if err != nil || res.StatusCode != http.StatusOK {
				t.Fatalf("%s: %s %s, %v", name, res.Status, raw, err)
			}
			return string(raw)
		}
		socket, _, err := websocket.Dial(soon(t), "ws://"+c.at+"/ws", &websocket.DialOptions{HTTPClient: client, Host: f.host, HTTPHeader: header, Subprotocols: []string{wire.Subprotocol}})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		ask("POST", "/v1/players/nobody/kick", fmt.Sprintf(`{"reason":%q}`, reason))
		var log struct {
			Entries []struct{ Reason, Address string }
		}
		if err := json.Unmarshal([]byte(ask("GET", "/v1/audit?limit=1", "")), &log); err != nil || len(log.Entries) != 1 || log.Entries[0].Reason != reason || log.Entries[0].Address != c.want {
			t.Errorf("%s: the audit log says %+v, want %s (%v)", name, log, c.want, err)
		}
		if raw := ask("GET", "/v1/connections", ""); !strings.Contains(raw, `"address":"`+c.want+`"`) {
			t.Errorf("%s: no connection of %s: %s", name, c.want, raw)
		}
		_ = socket.CloseNow()
	}
}

// defaulted returns a text of docker-compose.yml with its variables replaced by their defaults.
func defaulted(text string) string {
	return regexp.MustCompile(`\$\{[A-Z_]+:-([^}]*)\}`).ReplaceAllString(text, "$1")
}

func TestComposeTrustsItsProxyAndNobodyElse(t *testing.T) {
	raw, err := os.ReadFile("../../../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	var compose struct {
		Services map[string]struct {
			Environment map[string]string
			Networks    yaml.Node
			Ports       []string
		}
		Networks map[string]struct {
			IPAM struct {
				Config []struct {
					Subnet string
					Range  string `yaml:"ip_range"`
				}
			}
		}
	}
	if err := yaml.Unmarshal([]byte(defaulted(string(raw))), &compose); err != nil {
		t.Fatal(err)
	}
	var proxy map[string]struct {
		Address string `yaml:"ipv4_address"`
	}
	networks := compose.Services["proxy"].Networks
	if err := networks.Decode(&proxy); err != nil || len(proxy) != 1 {
		t.Fatalf("the proxy is in %v, %v", proxy, err)
	}
	for name, at := range proxy {
		address := netip.MustParseAddr(at.Address)
		pool := compose.Networks[name].IPAM.Config[0]
		if !netip.MustParsePrefix(pool.Subnet).Contains(address) || netip.MustParsePrefix(pool.Range).Contains(address) {
			t.Errorf("%s is not of %s, or may be given to another out of %s", address, pool.Subnet, pool.Range)
		}
		for _, node := range []string{"node-1", "node-2"} {
			if got := compose.Services[node].Environment["PITBOSS_TRUSTED_PROXY"]; got != at.Address+"/32" {
				t.Errorf("%s trusts %s", node, got)
			}
			if len(compose.Services[node].Ports) > 0 {
				t.Errorf("%s can be reached past the proxy", node)
			}
		}
	}
	haproxy, err := os.ReadFile("../../../deploy/haproxy.cfg")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"option forwardfor", "http-request del-header X-Forwarded-For"} {
		if !strings.Contains(string(haproxy), want) {
			t.Errorf("haproxy.cfg lacks %q", want)
		}
	}
}
