package wire

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
)

// DecodeParams reads a request's params into the struct at dst, which is one of this
// package's. Every member without omitempty must be there and no other may; names
// are matched to the letter; null is not a value. Absent params are {}. The Error's
// code is invalid_params and its message names the member.
func DecodeParams(raw json.RawMessage, dst any) *Error {
	if raw == nil {
		raw = json.RawMessage("{}")
	}
	if why := shapeOf(reflect.TypeOf(dst).Elem()).check("params", raw); why != "" {
		return NewError(CodeInvalidParams, why)
	}
	if err := json.Unmarshal(raw, dst); err != nil {
		return NewError(CodeInvalidParams, "params can not be read: "+err.Error())
	}
	return nil
}

// shape is what a struct's JSON form must look like.
type shape struct {
	fields   map[string]field
	required []string
}

type field struct {
	kind reflect.Kind // Invalid: any value
	sub  *shape       // of a struct
}

var (
	shapes sync.Map                              // reflect.Type → *shape
	reads  = reflect.TypeFor[json.Unmarshaler]() // such a type says itself what it takes
)

func shapeOf(t reflect.Type) *shape {
	if s, ok := shapes.Load(t); ok {
		return s.(*shape)
	}
	s := &shape{fields: map[string]field{}}
	for _, f := range reflect.VisibleFields(t) {
		name, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		if opts != "omitempty" {
			s.required = append(s.required, name)
		}
		ft := f.Type
		if ft.Kind() == reflect.Pointer {
			ft = ft.Elem()
		}
		switch {
		case reflect.PointerTo(ft).Implements(reads):
			s.fields[name] = field{}
		case ft.Kind() == reflect.Struct:
			s.fields[name] = field{reflect.Struct, shapeOf(ft)}
		default:
			s.fields[name] = field{kind: ft.Kind()}
		}
	}
	got, _ := shapes.LoadOrStore(t, s)
	return got.(*shape)
}

// check says what is wrong with text, or nothing.
func (s *shape) check(path string, text []byte) (why string) {
	var present [8]string
	names := present[:0]
	err := scanObject(text, func(name, value []byte) bool {
		f, known := s.fields[string(name)]
		if !known {
			why = fmt.Sprintf("%s has no member %.40q", path, name)
			return false
		}
		names = append(names, string(name))
		why = f.check(path+"."+string(name), value)
		return why == ""
	})
	if why != "" {
		return why
	}
	if err != nil {
		return fmt.Sprintf("%s: %v", path, err)
	}
next:
	for _, want := range s.required {
		for _, name := range names {
			if name == want {
				continue next
			}
		}
		return fmt.Sprintf("%s.%s is missing", path, want)
	}
	return ""
}

func (f field) check(path string, value []byte) string {
	switch f.kind {
	case reflect.Invalid:
		return ""
	case reflect.String:
		if value[0] != '"' {
			return path + " must be a string"
		}
	case reflect.Int64, reflect.Int:
		if _, err := strconv.ParseInt(string(value), 10, 64); err != nil {
			return path + " must be a whole number, without quotes, fraction or exponent, that fits 64 bits"
		}
	case reflect.Bool:
		if value[0] != 't' && value[0] != 'f' {
			return path + " must be true or false"
		}
	case reflect.Struct:
		if value[0] != '{' {
			return path + " must be an object"
		}
		return f.sub.check(path, value)
	}
	return ""
}
