package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/pitboss-hub/pitboss/hub/wire/strict"
)

// IDBytesMax bounds the length of a request's id.
const IDBytesMax = 128

// Decode decodes one client → server frame. If it returns an Error that must be
// sent as a reply, Request.ID is the request's id as far as it could be read; with neither
// an id nor a method the reply has the id null, as JSON-RPC requires. The Request
// holds copies: it stays valid when frame is reused.
//
// It does not decode Params (see DecodeParams) and does not know which methods exist.
func Decode(frame []byte) (Request, *Error) {
	if text := bytes.TrimLeft(frame, " \t\r\n"); len(text) > 0 && text[0] == '[' {
		return Request{}, NewError(CodeInvalidRequest, "batches are not part of the protocol: send one object in a frame")
	}
	var in struct {
		Version string                     `json:"jsonrpc"`
		ID      json.RawMessage            `json:"id"`
		Method  string                     `json:"method"`
		Params  json.RawMessage            `json:"params"`
		Unknown map[string]json.RawMessage `json:",embed"`
	}
	var only struct {
		ID json.RawMessage `json:"id"`
	}
	wrong := strict.DecodeKnown(frame, &in)
	if wrong != nil { // a member, or the whole?
		err := strict.DecodeKnown(frame, &only)
		if bad, ok := errors.AsType[*strict.Error](err); ok {
			return Request{}, NewError(CodeParse, bad.Of("the frame"))
		}
		in.ID = only.ID
	}
	if in.ID != nil {
		if why := badID(in.ID); why != "" {
			return Request{}, NewError(CodeInvalidRequest, why)
		}
	}
	req := Request{ID: in.ID, Method: in.Method, Params: in.Params}
	switch {
	case wrong != nil:
		return req, NewError(CodeInvalidRequest, wrong.Error())
	case in.Version != Version:
		return req, NewError(CodeInvalidRequest, `jsonrpc must be "2.0"`)
	case len(in.Unknown) > 0:
		return req, NewError(CodeInvalidRequest, fmt.Sprintf("a request has no member %.40q", slices.Min(slices.Collect(maps.Keys(in.Unknown)))))
	case in.Method == "":
		return req, NewError(CodeInvalidRequest, "method is missing, or says nothing")
	case in.Params != nil && in.Params[0] != '{':
		return req, NewError(CodeInvalidParams, "params must be an object")
	}
	return req, nil
}

// badID returns what is wrong with a request's id.
func badID(id []byte) string {
	switch {
	case len(id) > IDBytesMax:
		return fmt.Sprintf("id is longer than %d bytes", IDBytesMax)
	case id[0] == '"':
		return ""
	case id[0] != '-' && (id[0] < '0' || id[0] > '9'):
		return "id must be a string or a whole number"
	case bytes.ContainsAny(id, ".eE"):
		return "id must be a string or a whole number, without a fraction or an exponent"
	}
	return ""
}
