package audit_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/audit"
	"github.com/pitboss-hub/pitboss/store/list"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

func TestLinesComeInPagesTheNewestFirst(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	id := storetest.Tenant(t, admin) // the first line
	for i := range 5 {
		line := rooms.Audit{Actor: "op", Action: fmt.Sprint("test-", i), Target: "x", Before: []byte(`{"a": 1}`), Origin: rooms.Origin{Address: "192.0.2.1", Credential: "key:k1", Request: "r-1"}}
		if err := s.Audit.Write(t.Context(), id, line); err != nil {
			t.Fatal(err)
		}
	}
	var actions []string
	for cursor, first := "", true; first || cursor != ""; first = false {
		q, err := audit.Lines.Parse(list.Asked{Cursor: cursor, Limit: 2})
		if err != nil {
			t.Fatal(err)
		}
		var page []audit.Line
		if page, cursor, err = s.Audit.List(t.Context(), id, q); err != nil {
			t.Fatal(err)
		}
		for _, l := range page {
			actions = append(actions, l.Action)
			if l.Actor == "op" && (string(l.Before) != `{"a": 1}` || l.After != nil || l.Origin != (rooms.Origin{Address: "192.0.2.1", Credential: "key:k1", Request: "r-1"})) {
				t.Errorf("a line is not as it was written: %+v", l)
			}
		}
	}
	if got, want := fmt.Sprint(actions), "[test-4 test-3 test-2 test-1 test-0 tenant.create]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAnUnknownTenantHasNoLog(t *testing.T) {
	t.Parallel()
	s, _ := storetest.New(t)
	id := tenant.New()
	if _, err := storetest.LastLines(t.Context(), s, id, 1); !errors.Is(err, store.ErrNoTenant) {
		t.Errorf("Lines: %v", err)
	}
	if err := s.Audit.Write(t.Context(), id, rooms.Audit{Actor: "op", Action: "test"}); !errors.Is(err, store.ErrNoTenant) {
		t.Errorf("Write: %v", err)
	}
}
