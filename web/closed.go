package web

import (
	"bytes"
	"embed"
	"errors"
	"html/template"
	"maps"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"
	"golang.org/x/text/language"

	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// maintenanceElement tells the player's page that its casino is in maintenance.
var maintenanceElement = []byte(`<meta name="pitboss-status" content="maintenance" />` + "\n  ")

// inMaintenance returns the player's page as it is served while its casino is in maintenance: it says so, in the player's language,
// and shows the casino when that is over. Without JavaScript it is told in the first of the browser's languages that there is.
func inMaintenance(c echo.Context, page *file, t *tenancy.Tenant) ([]byte, error) {
	body := bytes.Replace(page.plain.body, headEnd, append(slices.Clone(maintenanceElement), headEnd...), 1)
	lang, dir, words := wordsFor(c)
	data := struct{ Lang, Dir, Name, Why, Back string }{lang, dir, t.DisplayName(), words["maintenance_text"], words["maintenance_open"]}
	if !t.BackAt.IsZero() {
		data.Back = strings.Replace(words["maintenance_until"], "{time}", t.BackAt.UTC().Format("2006-01-02 15:04 UTC"), 1)
	}
	var told bytes.Buffer
	if err := withoutScripts.Execute(&told, data); err != nil {
		return nil, err
	}
	c.Response().Header().Add(echo.HeaderVary, "Accept-Language")
	return noScript.ReplaceAllLiteral(body, told.Bytes()), nil
}

// noScript matches what a page says where scripts are switched off.
var noScript = regexp.MustCompile(`<noscript>[^<]*</noscript>`)

// withoutScripts renders what the page of a casino in maintenance says there.
var withoutScripts = template.Must(template.New("").Parse(
	`<noscript><main lang="{{.Lang}}" dir="{{.Dir}}"><h1><bdi>{{.Name}}</bdi></h1><p>{{.Why}}</p><p>{{.Back}}</p></main></noscript>`))

// wordsOfPages holds the pages' words, of which closedPage takes those of refusals, and inMaintenance those of maintenance.
//
//go:embed ui/messages/*.json ui/messages/later/*.json
var wordsOfPages embed.FS

// closedPage is what people see in the place of the pages of a casino that lets nobody in. It loads nothing, since nothing of
// the casino is served.
var closedPage = template.Must(template.New("").Parse(`<!doctype html>
<html lang="{{.Lang}}" dir="{{.Dir}}">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>{{.Name}}</title>
  </head>
  <body>
    <main>
      <h1>{{.Name}}</h1>
      <p>{{.Why}}</p>
    </main>
  </body>
</html>
`))

// closedWords is the pages' words by their names, in the languages that there are, the first of which is English.
type closedWords struct {
	matcher language.Matcher
	langs   []string
	words   []map[string]string
}

// allWords returns the pages' words.
var allWords = sync.OnceValue(func() closedWords {
	const dir, later = "ui/messages", "ui/messages/later"
	files, err := wordsOfPages.ReadDir(later)
	if err != nil {
		panic(err) // what is embedded can be read
	}
	langs := []string{language.English.String()}
	for _, f := range files {
		if lang := strings.TrimSuffix(f.Name(), path.Ext(f.Name())); lang != langs[0] {
			langs = append(langs, lang)
		}
	}
	all := closedWords{langs: langs}
	var tags []language.Tag
	for _, lang := range langs {
		tags = append(tags, language.MustParse(lang))
		words := map[string]string{}
		for _, dir := range []string{dir, later} {
			some := map[string]string{}
			raw, err := wordsOfPages.ReadFile(path.Join(dir, lang+".json"))
			if err == nil {
				err = strict.Decode(raw, &some)
			}
			if err != nil {
				panic(err)
			}
			maps.Copy(words, some)
		}
		all.words = append(all.words, words)
	}
	all.matcher = language.NewMatcher(tags)
	return all
})

// readsPages reports whether a request is a browser's for one of the pages, and not a program's, which reads problems.
func readsPages(c echo.Context) bool {
	r := c.Request()
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && slices.Contains(pagePaths, c.Path()) &&
		strings.Contains(r.Header.Get(echo.HeaderAccept), echo.MIMETextHTML)
}

// wordsFor returns the words in the first of the browser's languages that there is, and in which direction that is written.
func wordsFor(c echo.Context) (lang, dir string, words map[string]string) {
	all := allWords()
	_, i := language.MatchStrings(all.matcher, c.Request().Header.Get("Accept-Language"))
	lang, dir = all.langs[i], "ltr"
	if lang == "ar" {
		dir = "rtl"
	}
	return lang, dir, all.words[i]
}

// closed answers a request that a tenant refuses whoever asks: a browser with a page, in the first of its languages that there is.
func closed(c echo.Context, t *tenancy.Tenant, refusal error) error {
	var p *api.Problem
	if !errors.As(refusal, &p) || !readsPages(c) {
		return refusal
	}
	lang, dir, words := wordsFor(c)
	data := struct{ Lang, Dir, Name, Why string }{lang, dir, t.DisplayName(), words["error_"+p.Code]}
	var page bytes.Buffer
	if err := closedPage.Execute(&page, data); err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("Content-Security-Policy", policy+"'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Add(echo.HeaderVary, "Accept, Accept-Language")
	return c.HTMLBlob(p.Status, page.Bytes())
}
