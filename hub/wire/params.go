package wire

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"sync"

	"github.com/pitboss-hub/pitboss/hub/wire/strict"
)

// DecodeParams decodes a request's params into the struct at dst, as strict.Decode does. Every
// member without omitempty must be present. Absent params are {}. The Error's code is
// invalid_params and its message names the member.
func DecodeParams(raw json.RawMessage, dst any) *Error {
	if raw == nil {
		raw = json.RawMessage("{}")
	}
	return decodeInto("params", raw, dst)
}

// DecodeBody decodes the body of a request over HTTP in the same way; it cannot be absent.
func DecodeBody(raw json.RawMessage, dst any) *Error { return decodeInto("body", raw, dst) }

// decodeInto decodes what is called name.
func decodeInto(name string, raw json.RawMessage, dst any) *Error {
	err := strict.Decode(raw, dst)
	if err == nil {
		err = missing(raw, "", reflect.ValueOf(dst).Elem())
	}
	if bad, ok := errors.AsType[*strict.Error](err); ok {
		return NewError(CodeInvalidParams, bad.Of(name))
	}
	return nil
}

// CommandType returns the type of a RoomCommand's Command, or "" if it is not an object with one.
func CommandType(command json.RawMessage) string {
	var in struct {
		Type string `json:"type"`
	}
	if strict.DecodeKnown(command, &in) != nil {
		return ""
	}
	return in.Type
}

// member describes a field of a struct that is decoded into.
type member struct {
	index    int
	name     string
	required bool
	sub      bool // a struct of ours, or a pointer to one
}

var members sync.Map // reflect.Type → []member

func membersOf(t reflect.Type) []member {
	if m, ok := members.Load(t); ok {
		return m.([]member)
	}
	var all []member
	for i := range t.NumField() {
		f := t.Field(i)
		name, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		ft := f.Type
		if ft.Kind() == reflect.Pointer {
			ft = ft.Elem()
		}
		_, reads := reflect.New(ft).Interface().(json.Unmarshaler)
		all = append(all, member{i, name, opts != "omitempty", ft.Kind() == reflect.Struct && !reads})
	}
	m, _ := members.LoadOrStore(t, all)
	return m.([]member)
}

// missing returns an error for the first required member of the struct v, decoded from raw, that is
// absent. It searches raw only for members that are zero in v.
func missing(raw []byte, path string, v reflect.Value) error {
	for _, m := range membersOf(v.Type()) {
		f := v.Field(m.index)
		if f.IsZero() && !m.required || !f.IsZero() && !m.sub {
			continue
		}
		value := valueOf(raw, m.name)
		switch {
		case value == nil && m.required:
			return &strict.Error{Path: path + "." + m.name, Why: "is missing"}
		case value != nil && m.sub:
			if err := missing(value, path+"."+m.name, reflect.Indirect(f)); err != nil {
				return err
			}
		}
	}
	return nil
}

// valueOf returns the value of an object's member, or nil if it has none of that name.
func valueOf(object []byte, name string) json.RawMessage {
	var all map[string]json.RawMessage
	_ = strict.DecodeKnown(object, &all) // it was decoded before
	return all[name]
}
