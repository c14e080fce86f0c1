package api

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"maps"
	"mime"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/store/list"
)

const (
	// streamsMax is how many lists of a tenant are streamed at once.
	streamsMax = 2
	// streamPage is how many rows of a stream are read at once.
	streamPage = 500
)

// Media types of a list that is streamed.
const (
	typeCSV   = "text/csv"
	typeLines = "application/jsonl"
)

// Page is a part of a list.
type Page[Row any] struct {
	Rows []Row
	Next string         // the cursor of the page after it; "": there is none
	With map[string]any // what else is said of a page in JSON
}

// Lists answers requests for lists: with a page as JSON, or with all of it, from the cursor on, as CSV (RFC 4180) or JSON
// lines if the client prefers that by Accept.
type Lists struct {
	limits  *Limits
	streams *Slots
	answer  time.Duration // that a client may take to read a page of a stream
}

// NewLists returns Lists. A client may take answer to read a page of a stream.
func NewLists(l *Limits, answer time.Duration) *Lists { return &Lists{l, NewSlots(streamsMax), answer} }

// streamType returns the media type in which a request wants all of a list, or "" for a page as JSON.
func streamType(c echo.Context) string {
	for accepted := range strings.SplitSeq(c.Request().Header.Get(echo.HeaderAccept), ",") {
		switch kind, _, _ := mime.ParseMediaType(accepted); kind {
		case typeCSV, typeLines:
			return kind
		case "application/x-ndjson":
			return typeLines
		case echo.MIMEApplicationJSON, "*/*", "application/*":
			return ""
		}
	}
	return ""
}

// AnswerTable answers a request for a part of a table, whose rows are called name, at most limitMax of them and limit if
// the client does not say.
func AnswerTable[Row any](l *Lists, c echo.Context, name string, t list.Table, limit, limitMax int64, page func(context.Context, list.Query) (Page[Row], error)) error {
	params, order, cursor := c.QueryParams(), c.QueryParam("sort"), c.QueryParam("cursor")
	limit, err := Number(c, "limit", limit, 1, limitMax)
	if err != nil {
		return err
	}
	conditions := map[string][]string{}
	for name, values := range params {
		if len(values) > 1 {
			return &list.Error{What: name, Why: "want it once"}
		}
		if name != "sort" && name != "cursor" && name != "limit" {
			conditions[name] = values
		}
	}
	return Answer(l, c, name, cursor, int(limit), func(ctx context.Context, cursor string, limit int) (Page[Row], error) {
		q, err := t.Parse(conditions, order, cursor, limit)
		if err != nil {
			return Page[Row]{}, err
		}
		return page(ctx, q)
	})
}

// Answer answers a request for a list whose rows are called name: with the page of limit rows that a cursor begins, or
// with a stream.
func Answer[Row any](l *Lists, c echo.Context, name, cursor string, limit int, page func(ctx context.Context, cursor string, limit int) (Page[Row], error)) error {
	if kind := streamType(c); kind != "" {
		return stream(l, c, name, kind, cursor, page)
	}
	ctx, cancel := WithPatience(c)
	defer cancel()
	p, err := page(ctx, cursor, limit)
	if err != nil {
		return err
	}
	rows, err := json.Marshal(p.Rows)
	if err != nil {
		return err
	}
	if p.Rows == nil {
		rows = []byte("[]")
	}
	rest := map[string]any{}
	maps.Copy(rest, p.With)
	if p.Next != "" {
		rest["next"] = p.Next
	}
	said, err := json.Marshal(rest)
	if err != nil {
		return err
	}
	body := append([]byte(`{"`+name+`":`), rows...) // the rows come first
	if len(rest) > 0 {
		body = append(append(body, ','), said[1:len(said)-1]...)
	}
	return c.JSONBlob(http.StatusOK, append(body, "}\n"...))
}

// stream answers with all of a list. Where it cannot go on, the connection is cut, so that nobody takes a part for all.
func stream[Row any](l *Lists, c echo.Context, name, kind, cursor string, page func(ctx context.Context, cursor string, limit int) (Page[Row], error)) error {
	free, ok := l.streams.Acquire(TenantOf(c).ID)
	if !ok {
		l.limits.Hit(LimitStreams)
		return ErrManyStreams
	}
	defer free()
	w, control := c.Response(), http.NewResponseController(c.Response())
	write := writerOf[Row](w, kind)
	for first := true; first || cursor != ""; first = false {
		ctx, cancel := WithPatience(c)
		p, err := page(ctx, cursor, streamPage)
		cancel()
		if errors.Is(err, ErrManyReads) && w.Committed { // the limit slows a stream down
			select {
			case <-time.After(time.Second):
				continue
			case <-c.Request().Context().Done():
			}
		}
		if err == nil {
			if first {
				w.Header().Set(echo.HeaderContentType, kind+"; charset=utf-8")
				w.Header().Set(echo.HeaderContentDisposition, `attachment; filename="`+name+map[string]string{typeCSV: ".csv", typeLines: ".jsonl"}[kind]+`"`)
			}
			_ = control.SetWriteDeadline(time.Now().Add(l.answer)) // it fails only where there is no connection to set it of
			if err = write(p.Rows, first); err == nil {
				err = control.Flush()
			}
		}
		switch {
		case err != nil && !w.Committed:
			return err
		case err != nil:
			panic(http.ErrAbortHandler)
		}
		cursor = p.Next
	}
	return nil
}

// writerOf returns what writes rows to a stream; first says whether they are the first.
func writerOf[Row any](w http.ResponseWriter, kind string) func(rows []Row, first bool) error {
	if kind == typeLines {
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
				text, err := cell(reflect.ValueOf(r).FieldByIndex(col.index))
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
	name  string
	index []int
}

// columnsOf returns the columns of a row's type, in the order in which its members are declared.
func columnsOf(t reflect.Type, at []int) []column {
	var out []column
	for i := range t.NumField() {
		f := t.Field(i)
		index := append(append([]int{}, at...), i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			out = append(out, columnsOf(f.Type, index)...)
		case f.IsExported() && name != "-" && name != "":
			out = append(out, column{name, index})
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
