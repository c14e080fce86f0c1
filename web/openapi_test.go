package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/web"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

// documented is what tests read of the OpenAPI document.
type documented struct {
	Paths map[string]map[string]struct {
		Scope    *auth.Scope           `json:"x-scope"`
		Security []map[string][]string `json:"security"`
		ID       string                `json:"operationId"`
		// Parameters are components, or say themselves what they are.
		Parameters []struct {
			parameter
			Ref string `json:"$ref"`
		}
	}
	Components struct{ Parameters map[string]parameter }
}

// parameter is a parameter of an operation.
type parameter struct {
	Name, In string
	Schema   struct {
		Type, Format string
		Ref          string `json:"$ref"`
		Enum         []any
	}
}

// query returns the query parameters of an operation.
func (d *documented) query(path, method string) (out []parameter) {
	for _, p := range d.Paths[path][method].Parameters {
		if p.Ref != "" {
			p.parameter = d.Components.Parameters[p.Ref[strings.LastIndex(p.Ref, "/")+1:]]
		}
		if p.In == "query" {
			out = append(out, p.parameter)
		}
	}
	return out
}

// read reads the OpenAPI document.
func read(t *testing.T) (doc documented) {
	t.Helper()
	if err := json.Unmarshal(web.OpenAPI(), &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// routeOf returns an operation of the document as the routes name it.
func routeOf(path, method string) string {
	return strings.ToUpper(method) + " " + regexp.MustCompile(`\{(\w+)\}`).ReplaceAllString(path, ":$1")
}

func TestTheOpenAPIDocumentIsValid(t *testing.T) {
	t.Parallel()
	for _, text := range [][]byte{web.OpenAPI(), web.PlatformOpenAPI()} {
		doc, err := libopenapi.NewDocument(text)
		if err != nil {
			t.Fatal(err)
		}
		v, errs := validator.NewValidator(doc)
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		if ok, errs := v.ValidateDocument(); !ok {
			for _, e := range errs {
				t.Error(e.Message, e.Reason, e.SchemaValidationErrors)
			}
		}
	}
}

func TestEveryRouteIsInTheOpenAPIDocumentWithItsScopeAndItsQuery(t *testing.T) {
	t.Parallel()
	s := new(web.Server)
	areDocumented(t, web.OpenAPI(), s.Needs(), s.Queries(), auth.KeyScopes())
	areDocumented(t, web.PlatformOpenAPI(), s.PlatformNeeds(), s.PlatformQueries(), auth.PlatformScopes())
}

// areDocumented fails the test unless a document has routes with what they need and their query parameters. Others than
// those of forKeys are for tokens.
func areDocumented(t *testing.T, text []byte, needs map[string]auth.Scope, queries map[string][]string, forKeys []auth.Scope) {
	t.Helper()
	var doc documented
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for path, operations := range doc.Paths {
		for method, op := range operations {
			name := routeOf(path, method)
			var query []string
			for _, p := range doc.query(path, method) {
				query = append(query, p.Name)
			}
			if !slices.Equal(slices.Sorted(slices.Values(query)), slices.Sorted(slices.Values(queries[name]))) {
				t.Errorf("%s: the query parameters %q, want %q", name, query, queries[name])
			}
			scope, ok := needs[name]
			if !ok || op.Scope == nil || *op.Scope != scope {
				t.Errorf("%s: scope %v, want %q: %v", name, op.Scope, scope, ok)
			}
			if ids[op.ID] || op.ID == "" {
				t.Errorf("%s: operationId %q is not its own", name, op.ID)
			}
			ids[op.ID] = true
			only := scope != web.Public && scope != web.SignedIn && !slices.Contains(forKeys, scope)
			if public := op.Security != nil && len(op.Security) == 0; public != (scope == web.Public) || (len(op.Security) == 1) != only {
				t.Errorf("%s: security %v, with the scope %q", name, op.Security, scope)
			}
			delete(needs, name)
		}
	}
	for name := range needs {
		t.Errorf("%s is not in the document", name)
	}
}

func TestEveryListIsChosenAndSortedByEachOfItsParameters(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	operator, player := c.Token("olivia", auth.Operator), c.Player("alice", 100)
	var made struct{ ID string }
	c.Post(operator, "/v1/webhooks", endpoint).Want(http.StatusCreated, "").Into(&made)
	doc := read(t)
	for path, operations := range doc.Paths {
		if _, ok := operations["get"]; !ok {
			continue
		}
		for _, p := range doc.query(path, "get") {
			values := []any{"x"}
			switch {
			case p.Name == "cursor":
				values[0] = ""
			case p.Schema.Enum != nil:
				values = p.Schema.Enum
			case p.Schema.Type == "integer" || strings.HasSuffix(p.Schema.Ref, "/Int64"):
				values[0] = 1
			case p.Schema.Format == "date-time":
				values[0] = "2026-05-04T12:30:00Z"
			case p.Schema.Type == "array":
				continue // as without .in
			}
			token := operator
			if strings.HasPrefix(path, "/v1/session/") {
				token = player
			}
			for _, v := range values {
				at := strings.NewReplacer("{player}", "alice", "{id}", made.ID).Replace(path)
				a := c.Get(token, fmt.Sprint(at, "?", p.Name, "=", v))
				if a.Status != http.StatusOK {
					t.Errorf("%s by %s=%v: %d %s", path, p.Name, v, a.Status, a.Body)
				}
				if tag := a.Header.Get("ETag"); tag == "" {
					t.Errorf("%s has no tag", path)
				}
			}
		}
	}
}

func TestAQueryParameterThatARouteDoesNotHaveIsRefused(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	operator := c.Token("olivia", auth.Operator)
	for name, query := range new(web.Server).Queries() {
		method, path, _ := strings.Cut(name, " ")
		path = regexp.MustCompile(`:\w+`).ReplaceAllString(path, "x")
		token := operator
		if strings.HasPrefix(path, "/v1/session/") {
			token = c.Token("alice", auth.Player)
		}
		asked := []string{"colour=red", "colour", "limit%20=1", "%zz=1", "a;b=1"}
		for _, p := range query {
			asked = append(asked, p+"=1&"+p+"=1", strings.ToUpper(p)+"=1")
		}
		for _, q := range asked {
			c.Do(method, token, path+"?"+q, "").Want(http.StatusBadRequest, wire.CodeInvalidParams)
		}
		if a := c.Do(method, token, path+"?colour=red", ""); !strings.Contains(string(a.Body), `"colour: there is no such parameter here`) {
			t.Errorf("%s: %s", name, a.Body)
		}
		if a := c.Do(method, "", path+"?colour=red", ""); name != "GET /v1/openapi.json" && name != "GET /v1/rooms/:room/rounds/:round" && a.Status != http.StatusUnauthorized {
			t.Errorf("%s without a token: %d", name, a.Status)
		}
	}
}

func TestTheOpenAPIDocumentIsServedAndKept(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	a := c.Get("", "/v1/openapi.json").Want(http.StatusOK, "")
	var doc struct{ OpenAPI string }
	if a.Into(&doc); doc.OpenAPI != "3.1.0" {
		t.Errorf("openapi: %q", doc.OpenAPI)
	}
	if again := c.Do(http.MethodGet, "", "/v1/openapi.json", "", "If-None-Match", a.Header.Get("ETag")); again.Status != http.StatusNotModified {
		t.Errorf("asked for again: %d", again.Status)
	}
}
