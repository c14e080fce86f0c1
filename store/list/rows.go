package list

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Rows answers a question about rows in memory as the database answers one about its own: with a page, and the cursor of
// the next one. A row has in a field what it has in the member of that name in JSON; a time that is zero is null, and in a
// field by which the list can be sorted there is none.
func Rows[Row any](q Query, rows []Row) (page []Row, next string) {
	members := map[string][]int{}
	for _, col := range columnsOf(reflect.TypeFor[Row](), nil) {
		members[col.name] = col.index
	}
	value := func(r *Row, field string) any { return valueOf(reflect.ValueOf(r).Elem().FieldByIndex(members[field])) }
	// sortable is a row with what it is sorted by.
	type sortable struct {
		row     *Row
		by, key any
	}
	compare := func(a, b sortable) int {
		way := cmp.Or(compare(a.by, b.by), compare(a.key, b.key))
		if q.falling {
			return -way
		}
		return way
	}
	var found []sortable
	for i := range rows {
		r := &rows[i]
		if slices.ContainsFunc(q.conditions, func(c condition) bool { return !c.holds(value(r, c.field.Name)) }) {
			continue
		}
		s := sortable{r, value(r, q.by.Name), value(r, q.key.Name)}
		if q.after == nil || compare(s, sortable{by: q.after[0], key: q.after[1]}) > 0 {
			found = append(found, s)
		}
	}
	slices.SortFunc(found, compare)
	for _, s := range found[:min(len(found), q.Limit+1)] {
		page = append(page, *s.row)
	}
	return Cut(q, page, func(r Row, field string) any { return value(&r, field) })
}

// holds reports whether a condition holds of a value; of null none does.
func (c condition) holds(v any) bool {
	if v == nil {
		return false
	}
	switch c.op {
	case AtLeast:
		return compare(v, c.values[0]) >= 0
	case Below:
		return compare(v, c.values[0]) < 0
	case Prefix:
		return strings.HasPrefix(v.(string), c.values[0].(string))
	}
	return slices.ContainsFunc(c.values, func(want any) bool { return compare(v, want) == 0 })
}

// compare compares two values of a field.
func compare(a, b any) int {
	switch a := a.(type) {
	case int64:
		return cmp.Compare(a, b.(int64))
	case time.Time:
		return a.Compare(b.(time.Time))
	}
	return cmp.Compare(a.(string), b.(string))
}

// valueOf returns a member of a row as the value of a field, nil for null.
func valueOf(v reflect.Value) any {
	switch {
	case v.CanInt():
		return v.Int()
	case v.Kind() == reflect.String:
		return v.String()
	}
	if at, ok := v.Interface().(interface{ UTC() time.Time }); ok {
		if at := at.UTC(); !at.IsZero() {
			return at
		}
		return nil
	}
	return fmt.Sprint(v.Interface())
}
