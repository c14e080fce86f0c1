package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/web"
)

// halfRequest is a request whose body does not come.
const halfRequest = "POST /v1/tickets HTTP/1.1\r\nHost: casino-x.localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"

// knock connects to address, from a loopback address of its own if it is not empty, and writes text.
func (f *casino) knock(address, from, text string) net.Conn {
	f.t.Helper()
	d := net.Dialer{Timeout: testPatience}
	if from != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	c, err := d.DialContext(f.t.Context(), "tcp", address)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = c.Close() })
	_, _ = io.WriteString(c, text) // it may be closed already
	return c
}

// ended reports whether the other side has closed the connection. It reads what was sent.
func ended(c net.Conn) bool {
	_ = c.SetReadDeadline(time.Now().Add(time.Millisecond))
	_, err := io.Copy(io.Discard, c)
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

// listenHere listens for a test's admin listener.
func listenHere(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", freePort(t))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestWhatIsSentSlowlyOrNotReadEndsInTime(t *testing.T) {
	f := newCasino(t)
	admin := listenHere(t)
	edge := web.Edge{Request: 400 * time.Millisecond, Idle: 400 * time.Millisecond, Answer: time.Second}
	f.startNodeBehind(edge, slog.DiscardHandler, admin, seams{})
	for listener, address := range map[string]string{"public": f.address, "admin": admin.Addr().String()} {
		for name, text := range map[string]string{
			"nothing":            "",
			"half a header":      "GET /healthz HTTP/1.1\r\nHo",
			"half a body":        halfRequest,
			"half of a chunk":    "POST /v1/tickets HTTP/1.1\r\nHost: casino-x.localhost\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\n{",
			"a body of healthz":  "GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n",
			"idle after a whole": "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
		} {
			c := f.knock(address, "", text)
			eventuallyWithin(t, 5*time.Second, listener+": "+name+" is ended", func() bool { return ended(c) })
		}
		// A byte now and then.
		slow := f.knock(address, "", "")
		i := 0
		eventuallyWithin(t, 5*time.Second, listener+": a slow loris is ended", func() bool {
			_, err := io.WriteString(slow, "GET /healthz HTTP/1.1\r\nHost: casino-x.localhost\r\nX-Slow: "[min(i, 50):][:1])
			i++
			return err != nil || ended(slow)
		})
		// Answers that nobody reads: many requests at once, and then the next one is not taken.
		path := "/play"
		if listener == "admin" {
			path = "/metrics"
		}
		deaf := f.knock(address, "", "")
		_ = deaf.(*net.TCPConn).SetReadBuffer(4 << 10)
		request := "GET " + path + " HTTP/1.1\r\nHost: casino-x.localhost\r\n\r\n"
		eventually(t, listener+": who does not read is cut", func() bool {
			_ = deaf.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
			_, err := io.WriteString(deaf, strings.Repeat(request, 1000))
			return err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
		})
	}
	// A token is no excuse.
	c := f.knock(f.address, "", strings.Replace(halfRequest, "\r\n", "\r\nAuthorization: Bearer "+f.mint("alice", auth.Player)+"\r\n", 1))
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusRequestTimeout || !strings.Contains(string(body), `"request_timeout"`) {
		t.Errorf("half a body with a token: %s %s", res.Status, body)
	}
	// Without one, the answer does not wait for the body.
	began := time.Now()
	c = f.knock(f.address, "", halfRequest)
	if res, err = http.ReadResponse(bufio.NewReader(c), nil); err != nil || res.StatusCode != http.StatusUnauthorized || time.Since(began) > edge.Request {
		t.Errorf("half a body without a token: %v after %v, %v", res, time.Since(began), err)
	}
}

func TestAProfileIsAsLongAsItWasAskedForWithinBounds(t *testing.T) {
	f := newCasino(t)
	admin := listenHere(t)
	f.startNodeBehind(web.Edge{Request: 200 * time.Millisecond, Answer: 500 * time.Millisecond, Profiles: true}, slog.DiscardHandler, admin, seams{})
	at := *f
	at.address = admin.Addr().String()
	for path, want := range map[string]int{
		"/debug/pprof/profile?seconds=1":   200,
		"/debug/pprof/trace?seconds=0.8":   200,
		"/debug/pprof/heap":                200,
		"/debug/pprof/profile?seconds=301": 400,
		"/debug/pprof/trace?seconds=1e9":   400,
		"/debug/pprof/trace?seconds=NaN":   400,
		"/debug/pprof/heap?seconds=-1":     400,
		"/metrics":                         200,
		"/readyz":                          200,
	} {
		if status, _, body := at.do("GET", path, "", ""); status != want || len(body) == 0 {
			t.Errorf("%s: %d, %d bytes", path, status, len(body))
		}
	}
}

func TestHalfRequestsOfOneAddressLeaveRoomForEverybodyElse(t *testing.T) {
	f := newCasino(t)
	admin := listenHere(t)
	f.startNodeBehind(web.Edge{ConnectionsPerAddress: 100, Connections: 300, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.9/32")}}, slog.DiscardHandler, admin, seams{})
	// Half a header: an answer would end it.
	open := func(from string, n int) (conns []net.Conn) {
		for range n {
			conns = append(conns, f.knock(f.address, from, "POST /v1/tickets HTTP/1.1\r\nHo"))
		}
		return conns
	}
	alive := func(conns []net.Conn) (n int) {
		for _, c := range conns {
			if !ended(c) {
				n++
			}
		}
		return n
	}
	flood := open("127.0.0.2", 2000)
	eventually(t, "100 of one address are left", func() bool { return alive(flood) == 100 })
	c, _, err := websocket.Dial(soon(t), "ws://"+f.address+"/ws", &websocket.DialOptions{
		Host: f.host, Subprotocols: []string{wire.Subprotocol, wire.BearerPrefix + f.mint("alice", auth.Player)},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.CloseNow() }()
	if err := c.Write(soon(t), websocket.MessageText, []byte(`{"jsonrpc":"2.0","id":1,"method":"ping","params":{}}`)); err != nil {
		t.Fatal(err)
	}
	for answered := false; !answered; { // the welcome comes first
		_, frame, err := c.Read(soon(t))
		if err != nil {
			t.Fatal(err)
		}
		answered = strings.Contains(string(frame), `"id":1,"result"`)
	}
	proxied := open("127.0.0.9", 150)
	if n := alive(proxied); n != 150 {
		t.Errorf("%d of a trusted proxy's 150 connections are left", n)
	}
	// With more, those that have waited the longest make room, and whoever comes is served.
	late := open("127.0.0.3", 100)
	eventually(t, "300 of all are left", func() bool { return alive(flood)+alive(proxied)+alive(late) <= 300 })
	if n := alive(late); n != 100 {
		t.Errorf("%d of the latest 100 are left", n)
	}
	for range 20 {
		res, err := http.Get("http://" + f.address + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
	}
	at := *f
	at.address = admin.Addr().String()
	_, _, metrics := at.do("GET", "/metrics", "", "")
	for _, limit := range []string{"connections", "address_connections"} {
		if !bytes.Contains(metrics, []byte(`pitboss_web_limit_hits_total{limit="`+limit+`"} `)) {
			t.Errorf("the limit %s was not counted", limit)
		}
	}
}
