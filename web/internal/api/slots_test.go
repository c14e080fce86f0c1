package api

import (
	"testing"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

func TestSlotsAreATenantsOwn(t *testing.T) {
	s := NewSlots[tenant.ID](2)
	a, b := newTenantID(t, "a-casino"), newTenantID(t, "b-casino")
	free, ok := s.Acquire(a)
	if _, again := s.Acquire(a); !ok || !again {
		t.Fatal("there were no slots")
	}
	if _, ok := s.Acquire(a); ok {
		t.Error("a third slot")
	}
	if _, ok := s.Acquire(b); !ok {
		t.Error("another tenant has none left")
	}
	free()
	if _, ok := s.Acquire(a); !ok {
		t.Error("what was given back is not there")
	}
}

func newTenantID(t *testing.T, slug tenant.Slug) tenant.ID {
	t.Helper()
	id := tenant.New()
	return id
}
