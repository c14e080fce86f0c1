package list

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Type is the type of a field's values.
type Type int

// The types of fields.
const (
	Text Type = iota
	Number
	Time // RFC 3339
)

// Op is how a field is compared with a value.
type Op string

// The operators, as clients write them behind a field's name; Equal has no name.
const (
	Equal   Op = ""
	AtLeast Op = "gte"
	Below   Op = "lt"
	Prefix  Op = "prefix"
	In      Op = "in" // values with commas between
)

// inMax is the largest number of values of In.
const inMax = 100

// Field is a column by which rows can be chosen and sorted.
type Field struct {
	Name string // of the column of Table.Select, and what clients call it
	Type Type
	Sort bool // whether the list can be sorted by it
	// Values are the texts that there are; nil: any.
	Values []string
	// When has the condition in SQL under which a row has a value of Values, of other columns of Table.Select; nil: the column
	// says it. An index may serve such a condition that cannot serve the column.
	When map[string]string
	// Indexed says that an index has the rows of one value in the list's order.
	Indexed bool
}

// ops returns the operators that a field allows.
func (f Field) ops() []Op {
	switch {
	case f.Values != nil:
		return []Op{Equal, In}
	case f.Type == Text:
		return []Op{Equal, Prefix, In}
	}
	return []Op{Equal, AtLeast, Below, In}
}

// Table says of a list what clients may ask for.
type Table struct {
	Select string // its columns are named as the fields are; "": the rows are in memory
	Fields []Field
	// Key is the name of the field that no two rows share. A list is sorted by it, after what was asked for.
	Key string
	// Order is what the list is sorted by unless something else was asked for, such as "-id".
	Order string
}

// Error says what is wrong with a question.
type Error struct{ What, Why string }

// Error implements error.
func (e *Error) Error() string { return e.What + ": " + e.Why }

// ErrCursor means that a cursor is none of this list in this order.
var ErrCursor = &Error{"cursor", "want the next of a page of this list, asked for in the same order"}

// Asked is a question as a client asks it.
type Asked struct {
	// Where has fields with their operators ("player", "at.gte"), and values.
	Where map[string][]string `json:"where,omitempty"`
	// Sort is a field, with a "-" before it if its largest value comes first; "": the Table's Order.
	Sort string `json:"sort,omitempty"`
	// Cursor is what another question had with its page; "": from the beginning.
	Cursor string `json:"cursor,omitempty"`
	// Limit is the largest number of rows.
	Limit int `json:"limit"`
}

// Query is a part of a list.
type Query struct {
	Asked
	list       string // which one, for its cursors
	conditions []condition
	by         Field // what it is sorted by
	key        Field
	falling    bool
	inMemory   bool
	after      []any // of the row before the first: its values of by and key
}

type condition struct {
	field  Field
	op     Op
	values []any
	given  bool // by And
}

// array returns the values of In in an array of their type, so that their number does not make another statement.
func (c condition) array() any {
	switch c.field.Type {
	case Number:
		return arrayOf[int64](c.values)
	case Time:
		return arrayOf[time.Time](c.values)
	}
	return arrayOf[string](c.values)
}

func arrayOf[T any](values []any) []T {
	out := make([]T, len(values))
	for i, v := range values {
		out[i] = v.(T)
	}
	return out
}

func (t Table) field(name string) (Field, bool) {
	i := slices.IndexFunc(t.Fields, func(f Field) bool { return f.Name == name })
	if i < 0 {
		return Field{}, false
	}
	return t.Fields[i], true
}

// Conditions returns the names that Asked.Where may have.
func (t Table) Conditions() []string {
	var out []string
	for _, f := range t.Fields {
		for _, op := range f.ops() {
			out = append(out, strings.TrimSuffix(f.Name+"."+string(op), "."))
		}
	}
	return out
}

