package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/web"
)

// halfRequest is a request whose body does not come.
const halfRequest = "POST /v1/tickets HTTP/1.1\r\nHost: casino-x.localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"

// knock connects to address, from a loopback address of its own if it is not empty, and writes text.
func (f *floor) knock(address, from, text string) net.Conn {
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

// asks asks over a connection that stays open.
func asks(t *testing.T, c net.Conn, in *bufio.Reader, path string) (int, string) {
	t.Helper()
	_ = c.SetDeadline(time.Now().Add(testPatience))
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: casino-x.localhost\r\n\r\n", path); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
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
	f := newFloor(t)
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
	f := newFloor(t)
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
	f := newFloor(t)
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
	c := f.dial(soon(t), f.token("alice"), nil)
	if err := c.call(soon(t), wire.MethodPing, struct{}{}, nil); err != nil {
		t.Error(err)
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

func TestRunningOutOfDescriptorsIsSaidCountedAndRedUntilItIsOver(t *testing.T) {
	f := newFloor(t)
	admin := freePort(t)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", `ulimit -n 100 && exec "$0" "$@"`, exe, "serve", "--listen", f.address, "--admin-listen", admin, "--node", "child")
	cmd.Env = append(os.Environ(), envKillPoint+"=none none 0",
		"PITBOSS_DATABASE_URL="+f.appURL, "PITBOSS_ADMIN_DATABASE_URL="+f.adminURL, "PITBOSS_MASTER_KEY="+f.masterKey)
	log := &said{}
	cmd.Stdout, cmd.Stderr = io.Discard, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	eventually(t, "the node serves", func() bool { return strings.Contains(log.String(), "msg=serving") })
	probe, scrape := f.knock(f.address, "", ""), f.knock(admin, "", "")
	asked, scraped := bufio.NewReader(probe), bufio.NewReader(scrape)
	eventually(t, "the node is ready", func() bool { status, _ := asks(t, probe, asked, "/readyz"); return status == 200 })
	asks(t, scrape, scraped, "/metrics")

	var flood []net.Conn
	for range 150 {
		flood = append(flood, f.knock(f.address, "", "POST /v1/tickets HTTP/1.1\r\nHo"))
	}
	eventually(t, "readiness is red", func() bool {
		status, body := asks(t, probe, asked, "/readyz")
		return status == 503 && strings.Contains(body, "descriptor")
	})
	if _, metrics := asks(t, scrape, scraped, "/metrics"); !strings.Contains(metrics, `pitboss_web_limit_hits_total{limit="descriptors"} `) {
		t.Error("it was not counted")
	}
	for _, c := range flood {
		_ = c.Close()
	}
	eventually(t, "readiness is green again", func() bool { status, _ := asks(t, probe, asked, "/readyz"); return status == 200 })
	if status, _, _ := f.do("GET", "/v1/session", f.mint("alice", auth.Player), ""); status != 200 {
		t.Errorf("a player gets %d", status)
	}
	if n := strings.Count(log.String(), "level=ERROR"); n != 1 || !strings.Contains(log.String(), "no descriptor left") {
		t.Errorf("%d errors are in the log:\n%s", n, log)
	}
}

func TestDrainingWaitsForNoStranger(t *testing.T) {
	f := newFloor(t)
	s := f.startServer("none none 0")
	defer s.kill()
	f.awaitServer(s)
	for i := range 100 {
		f.knock(f.address, "", []string{halfRequest, "GET /v1/session HTTP/1.1\r\nHo", ""}[i%3])
	}
	f.knock(f.address, "", strings.Replace(halfRequest, "\r\n", "\r\nAuthorization: Bearer "+f.mint("alice", auth.Player)+"\r\n", 1))
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-s.died
	var at []time.Time // by its own clock: the race detector ends late
	for _, m := range regexp.MustCompile(`time=(\S+) level=INFO msg=drain(?:ing|ed)`).FindAllStringSubmatch(s.log.String(), -1) {
		moment, err := time.Parse(time.RFC3339, m[1])
		if err != nil {
			t.Fatal(err)
		}
		at = append(at, moment)
	}
	if len(at) != 2 || at[1].Sub(at[0]) > 2*time.Second || s.cmd.ProcessState.ExitCode() != 0 {
		t.Errorf("draining took %v: %v\n%s", at, s.cmd.ProcessState, tail(s.log))
	}
}

func TestAnAddressMakesSoManyRequestsAndStaffAsManyAsTheyLike(t *testing.T) {
	f := newFloor(t)
	f.startNodeBehind(web.Edge{AddressRequests: 1, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}, slog.DiscardHandler, nil, seams{})
	operator, alice := f.mint("olivia", auth.Operator), f.token("alice")
	refused := func(client, path, token string) bool {
		t.Helper()
		status, code, _ := f.do("GET", path, token, "", "X-Forwarded-For", client)
		if status == 429 && code != wire.CodeRateLimited {
			t.Errorf("%d %s", status, code)
		}
		return status == 429
	}
	for range 30 {
		if refused("9.9.9.1", "/v1/rooms", operator) || refused("9.9.9.1", "/readyz", "") {
			t.Fatal("staff or a probe was refused")
		}
	}
	until := func(client, path, token string) (n int) {
		for n < 30 && !refused(client, path, token) {
			n++
		}
		return n
	}
	// 10 units at once, and one more a second.
	for i, c := range []struct {
		path, token string
		least, most int
	}{{"/v1/session", alice, 10, 13}, {"/v1/session", "garbage", 10, 13}, {"/nowhere", "", 10, 13}, {"/ws", "", 5, 7}, {"/v1/rooms/roulette-1/rounds/7", "", 1, 2}} {
		if n := until(fmt.Sprint("9.9.8.", i), c.path, c.token); n < c.least || n > c.most {
			t.Errorf("%s was answered %d times", c.path, n)
		}
	}
	if refused("9.9.7.1", "/v1/session", alice) {
		t.Error("another address is refused too")
	}
	if until("2001:db8:1:2::1", "/play", "") < 10 || until("2001:db8:1:2::ffff", "/play", "") > 3 {
		t.Error("a /64 does not count together")
	}
}
