package e2e

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/pitboss-hub/pitboss/hub/wire"
)

func TestAClusterServesPlayersThroughItsProxyAndEndsWithAllItStarted(t *testing.T) {
	public := freePort(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	out := &said{}
	cluster := startProgram(t, nil, out, "cluster", "--nodes", "2", "--listen", public, "--dir", openDir(t))
	eventually(t, "the links are printed", func() bool { return strings.Contains(out.String(), "nodes serve this") })

	link := regexp.MustCompile(`player +alice +http://([^/]+)/play#token=(\S+)`).FindStringSubmatch(out.String())
	if link == nil {
		t.Fatalf("no link in:\n%s", out)
	}
	c, _, err := websocket.Dial(ctx, "ws://"+public+"/ws", &websocket.DialOptions{
		Host: link[1], Subprotocols: []string{wire.Subprotocol, "bearer." + link[2]}, HTTPHeader: http.Header{"Origin": {"http://" + link[1]}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.CloseNow() }()
	if _, frame, err := c.Read(ctx); err != nil || !strings.Contains(string(frame), wire.PushWelcome) {
		t.Errorf("%s, %v", frame, err)
	}

	cluster.end()
	log := cluster.log
	if n := strings.Count(log.String(), "msg=drained"); n != 2 {
		t.Errorf("%d of 2 nodes drained\n%s", n, log)
	}
}
