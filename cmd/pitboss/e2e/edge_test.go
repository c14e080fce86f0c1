package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/wire"
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

func TestRunningOutOfDescriptorsIsSaidCountedAndRedUntilItIsOver(t *testing.T) {
	f := newCasino(t)
	admin := freePort(t)
	x := newServer(t, exec.Command("sh", "-c", `ulimit -n 100 && exec "$0" "$@"`, program, "serve", "--listen", f.address, "--admin-listen", admin, "--node", "child"), f.env())
	x.start()
	log := x.log
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
	f := newCasino(t)
	s := f.startServer("")
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
		t.Errorf("draining took %v: %v\n%s", at, s.cmd.ProcessState, s.log.last(4000))
	}
}

func TestAnAddressMakesSoManyRequestsAndStaffAsManyAsTheyLike(t *testing.T) {
	f := newCasino(t)
	f.startNode("--address-requests", "1", "--trusted-proxy", "127.0.0.1/32")
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
