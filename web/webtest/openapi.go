package webtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	"github.com/pb33f/libopenapi-validator/content"
	problems "github.com/pb33f/libopenapi-validator/errors"
	"github.com/pb33f/libopenapi-validator/paths"
	"github.com/pb33f/libopenapi-validator/radix"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"

	"github.com/pitboss-hub/pitboss/web"
)

// contract is the API's OpenAPI document, ready to hold requests and answers to.
type contract struct {
	validator.Validator
	model   *v3.Document
	options *config.ValidationOptions // how operations are found
}

// casinoContract and platformContract return the contracts of a casino's API and of the platform's, each compiled once.
var (
	casinoContract   = sync.OnceValues(func() (contract, error) { return newContract(web.OpenAPI()) })
	platformContract = sync.OnceValues(func() (contract, error) { return newContract(web.PlatformOpenAPI()) })
)

func newContract(document []byte) (contract, error) {
	doc, err := libopenapi.NewDocument(document)
	if err != nil {
		return contract{}, err
	}
	model, err := doc.BuildV3Model()
	if err != nil {
		return contract{}, err
	}
	v := validator.NewValidatorFromV3Model(&model.Model, config.WithoutSecurityValidation(), config.WithBodyDecoder("application/jsonl", content.TextDecoder()))
	options := config.NewValidationOptions(config.WithPathTree(radix.BuildPathTree(&model.Model)))
	return contract{v, &model.Model, options}, nil
}

// CheckDocumented returns why a request and its answer are not as the OpenAPI document of a casino's API has them, or nil. A
// request counts only if it was accepted; HEAD, and what is not under /v1/, does not count.
func CheckDocumented(req *http.Request, body string, a Answer) error {
	return checkDocumented(casinoContract, req, body, a)
}

func checkDocumented(by func() (contract, error), req *http.Request, body string, a Answer) error {
	if req.Method == http.MethodHead || !strings.HasPrefix(req.URL.Path, "/v1/") {
		return nil
	}
	c, err := by()
	if err != nil {
		return err
	}
	asked := req.Clone(req.Context())
	asked.Body = io.NopCloser(strings.NewReader(body))
	asked.URL = &url.URL{Path: req.URL.Path, RawQuery: req.URL.RawQuery}
	if req.URL.RawPath != "" { // a slash within a parameter is none between two
		if asked.URL.Path, err = url.PathUnescape(strings.ReplaceAll(req.URL.RawPath, "%2F", "-")); err != nil {
			return err
		}
	}
	item, _, path := paths.FindPath(asked, c.model, c.options)
	if strings.Contains(asked.URL.Path+"/", "//") || item == nil || item.GetOperations().GetOrZero(strings.ToLower(req.Method)) == nil {
		if a.Status >= http.StatusBadRequest && a.Status < http.StatusInternalServerError {
			return nil
		}
		return fmt.Errorf("there is no such operation, and it was answered with %d", a.Status)
	}
	answer := &http.Response{StatusCode: a.Status, Header: a.Header, Body: io.NopCloser(bytes.NewReader(a.Body)), Request: asked}
	_, wrong := c.GetResponseBodyValidator().ValidateResponseBodyWithPathItem(asked, answer, item, path)
	err = said("the answer", wrong)
	if a.Status < http.StatusMultipleChoices {
		unknown := checkQuery(asked, item)
		_, wrong = c.ValidateHttpRequestSyncWithPathItem(asked, item, path)
		err = errors.Join(err, said("the request", wrong), unknown)
	}
	return err
}

// webhooks guards their schemas, which the validator compiles when it first needs each, unlike those of operations.
var webhooks sync.Mutex

// CheckWebhook returns why a message to a casino's server is not as the document has those of its type, or nil.
func CheckWebhook(header http.Header, body []byte) error {
	c, err := casinoContract()
	if err != nil {
		return err
	}
	var is struct{ Type string }
	if err := json.Unmarshal(body, &is); err != nil {
		return err
	}
	item := c.model.Webhooks.GetOrZero(is.Type)
	if item == nil {
		return fmt.Errorf("there is no webhook %q", is.Type)
	}
	req := &http.Request{Method: http.MethodPost, URL: &url.URL{Path: "/"}, Header: header, Body: io.NopCloser(bytes.NewReader(body))}
	webhooks.Lock()
	defer webhooks.Unlock()
	_, wrong := c.ValidateHttpRequestSyncWithPathItem(req, item, "/")
	return said("the message", wrong)
}

// WebhookExamples returns the document's example of each type of messages to casinos' servers.
func WebhookExamples() (map[string][]byte, error) {
	c, err := casinoContract()
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	for typ, item := range c.model.Webhooks.FromOldest() {
		var example any
		media := item.Post.RequestBody.Content.GetOrZero("application/json")
		if media == nil || media.Example == nil {
			return nil, fmt.Errorf("the webhook %s has no example", typ)
		}
		if err := media.Example.Decode(&example); err != nil {
			return nil, err
		}
		if out[typ], err = json.Marshal(example); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// checkQuery returns an error if a request has a query parameter that its operation does not. It takes away those that are empty and may
// be, which the validator does not know.
func checkQuery(req *http.Request, item *v3.PathItem) error {
	query, known := req.URL.Query(), map[string]bool{}
	for _, p := range item.GetOperations().GetOrZero(strings.ToLower(req.Method)).Parameters {
		known[p.Name] = known[p.Name] || p.In == "query"
		if p.AllowEmptyValue && query.Get(p.Name) == "" {
			query.Del(p.Name)
		}
	}
	for name := range query {
		if !known[name] {
			return fmt.Errorf("the request has the undocumented parameter %q", name)
		}
	}
	req.URL.RawQuery = query.Encode()
	return nil
}

// said returns in one line each what is wrong.
func said(of string, wrong []*problems.ValidationError) error {
	var all []error
	for _, w := range wrong {
		text := w.Message + ": " + w.Reason
		for _, f := range w.SchemaValidationErrors {
			text += fmt.Sprintf("; %s: %s", f.FieldPath, f.Reason)
		}
		all = append(all, fmt.Errorf("%s: %s", of, text))
	}
	return errors.Join(all...)
}