// Parse reads a question. It returns an *Error.
func (t Table) Parse(a Asked) (Query, error) {
	q := Query{Asked: a, list: t.mark(), inMemory: t.Select == ""}
	for _, name := range slices.Sorted(maps.Keys(a.Where)) {
		of, op, _ := strings.Cut(name, ".")
		f, ok := t.field(of)
		switch {
		case !ok:
			return Query{}, &Error{name, "this list has no such field: want one of " + t.names(func(Field) bool { return true })}
		case !slices.Contains(f.ops(), Op(op)):
			return Query{}, &Error{name, fmt.Sprintf("%s cannot be compared so: want one of %q", of, f.ops())}
		case len(a.Where[name]) != 1:
			return Query{}, &Error{name, "want it once"}
		}
		texts := a.Where[name]
		if Op(op) == In {
			if texts = strings.Split(texts[0], ","); len(texts) > inMax {
				return Query{}, &Error{name, fmt.Sprintf("want at most %d values", inMax)}
			}
		}
		c := condition{field: f, op: Op(op)}
		for _, text := range texts {
			v, err := f.parse(text)
			if err != nil {
				return Query{}, &Error{name, err.Error()}
			}
			c.values = append(c.values, v)
		}
		q.conditions = append(q.conditions, c)
	}
	name, falling := strings.CutPrefix(cmp.Or(a.Sort, t.Order), "-")
	by, ok := t.field(name)
	if !ok || !by.Sort {
		return Query{}, &Error{"sort", "want one of " + t.names(func(f Field) bool { return f.Sort }) + ", or with - before it"}
	}
	q.by, q.falling = by, falling
	q.key, _ = t.field(t.Key)
	if a.Cursor != "" {
		after, err := q.parseCursor(a.Cursor)
		if err != nil {
			return Query{}, err
		}
		q.after = after
	}
	return q, nil
}

// And returns a question that asks for rows with a value in a column, which need be no field, besides. An index has the
// rows of one value.
func (q Query) And(column string, value any) Query {
	q.conditions = append(slices.Clip(q.conditions), condition{field: Field{Name: column}, values: []any{value}, given: true})
	return q
}

// mark tells a list from others, by its fields: so that none takes another's cursor for its own and answers with a page that
// begins somewhere.
func (t Table) mark() string {
	return strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(t.names(func(Field) bool { return true })))), 36)
}

func (t Table) names(which func(Field) bool) string {
	var out []string
	for _, f := range t.Fields {
		if which(f) {
			out = append(out, f.Name)
		}
	}
	return strings.Join(out, ", ")
}

var (
	errNumber = errors.New("want a whole number that fits 64 bits")
	errTime   = errors.New("want a time as RFC 3339 has it, such as 2026-05-04T12:30:00Z")
	errPlus   = errors.New("want a time as RFC 3339 has it, such as 2026-05-04T12:30:00Z; in a URL a + is written %2B")
	errText   = errors.New("want UTF-8 without U+0000")
)

func (f Field) parse(text string) (any, error) {
	switch f.Type {
	case Number:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, errNumber
		}
		return n, nil
	case Time:
		at, err := time.Parse(time.RFC3339Nano, text)
		switch {
		case err != nil && strings.Contains(text, " "): // what a + in a URL is read as
			return nil, errPlus
		case err != nil:
			return nil, errTime
		}
		return at, nil
	}
	switch {
	case strings.ContainsRune(text, 0) || !utf8.ValidString(text):
		return nil, errText
	case f.Values != nil && !slices.Contains(f.Values, text):
		return nil, errors.New("want one of " + strings.Join(f.Values, ", "))
	}
	return text, nil
}

// order returns what the list is sorted by, as clients write it.
func (q Query) order() string {
	if q.falling {
		return "-" + q.by.Name
	}
	return q.by.Name
}

