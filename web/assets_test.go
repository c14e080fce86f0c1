package web

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
)

// ask asks for an asset, or for what is in its place.
func ask(t *testing.T, method, name string, headers map[string]string) *httptest.ResponseRecorder {
	t.Helper()
	e := echo.New()
	e.Add(method, "/assets/*", new(Server).asset)
	e.HTTPErrorHandler = func(_ error, c echo.Context) { _ = c.NoContent(http.StatusNotFound) }
	req := httptest.NewRequest(method, "/assets/"+name, nil)
	for k, v := range headers {
		req.Header.Set(k, v)
	}
	rec := httptest.NewRecorder()
	e.ServeHTTP(rec, req)
	return rec
}

// assetNames returns the names of the assets, without those of their compressed forms.
func assetNames(t *testing.T) []string {
	t.Helper()
	files, err := fs.ReadDir(dist, "ui/dist/assets")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		if name, packed := strings.CutSuffix(f.Name(), ".gz"); packed || !strings.HasSuffix(f.Name(), ".br") {
			names = append(names, name)
		}
	}
	return names
}

func TestEveryAssetIsServedInTheSmallestFormThatTheBrowserTakes(t *testing.T) {
	fonts := 0
	for _, name := range assetNames(t) {
		whole := ask(t, http.MethodGet, name, nil)
		if whole.Code != http.StatusOK || whole.Header().Get("Content-Encoding") != "" || whole.Body.Len() == 0 {
			t.Fatalf("%s: %d, %v", name, whole.Code, whole.Header())
		}
		tags := map[string]string{whole.Header().Get("ETag"): "identity"}
		packed := ask(t, http.MethodGet, name, map[string]string{"Accept-Encoding": "gzip, deflate"})
		if strings.HasSuffix(name, ".woff2") {
			fonts++
			if packed.Header().Get("Content-Encoding") != "" || packed.Header().Get("Content-Type") != "font/woff2" {
				t.Errorf("%s: %v", name, packed.Header())
			}
			continue
		}
		for _, kind := range []string{".js", ".css", ".svg"} {
			want := map[string]string{".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}[kind]
			if got := packed.Header().Get("Content-Type"); strings.HasSuffix(name, kind) && got != want {
				t.Errorf("%s: it is %s, want %s", name, got, want)
			}
		}
		r, err := gzip.NewReader(packed.Body)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, whole.Body.Bytes()) {
			t.Errorf("%s: what gzip holds is not the file: %v", name, err)
		}
		small := ask(t, http.MethodGet, name, map[string]string{"Accept-Encoding": "gzip, deflate, br, zstd"})
		if small.Header().Get("Content-Encoding") != "br" || small.Header().Get("Vary") != "Accept-Encoding" || !strings.Contains(small.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %v", name, small.Header())
		}
		for _, r := range []*httptest.ResponseRecorder{packed, small} {
			tag := r.Header().Get("ETag")
			if other, taken := tags[tag]; taken || tag == "" {
				t.Errorf("%s: two forms have one tag, %q: %s", name, tag, other)
			}
			tags[tag] = r.Header().Get("Content-Encoding")
		}
		again := ask(t, http.MethodGet, name, map[string]string{"Accept-Encoding": "br", "If-None-Match": small.Header().Get("ETag")})
		if again.Code != http.StatusNotModified || again.Body.Len() != 0 {
			t.Errorf("%s is sent again: %d", name, again.Code)
		}
		if head := ask(t, http.MethodHead, name, map[string]string{"Accept-Encoding": "br"}); head.Code != http.StatusOK || head.Body.Len() != 0 {
			t.Errorf("%s: HEAD: %d", name, head.Code)
		}
	}
	if fonts != 1 {
		t.Errorf("there are %d fonts", fonts)
	}
}

func TestWhatIsNoAssetIsNotFound(t *testing.T) {
	name := assetNames(t)[0]
	for _, no := range []string{"none.js", "", ".", name + ".br", name + ".gz", "..%2fplay.html", "../play.html"} {
		if rec := ask(t, http.MethodGet, no, map[string]string{"Accept-Encoding": "br"}); rec.Code != http.StatusNotFound {
			t.Errorf("%q: %d", no, rec.Code)
		}
	}
}

func TestContentCodingsAreChosenByTheirWeights(t *testing.T) {
	for header, want := range map[string][2]bool{ // br, gzip
		"": {false, false}, "identity": {false, false}, "br": {true, false}, "gzip": {false, true}, "GZIP, BR": {true, true},
		"br;q=0, gzip": {false, true}, "br; q=0.5,gzip;q=0.0": {true, false}, "*": {true, true}, "*;q=0": {false, false},
		"br;q=0, *": {false, true}, "*, gzip;q=0": {true, false}, "brotli, xgzip": {false, false}, "br;level=1": {false, false}, "br;q=x": {false, false},
	} {
		if got := [2]bool{accepts(header, "br"), accepts(header, "gzip")}; got != want {
			t.Errorf("%q accepts br and gzip: %v, want %v", header, got, want)
		}
	}
}
