package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/store/answers"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// answerBytesMax bounds an answer that is kept. One that is longer is not, and its request can be sent again.
const answerBytesMax = 64 << 10

// idempotent does a request that has an Idempotency-Key once, and answers it as it was answered before when it comes
// again (draft-ietf-httpapi-idempotency-key-header), but for secrets, which are shown once. An answer that says that
// the request could not be read, that nothing was done, or that it is not known, is not kept: it can be sent again under its
// key, also mended. So can what was tried by a dry run.
func (s *Server) idempotent(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		key, err := api.IdempotencyKey(c)
		if err != nil {
			return err
		}
		if key == "" || c.QueryParam("dry_run") == "1" {
			return next(c)
		}
		r := c.Request()
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		asked := sha256.New()
		parts := append([]string{r.Method, r.URL.RequestURI(), r.Header.Get(echo.HeaderContentType), string(body)}, r.Header.Values("If-Match")...)
		for _, part := range parts {
			sum := sha256.Sum256([]byte(part))
			asked.Write(sum[:])
		}
		t, request := api.TenantOf(c), answers.Request{Owner: api.OwnerOf(c), Key: key, Asked: [sha256.Size]byte(asked.Sum(nil))}
		ctx, cancel := api.WithPatience(c)
		known, err := s.store.Answers.Begin(ctx, t.ID, request)
		cancel()
		if errors.Is(err, answers.ErrUnderWay) {
			c.Response().Header().Set("Retry-After", "1")
		}
		if err != nil {
			return err
		}
		if known != nil {
			c.Response().Header().Set("Idempotent-Replayed", "true")
			return c.Blob(known.Status, known.Type, known.Body)
		}

		w := &recorder{ResponseWriter: c.Response().Writer}
		c.Response().Writer = w
		if err := next(c); err != nil {
			c.Error(err)
		}
		c.Response().Writer = w.ResponseWriter
		// The client may be gone; what was done is kept all the same.
		kept, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), api.Patience)
		defer cancel()
		if status := c.Response().Status; final(status) && w.body.Len() <= answerBytesMax {
			err = s.store.Answers.Finish(kept, t.ID, request, answers.Answer{Status: status, Type: c.Response().Header().Get(echo.HeaderContentType), Body: api.KeptOf(c, w.body.Bytes())})
		} else {
			err = s.store.Answers.Drop(kept, t.ID, request)
		}
		if err != nil {
			s.log.Warn("an answer is not kept under its Idempotency-Key", "tenant", t.ID, "request", api.RequestID(c), "error", err)
		}
		return nil
	}
}

// final reports whether an answer says for good what came of a request.
func final(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusTooManyRequests, 499:
		return false
	}
	return status < http.StatusInternalServerError
}

// recorder keeps what is answered.
type recorder struct {
	http.ResponseWriter
	body bytes.Buffer
}

// Write implements http.ResponseWriter.
func (w *recorder) Write(p []byte) (int, error) {
	if w.body.Len() <= answerBytesMax {
		w.body.Write(p)
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap returns what http.ResponseController works with.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
