package web_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

var script = regexp.MustCompile(`<script [^>]*src="\./(assets/[^"]+\.js)"`)

// pagesComeCompressed holds that pages and what they load come in the coding that was asked for, each with
// a validator of its own, and that nothing else is encoded.
func pagesComeCompressed(t *testing.T, c *webtest.Casino) {
	asset := script.FindSubmatch(c.Get("", "/play").Body)
	if asset == nil {
		t.Fatal("the player's page loads no script")
	}
	for path, kept := range map[string]string{
		"/play": "no-cache", "/console": "no-cache", "/verify": "no-cache", "/api": "no-cache", "/" + string(asset[1]): "public, max-age=31536000, immutable",
	} {
		etags := map[string]bool{}
		sizes := map[string]int{}
		plain := c.Get("", path).Want(http.StatusOK, "")
		for _, coding := range []string{"identity", "gzip", "br"} {
			accept := []string{"Accept-Encoding", coding}
			got := c.Do(http.MethodGet, "", path, "", accept...).Want(http.StatusOK, "")
			etag := got.Header.Get("ETag")
			encoding := got.Header.Get("Content-Encoding")
			if coding == "identity" && encoding != "" || coding != "identity" && encoding != coding || got.Header.Get("Vary") != "Accept-Encoding" ||
				got.Header.Get("Cache-Control") != kept || got.Header.Get("Content-Type") != plain.Header.Get("Content-Type") || got.Header.Get("Content-Length") != strconv.Itoa(len(got.Body)) {
				t.Errorf("%s as %s: %v", path, coding, got.Header)
			}
			if etags[etag] || etag == "" {
				t.Errorf("%s as %s has the ETag %q, which another form has too", path, coding, etag)
			}
			etags[etag], sizes[coding] = true, len(got.Body)
			if coding == "gzip" {
				r, err := gzip.NewReader(bytes.NewReader(got.Body))
				if err != nil {
					t.Fatal(err)
				}
				if text, err := io.ReadAll(r); err != nil || !bytes.Equal(text, plain.Body) {
					t.Errorf("%s as gzip holds something else: %v", path, err)
				}
			}

			head := c.Do(http.MethodHead, "", path, "", accept...).Want(http.StatusOK, "")
			if len(head.Body) != 0 || head.Header.Get("ETag") != etag || head.Header.Get("Content-Length") != strconv.Itoa(len(got.Body)) {
				t.Errorf("HEAD %s as %s: %v", path, coding, head.Header)
			}
			same := c.Do(http.MethodGet, "", path, "", append(accept, "If-None-Match", etag)...).Want(http.StatusNotModified, "")
			if len(same.Body) != 0 || same.Header.Get("ETag") != etag || same.Header.Get("Vary") != "Accept-Encoding" || same.Header.Get("Cache-Control") != kept {
				t.Errorf("%s as %s, unchanged: %v", path, coding, same.Header)
			}
			c.Do(http.MethodGet, "", path, "", append(accept, "If-None-Match", `"another"`)...).Want(http.StatusOK, "")
			c.Do(http.MethodGet, "", path, "", append(accept, "If-Match", `"another"`)...).Want(http.StatusPreconditionFailed, "")
			part := c.Do(http.MethodGet, "", path, "", append(accept, "Range", "bytes=5-14")...).Want(http.StatusPartialContent, "")
			if !bytes.Equal(part.Body, got.Body[5:15]) || part.Header.Get("Content-Range") != fmt.Sprintf("bytes 5-14/%d", len(got.Body)) {
				t.Errorf("a part of %s as %s: %v", path, coding, part.Header)
			}
		}
		if sizes["br"] >= sizes["gzip"] || sizes["gzip"] >= sizes["identity"] {
			t.Errorf("%s has the sizes %v", path, sizes)
		}
		// Compressed forms are no files of their own.
		c.Get("", path+".br").Want(http.StatusNotFound, "not_found")
	}
	for _, path := range []string{"/v1/session", "/v1/rooms", "/healthz", "/v1/nowhere", "/assets/nothing.js"} {
		a := c.Do(http.MethodGet, c.Token("alice", auth.Player), path, "", "Accept-Encoding", "br, gzip")
		if a.Header.Get("Content-Encoding") != "" || a.Header.Get("Vary") != "" {
			t.Errorf("%s: %v", path, a.Header)
		}
	}
}

// deepPagesSayWhereTheyAre holds that a page loads the same under each of its addresses: all that it names
// is relative to where /play is.
func deepPagesSayWhereTheyAre(t *testing.T, c *webtest.Casino) {
	if packed := c.Do(http.MethodGet, "", "/play/t/roulette-1", "", "Accept-Encoding", "gzip, br"); packed.Header.Get("Content-Encoding") == "" {
		t.Error("the page of a table is not compressed")
	}
	for page, bases := range map[string]map[string]string{
		"/play":    {"/play": "./", "/play/history": "../", "/play/t/roulette-1": "../../"},
		"/console": {"/console": "./", "/console/players": "../", "/console/players/alice": "../../", "/console/players/a%2Fb": "../../"},
	} {
		top := string(c.Get("", page).Body)
		for path, base := range bases {
			want := strings.Replace(top, `<base href="./" />`, `<base href="`+base+`" />`, 1)
			if got := string(c.Get("", path).Want(http.StatusOK, "").Body); got != want {
				t.Errorf("%s is not the page with its base:\n%s", path, got)
			}
		}
		if strings.Contains(top, `="/`) || !strings.Contains(top, `<base href="./" />`) {
			t.Errorf("%s names something by an absolute address, or has no base:\n%s", page, top)
		}
	}
}
