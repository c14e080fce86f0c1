package api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
)

// tagOf returns a body's entity tag (RFC 9110, section 8.8.3): a hash, so that every node gives the same one.
func tagOf(body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
}

// names reports whether the values of If-Match or If-None-Match name a tag. A proxy that compresses makes tags weak,
// so W/ is let pass: the tag is of what is said, not of its bytes.
func names(values []string, tag string) bool {
	for part := range strings.SplitSeq(strings.Join(values, ","), ",") {
		if part = strings.TrimSpace(part); part == "*" || strings.TrimPrefix(part, "W/") == tag {
			return true
		}
	}
	return false
}

// AnswerTagged answers a GET with v as JSON and its entity tag, or by 304 if the client has it.
func AnswerTagged(c echo.Context, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return answerTagged(c, append(body, '\n'))
}

// answerTagged does so with a body.
func answerTagged(c echo.Context, body []byte) error {
	tag := tagOf(body)
	c.Response().Header().Set("ETag", tag)
	if names(c.Request().Header.Values("If-None-Match"), tag) {
		return c.NoContent(http.StatusNotModified)
	}
	return c.JSONBlob(http.StatusOK, body)
}

// CheckMatch returns ErrChanged if a request has an If-Match that does not name the tag of v, which is how the thing to
// be changed is answered, read in the transaction of the change.
func CheckMatch(c echo.Context, v any) error {
	wanted := c.Request().Header.Values("If-Match")
	if len(wanted) == 0 {
		return nil
	}
	body, err := json.Marshal(v)
	if err == nil && !names(wanted, tagOf(append(body, '\n'))) {
		err = ErrChanged
	}
	return err
}
