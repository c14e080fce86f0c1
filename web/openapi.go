package web

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"sync"

	"github.com/labstack/echo/v4"
	"go.yaml.in/yaml/v3"
)

// openAPIYAML describes every route of the API. Tests hold it to the routes, and to what they answer.
//
//go:embed openapi.yaml
var openAPIYAML []byte

// platformYAML does the same for the API of the platform.
//
//go:embed openapi-platform.yaml
var platformYAML []byte

// openAPI and platformOpenAPI are the documents as clients get them.
var (
	openAPI         = sync.OnceValue(func() *file { return documentFile(openAPIYAML) })
	platformOpenAPI = sync.OnceValue(func() *file { return documentFile(platformYAML) })
)

// documentFile returns a document in YAML as clients get it.
func documentFile(text []byte) *file {
	var doc yaml.Node
	err := yaml.Unmarshal(text, &doc)
	if err == nil {
		var out bytes.Buffer
		if err = writeJSON(&out, doc.Content[0]); err == nil {
			return &file{contentType: "application/json", plain: newForm(identity, out.Bytes()), compressed: []form{newForm("gzip", packed(out.Bytes()))}}
		}
	}
	panic(err) // what is embedded can be read
}

// OpenAPI returns the OpenAPI document of a casino's API, as JSON.
func OpenAPI() []byte { return openAPI().plain.body }

// PlatformOpenAPI returns the OpenAPI document of the platform's API, as JSON.
func PlatformOpenAPI() []byte { return platformOpenAPI().plain.body }

// writeJSON writes what a YAML node says as JSON, with members in the order in which they stand.
func writeJSON(out *bytes.Buffer, n *yaml.Node) error {
	switch n.Kind {
	case yaml.MappingNode, yaml.SequenceNode:
		open, end, step := byte('{'), byte('}'), 2
		if n.Kind == yaml.SequenceNode {
			open, end, step = '[', ']', 1
		}
		out.WriteByte(open)
		for i := 0; i < len(n.Content); i += step {
			if i > 0 {
				out.WriteByte(',')
			}
			if step == 2 {
				key, err := json.Marshal(n.Content[i].Value)
				if err != nil {
					return err
				}
				out.Write(append(key, ':'))
			}
			if err := writeJSON(out, n.Content[i+step-1]); err != nil {
				return err
			}
		}
		out.WriteByte(end)
		return nil
	}
	var value any
	if err := n.Decode(&value); err != nil {
		return err
	}
	text, err := json.Marshal(value)
	out.Write(text)
	return err
}

// documentOf returns the handler that answers with a document.
func (s *Server) documentOf(doc func() *file) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Response().Header().Set("Cache-Control", askedAnew)
		return doc().serve(c)
	}
}
