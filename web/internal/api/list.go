package api

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store/list"
)

const (
	// streamsMax bounds the lists of a tenant that are streamed at once to others than players.
	streamsMax = 2
	// playersStreamsMax bounds those that are streamed to its players, each of whom has one.
	playersStreamsMax = 16
	// searchesMax is how many pages of a tenant are searched for at once.
	searchesMax = 2
	// streamPage is how many rows of a stream are read at once.
	streamPage = 500
)

// Media types of a list that is streamed.
const (
	typeCSV   = "text/csv"
	typeLines = "application/jsonl"
)

// formats are those of the media types.
var formats = map[string]list.Format{typeCSV: list.CSV, typeLines: list.Lines}

// Page is a part of a list.
type Page[Row any] struct {
	Rows []Row
	Next string         // the cursor of the page after it; "": there is none
	With map[string]any // what else is said of a page in JSON
}

// Lists answers requests for lists: with a page as JSON, or with all of it, from the cursor on, as CSV (RFC 4180) or JSON
// lines if the client prefers that by Accept.
type Lists struct {
	limits   *Limits
	streams  *Slots[tenant.ID] // to others than players
	players  *Slots[tenant.ID] // to players
	player   *Slots[player]    // to each of them
	searches *Slots[tenant.ID]
	answer   time.Duration // that a client may take to read a page of a stream
}

// NewLists returns Lists. A client may take answer to read a page of a stream.
func NewLists(l *Limits, answer time.Duration) *Lists {
	return &Lists{
		l, NewSlots[tenant.ID](streamsMax), NewSlots[tenant.ID](playersStreamsMax), NewSlots[player](1), NewSlots[tenant.ID](searchesMax), answer,
	}
}

// player is one of a casino's.
type player struct {
	tenant tenant.ID
	name   string
}

// acquire takes a place for a stream, which free gives back, and reports whether there was one. Players take none of the
// staff's.
func (l *Lists) acquire(c echo.Context) (free func(), ok bool) {
	p := PrincipalOf(c)
	if p.Role != auth.Player {
		return l.streams.Acquire(TenantOf(c).ID)
	}
	one, ok := l.player.Acquire(player{p.Tenant, p.Subject})
	if !ok {
		return nil, false
	}
	all, ok := l.players.Acquire(p.Tenant)
	if !ok {
		one()
		return nil, false
	}
	return func() { all(); one() }, true
}

// TableParams returns the query parameters of a list.
func TableParams(t list.Table) []string { return append(t.Conditions(), "sort", "cursor", "limit") }

// WantsAll reports whether a request wants all of a list.
func WantsAll(c echo.Context) bool { return streamType(c) != "" }

// streamType returns the media type in which a request wants all of a list, or "" for a page as JSON: the one with the
// largest weight (RFC 9110, section 12.4.2), of several the first.
func streamType(c echo.Context) string {
	wanted, most := "", 0.0
	for accepted := range strings.SplitSeq(c.Request().Header.Get(echo.HeaderAccept), ",") {
		kind, params, _ := mime.ParseMediaType(accepted)
		weight, err := strconv.ParseFloat(params["q"], 64)
		if err != nil || math.IsNaN(weight) {
			weight = 1
		}
		if weight <= most {
			continue
		}
		switch kind {
		case typeCSV, typeLines:
			wanted, most = kind, weight
		case "application/x-ndjson":
			wanted, most = typeLines, weight
		case echo.MIMEApplicationJSON, "*/*", "application/*":
			wanted, most = "", weight
		}
	}
	return wanted
}

// AnswerTable answers a request for a part of a table, whose rows are called name, at most limitMax of them and limit if
// the client does not say.
func AnswerTable[Row any](l *Lists, c echo.Context, name string, t list.Table, limit, limitMax int64, page func(context.Context, list.Query) (Page[Row], error)) error {
	limit, err := Number(c, "limit", limit, 1, limitMax)
	if err != nil {
		return err
	}
	where := maps.Clone(c.QueryParams())
	for _, name := range []string{"sort", "cursor", "limit"} {
		delete(where, name)
	}
	return Answer(l, c, name, c.QueryParam("cursor"), int(limit), func(ctx context.Context, cursor string, limit int) (Page[Row], error) {
		q, err := t.Parse(list.Asked{Where: where, Sort: c.QueryParam("sort"), Cursor: cursor, Limit: limit})
		if err != nil {
			return Page[Row]{}, err
		}
		if q.Searches() && streamType(c) == "" { // streams are bounded by themselves
			free, ok := l.searches.Acquire(TenantOf(c).ID)
			if !ok {
				l.limits.Hit(tenantIDOf(c), LimitSearches)
				return Page[Row]{}, ErrManySearches
			}
			defer free()
		}
		return page(ctx, q)
	})
}

// AnswerRows answers a request for a part of rows that are in memory, which are at most most, as AnswerTable does; with all
// of them if the client does not say how many.
func AnswerRows[Row any](l *Lists, c echo.Context, name string, t list.Table, most int64, rows func(context.Context) ([]Row, error)) error {
	return AnswerTable(l, c, name, t, most, most, func(ctx context.Context, q list.Query) (Page[Row], error) {
		all, err := rows(ctx)
		if err != nil {
			return Page[Row]{}, err
		}
		page, next := list.Rows(q, all)
		return Page[Row]{Rows: page, Next: next}, nil
	})
}

// Answer answers a request for a list whose rows are called name: with the page of limit rows that a cursor begins and
// its entity tag, or with a stream.
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
	return answerTagged(c, append(body, "}\n"...))
}

// stream answers with all of a list. Where it cannot go on, the connection is cut, so that nobody takes a part for all.
func stream[Row any](l *Lists, c echo.Context, name, kind, cursor string, page func(ctx context.Context, cursor string, limit int) (Page[Row], error)) error {
	free, ok := l.acquire(c)
	if !ok {
		l.limits.Hit(tenantIDOf(c), LimitStreams)
		return ErrManyStreams
	}
	defer free()
	w, control := c.Response(), http.NewResponseController(c.Response())
	write := list.WriterOf[Row](w, formats[kind])
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
				w.Header().Set(echo.HeaderContentDisposition, `attachment; filename="`+name+"."+string(formats[kind])+`"`)
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
