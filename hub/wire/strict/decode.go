package strict

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// DepthMax bounds the nesting of objects and arrays in a request.
const DepthMax = 32

// knownDepthMax bounds the nesting for DecodeKnown, whose input may contain a request.
const knownDepthMax = 2 * DepthMax

// Error says why JSON is refused.
type Error struct {
	Path string // to the value, as ".bets[0].amount"; "": the whole
	Why  string // what the value must be, or does, as "must be a string"
}

// Error implements error.
func (e *Error) Error() string {
	if e.Path == "" {
		return "it " + e.Why
	}
	return strings.TrimPrefix(e.Of(""), ".")
}

// Of returns the error's text with name as the name of the whole value.
func (e *Error) Of(name string) string { return name + e.Path + " " + e.Why }

// Decode decodes a request, or a part of one, into the value at v. Members that are absent leave v
// as it is; members that v does not have are refused. A returned error is an *Error.
func Decode(raw []byte, v any) error {
	switch depth, null, nul := survey(raw); {
	case depth > DepthMax:
		return tooDeep(DepthMax)
	case null:
		return find(raw, func(t jsontext.Token) bool { return t.Kind() == 'n' }, "must not be null")
	case nul:
		return find(raw, func(t jsontext.Token) bool { return t.Kind() == '"' && strings.Contains(t.String(), "\x00") }, "holds U+0000, which no text may")
	}
	return translate(json.Unmarshal(raw, v, json.RejectUnknownMembers(true)))
}

// DecodeKnown decodes raw into the value at v, and ignores the members that v does not have. null
// is the zero value. A returned error is an *Error.
func DecodeKnown(raw []byte, v any) error {
	if depth, _, _ := survey(raw); depth > knownDepthMax {
		return tooDeep(knownDepthMax)
	}
	return translate(json.Unmarshal(raw, v))
}

func tooDeep(most int) error { return &Error{Why: fmt.Sprintf("is nested deeper than %d", most)} }

// survey finds what the grammar of JSON allows but a request must not have. For invalid JSON it
// agrees with the decoder up to where the decoder stops.
func survey(raw []byte) (depth int, null, nul bool) {
	at := 0
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '"':
			for i++; i < len(raw) && raw[i] != '"'; i++ {
				if raw[i] == '\\' {
					nul = nul || bytes.HasPrefix(raw[i:], escapedNUL)
					i++
				}
			}
		case '{', '[':
			at++
			depth = max(depth, at)
		case '}', ']':
			at--
		case 'n':
			null = true
		}
	}
	return depth, null, nul
}

var escapedNUL = []byte(`\u0000`)

// find returns an error for the first token that is not allowed, or for invalid JSON before it.
func find(raw []byte, wrong func(jsontext.Token) bool, why string) error {
	d := jsontext.NewDecoder(bytes.NewReader(raw))
	for {
		t, err := d.ReadToken()
		if err != nil {
			return translate(err)
		}
		if wrong(t) {
			return &Error{Path: path(d.StackPointer()), Why: why}
		}
	}
}

// translate returns the Error for an error of the library.
func translate(err error) error {
	if err == nil {
		return nil
	}
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return &Error{path(syntax.JSONPointer.Parent()), fmt.Sprintf("has the member %.40q twice", syntax.JSONPointer.LastToken())}
		}
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			return &Error{Why: fmt.Sprintf("is not JSON: byte %d: %s", syntax.ByteOffset, strings.TrimPrefix(syntax.Err.Error(), "jsontext: "))}
		}
	}
	var semantic *json.SemanticError
	if errors.As(err, &semantic) {
		if errors.Is(err, json.ErrUnknownName) {
			return &Error{path(semantic.JSONPointer.Parent()), fmt.Sprintf("has no member %.40q", semantic.JSONPointer.LastToken())}
		}
		return &Error{path(semantic.JSONPointer), expected(semantic)}
	}
	return &Error{Why: "is not JSON: it ends too early"}
}

var (
	texts  = reflect.TypeFor[encoding.TextUnmarshaler]()
	moment = reflect.TypeFor[time.Time]()
)

// expected returns what was expected where err occurred.
func expected(err *json.SemanticError) string {
	var text textError
	t := err.GoType
	switch {
	case errors.As(err, &text):
		return string(text)
	case t == nil:
		return "cannot be read"
	case t == moment, t.Kind() == reflect.Struct && t.NumField() == 1 && t.Field(0).Type == moment: // as wire.Time
		return "must be a time, as 2030-12-31T23:59:00Z"
	case reflect.PointerTo(t).Implements(texts):
		if err.JSONKind == '"' && err.Err != nil {
			return "cannot be read: " + err.Err.Error()
		}
		return "must be a string"
	}
	switch t.Kind() {
	case reflect.String:
		return "must be a string"
	case reflect.Bool:
		return "must be true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return fmt.Sprintf("must be a whole number, without quotes, fraction or exponent, that fits %d bits", t.Bits())
	case reflect.Float32, reflect.Float64:
		return "must be a number"
	case reflect.Slice, reflect.Array:
		return "must be a list"
	case reflect.Struct, reflect.Map:
		return "must be an object"
	}
	return "cannot be read"
}

// path returns a JSON pointer in the form of Error.Path.
func path(p jsontext.Pointer) string {
	var b strings.Builder
	for token := range p.Tokens() {
		switch {
		case token != "" && strings.Trim(token, "0123456789") == "":
			b.WriteString("[" + token + "]")
		case CheckLine(token) != nil || strings.ContainsAny(token, ". []") || token == "":
			fmt.Fprintf(&b, ".%.40q", token)
		default:
			fmt.Fprintf(&b, ".%.40s", token)
		}
	}
	return b.String()
}
