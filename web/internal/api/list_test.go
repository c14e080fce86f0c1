package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store/list"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

func TestTwoPagesOfACasinoAreSearchedForAtOnce(t *testing.T) {
	t.Parallel()
	l := NewLists(NewLimits(prometheus.NewRegistry(), nil), time.Minute)
	table := list.Table{
		Select: "select id, kind from thing",
		Fields: []list.Field{{Name: "id", Type: list.Number, Sort: true, Indexed: true}, {Name: "kind"}},
		Key:    "id", Order: "id",
	}
	one, another := newTenantID(t, "one"), newTenantID(t, "another")
	// ask asks a casino for a page that is there when f returns.
	ask := func(casino tenant.ID, query string, f func()) error {
		c := echo.New().NewContext(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/?"+query, http.NoBody), httptest.NewRecorder())
		SetTenant(c, &tenancy.Tenant{ID: casino})
		return AnswerTable(l, c, "things", table, 1, 1, func(context.Context, list.Query) (Page[int], error) {
			f()
			return Page[int]{}, nil
		})
	}
	searching, found, ended := make(chan struct{}), make(chan struct{}), make(chan error)
	for range 2 {
		go func() {
			ended <- ask(one, "kind=a", func() {
				searching <- struct{}{}
				<-found
			})
		}()
		<-searching
	}
	nothing := func() {}
	if err := ask(one, "kind=b", nothing); !errors.Is(err, ErrManySearches) {
		t.Errorf("a third search: %v", err)
	}
	if err := ask(one, "id=7", nothing); err != nil {
		t.Errorf("a page that an index has: %v", err)
	}
	if err := ask(another, "kind=b", nothing); err != nil {
		t.Errorf("a search of another casino: %v", err)
	}
	close(found)
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if err := ask(one, "kind=b", nothing); err != nil {
		t.Errorf("a search when the others have ended: %v", err)
	}
}

func TestAPlayersStreamsTakeNoPlaceOfTheStaffsNorOfOthers(t *testing.T) {
	t.Parallel()
	l := NewLists(NewLimits(prometheus.NewRegistry(), nil), time.Minute)
	casino := newTenantID(t, "one")
	by := func(role auth.Role, name string) (free func(), ok bool) {
		c := echo.New().NewContext(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody), httptest.NewRecorder())
		SetTenant(c, &tenancy.Tenant{ID: casino})
		SetPrincipal(c, auth.Principal{Tenant: casino, Role: role, Subject: name})
		return l.acquire(c)
	}
	var frees []func()
	for i := range playersStreamsMax {
		free, ok := by(auth.Player, fmt.Sprint("player-", i))
		if !ok {
			t.Fatalf("player %d has no stream", i)
		}
		frees = append(frees, free)
		if _, ok := by(auth.Player, fmt.Sprint("player-", i)); ok {
			t.Errorf("player %d has two", i)
		}
	}
	if _, ok := by(auth.Player, "alice"); ok {
		t.Error("one more player has a stream")
	}
	for range streamsMax {
		if _, ok := by(auth.Operator, "olivia"); !ok {
			t.Error("the staff waits for players")
		}
	}
	if _, ok := by(auth.Operator, "olivia"); ok {
		t.Error("the staff has one more stream")
	}
	frees[0]()
	if _, ok := by(auth.Player, "alice"); !ok {
		t.Error("a stream that has ended holds its place")
	}
}

func TestAListComesAsTheClientPrefersByAccept(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]string{
		"":                                      "",
		"*/*":                                   "",
		"application/xml":                       "",
		"text/csv":                              typeCSV,
		"TEXT/CSV; charset=utf-8":               typeCSV,
		"application/x-ndjson":                  typeLines,
		"application/jsonl, text/csv":           typeLines,
		"text/csv, application/json":            typeCSV,
		"text/csv;q=0":                          "",
		"text/csv;q=0, application/jsonl;q=0.1": typeLines,
		"text/csv;q=0.5, application/json":      "",
		"application/json;q=0.5, text/csv":      typeCSV,
		"text/csv;q=none":                       typeCSV,
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
		r.Header.Set(echo.HeaderAccept, accept)
		if got := streamType(echo.New().NewContext(r, httptest.NewRecorder())); got != want {
			t.Errorf("%q: %q, want %q", accept, got, want)
		}
	}
}
