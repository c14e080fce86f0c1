package e2e

import (
	"encoding/json"
	"image"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

func TestABrandSetOnTheCommandLineReachesRunningNodes(t *testing.T) {
	f := newCasino(t)
	a, b, _ := f.pair()
	logo := filepath.Join(t.TempDir(), "logo.png")
	file, err := os.Create(logo)
	if err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(file, image.NewGray(image.Rect(0, 0, 40, 20))); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if out := f.mustCLI("tenant", "brand", f.slug); strings.TrimSpace(out) != f.slug+" has Pitboss's own look" {
		t.Errorf("%q", out)
	}
	var shown tenancy.Brand
	out := f.mustCLI("tenant", "brand", f.slug, "--name", "Grand <Casino>", "--logo", logo, "--accent", "#7FD1FF", "--felt", "1d3f73", "--radius", "0", "--reason", "a new look", "--json")
	if err := json.Unmarshal([]byte(out), &shown); err != nil || shown.Name != "Grand <Casino>" || shown.Style.Accent != "#7fd1ff" || shown.Style.Felt != "#1d3f73" || *shown.Style.Radius != 0 || shown.Logo.Width != 40 {
		t.Errorf("%s, %v", out, err)
	}
	for _, x := range []*casino{a, b} {
		eventually(t, "the node serves the brand", func() bool {
			res, body := x.answerTo("GET", "/play", "", "")
			return res.StatusCode == http.StatusOK && strings.Contains(body, "<title>Grand &lt;Casino&gt;</title>") && strings.Contains(body, `href="brand/logo?v=`+shown.Logo.Hash+`"`)
		})
		if _, body := x.answerTo("GET", "/brand.css", "", ""); body != "html:root{--accent:#7fd1ff;--felt:#1d3f73;--radius:0px;}\n" {
			t.Errorf("the stylesheet is %s", body)
		}
		if res, body := x.answerTo("GET", "/brand/logo?v="+shown.Logo.Hash, "", ""); res.Header.Get("Content-Type") != "image/png" || len(body) != shown.Logo.Bytes {
			t.Errorf("the logo is %s, %v", body, res.Header)
		}
	}
	if _, _, raw := a.do("GET", "/v1/audit", f.mint("olivia", auth.Operator), ""); !strings.Contains(string(raw), `"action":"brand.set"`) || !strings.Contains(string(raw), `"reason":"a new look"`) {
		t.Errorf("no audit line: %s", raw)
	}

	if out := f.mustCLI("tenant", "brand", f.slug, "--accent", "default", "--logo", "default", "--reason", "less"); strings.Contains(out, "accent") || strings.Contains(out, "logo") || !strings.Contains(out, "#1d3f73") {
		t.Errorf("%s", out)
	}
	for args, want := range map[string]string{
		"--accent red --reason r":              `--accent: want a colour as #rrggbb, not "red"`,
		"--accent b3202c --reason r":           "accent_text: the contrast of accent_text #1d1603 on accent #b3202c is 2.7",
		"--felt e0f0e0 --reason r":             "felt: the contrast of white",
		"--radius 25 --reason r":               "0 to 24",
		"--radius 4px --reason r":              "0 to 24",
		"--logo /nowhere.png --reason r":       "/nowhere.png",
		"--logo ../../../README.md --reason r": "logo: want an image in PNG, JPEG or WebP",
		"--accent 7fd1ff":                      "--reason",
	} {
		if out, err := f.cli(append([]string{"tenant", "brand", f.slug}, strings.Fields(args)...)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, %v", args, out, err)
		}
	}
	if _, err := f.cli("tenant", "brand", "nobody"); err == nil || !strings.Contains(err.Error(), "there is no tenant") {
		t.Errorf("nobody's brand: %v", err)
	}

	f.mustCLI("tenant", "brand", f.slug, "--clear", "--reason", "as before")
	for _, x := range []*casino{a, b} {
		eventually(t, "the node has Pitboss's own look", func() bool {
			_, body := x.answerTo("GET", "/play", "", "")
			return strings.Contains(body, "<title>Pitboss</title>")
		})
	}
}
