package wire

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// IDBytesMax is how long a request's id may be.
const IDBytesMax = 128

// Decode reads one client → server frame. If it returns an Error that is to be
// answered, Request.ID is the request's id as far as it could be read; with neither
// an id nor a method the answer has the id null, as JSON-RPC wants it. The Request
// holds copies: it stays good when frame is used again.
//
// It does not look into Params (see DecodeParams) and does not know which methods
// there are.
func Decode(frame []byte) (Request, *Error) {
	if !utf8.Valid(frame) {
		return Request{}, NewError(CodeParse, "the frame is not UTF-8")
	}
	if text := bytes.TrimLeft(frame, " \t\r\n"); len(text) > 0 && text[0] == '[' {
		return Request{}, NewError(CodeInvalidRequest, "batches are not part of the protocol: send one object in a frame")
	}
	var version, id, method, params, unknown []byte
	err := scanObject(frame, func(name, value []byte) bool {
		switch string(name) {
		case "jsonrpc":
			version = value
		case "id":
			id = value
		case "method":
			method = value
		case "params":
			params = value
		default:
			unknown = name
		}
		return true
	})
	if err != nil {
		return Request{}, NewError(CodeParse, "not one JSON object: "+err.Error())
	}

	var req Request
	if id != nil {
		if why := badID(id); why != "" {
			return Request{}, NewError(CodeInvalidRequest, why)
		}
	}
	// One allocation for both; neither can grow into the other.
	own := make([]byte, 0, len(id)+len(params))
	if own = append(own, id...); id != nil {
		req.ID = own[:len(id):len(id)]
	}
	if own = append(own, params...); params != nil {
		req.Params = own[len(id):]
	}

	switch {
	case string(version) != `"`+Version+`"`:
		return req, NewError(CodeInvalidRequest, `jsonrpc must be "2.0"`)
	case unknown != nil:
		return req, NewError(CodeInvalidRequest, fmt.Sprintf("a request has no member %.40q", unknown))
	case method == nil:
		return req, NewError(CodeInvalidRequest, "method is missing")
	case method[0] != '"':
		return req, NewError(CodeInvalidRequest, "method must be a string")
	}
	name, err := (&scanner{text: method}).str()
	if req.Method = string(name); err != nil || req.Method == "" {
		return req, NewError(CodeInvalidRequest, "method must be a string that says something")
	}
	if params != nil && params[0] != '{' {
		return req, NewError(CodeInvalidParams, "params must be an object")
	}
	return req, nil
}

// badID says what is wrong with a request's id.
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
