package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

// Paths of things that have to be there first are those of routes_test.go. That an answer is as documented is webtest's to say.
func TestTheExamplesOfTheDocumentAreAnsweredAsDocumented(t *testing.T) {
	t.Parallel()
	f, c := newFuzzer(t, 1), webtest.New(t)
	operator := c.Token("olivia", auth.Operator)
	player := c.Player("alice", 100_000)
	alice := c.Dial("alice", player)
	how := requests(c, operator, alice)
	for n, o := range f.operations {
		name := o.method + " " + o.path
		op := f.doc["paths"].(object)[o.path].(object)[strings.ToLower(o.method)].(object)
		path, body := o.path, ""
		for _, p := range o.params {
			if p["in"] == "path" {
				example, ok := p["example"]
				if !ok {
					t.Errorf("%s: %s has no example", name, p["name"])
				}
				path = strings.ReplaceAll(path, "{"+p["name"].(string)+"}", url.PathEscape(asText(example)))
			}
		}
		if o.body != nil {
			example := op["requestBody"].(object)["content"].(object)["application/json"].(object)["example"].(object)
			if _, ok := example["command_id"]; ok {
				example["command_id"] = uuid.NewString() // each is a command of its own
			}
			if _, ok := example["ends_at"]; ok {
				example["ends_at"] = time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
			}
			text, err := json.Marshal(example)
			if err != nil {
				t.Fatal(err)
			}
			body = string(text)
		}
		want := http.StatusOK
		for status := range op["responses"].(object) {
			if strings.HasPrefix(status, "20") && status != "200" && op["responses"].(object)["200"] == nil {
				want, _ = strconv.Atoi(status)
			}
		}
		switch prepare := how[strings.NewReplacer("{", ":", "}", "").Replace(name)]; {
		case !strings.Contains(path, "{") && o.path == path:
		case prepare != nil:
			r := prepare(fmt.Sprint("example-", n))
			path = r.path
			if r.status >= http.StatusBadRequest { // what the example names is not there
				want = r.status
			}
		}
		token := operator
		if strings.HasPrefix(o.path, "/v1/session/") {
			token = player
		}
		checkExamples(t, o, path, body, op["responses"].(object))
		if a := c.Do(o.method, token, path, body); a.Status != want {
			t.Errorf("%s %s %s: %d, want %d: %s", o.method, path, body, a.Status, want, a.Body)
		}
	}
}

// checkExamples fails the test if an example of an answer is not as the document has it.
func checkExamples(t *testing.T, o operation, path, body string, answers object) {
	t.Helper()
	for text, answer := range answers {
		content, _ := answer.(object)["content"].(object)
		media, _ := content["application/json"].(object)
		if media["example"] == nil {
			continue
		}
		example, err := json.Marshal(media["example"])
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), o.method, path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		status, _ := strconv.Atoi(text)
		a := webtest.Answer{Status: status, Body: example, Header: http.Header{"Content-Type": {"application/json"}, "X-Request-Id": {"an-example"}}}
		if err := webtest.CheckDocumented(req, body, a); err != nil {
			t.Errorf("%s %s: the example of %s: %v", o.method, o.path, text, err)
		}
	}
}
