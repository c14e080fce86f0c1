package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/bits"
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
	v := reflect.ValueOf(dst).Elem()
	if why := shapeOf(v.Type()).read(raw, v); why != "" {
		return NewError(CodeInvalidParams, "params"+why)
	}
	return nil
}

// CommandType is the type of a RoomCommand's Command, or "" if it is no object with one.
func CommandType(command json.RawMessage) (typ string) {
	err := scanObject(command, func(name, value []byte) bool {
		if string(name) == "type" && value[0] == '"' {
			said, _ := (&scanner{text: value}).str() // it has been scanned already
			typ = string(said)
		}
		return true
	})
	if err != nil {
		return ""
	}
	return typ
}

// shape is what a struct's JSON form must look like.
type shape struct {
	fields   map[string]field
	required uint64 // bits of the fields that must be there
}

type field struct {
	index int          // in the struct
	kind  reflect.Kind // Invalid: the type reads itself, and takes any value
	sub   *shape       // of a struct
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
	for i := range t.NumField() {
		f := t.Field(i)
		name, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		if opts != "omitempty" {
			s.required |= 1 << i
		}
		ft := f.Type
		if ft.Kind() == reflect.Pointer {
			ft = ft.Elem()
		}
		switch {
		case reflect.PointerTo(ft).Implements(reads):
			s.fields[name] = field{index: i}
		case ft.Kind() == reflect.Struct:
			s.fields[name] = field{i, reflect.Struct, shapeOf(ft)}
		default:
			s.fields[name] = field{index: i, kind: ft.Kind()}
		}
	}
	got, _ := shapes.LoadOrStore(t, s)
	return got.(*shape)
}

// read reads text into the struct v. It says what is wrong with text, to be read after
// the struct's name, or nothing.
func (s *shape) read(text []byte, v reflect.Value) (why string) {
	missing := s.required
	err := scanObject(text, func(name, value []byte) bool {
		f, known := s.fields[string(name)]
		if !known {
			why = fmt.Sprintf(" has no member %.40q", name)
			return false
		}
		missing &^= 1 << f.index
		if why = f.read(value, v.Field(f.index)); why != "" {
			why = "." + string(name) + why
		}
		return why == ""
	})
	switch {
	case why != "":
		return why
	case err != nil:
		return fmt.Sprintf(": %v", err)
	case missing != 0:
		name, _, _ := strings.Cut(v.Type().Field(bits.TrailingZeros64(missing)).Tag.Get("json"), ",")
		return "." + name + " is missing"
	}
	return ""
}

var rawType = reflect.TypeFor[json.RawMessage]()

func (f field) read(value []byte, v reflect.Value) (why string) {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	switch f.kind {
	case reflect.String:
		if value[0] != '"' {
			return " must be a string"
		}
		said, err := (&scanner{text: value}).str()
		if err != nil {
			return " must be a string"
		}
		v.SetString(string(said))
		return ""
	case reflect.Int64, reflect.Int:
		n, err := strconv.ParseInt(string(value), 10, 64)
		if err != nil {
			return " must be a whole number, without quotes, fraction or exponent, that fits 64 bits"
		}
		v.SetInt(n)
		return ""
	case reflect.Bool:
		if value[0] != 't' && value[0] != 'f' {
			return " must be true or false"
		}
		v.SetBool(value[0] == 't')
		return ""
	case reflect.Struct:
		if value[0] != '{' {
			return " must be an object"
		}
		return f.sub.read(value, v)
	}
	if v.Type() == rawType {
		v.SetBytes(bytes.Clone(value))
		return ""
	}
	if err := json.Unmarshal(value, v.Addr().Interface()); err != nil {
		return " can not be read: " + err.Error()
	}
	return ""
}
