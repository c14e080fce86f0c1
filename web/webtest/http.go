package webtest

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Answer holds the answer to a request.
type Answer struct {
	Status int
	Code   string // of an error, or ""
	Header http.Header
	Body   []byte

	t     testing.TB
	asked string // for people
}

// Get asks for a path of the casino. An empty token is none.
func (c *Casino) Get(token, path string) Answer {
	c.t.Helper()
	return c.Do(http.MethodGet, token, path, "")
}

// Post sends a JSON body to a path of the casino. An empty token is none.
func (c *Casino) Post(token, path, body string) Answer {
	c.t.Helper()
	return c.Do(http.MethodPost, token, path, body)
}

// Do sends a request to the casino with headers as pairs of name and value, a "Host" among them too.
// Redirections are answers like others. What is not as the API's OpenAPI document has it fails the test. A body that is refused before it is read needs the header
// "Expect: 100-continue": else the client may be cut off while it sends.
func (c *Casino) Do(method, token, path, body string, header ...string) Answer {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), Patience)
	defer cancel()
	asked := method + " " + path
	req := c.request(ctx, method, token, path, body, header)
	res, err := c.transport().RoundTrip(req)
	if err != nil {
		c.t.Fatalf("%s: %v", asked, err)
	}
	defer func() { _ = res.Body.Close() }()
	a := Answer{t: c.t, asked: asked, Status: res.StatusCode, Header: res.Header}
	if a.Body, err = io.ReadAll(res.Body); err != nil {
		c.t.Fatalf("%s: %v", asked, err)
	}
	if a.Status >= http.StatusBadRequest && len(a.Body) > 0 && regexp.MustCompile(`^application/(problem\+)?json`).MatchString(res.Header.Get("Content-Type")) {
		var e struct {
			Error struct {
				Code string `json:"code"`
			} `json:"error"`
		}
		if err := json.Unmarshal(a.Body, &e); err != nil {
			c.t.Fatalf("%s: an error that is none: %d %s", asked, a.Status, short(a.Body))
		}
		a.Code = e.Error.Code
	}
	documented := casinoContract
	if c.platform {
		documented = platformContract
	}
	if err := checkDocumented(documented, req, body, a); err != nil {
		c.t.Errorf("%s: %d is not as web/openapi.yaml, or the platform's, has it: %v: %s", asked, a.Status, err, short(a.Body))
	}
	return a
}

// Leave sends a request as Do does, and closes the connection after a time, in which no answer may come.
func (c *Casino) Leave(after time.Duration, method, token, path, body string, header ...string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), after)
	defer cancel()
	res, err := c.transport().RoundTrip(c.request(ctx, method, token, path, body, header))
	if err == nil {
		_ = res.Body.Close()
		c.t.Errorf("%s %s was answered with %d", method, path, res.StatusCode)
	}
}

// transport returns what has a connection of its own for each request.
func (c *Casino) transport() *http.Transport {
	return &http.Transport{DialContext: c.dial, DisableKeepAlives: true, ExpectContinueTimeout: Patience}
}

// request returns a request of the casino.
func (c *Casino) request(ctx context.Context, method, token, path, body string, header []string) *http.Request {
	c.t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+c.host+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
			continue
		}
		req.Header.Set(header[i], header[i+1])
	}
	return req
}

// Want fails the test if the answer has another status or another code, which is "" for what is no
// error, and returns the answer.
func (a Answer) Want(status int, code string) Answer {
	a.t.Helper()
	if a.Status != status || a.Code != code {
		a.t.Errorf("%s: %d %q, want %d %q: %s", a.asked, a.Status, a.Code, status, code, short(a.Body))
	}
	return a
}

// Into decodes the body of an answer that is no error.
func (a Answer) Into(into any) {
	a.t.Helper()
	if a.Status >= http.StatusBadRequest {
		a.t.Fatalf("%s: %d: %s", a.asked, a.Status, short(a.Body))
	}
	if err := json.Unmarshal(a.Body, into); err != nil {
		a.t.Fatalf("%s: %v: %s", a.asked, err, short(a.Body))
	}
}
