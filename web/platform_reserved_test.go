package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

func TestThePlatformsAPIShowsAndChangesACasinoThatHasNoSchemaYet(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	at, key := automation(t, c)
	type body struct {
		Slug, Name, Status string
		Domains            []string
	}
	var now body
	at.Do(http.MethodPost, key, "/v1/tenants", strings.Replace(casinoZ, "{", `{"auto_create_schema":false,`, 1)).Want(http.StatusCreated, "").Into(&now)
	if now.Status != "provisioning" || now.Name != "Casino Z" {
		t.Errorf("%+v", now)
	}
	for _, step := range []struct{ method, path, body string }{
		{http.MethodPatch, "", `{"name":"Zed","reason":"a test"}`},
		{http.MethodPost, "/domains/add", `{"domain":"zed.localhost","reason":"a test"}`},
		{http.MethodPost, "/domains/primary", `{"domain":"zed.localhost","reason":"a test"}`},
		{http.MethodPost, "/domains/remove", `{"domain":"casino-z.localhost","reason":"a test"}`},
		{http.MethodPost, "/rename", `{"to":"zed","reason":"a test"}`},
	} {
		if at.Do(step.method, key, "/v1/tenants/casino-z"+step.path, step.body).Want(http.StatusOK, "").Into(&now); now.Status != "provisioning" || now.Name != "Zed" {
			t.Errorf("%s: %+v", step.path, now)
		}
	}
	for _, path := range []string{"/keys", "/signing-keys/rotate", "/suspend"} {
		asked := `{"reason":"a test"}`
		if path == "/keys" {
			asked = opsKey
		}
		a := at.Do(http.MethodPost, key, "/v1/tenants/zed"+path, asked).Want(http.StatusConflict, "status_conflict")
		if path != "/suspend" && !strings.Contains(string(a.Body), "zed has no schema yet") {
			t.Errorf("%s", a.Body)
		}
	}
	at.Get(key, "/v1/tenants/zed").Want(http.StatusOK, "").Into(&now)
	if now.Status != "provisioning" || len(now.Domains) != 1 || now.Domains[0] != "zed.localhost" {
		t.Errorf("%+v", now)
	}
	var list struct{ Tenants []body }
	at.Get(key, "/v1/tenants?status=provisioning").Want(http.StatusOK, "").Into(&list)
	if len(list.Tenants) != 1 || list.Tenants[0].Slug != "zed" {
		t.Errorf("%+v", list)
	}
	z := c.At("zed.localhost")
	if a := z.Get("", "/play"); a.Status != http.StatusNotFound {
		t.Errorf("it is served: %d", a.Status)
	}
	at.Do(http.MethodPost, key, "/v1/tenants/zed/provision", "").Want(http.StatusOK, "").Into(&now)
	if now.Status != "active" {
		t.Errorf("%+v", now)
	}
	storetest.Eventually(t, "it is served", func() bool { return z.Get("", "/play").Status == http.StatusOK })
}
