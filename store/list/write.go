package list

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"reflect"
	"slices"
	"strings"
)

// Format is how a whole list is written: the end of a file's name.
type Format string

// The formats.
const (
	CSV   Format = "csv"   // RFC 4180, with the members of a row in JSON as columns
	Lines Format = "jsonl" // a JSON object a line
)

// WriterOf returns what writes rows in a format; first says whether they are the first. What a row lacks in JSON is an empty
// cell of CSV.
func WriterOf[Row any](w io.Writer, f Format) func(rows []Row, first bool) error {
	if f == Lines {
		lines := json.NewEncoder(w)
		lines.SetEscapeHTML(false)
		return func(rows []Row, _ bool) error {
			for _, r := range rows {
				if err := lines.Encode(r); err != nil {
					return err
				}
			}
			return nil
		}
	}
	table, columns := csv.NewWriter(w), columnsOf(reflect.TypeFor[Row](), nil)
	return func(rows []Row, first bool) error {
		if first {
			var names []string
			for _, col := range columns {
				names = append(names, col.name)
			}
			if err := table.Write(names); err != nil {
				return err
			}
		}
		for _, r := range rows {
			record := make([]string, len(columns))
			for i, col := range columns {
				v := reflect.ValueOf(r).FieldByIndex(col.index)
				if col.lacks(v) {
					continue
				}
				text, err := cell(v)
				if err != nil {
					return err
				}
				record[i] = text
			}
			if err := table.Write(record); err != nil {
				return err
			}
		}
		table.Flush()
		return table.Error()
	}
}

// column is a column of a list in CSV: a member of its rows in JSON.
type column struct {
	name                string
	index               []int
	omitEmpty, omitZero bool
}

// lacks reports whether a row with the value v has no such member in JSON.
func (c column) lacks(v reflect.Value) bool {
	if c.omitZero {
		if z, ok := v.Interface().(interface{ IsZero() bool }); ok {
			return z.IsZero()
		}
		return v.IsZero()
	}
	if !c.omitEmpty {
		return false
	}
	switch v.Kind() {
	case reflect.Map, reflect.Slice, reflect.String, reflect.Array:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

// columnsOf returns the columns of a row's type, in the order in which its members are declared.
func columnsOf(t reflect.Type, at []int) []column {
	var out []column
	for i := range t.NumField() {
		f := t.Field(i)
		index := append(append([]int{}, at...), i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			out = append(out, columnsOf(f.Type, index)...)
		case f.IsExported() && name != "-" && name != "":
			how := strings.Split(options, ",")
			out = append(out, column{name, index, slices.Contains(how, "omitempty"), slices.Contains(how, "omitzero")})
		}
	}
	return out
}

// cell returns a value as it stands in a cell: text as it is, null as nothing, and anything else as JSON. Text that a
// spreadsheet would take for a formula gets an apostrophe before it (OWASP, CSV injection).
func cell(v reflect.Value) (string, error) {
	raw, err := json.Marshal(v.Interface())
	if err != nil || string(raw) == "null" {
		return "", err
	}
	if raw[0] != '"' {
		return string(raw), nil
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil { //nolint:forbidigo // it was marshalled just now
		return "", err
	}
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		text = "'" + text
	}
	return text, nil
}
