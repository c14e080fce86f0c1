package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
)

// refusal is an error of the casino's HTTP API.
type refusal struct {
	Status  int
	Code    string
	Message string
}

// Error implements error.
func (r *refusal) Error() string { return fmt.Sprintf("%s (%s, %d)", r.Message, r.Code, r.Status) }

func refusalOf(response *http.Response) error {
	var body struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	raw, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err != nil {
		return err
	}
	if strict.DecodeKnown(raw, &body) != nil || body.Error.Code == "" {
		return &refusal{response.StatusCode, "http", "the server answered " + response.Status}
	}
	return &refusal{response.StatusCode, body.Error.Code, body.Error.Message}
}

// isCode reports whether err is the API's refusal of that code.
func isCode(err error, code string) bool {
	var r *refusal
	return errors.As(err, &r) && r.Code == code
}

const (
	apiTimeout = 30 * time.Second
	apiTries   = 5 // of a request that the server was too busy for
	apiPause   = 500 * time.Millisecond
	bodyMax    = 256 << 20 // a trial balance has a line for every player there ever was
)

// api is a client of a casino's HTTP API, as its operator.
type api struct {
	base   *url.URL
	token  string
	client *http.Client
}

func newAPI(base *url.URL, token string) *api {
	return &api{base: base, token: token, client: &http.Client{
		Timeout: apiTimeout, Transport: &http.Transport{DialContext: dialer, MaxIdleConnsPerHost: atOnce, ForceAttemptHTTP2: true},
	}}
}

// do sends a request that may be sent again, and reads the answer into out unless that is
// nil. An API's refusal is a *refusal.
func (a *api) do(ctx context.Context, method, path string, in, out any) error {
	for try := 1; ; try++ {
		err := a.once(ctx, method, path, in, out)
		if try == apiTries || !isCode(err, "busy") && !isCode(err, "unavailable") {
			return err
		}
		if err := pause(ctx, apiPause); err != nil {
			return err
		}
	}
}

func (a *api) once(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(raw)
	}
	request, err := http.NewRequestWithContext(ctx, method, a.base.JoinPath(path).String(), body)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+a.token)
	if in != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := a.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode >= http.StatusBadRequest {
		return refusalOf(response)
	}
	if out == nil {
		_, err = io.Copy(io.Discard, response.Body)
		return err
	}
	raw, err := io.ReadAll(io.LimitReader(response.Body, bodyMax))
	if err != nil {
		return err
	}
	return strict.DecodeKnown(raw, out)
}

// withAdvice adds to an error of the set-up what to do about it.
func (r *run) withAdvice(err error) error {
	var network *url.Error
	var refused *refusal
	var ended *closed
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &network):
		return fmt.Errorf("no server answers at %s: %w; start one ('pitboss dev', 'pitboss serve') or correct --url", r.base, network.Err)
	case errors.As(err, &ended) && ended.code == wire.CloseOverloaded.Code:
		return errors.New("the casino has as many sockets as it may (20,000): ask for fewer --players, or wait until others have gone")
	case !errors.As(err, &refused):
		return err
	}
	switch {
	case refused.Code == "unknown_host":
		return fmt.Errorf("no casino is served at %s: 'pitboss tenant list' shows the casinos and their domains", r.base.Host)
	case strings.HasPrefix(refused.Code, "token_"):
		return fmt.Errorf("%s does not believe our tokens (%s): its database is not the one whose secrets we sign with; check --dir, --database-url or --secret", r.base, refused.Code)
	case refused.Code == "limit_reached":
		return errors.New("the casino has as many tables open as it may (5,000): close some ('pitboss room list', 'pitboss room close') or ask for fewer with --tables")
	case refused.Code == "busy" && refused.Status == http.StatusServiceUnavailable:
		return fmt.Errorf("the server has no room for more (%w): ask for fewer --players; a node holds 50,000 sockets", err)
	}
	return err
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
