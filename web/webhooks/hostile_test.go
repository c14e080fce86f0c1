package webhooks_test

import (
	"bufio"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store/storetest"
	stored "github.com/pitboss-hub/pitboss/store/webhooks"
	"github.com/pitboss-hub/pitboss/web/webhooks"
)

// hostile starts a server that reads a request and then does what it likes with the connection, until its peer hangs up.
func hostile(t *testing.T, do func(io.Writer)) (address string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				r, err := http.ReadRequest(bufio.NewReader(conn))
				if err != nil {
					return
				}
				_, _ = io.Copy(io.Discard, r.Body)
				do(conn)
				_, _ = io.Copy(io.Discard, conn) // until the peer hangs up
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

// forever writes a text again and again, until the peer hangs up.
func forever(w io.Writer, text string) {
	for {
		if _, err := io.WriteString(w, text); err != nil {
			return
		}
	}
}

func TestNoAnswerHoldsADeliveryForLongerThanAnAttemptMayTake(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	list := map[string]stored.Endpoint{}
	for name, do := range map[string]func(io.Writer){
		"nothing":                   func(io.Writer) {},
		"half a header":             func(w io.Writer) { _, _ = io.WriteString(w, "HTTP/1.1 200 OK\r\nX: ") },
		"an endless header":         func(w io.Writer) { _, _ = io.WriteString(w, "HTTP/1.1 200 OK\r\n"); forever(w, "X: y\r\n") },
		"endless hints":             func(w io.Writer) { forever(w, "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n") },
		"a body that does not come": func(w io.Writer) { _, _ = io.WriteString(w, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx") },
		"an endless body":           func(w io.Writer) { _, _ = io.WriteString(w, "HTTP/1.1 200 OK\r\n\r\n"); forever(w, "x") },
		"a body that blows up": func(w io.Writer) {
			_, _ = io.WriteString(w, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n")
			forever(gzip.NewWriter(w), strings.Repeat("x", 1<<16))
		},
		"another protocol": func(w io.Writer) {
			_, _ = io.WriteString(w, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: nothing\r\n\r\n")
		},
		"no HTTP": func(w io.Writer) { forever(w, "x") },
	} {
		list[name], _ = b.endpoint(hostile(t, do))
	}
	d, _ := b.deliverer(time.Hour)
	d.Timeout(300 * time.Millisecond)
	stop := run(t, d)
	storetest.Fund(t, b.s, b.id, "alice", 1)
	for name, e := range list {
		storetest.Eventually(t, name+" has ended", func() bool { x := b.deliveries(e); return len(x) == 1 && x[0].Attempts == 1 })
	}
	stop() // nothing is under way
}

func TestWhatACertificateSaysCanBeRecorded(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"another\x00.example"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	v := httptest.NewUnstartedServer(http.NotFoundHandler())
	v.Config.ErrorLog = log.New(io.Discard, "", 0)
	v.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	v.StartTLS()
	t.Cleanup(v.Close)
	_, port, err := net.SplitHostPort(v.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	var at atomic.Value
	at.Store(netip.MustParseAddr("127.0.0.1"))
	d, _ := b.deliverer(time.Hour)
	d.ResolveBy(resolver(t, &at), loopback)
	e, _ := b.endpoint("https://receiver.example:" + port)
	run(t, d)
	storetest.Fund(t, b.s, b.id, "alice", 1)
	storetest.Eventually(t, "the attempt is recorded", func() bool { x := b.deliveries(e); return len(x) == 1 && x[0].Attempts == 1 })
	if text := b.deliveries(e)[0].Error; !strings.Contains(text, "certificate is valid for another\uFFFD.example") {
		t.Errorf("it failed as %q", text)
	}
}

func TestACasinoOfSlowReceiversLeavesRoomForOthers(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var waiting atomic.Int64
	release := make(chan struct{})
	slow := receive(t, func(_ http.ResponseWriter, r *http.Request, _ got) int {
		waiting.Add(1)
		select {
		case <-release:
		case <-r.Context().Done():
		}
		return http.StatusOK
	})
	t.Cleanup(func() { close(release) }) // before the server is closed
	for range stored.EndpointsMax {
		b.endpoint(slow.URL)
	}
	for i := range webhooks.EndpointInFlight {
		storetest.Fund(t, b.s, b.id, game.PlayerID(fmt.Sprint("player-", i)), 1)
	}
	d, _ := b.deliverer()
	d.Timeout(time.Hour)
	run(t, d)
	storetest.Eventually(t, "as much is under way as one casino can have", func() bool {
		return waiting.Load() == stored.EndpointsMax*webhooks.EndpointInFlight
	})
	other := *b
	other.id = storetest.Tenant(t, b.admin)
	other.reload()
	v := receive(t, nil)
	other.endpoint(v.URL)
	storetest.Fund(t, b.s, other.id, "alice", 1)
	v.await(t, "the other casino is told", func(l []got) bool { return len(l) == 1 })
}
