package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

func TestThePlatformsAPIShowsTheSettingsThatItChangesAndRefusesThoseThatSayNothing(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	at, key := automation(t, c)
	if _, err := c.Admin.SetPlan(t.Context(), "small", func(*tenancy.TenantPlan) error { return nil }, "a test"); err != nil {
		t.Fatal(err)
	}
	path := "/v1/tenants/" + string(c.Tenant.Slug)
	type body struct {
		ID, Slug, Plan string
		PaidUntil      string   `json:"paid_until"`
		FrameAncestors []string `json:"frame_ancestors"`
		Above          *int64   `json:"credit_approval_above"`
	}
	for asked, why := range map[string]string{
		`{"reason":"a test"}`: "nothing to set",
		`{"no_end":true,"paid_until":"2031-02-03T00:00:00Z","reason":"a test"}`: "either paid until a time or served without end",
		`{"paid_until":"0001-01-01T00:00:00Z","reason":"a test"}`:               "before 2000",
		`{"credit_approval_above":-2,"reason":"a test"}`:                        "minor units, or -1 for none",
		`{"plan":"large","reason":"a test"}`:                                    "no such plan",
	} {
		if a := at.Do(http.MethodPatch, key, path, asked).Want(http.StatusBadRequest, "invalid_params"); !strings.Contains(string(a.Body), why) {
			t.Errorf("%s: %s", asked, a.Body)
		}
	}
	at.Do(http.MethodPost, key, "/v1/tenants", strings.Replace(casinoZ, "{", `{"paid_until":"0001-01-01T00:00:00Z",`, 1)).Want(http.StatusBadRequest, "invalid_params")

	set := `{"plan":"small","frame_ancestors":["https://portal.example"],"credit_approval_above":5000,"paid_until":"2031-02-03T00:00:00Z","reason":"a test"}`
	at.Do(http.MethodPatch, key, path, set).Want(http.StatusOK, "")
	var now body
	at.Get(key, path).Want(http.StatusOK, "").Into(&now)
	if now.ID != c.Tenant.ID.String() || now.Plan != "small" || now.PaidUntil == "" || len(now.FrameAncestors) != 1 || now.Above == nil || *now.Above != 5000 {
		t.Errorf("%+v", now)
	}
	at.Do(http.MethodPatch, key, path, `{"plan":"none","jurisdiction":"none","no_end":true,"credit_approval_above":-1,"reason":"a test"}`).Want(http.StatusOK, "")
	now = body{}
	at.Get(key, path).Want(http.StatusOK, "").Into(&now)
	if now.Plan != "" || now.PaidUntil != "" || now.Above != nil {
		t.Errorf("%+v", now)
	}

	// The audit log says by the slug which casino it was.
	at.Do(http.MethodPost, key, "/v1/tenants", casinoZ).Want(http.StatusCreated, "").Into(&now)
	var log struct {
		Entries []struct {
			Target string
			After  struct{ Slug string }
		}
	}
	at.Get(key, "/v1/audit?action=tenant.create&target="+now.ID).Want(http.StatusOK, "").Into(&log)
	if len(log.Entries) != 1 || log.Entries[0].After.Slug != "casino-z" {
		t.Errorf("%+v", log)
	}
}
