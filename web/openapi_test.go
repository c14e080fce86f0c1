package web_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/web"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

// documented is what tests read of the OpenAPI document.
type documented struct {
	Paths map[string]map[string]struct {
		Scope    *auth.Scope           `json:"x-scope"`
		Security []map[string][]string `json:"security"`
		ID       string                `json:"operationId"`
	}
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

func TestEveryRouteIsInTheOpenAPIDocumentWithItsScope(t *testing.T) {
	t.Parallel()
	s := new(web.Server)
	areDocumented(t, web.OpenAPI(), s.Needs(), auth.KeyScopes())
	areDocumented(t, web.PlatformOpenAPI(), s.PlatformNeeds(), auth.PlatformScopes())
}

// areDocumented fails the test unless a document has routes with what they need. Others than those of forKeys are for tokens.
func areDocumented(t *testing.T, text []byte, needs map[string]auth.Scope, forKeys []auth.Scope) {
	t.Helper()
	var doc documented
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for path, operations := range doc.Paths {
		for method, op := range operations {
			name := strings.ToUpper(method) + " " + regexp.MustCompile(`\{(\w+)\}`).ReplaceAllString(path, ":$1")
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
