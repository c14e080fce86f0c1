package web_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

// pageInMaintenance shows that the player's page of a casino in maintenance says so in its brand, and that all else is served.
func pageInMaintenance(t *testing.T, c *webtest.Casino) {
	staff, _, _ := c.Staff()
	c.Do(http.MethodPut, staff, "/v1/brand", `{"name":"Night <Owl>","style":{"accent":"#7fd1ff"},"reason":"a test"}`).Want(http.StatusOK, "")
	back := time.Now().Add(2 * time.Hour).Truncate(time.Second)
	if err := c.Admin.Maintain(t.Context(), c.Tenant.Slug, back, "a test"); err != nil {
		t.Fatal(err)
	}
	storetest.Eventually(t, "it is in maintenance", func() bool { return c.Get("", "/play").Status == http.StatusServiceUnavailable })
	for _, path := range []string{"/play", "/play/history", "/play/t/roulette-1"} {
		for _, accept := range []string{"", browser} {
			a := c.Do(http.MethodGet, "", path, "", "Accept", accept, "Accept-Encoding", "gzip;q=0").Want(http.StatusServiceUnavailable, "")
			if after, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || after != 300 {
				t.Errorf("%s: Retry-After: %q", path, a.Header.Get("Retry-After"))
			}
			if at, err := time.Parse(time.RFC3339, a.Header.Get("Pitboss-Back-At")); err != nil || !at.Equal(back) {
				t.Errorf("%s: is back at %q, want %s", path, a.Header.Get("Pitboss-Back-At"), back)
			}
			if a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("ETag") != "" {
				t.Errorf("%s may be kept: %v", path, a.Header)
			}
			for _, want := range []string{`<meta name="pitboss-status" content="maintenance" />`, "<title>Night &lt;Owl&gt;</title>", `href="brand.css?v=`} {
				if !bytes.Contains(a.Body, []byte(want)) {
					t.Errorf("%s does not have %s:\n%s", path, want, a.Body)
				}
			}
		}
	}
	for languages, want := range map[string]string{
		"": `lang="en" dir="ltr"><h1><bdi>Night &lt;Owl&gt;</bdi></h1><p>The casino is in maintenance.`, "de-AT": `lang="de" dir="ltr"><h1><bdi>Night &lt;Owl&gt;</bdi></h1><p>Das Casino wird gerade gewartet.`, "ar": `lang="ar" dir="rtl"`,
	} {
		a := c.Do(http.MethodGet, "", "/play", "", "Accept", browser, "Accept-Language", languages, "Accept-Encoding", "gzip;q=0").Want(http.StatusServiceUnavailable, "")
		for _, part := range []string{"<noscript><main " + want, back.UTC().Format("2006-01-02 15:04 UTC")} {
			if !bytes.Contains(a.Body, []byte(part)) {
				t.Errorf("%q: without scripts there is no %s:\n%s", languages, part, a.Body)
			}
		}
		if vary := strings.Join(a.Header.Values("Vary"), ","); !strings.Contains(vary, "Accept-Language") {
			t.Errorf("it varies by %q", vary)
		}
	}
	if a := c.Do(http.MethodHead, "", "/play", "").Want(http.StatusServiceUnavailable, ""); a.Header.Get("Pitboss-Back-At") == "" {
		t.Error("HEAD does not say when it is back")
	}
	for _, path := range []string{"/console", "/console/players/alice", "/verify", "/api", "/brand.css"} {
		c.Get("", path).Want(http.StatusOK, "")
	}
	var told struct {
		Maintenance *struct {
			BackAt time.Time `json:"back_at"`
		} `json:"maintenance"`
	}
	c.Get(staff, "/v1/session").Into(&told)
	if told.Maintenance == nil || !told.Maintenance.BackAt.Equal(back) {
		t.Errorf("staff are told of %+v", told.Maintenance)
	}
	if err := c.Admin.Resume(t.Context(), c.Tenant.Slug); err != nil {
		t.Fatal(err)
	}
	storetest.Eventually(t, "it is served again", func() bool { return c.Get("", "/play").Status == http.StatusOK })
	if a := c.Get("", "/play"); bytes.Contains(a.Body, []byte("pitboss-status")) || a.Header.Get("Pitboss-Back-At") != "" {
		t.Errorf("it still says that it is in maintenance: %v", a.Header)
	}
}

// closedInWords shows that a browser is told in words that a casino is closed, and a program by a problem.
func closedInWords(t *testing.T, c *webtest.Casino) {
	past := time.Now().Add(-tenancy.GracePeriod - time.Hour)
	if _, err := c.Admin.SetTenant(t.Context(), c.Tenant.Slug, tenancy.Settings{PaidUntil: &past}, "a test"); err != nil {
		t.Fatal(err)
	}
	storetest.Eventually(t, "it is closed", func() bool { return c.Get("", "/play").Status == http.StatusForbidden })
	for languages, want := range map[string]string{
		"": `lang="en" dir="ltr"|The casino is closed.`, "fr, de-AT;q=0.8, en;q=0.5": `lang="de" dir="ltr"|Das Casino ist geschlossen.`,
		"es-419": `lang="es" dir="ltr"|El casino está cerrado.`, "ar": `lang="ar" dir="rtl"|الكازينو مغلق`, strings.Repeat("x-", 2000): `lang="en" dir="ltr"|The casino is closed.`,
	} {
		a := c.Do(http.MethodGet, "", "/play/t/roulette-1", "", "Accept", browser, "Accept-Language", languages).Want(http.StatusForbidden, "")
		for _, part := range append(strings.Split(want, "|"), "<h1>"+c.Tenant.Name+"</h1>") {
			if !bytes.Contains(a.Body, []byte(part)) {
				t.Errorf("%.20s: there is no %s:\n%s", languages, part, a.Body)
			}
		}
		if a.Header.Get("Content-Type") != "text/html; charset=UTF-8" || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("the page's headers: %v", a.Header)
		}
	}
	c.Do(http.MethodGet, "", "/play", "", "Accept", "*/*").Want(http.StatusForbidden, "tenant_unpaid")
	c.Do(http.MethodGet, c.Player("alice", 100), "/v1/session", "", "Accept", browser).Want(http.StatusForbidden, "tenant_unpaid")
}

func TestEveryRefusalOfATenantHasWordsInEveryLanguage(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("ui/messages/*.json")
	if err != nil || len(files) != 4 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, code := range []string{"tenant_suspended", "tenant_unpaid", "tenant_archived", "tenant_out_of_order"} {
			if !bytes.Contains(text, []byte(`"error_`+code+`": "`)) {
				t.Errorf("%s has no words for %s", file, code)
			}
		}
	}
}
