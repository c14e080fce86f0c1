package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestAListenerPrintsWhatIsSignedOnceAndEnds(t *testing.T) {
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	var out, log bytes.Buffer
	p := &program{ctx: soon(t), streams: streams{&out, io.Discard}, log: slog.New(slog.NewTextHandler(&log, nil))}
	c := webhookListenCmd{Listen: netip.MustParseAddrPort(freePort(t)), Secret: secret, Count: 2}
	ended := make(chan error, 1)
	go func() { ended <- c.Run(p) }()
	send := func(id, signature string, at time.Time) (status int) {
		if signature == "" {
			h := hmac.New(sha256.New, key)
			fmt.Fprintf(h, `%s.%d.{"n":"%s"}`, id, at.Unix(), id)
			signature = "v1," + base64.StdEncoding.EncodeToString(h.Sum(nil))
		}
		for {
			r, err := http.NewRequestWithContext(p.ctx, http.MethodPost, "http://"+c.Listen.String(), strings.NewReader(`{"n":"`+id+`"}`))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("webhook-id", id)
			r.Header.Set("webhook-timestamp", strconv.FormatInt(at.Unix(), 10))
			r.Header.Set("webhook-signature", signature)
			res, err := http.DefaultClient.Do(r)
			if err == nil {
				_ = res.Body.Close()
				return res.StatusCode
			}
			if p.ctx.Err() != nil {
				t.Fatal(err)
			}
		}
	}
	for i, x := range []struct {
		id, signature string
		at            time.Time
		want          int
	}{
		{"a", "v1,bm9uZQ==", time.Now(), http.StatusUnauthorized},
		{"a", "", time.Now().Add(-time.Hour), http.StatusUnauthorized},
		{"a", "", time.Now(), http.StatusNoContent},
		{"a", "", time.Now(), http.StatusNoContent},
		{"b", "", time.Now(), http.StatusNoContent},
	} {
		if got := send(x.id, x.signature, x.at); got != x.want {
			t.Errorf("%d: %d, want %d", i, got, x.want)
		}
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if got, want := out.String(), "{\"n\":\"a\"}\n{\"n\":\"b\"}\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
	if !strings.Contains(log.String(), "http://"+c.Listen.String()) {
		t.Errorf("it does not say where it listens: %s", log.String())
	}
	c.Within = time.Millisecond
	if err := c.Run(p); err == nil || !strings.Contains(err.Error(), "fewer than 2") {
		t.Errorf("nothing came: %v", err)
	}
	c.Listen = netip.MustParseAddrPort("0.0.0.0:8090")
	if err := c.Run(p); err == nil || !strings.Contains(err.Error(), "this machine alone") {
		t.Errorf("on every address: %v", err)
	}
	c.Secret = "none of it"
	c.Listen = netip.MustParseAddrPort(freePort(t))
	if err := c.Run(p); err == nil {
		t.Error("a secret that is none is taken")
	}
}
