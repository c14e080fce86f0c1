package operator_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

// pixels is a PNG of 16 × 16 pixels.
const pixels = "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAAAAAA6mKC9AAAADUlEQVR4nGNgGAXIAAABEAABoJMRpQAAAABJRU5ErkJggg=="

// brands holds that a brand is set, shown and taken away, with a line in the audit log each time, and
// that what is refused is refused by its name.
func brands(t *testing.T, c *webtest.Casino) {
	other := c.Another("branded")
	operator, _, support := other.Staff()
	put := func(path, body string) webtest.Answer { return other.Do(http.MethodPut, operator, path, body) }
	shown := func() (b tenancy.Brand) { // also to those who may only look
		other.Get(support, "/v1/brand").Want(http.StatusOK, "").Into(&b)
		return b
	}
	if b := shown(); !b.IsZero() {
		t.Errorf("a new casino has the brand %+v", b)
	}
	put("/v1/brand", `{"name":"Grand Casino","style":{"accent":"#7fd1ff","radius":0},"reason":"a new look"}`).Want(http.StatusOK, "")
	put("/v1/brand/logo", `{"image":"`+pixels+`","reason":"a logo"}`).Want(http.StatusOK, "")
	if b := shown(); b.Name != "Grand Casino" || b.Style.Accent != "#7fd1ff" || b.Style.Radius == nil || *b.Style.Radius != 0 || b.Logo == nil || b.Logo.Width != 16 {
		t.Errorf("the brand is %+v", b)
	}
	put("/v1/brand", `{"style":{"felt":"#5a1a2a"},"reason":"a red felt"}`).Want(http.StatusOK, "")
	if b := shown(); b.Name != "" || b.Style.Accent != "" || b.Style.Felt != "#5a1a2a" || b.Logo == nil {
		t.Errorf("what was left out stayed, or the logo did not: %+v", b)
	}
	large := base64.StdEncoding.EncodeToString(make([]byte, tenancy.LogoBytesMax+1))
	for _, r := range []struct{ path, body, says string }{
		{"/v1/brand", `{"style":{"accent":"red"},"reason":"x"}`, "style.accent cannot be read: want a colour as #rrggbb"},
		{"/v1/brand", `{"style":{"accent":"#fff;}body{"},"reason":"x"}`, "want a colour as #rrggbb"},
		{"/v1/brand", `{"style":{"radius":"4"},"reason":"x"}`, "style.radius must be a whole number"},
		{"/v1/brand", `{"style":{"radius":25},"reason":"x"}`, "radius: want a whole number from 0 to 24, not 25"},
		{"/v1/brand", `{"style":{"font":"serif"},"reason":"x"}`, `has no member \"font\"`},
		{"/v1/brand", `{"style":{"felt":"#ffe0e0"},"reason":"x"}`, "felt: the contrast of white #ffffff on felt #ffe0e0 is 1."},
		{"/v1/brand", `{"style":{"accent":"#b3202c"},"reason":"x"}`, "accent_text: the contrast of accent_text #1d1603 on accent #b3202c is 2."},
		{"/v1/brand", fmt.Sprintf(`{"name":%q,"style":{},"reason":"x"}`, strings.Repeat("x", 101)), "name: want at most 100 characters"},
		{"/v1/brand", `{"style":{},"reason":" "}`, "reason: "},
		{"/v1/brand", `{"name":"x","reason":"x"}`, "style is missing"},
		{"/v1/brand/logo", `{"image":"` + pixels + `","reason":""}`, "reason: "},
		{"/v1/brand/logo", `{"image":"not base64","reason":"x"}`, "image cannot be read: want base64"},
		{"/v1/brand/logo", `{"image":"PHN2Zy8+","reason":"x"}`, "logo: want an image in PNG, JPEG or WebP"},
		{"/v1/brand/logo", `{"image":"` + large + `","reason":"x"}`, "logo: it has 65537 bytes"},
	} {
		if a := put(r.path, r.body).Want(http.StatusBadRequest, wire.CodeInvalidParams); !strings.Contains(string(a.Body), r.says) {
			t.Errorf("%s %.80s: %s", r.path, r.body, a.Body)
		}
	}
	if b := shown(); b.Style.Felt != "#5a1a2a" || b.Logo == nil {
		t.Errorf("what was refused was done: %+v", b)
	}
	put("/v1/brand/logo", `{"image":"","reason":"no logo"}`).Want(http.StatusOK, "")
	if b := shown(); b.Logo != nil {
		t.Errorf("the logo is still there: %+v", b)
	}
	var log struct {
		Entries []struct{ Actor, Action, Reason, Address string }
	}
	other.Get(operator, "/v1/audit").Into(&log)
	var reasons []string
	for _, e := range log.Entries {
		if e.Action == "brand.set" && e.Actor == "operator:olivia" && e.Address != "" {
			reasons = append(reasons, e.Reason)
		}
	}
	if strings.Join(reasons, ", ") != "no logo, a red felt, a logo, a new look" {
		t.Errorf("the audit log has the brand changed for %q", reasons)
	}
}
