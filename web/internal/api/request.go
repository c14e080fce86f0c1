package api

import (
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

const (
	// BodyMax bounds a request's body. The largest is a logo, of tenancy.LogoBytesMax in base64.
	BodyMax = "96K"
	// Patience is how long a request waits for a room or for the database.
	Patience = 5 * time.Second
)

const (
	keyTenant    = "tenant"
	keyPrincipal = "principal"
	keyKept      = "kept"
)

// requestIDMax is the largest length of an id that a client gives a request.
const requestIDMax = 64

// WithRequestID is middleware that gives each request an id: the client's, by X-Request-Id, if it is one, or a new one.
// It is in the answer and in the log.
func WithRequestID(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		id := c.Request().Header.Get(echo.HeaderXRequestID)
		if !isRequestID(id) {
			id = uuid.NewString()
		}
		c.Response().Header().Set(echo.HeaderXRequestID, id)
		return next(c)
	}
}

// RequestID returns the id of a request.
func RequestID(c echo.Context) string { return c.Response().Header().Get(echo.HeaderXRequestID) }

func isRequestID(id string) bool {
	return id != "" && len(id) <= requestIDMax && !strings.ContainsFunc(id, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-' && r != '_' && r != '.'
	})
}

// SetTenant notes the tenant of a request.
func SetTenant(c echo.Context, t *tenancy.Tenant) { c.Set(keyTenant, t) }

// TenantOf returns the tenant of a request. It panics if there is none: the route table sees to it
// that one was set.
func TenantOf(c echo.Context) *tenancy.Tenant { return c.Get(keyTenant).(*tenancy.Tenant) }

// tenantIDOf returns the ID of a request's tenant, or the zero one if the request has none.
func tenantIDOf(c echo.Context) tenant.ID {
	if t, ok := c.Get(keyTenant).(*tenancy.Tenant); ok {
		return t.ID
	}
	return tenant.ID{}
}

// SlugOf returns the slug of a request's tenant, or "" if the request has none.
func SlugOf(c echo.Context) tenant.Slug {
	if t, ok := c.Get(keyTenant).(*tenancy.Tenant); ok {
		return t.Slug
	}
	return ""
}

// SetPrincipal notes whose token a request has. The token was verified.
func SetPrincipal(c echo.Context, p auth.Principal) { c.Set(keyPrincipal, p) }

// PrincipalOf returns whose token a request has. It panics if none was verified: the route table
// sees to it that one was.
func PrincipalOf(c echo.Context) auth.Principal { return c.Get(keyPrincipal).(auth.Principal) }

// OwnerOf returns whose a request is within its tenant: the role before the name keeps a subject from passing for
// another role's, or for the platform itself (dev, cli:…).
func OwnerOf(c echo.Context) string {
	p := PrincipalOf(c)
	return string(p.Role) + ":" + p.Subject
}

// OriginOf returns by what, from where and in which request something is done.
func OriginOf(c echo.Context) rooms.Origin {
	return rooms.Origin{Address: c.RealIP(), Credential: PrincipalOf(c).Credential(), Request: RequestID(c)}
}

// idempotencyKeyMax is the largest length of an Idempotency-Key.
const idempotencyKeyMax = 255

// IdempotencyKey returns the Idempotency-Key of a request, with or without the quotes of a structured field, or "". It
// returns a Problem if it is none.
func IdempotencyKey(c echo.Context) (string, error) {
	keys := c.Request().Header.Values("Idempotency-Key")
	switch len(keys) {
	case 0:
		return "", nil
	case 1:
	default:
		return "", Fail(http.StatusBadRequest, wire.CodeInvalidParams, "Idempotency-Key: want it once")
	}
	key := keys[0]
	if n := len(key); n >= 2 && key[0] == '"' && key[n-1] == '"' {
		key = key[1 : n-1]
	}
	if key == "" || len(key) > idempotencyKeyMax || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "", Fail(http.StatusBadRequest, wire.CodeInvalidParams, "Idempotency-Key: want 1 to 255 printable ASCII characters, such as a UUID")
	}
	return key, nil
}

// ShowOnce answers with shown, which holds a secret. Kept is what the request is answered with if it comes again under
// its Idempotency-Key: so the secret is stored nowhere.
func ShowOnce(c echo.Context, status int, shown, kept any) error {
	text, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	c.Set(keyKept, text)
	return c.JSON(status, shown)
}

// KeptOf returns what is to be kept of a request's answer by ShowOnce, or else the answer's own body.
func KeptOf(c echo.Context, body []byte) []byte {
	if kept, ok := c.Get(keyKept).([]byte); ok {
		return kept
	}
	return body
}

// commands is the name space of the command ids that follow from Idempotency-Keys (RFC 9562, version 5).
var commands = uuid.NewSHA1(uuid.NameSpaceURL, []byte("urn:pitboss:command"))

// CommandID returns a command_id in its one form. If it is empty, it follows from the request's Idempotency-Key, so that
// what the request does is done once even if its answer was never kept. It returns a Problem if there is neither.
func CommandID(c echo.Context, text string) (string, error) {
	if text == "" {
		key, err := IdempotencyKey(c)
		if err != nil {
			return "", err
		}
		if key != "" {
			return uuid.NewSHA1(commands, []byte(OwnerOf(c)+"\x00"+key)).String(), nil
		}
		return "", Fail(http.StatusBadRequest, wire.CodeInvalidParams, "command_id: want a UUID, as 36 characters, or an Idempotency-Key")
	}
	id, err := uuid.Parse(text)
	if err != nil || len(text) != 36 {
		return "", Fail(http.StatusBadRequest, wire.CodeInvalidParams, "command_id: want a UUID, as 36 characters")
	}
	return id.String(), nil
}

// BearerToken returns the token of the Authorization header, or "".
func BearerToken(r *http.Request) string {
	kind, token, ok := strings.Cut(r.Header.Get(echo.HeaderAuthorization), " ")
	if !ok || !strings.EqualFold(kind, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// WithPatience returns the context of a request that ends after Patience.
func WithPatience(c echo.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(c.Request().Context(), Patience)
}

// Read reads a JSON body strictly: an unknown or ill-typed member is refused by name.
func Read(c echo.Context, into any) error {
	if kind := c.Request().Header.Get(echo.HeaderContentType); kind != "" && !isJSON(kind) {
		return ErrMediaType
	}
	raw, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return err
	}
	if bad := wire.DecodeBody(raw, into); bad != nil {
		return bad
	}
	return nil
}

// Param returns a part of the path, unescaped. Echo unescapes only some.
func Param(c echo.Context, name string) string {
	if c.Request().URL.RawPath == "" {
		return c.Param(name)
	}
	text, err := url.PathUnescape(c.Param(name))
	if err != nil {
		return ""
	}
	return text
}

// isJSON reports whether a media type is JSON's, however it is written and whatever its parameters.
func isJSON(kind string) bool {
	kind, _, err := mime.ParseMediaType(kind)
	return err == nil && kind == echo.MIMEApplicationJSON
}

// Number returns a query parameter as a number, or def if it is absent.
func Number(c echo.Context, name string, def, lowest, highest int64) (int64, error) {
	text := c.QueryParam(name)
	if text == "" {
		return def, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < lowest || n > highest {
		return 0, Fail(http.StatusBadRequest, wire.CodeInvalidParams, name+": want a whole number from "+
			strconv.FormatInt(lowest, 10)+" to "+strconv.FormatInt(highest, 10))
	}
	return n, nil
}
