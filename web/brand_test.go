package web_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

const (
	keptForGood = "public, max-age=31536000, immutable"
	askedAnew   = "no-cache"
)

var (
	styleLink = regexp.MustCompile(`<link rel="stylesheet" href="(brand\.css\?v=[\w-]+)">`)
	logoLink  = regexp.MustCompile(`<link rel="icon" href="(brand/logo\?v=[\w-]+)" type="image/png" />`)
)

// logo returns a logo of a width.
func logo(t *testing.T, width int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, width, 32))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// putLogo sets a casino's logo, and returns the brand.
func putLogo(t *testing.T, c *webtest.Casino, file []byte) tenancy.Brand {
	t.Helper()
	var brand tenancy.Brand
	body := fmt.Sprintf(`{"image":%q,"reason":"a test"}`, base64.StdEncoding.EncodeToString(file))
	c.Do(http.MethodPut, c.Token("olivia", auth.Operator), "/v1/brand/logo", body).Want(http.StatusOK, "").Into(&brand)
	return brand
}

// aBrandIsItsTenantsOnly holds that a brand is on the pages that players see of its casino and nowhere else, and that
// what is loaded of it may be kept for as long as it is the same.
func aBrandIsItsTenantsOnly(t *testing.T, c *webtest.Casino) {
	other := c.Another("casino-bare")
	operator := c.Token("olivia", auth.Operator)
	bare := other.Get("", "/play").Want(http.StatusOK, "")
	if before := c.Get("", "/play"); !bytes.Equal(before.Body, bare.Body) || bytes.Contains(bare.Body, []byte("brand")) || before.Header.Get("ETag") != bare.Header.Get("ETag") {
		t.Errorf("a casino without a brand has the page %s", before.Body)
	}

	first := logo(t, 32)
	c.Do(http.MethodPut, operator, "/v1/brand", `{"name":"A & B </title><script>","style":{"accent":"#7FD1FF","radius":3},"reason":"a test"}`).Want(http.StatusOK, "")
	brand := putLogo(t, c, first)
	page := c.Get("", "/play").Want(http.StatusOK, "")
	style, icon := styleLink.FindSubmatch(page.Body), logoLink.FindSubmatch(page.Body)
	if style == nil || icon == nil || !bytes.Contains(page.Body, []byte("<title>A &amp; B &lt;/title&gt;&lt;script&gt;</title>")) || bytes.Count(page.Body, []byte("<title>")) != 1 ||
		bytes.Count(page.Body, []byte(`rel="icon"`)) != 1 || page.Header.Get("ETag") == bare.Header.Get("ETag") || page.Header.Get("Cache-Control") != askedAnew ||
		page.Header.Get("Content-Security-Policy") == "" || page.Header.Get("Content-Encoding") != "" {
		t.Fatalf("the page is %s, %v", page.Body, page.Header)
	}
	c.Do(http.MethodGet, "", "/play", "", "If-None-Match", page.Header.Get("ETag")).Want(http.StatusNotModified, "")
	for path, want := range map[string]struct{ body, contentType, kept string }{
		"/" + string(style[1]):       {"html:root{--accent:#7fd1ff;--radius:3px;}\n", "text/css; charset=utf-8", keptForGood},
		"/brand.css":                 {"html:root{--accent:#7fd1ff;--radius:3px;}\n", "text/css; charset=utf-8", askedAnew},
		"/brand.css?v=x":             {"html:root{--accent:#7fd1ff;--radius:3px;}\n", "text/css; charset=utf-8", askedAnew},
		"/" + string(icon[1]):        {string(first), "image/png", keptForGood},
		"/brand/logo":                {string(first), "image/png", askedAnew},
		"/brand/logo?v=" + "../../x": {string(first), "image/png", askedAnew},
	} {
		got := c.Get("", path).Want(http.StatusOK, "")
		if string(got.Body) != want.body || got.Header.Get("Content-Type") != want.contentType || got.Header.Get("Cache-Control") != want.kept ||
			got.Header.Get("X-Content-Type-Options") != "nosniff" || got.Header.Get("ETag") == "" {
			t.Errorf("%s: %q %v", path, got.Body, got.Header)
		}
		c.Do(http.MethodGet, "", path, "", "If-None-Match", got.Header.Get("ETag")).Want(http.StatusNotModified, "")
	}
	var session struct {
		Name string `json:"tenant_name"`
	}
	if c.Get(c.Token("alice", auth.Player), "/v1/session").Into(&session); session.Name != "A & B </title><script>" {
		t.Errorf("a player is at %q", session.Name)
	}
	if a := c.Get("", "/console"); bytes.Contains(a.Body, []byte("brand")) || a.Header.Get("ETag") != other.Get("", "/console").Header.Get("ETag") {
		t.Errorf("the console is %s", a.Body)
	}
	verify := c.Get("", "/verify").Want(http.StatusOK, "")
	for _, want := range [][]byte{style[0], icon[0], []byte("<title>A &amp; B &lt;/title&gt;&lt;script&gt;</title>")} {
		if bytes.Count(verify.Body, want) != 1 {
			t.Errorf("the page that verifies a round has no %s:\n%s", want, verify.Body)
		}
	}
	if verify.Header.Get("Content-Security-Policy") != page.Header.Get("Content-Security-Policy") || bytes.Count(verify.Body, []byte(`rel="icon"`)) != 1 {
		t.Errorf("the page that verifies a round is %s, %v", verify.Body, verify.Header)
	}
	c.Do(http.MethodGet, "", "/verify", "", "If-None-Match", verify.Header.Get("ETag")).Want(http.StatusNotModified, "")

	// The host decides, whatever else is asked.
	for _, header := range [][]string{nil, {"X-Forwarded-Host", "casino-x.localhost"}, {"Origin", "http://casino-x.localhost"}, {"If-None-Match", page.Header.Get("ETag")}} {
		if a := other.Do(http.MethodGet, "", "/play", "", header...).Want(http.StatusOK, ""); !bytes.Equal(a.Body, bare.Body) {
			t.Errorf("another casino has the page %s", a.Body)
		}
		if a := other.Do(http.MethodGet, "", "/verify", "", header...).Want(http.StatusOK, ""); bytes.Contains(a.Body, []byte("brand")) {
			t.Errorf("another casino has the page %s", a.Body)
		}
		if a := other.Do(http.MethodGet, "", "/"+string(style[1]), "", header...).Want(http.StatusOK, ""); string(a.Body) != "html:root{}\n" || a.Header.Get("Cache-Control") != askedAnew {
			t.Errorf("another casino has the stylesheet %s, %v", a.Body, a.Header)
		}
		other.Do(http.MethodGet, "", "/"+string(icon[1]), "", header...).Want(http.StatusNotFound, "not_found")
	}
	second := logo(t, 48)
	putLogo(t, other, second)
	if a, b := c.Get("", "/brand/logo?v="+brand.Logo.Hash), other.Get("", "/brand/logo?v="+brand.Logo.Hash); !bytes.Equal(a.Body, first) || !bytes.Equal(b.Body, second) || b.Header.Get("Cache-Control") != askedAnew {
		t.Errorf("the logos are %d and %d bytes, %v", len(a.Body), len(b.Body), b.Header)
	}
	if a := other.Get("", "/play"); !bytes.Contains(a.Body, []byte("<title>casino-bare</title>")) && !bytes.Contains(a.Body, []byte("<title>"+other.Tenant.Name+"</title>")) {
		t.Errorf("a casino whose brand has no name has the page %s", a.Body)
	}

	// What was kept of an earlier logo is not what it is now.
	third := logo(t, 64)
	putLogo(t, c, third)
	if a := c.Get("", "/"+string(icon[1])); !bytes.Equal(a.Body, third) || a.Header.Get("Cache-Control") != askedAnew {
		t.Errorf("by the hash of the logo before: %d bytes, %v", len(a.Body), a.Header)
	}
	putLogo(t, c, nil)
	c.Do(http.MethodPut, operator, "/v1/brand", `{"style":{},"reason":"a test"}`).Want(http.StatusOK, "")
	if a := c.Get("", "/play"); strings.Contains(string(a.Body), "brand") {
		t.Errorf("a brand that was taken away is on the page %s", a.Body)
	}
	c.Get("", "/brand/logo?v="+brand.Logo.Hash).Want(http.StatusNotFound, "not_found")
}