// Cut returns a page of the rows that were found, of which there is one more than Limit if there is another page, and the
// cursor of that page, or "". value returns what a row has in a field.
func Cut[Row any](q Query, found []Row, value func(Row, string) any) (page []Row, next string) {
	if len(found) <= q.Limit {
		return found, ""
	}
	last := found[q.Limit-1]
	parts := []string{q.list + ":" + q.order(), text(value(last, q.by.Name)), text(value(last, q.key.Name))}
	for i, p := range parts {
		parts[i] = strconv.Quote(p)
	}
	return found[:q.Limit], base64.RawURLEncoding.EncodeToString([]byte(strings.Join(parts, ",")))
}

// text writes a value as it is written in a cursor.
func text(v any) string {
	if at, ok := v.(time.Time); ok {
		return at.UTC().Format(time.RFC3339Nano)
	}
	return fmt.Sprint(v)
}

// Searches reports whether the rows that the question returns have to be found among others, of which there may be any
// number: unless they are all, or those of one value of a field that is indexed, or a range of the key, in the order of a
// field that is indexed.
func (q Query) Searches() bool {
	if q.inMemory {
		return false
	}
	if !q.by.Indexed {
		return true
	}
	var first *Field
	for i := range q.conditions {
		c := &q.conditions[i]
		if c.given {
			continue
		}
		if first == nil {
			first = &c.field
		}
		if c.field.Name != first.Name || !c.field.Indexed {
			return true
		}
		if c.op == Prefix || c.op == In || c.op != Equal && c.field.Name != q.key.Name {
			return true
		}
	}
	return false
}

func (q Query) parseCursor(cursor string) ([]any, error) {
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return nil, ErrCursor
	}
	var parts []string
	rest := string(raw)
	for range 3 {
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil {
			return nil, ErrCursor
		}
		part, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, ErrCursor
		}
		parts, rest = append(parts, part), strings.TrimPrefix(rest[len(quoted):], ",")
	}
	if rest != "" || parts[0] != q.list+":"+q.order() {
		return nil, ErrCursor
	}
	after := make([]any, 2)
	for i, f := range []Field{q.by, q.key} {
		if after[i], err = f.parse(parts[i+1]); err != nil {
			return nil, ErrCursor
		}
	}
	return after, nil
}

// SQL returns the statement of a question, and its parameters. It asks for one row more than Limit: if it comes, there is
// another page.
func (t Table) SQL(q Query) (string, []any) {
	var args []any
	arg := func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	}
	var where []string
	for _, c := range q.conditions {
		col := c.field.Name
		if c.field.When != nil {
			var either []string
			for _, v := range c.values {
				either = append(either, c.field.When[v.(string)])
			}
			where = append(where, "("+strings.Join(either, " or ")+")")
			continue
		}
		switch c.op {
		case Equal:
			where = append(where, col+" = "+arg(c.values[0]))
		case AtLeast:
			where = append(where, col+" >= "+arg(c.values[0]))
		case Below:
			where = append(where, col+" < "+arg(c.values[0]))
		case Prefix:
			where = append(where, "starts_with("+col+", "+arg(c.values[0])+")")
		case In:
			where = append(where, col+" = any("+arg(c.array())+")")
		}
	}
	direction, past := "", ">"
	if q.falling {
		direction, past = " desc", "<"
	}
	order := q.by.Name + direction
	if q.by.Name != q.key.Name {
		order += ", " + q.key.Name + direction
	}
	if q.after != nil {
		if q.by.Name == q.key.Name {
			where = append(where, q.key.Name+" "+past+" "+arg(q.after[1]))
		} else {
			where = append(where, "("+q.by.Name+", "+q.key.Name+") "+past+" ("+arg(q.after[0])+", "+arg(q.after[1])+")")
		}
	}
	sql := "select * from (" + t.Select + ") as listed"
	if len(where) > 0 {
		sql += " where " + strings.Join(where, " and ")
	}
	return sql + " order by " + order + " limit " + arg(q.Limit+1), args
}
