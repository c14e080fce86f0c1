package list_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/store/list"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

// thing is a row of things. Some have the same name, count or time, and some have not ended.
type thing struct {
	ID    string    `json:"id"`
	Name  string    `json:"name"`
	Count int       `json:"count"`
	At    time.Time `json:"at"`
	Ended time.Time `json:"ended,omitzero"`
}

var things = list.Table{
	Fields: []list.Field{
		{Name: "id", Sort: true}, {Name: "name", Sort: true}, {Name: "count", Type: list.Number, Sort: true}, {Name: "at", Type: list.Time, Sort: true},
		{Name: "ended", Type: list.Time},
	},
	Key: "id", Order: "-at",
}

// makeThings returns n things, and things as the database has them.
func makeThings(n int) ([]thing, list.Table) {
	begin := time.Date(2026, 5, 4, 12, 0, 0, 123_456_000, time.UTC)
	var rows []thing
	var values []string
	for i := range n {
		x := thing{fmt.Sprintf("t%d", i*7%n), []string{"", "al", "alice", "Álvaro", "Bob", "_"}[i%6], i%5 - 2, begin.Add(time.Duration(i%4) * time.Second), time.Time{}}
		ended := "null"
		if i%3 == 0 {
			x.Ended = x.At.Add(time.Minute)
			ended = "'" + x.Ended.Format(time.RFC3339Nano) + "'"
		}
		rows = append(rows, x)
		values = append(values, fmt.Sprintf("('%s', '%s', %d::bigint, '%s'::timestamptz, %s::timestamptz)", x.ID, x.Name, x.Count, x.At.Format(time.RFC3339Nano), ended))
	}
	stored := things
	stored.Select = "select * from (values " + strings.Join(values, ", ") + ") as thing (id, name, count, at, ended)"
	return rows, stored
}

func TestRowsInMemoryAreListedAsThoseOfTheDatabase(t *testing.T) {
	t.Parallel()
	_, admin := storetest.New(t)
	conn := storetest.Owner(t, admin)
	rows, stored := makeThings(60)
	fromDatabase := func(q list.Query) ([]thing, string) {
		sql, args := stored.SQL(q)
		found, _ := conn.Query(t.Context(), sql, args...) // its error comes from CollectRows
		page, err := pgx.CollectRows(found, func(row pgx.CollectableRow) (x thing, err error) {
			var ended *time.Time
			err = row.Scan(&x.ID, &x.Name, &x.Count, &x.At, &ended)
			if x.At = x.At.UTC(); ended != nil {
				x.Ended = ended.UTC()
			}
			return x, err
		})
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		return list.Cut(q, page, func(x thing, field string) any {
			return map[string]any{"id": x.ID, "name": x.Name, "count": x.Count, "at": x.At}[field]
		})
	}
	at, ended := rows[1].At.Format(time.RFC3339Nano), rows[3].Ended.Format(time.RFC3339Nano)
	for _, where := range []string{
		"", "id=t7", "id=none", "id.in=t1,t2,t3,t3", "id.prefix=t1", "name=", "name.prefix=al", "name.prefix=", "name.prefix=Á", "name.prefix=_", "name.in=Bob,_",
		"count=0", "count.gte=-1", "count.lt=1", "count.in=-2,2", "count.gte=0&count.lt=2&name=al", "count.gte=2&count.lt=2",
		"at=" + at, "at.gte=" + at, "at.lt=" + at, "at.in=" + at, "ended=" + ended, "ended.gte=" + ended, "ended.lt=" + ended, "ended.in=" + ended,
	} {
		for _, order := range []string{"", "id", "-id", "name", "-name", "count", "-count", "at", "-at"} {
			for _, limit := range []int{7, 60} {
				asked := list.Asked{Where: map[string][]string{}, Sort: order, Limit: limit}
				for pair := range strings.SplitSeq(where, "&") {
					if name, value, ok := strings.Cut(pair, "="); ok {
						asked.Where[name] = []string{value}
					}
				}
				for first := true; first || asked.Cursor != ""; first = false {
					q, err := things.Parse(asked)
					if err != nil {
						t.Fatal(err)
					}
					page, next := list.Rows(q, rows)
					want, wantNext := fromDatabase(q)
					if len(page)+len(want) > 0 && !reflect.DeepEqual(page, want) || next != wantNext {
						t.Fatalf("%+v: %+v, next %q; the database has %+v, next %q", asked, page, next, want, wantNext)
					}
					asked.Cursor = next
				}
			}
		}
	}
}

func TestRowsThatComeOrGoMoveNoOtherToAnotherPage(t *testing.T) {
	t.Parallel()
	rows, _ := makeThings(40)
	var got, want []string
	for _, x := range rows {
		want = append(want, x.ID)
	}
	asked := list.Asked{Sort: "name", Limit: 3}
	for n, first := 0, true; first || asked.Cursor != ""; first = false {
		q, err := things.Parse(asked)
		if err != nil {
			t.Fatal(err)
		}
		page, next := list.Rows(q, rows)
		asked.Cursor = next
		for _, x := range page {
			if !strings.HasPrefix(x.ID, "new") {
				got = append(got, x.ID)
			}
		}
		last := page[len(page)-1]
		rows = slices.DeleteFunc(rows, func(x thing) bool { return x.ID == last.ID })                                    // goes: the cursor still says where it was
		rows = append(rows, thing{ID: fmt.Sprint("new", n), At: last.At}, thing{ID: fmt.Sprint("new-b", n), Name: "zz"}) // come before, and after all
		if n++; n > 15 {                                                                                                 // no more come
			rows = slices.DeleteFunc(rows, func(x thing) bool { return x.Name == "zz" })
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the pages have %v, want %v", got, want)
	}
}

func TestWhatARowLacksIsAnEmptyCell(t *testing.T) {
	t.Parallel()
	type row struct {
		ID    int       `json:"id"`
		Zero  int       `json:"zero"`
		Round int       `json:"round,omitempty"`
		Tags  []string  `json:"tags,omitempty"`
		Ended time.Time `json:"ended,omitzero"`
		Proof *string   `json:"proof,omitempty"`
	}
	empty := ""
	var out strings.Builder
	rows := []row{{ID: 1}, {2, 0, 3, []string{"a"}, time.Date(2026, 5, 4, 12, 30, 0, 0, time.UTC), &empty}}
	if err := list.WriterOf[row](&out, list.CSV)(rows, true); err != nil {
		t.Fatal(err)
	}
	want := "id,zero,round,tags,ended,proof\n1,0,,,,\n2,0,3,\"[\"\"a\"\"]\",2026-05-04T12:30:00Z,\n"
	if out.String() != want {
		t.Errorf("%s\nwant\n%s", out.String(), want)
	}
}
