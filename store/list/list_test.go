package list_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/pitboss-hub/pitboss/store/list"
)

var table = list.Table{
	Select: "select id, at, kind, state from thing",
	Fields: []list.Field{
		{Name: "id", Type: list.Number, Sort: true, Indexed: true}, {Name: "at", Type: list.Time, Sort: true}, {Name: "kind"}, {Name: "owner", Indexed: true},
		{Name: "state", Values: []string{"open", "closed"}},
	},
	Key: "id", Order: "-id",
}

func TestAQuestionThatCannotBeReadIsRefusedByItsName(t *testing.T) {
	t.Parallel()
	cursor := func(order, by string) string {
		q, err := table.Parse(list.Asked{Sort: order, Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		_, next := list.Cut(q, []string{"the row", "one more"}, func(_, field string) any {
			return map[string]string{"id": "7"}[field] + map[string]string{"at": by}[field]
		})
		return next
	}
	byTime := cursor("at", "2026-05-04T12:30:00Z")
	another := list.Table{Fields: []list.Field{{Name: "id", Type: list.Number, Sort: true}, {Name: "colour"}}, Key: "id", Order: "-id"}
	q, err := another.Parse(list.Asked{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	_, ofAnother := list.Cut(q, []int64{7, 6}, func(row int64, _ string) any { return row })
	for name, c := range map[string]struct {
		params        map[string][]string
		order, cursor string
		what          string
	}{
		"an unknown field":             {params: map[string][]string{"colour": {"red"}}, what: "colour"},
		"an operator of another type":  {params: map[string][]string{"id.prefix": {"1"}}, what: "id.prefix"},
		"an unknown operator":          {params: map[string][]string{"kind.like": {"x"}}, what: "kind.like"},
		"no number":                    {params: map[string][]string{"id.gte": {"seven"}}, what: "id.gte"},
		"no time":                      {params: map[string][]string{"at.lt": {"yesterday"}}, what: "at.lt"},
		"a zero character":             {params: map[string][]string{"kind": {"a\x00"}}, what: "kind"},
		"no UTF-8":                     {params: map[string][]string{"kind": {"\xff"}}, what: "kind"},
		"a condition twice":            {params: map[string][]string{"kind": {"a", "b"}}, what: "kind"},
		"too many values":              {params: map[string][]string{"id.in": {strings.Repeat("1,", 100) + "1"}}, what: "id.in"},
		"one of several is no number":  {params: map[string][]string{"id.in": {"1,x"}}, what: "id.in"},
		"a value that there is not":    {params: map[string][]string{"state.in": {"open,ajar"}}, what: "state.in"},
		"the begin of such a value":    {params: map[string][]string{"state.prefix": {"op"}}, what: "state.prefix"},
		"an order that there is not":   {order: "kind", what: "sort"},
		"an order of no field":         {order: "-", what: "sort"},
		"a cursor of another order":    {order: "-at", cursor: byTime, what: "cursor"},
		"a cursor of the other field":  {cursor: byTime, what: "cursor"},
		"a cursor that was made up":    {order: "at", cursor: "abc", what: "cursor"},
		"a cursor whose value is none": {order: "at", cursor: cursor("at", "soon"), what: "cursor"},
		"a cursor with something more": {order: "at", cursor: byTime + "IA", what: "cursor"},
		"a cursor of another list":     {cursor: ofAnother, what: "cursor"},
	} {
		_, err := table.Parse(list.Asked{Where: c.params, Sort: c.order, Cursor: c.cursor, Limit: 10})
		var e *list.Error
		if !errors.As(err, &e) || e.What != c.what || e.Why == "" {
			t.Errorf("%s: %v, want an error of %s", name, err, c.what)
		}
	}
	if _, err := table.Parse(list.Asked{Sort: "at", Cursor: byTime, Limit: 10}); err != nil {
		t.Errorf("a cursor of this order: %v", err)
	}
}

func TestAQuestionSearchesUnlessAnIndexHasItsRows(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		params map[string]string
		order  string
		want   bool
	}{
		"all":                               {},
		"all in another order":              {order: "-at", want: true},
		"one value that is indexed":         {params: map[string]string{"owner": "ann"}},
		"one value that is not":             {params: map[string]string{"kind": "a"}, want: true},
		"one value in another order":        {params: map[string]string{"owner": "ann"}, order: "at", want: true},
		"one value among others":            {params: map[string]string{"owner": "ann", "kind": "a"}, want: true},
		"several values":                    {params: map[string]string{"owner.in": "ann,bob"}, want: true},
		"the beginning of a value":          {params: map[string]string{"owner.prefix": "a"}, want: true},
		"a range of the key":                {params: map[string]string{"id.gte": "1", "id.lt": "9"}},
		"a range of what is not the key":    {params: map[string]string{"at.gte": "2026-05-04T12:30:00Z"}, want: true},
		"one value, and a range of the key": {params: map[string]string{"owner": "ann", "id.lt": "9"}, want: true},
	} {
		params := map[string][]string{}
		for k, v := range c.params {
			params[k] = []string{v}
		}
		q, err := table.Parse(list.Asked{Where: params, Sort: c.order, Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		if q.Searches() != c.want {
			t.Errorf("%s: %t, want %t", name, q.Searches(), c.want)
		}
	}
}

func TestWhyAValueIsNoneSaysWhatToSend(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ field, value, want string }{
		"a zero character":                      {"kind", "a\x00", "U+0000"},
		"no UTF-8":                              {"kind", "\xff", "UTF-8"},
		"a time whose + the query made a space": {"at.gte", "2026-05-04T12:30:00 02:00", "%2B"},
		"a number that no database has":         {"id", "99999999999999999999", "64 bits"},
	} {
		_, err := table.Parse(list.Asked{Where: map[string][]string{c.field: {c.value}}, Limit: 1})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s in it", name, err, c.want)
		}
	}
}

func FuzzAQuestionIsAStatementWithItsValuesAsParameters(f *testing.F) {
	f.Add("kind", "a", "-at", "")
	f.Add("id.in", "1,2", "id", "ImF0Iiw")
	f.Fuzz(func(t *testing.T, name, value, order, cursor string) {
		q, err := table.Parse(list.Asked{Where: map[string][]string{name: {value}}, Sort: order, Cursor: cursor, Limit: 10})
		if err != nil {
			return
		}
		sql, args := table.SQL(q)
		if len(args) == 0 || strings.ContainsAny(sql, "'\";\\") {
			t.Errorf("%s with %v", sql, args)
		}
	})
}
