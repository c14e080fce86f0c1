package webhooks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"

	"code.dny.dev/ssrf"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const (
	// Timeout bounds one attempt, from the name's resolution to the last byte of the answer.
	Timeout = 15 * time.Second
	// answerBytesMax is how much of an answer is read. Nothing is made of it.
	answerBytesMax = 4 << 10
	// headerBytesMax bounds the header of an answer.
	headerBytesMax = 32 << 10
	// idleFor is how long a connection is kept for the next delivery.
	idleFor = 30 * time.Second
	// errorBytesMax bounds the text that the log of deliveries keeps of an error.
	errorBytesMax = 300
)

// Why nothing is sent.
var (
	errAddress = errors.New("the address is not public: --webhook-allow-address at 'pitboss serve' names exceptions")
	errPlain   = errors.New("the URL is not https: http is for addresses that --webhook-allow-address names")
)

// client sends to public addresses by https, and to allowed ones by http too.
type client struct {
	secure, plain *http.Client
	timeout       time.Duration
}

func newClient(allow []netip.Prefix, resolver *net.Resolver) *client {
	guard := ssrf.New(ssrf.WithAnyPort())
	only := func(otherwise func(network, address string) error) *http.Client {
		dialer := &net.Dialer{Timeout: Timeout, Resolver: resolver, Control: func(network, address string, _ syscall.RawConn) error {
			if allowed(allow, address) {
				return nil
			}
			return otherwise(network, address)
		}}
		return &http.Client{
			Transport: &http.Transport{
				Proxy:                  nil, // it would resolve the name
				DialContext:            dialer.DialContext,
				ForceAttemptHTTP2:      true,
				DisableCompression:     true, // nothing is made of the answer
				IdleConnTimeout:        idleFor,
				MaxIdleConnsPerHost:    EndpointInFlight,
				MaxIdleConns:           InFlight,
				MaxResponseHeaderBytes: headerBytesMax,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	return &client{
		timeout: Timeout,
		secure: only(func(network, address string) error {
			if guard.Safe(network, address, nil) != nil {
				return errAddress
			}
			return nil
		}),
		plain: only(func(string, string) error { return errPlain }),
	}
}

// allowed reports whether the address to be dialled is in one of the ranges.
func allowed(ranges []netip.Prefix, address string) bool {
	at, err := netip.ParseAddrPort(address)
	return err == nil && slices.ContainsFunc(ranges, func(p netip.Prefix) bool { return p.Contains(at.Addr().Unmap()) })
}

// message is what is sent.
type message struct {
	url     string
	id      string
	secrets [][]byte // each signs
	body    []byte
}

// send makes one attempt. A status of 0 means that there was no answer, and err says why.
func (c *client) send(ctx context.Context, m message) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, m.url, bytes.NewReader(m.body))
	if err != nil {
		return 0, err
	}
	now := time.Now()
	signatures := make([]string, len(m.secrets))
	for i, secret := range m.secrets {
		w, err := standardwebhooks.NewWebhookRaw(secret)
		if err == nil {
			signatures[i], err = w.Sign(m.id, now, m.body)
		}
		if err != nil {
			return 0, fmt.Errorf("sign: %w", err)
		}
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Pitboss-Webhooks/1")
	r.Header.Set(standardwebhooks.HeaderWebhookID, m.id)
	r.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	r.Header.Set(standardwebhooks.HeaderWebhookSignature, strings.Join(signatures, " "))
	by := c.plain
	if r.URL.Scheme == "https" {
		by = c.secure
	}
	res, err := by.Do(r)
	if err != nil {
		return 0, err
	}
	defer func() { _ = res.Body.Close() }()
	// A body that breaks off changes nothing: the status was received. What comes after 101 is no body: ctx does not end it.
	if res.StatusCode != http.StatusSwitchingProtocols {
		_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, answerBytesMax))
	}
	return res.StatusCode, nil
}

// explain returns what the log of deliveries says of an error: without the URL, which it has.
func explain(err error) string {
	var at *url.Error
	if errors.As(err, &at) {
		err = at.Err
	}
	text := err.Error()
	var dns *net.DNSError
	switch {
	case errors.Is(err, errAddress):
		text = errAddress.Error()
	case errors.Is(err, errPlain):
		text = errPlain.Error()
	case errors.Is(err, context.DeadlineExceeded):
		text = "no answer in time"
	case errors.As(err, &dns):
		text = "the name cannot be resolved"
	}
	if len(text) > errorBytesMax {
		text = text[:errorBytesMax]
	}
	// What a receiver says of itself is in some errors.
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
}
