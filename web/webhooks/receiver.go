package webhooks

import (
	"errors"
	"io"
	"net/http"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// messageMax bounds the body of a message that a Receiver reads.
const messageMax = 1 << 20

// ErrSecret means that a text is no endpoint's secret.
var ErrSecret = errors.New("webhooks: a secret is whsec_ and base64")

// NewReceiver returns what answers messages as a casino's server does: got is called with each that the secret signs,
// also when it comes again, and refused with why a request is none. It returns ErrSecret.
func NewReceiver(secret string, got func(id string, body []byte), refused func(error)) (http.Handler, error) {
	signed, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		return nil, ErrSecret
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, messageMax))
		if err == nil {
			err = signed.Verify(body, r.Header)
		}
		if err != nil {
			refused(err)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.WriteHeader(http.StatusNoContent)
		got(r.Header.Get(standardwebhooks.HeaderWebhookID), body)
	}), nil
}
