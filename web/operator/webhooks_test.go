package operator_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/store/webhooks"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

// deliver records how an attempt ended.
func deliver(t *testing.T, c *webtest.Casino, r webhooks.Result) {
	t.Helper()
	for { // other tests claim too
		epoch, err := c.Store.Deliveries.Claim(t.Context(), c.Tenant.ID)
		if err == nil {
			_, err = c.Store.Deliveries.Record(t.Context(), c.Tenant.ID, epoch, []webhooks.Result{r})
		}
		if err == nil {
			return
		}
		if !strings.Contains(err.Error(), webhooks.ErrFenced.Error()) {
			t.Fatal(err)
		}
	}
}

// webhooksOverHTTP holds that endpoints are made, changed, told and deleted, and that a secret is shown once.
func webhooksOverHTTP(t *testing.T, c *webtest.Casino) {
	operator, _, support := c.Staff()
	type endpoint struct {
		ID, URL, State, Reason, Secret string
		FormerUntil                    string `json:"former_until"`
		Types                          []string
	}
	var made, got endpoint
	c.Post(operator, "/v1/webhooks", `{"url":"https://receiver.example/hook","types":["room.opened"],"description":"ours","reason":"a test"}`).Want(http.StatusCreated, "").Into(&made)
	at := "/v1/webhooks/" + made.ID
	if !strings.HasPrefix(made.Secret, "whsec_") || made.State != "active" {
		t.Errorf("created: %+v", made)
	}
	for _, path := range []string{at, "/v1/webhooks", "/v1/audit?limit=500"} {
		if a := c.Get(support, path).Want(http.StatusOK, ""); strings.Contains(string(a.Body), made.Secret) {
			t.Errorf("%s shows the secret", path)
		}
	}
	c.Do(http.MethodPut, operator, at, `{"url":"https://receiver.example/other","reason":"moved"}`).Want(http.StatusOK, "").Into(&got)
	if got.URL != "https://receiver.example/other" || len(got.Types) != 0 {
		t.Errorf("changed: %+v", got)
	}
	c.Post(operator, at+"/rotate", `{"drop_former":false,"reason":"a test"}`).Want(http.StatusOK, "").Into(&got)
	if got.Secret == made.Secret || got.FormerUntil == "" {
		t.Errorf("rotated: %+v", got)
	}
	var sent struct {
		ID uuid.UUID `json:"webhook_id"`
	}
	c.Post(operator, at+"/test", reason).Want(http.StatusAccepted, "").Into(&sent)
	c.Post(operator, at+"/pause", reason).Want(http.StatusOK, "").Into(&got)
	if got.State != "paused" || got.Reason != "a test" {
		t.Errorf("paused: %+v", got)
	}
	c.Post(operator, at+"/test", reason).Want(http.StatusConflict, "webhook_not_active")
	c.Post(operator, at+"/resume", reason).Want(http.StatusOK, "")
	type page struct {
		Deliveries []struct {
			ID        int64
			WebhookID uuid.UUID `json:"webhook_id"`
			Type      string
			State     string
			Status    int
			Error     string
		}
		Next string
	}
	var first page
	c.Get(support, at+"/deliveries?limit=1&state=pending").Want(http.StatusOK, "").Into(&first)
	if len(first.Deliveries) != 1 || first.Deliveries[0].WebhookID != sent.ID || first.Deliveries[0].Type != "webhook.test" || first.Deliveries[0].State != "pending" || first.Next != "" {
		t.Fatalf("deliveries: %+v", first)
	}
	var second page
	c.Get(support, at+"/deliveries?state.in=delivered,dropped").Want(http.StatusOK, "").Into(&second)
	if len(second.Deliveries) != 0 {
		t.Errorf("delivered or dropped: %+v", second)
	}
	replay := at + "/deliveries/" + strconv.FormatInt(first.Deliveries[0].ID, 10) + "/replay"
	c.Post(operator, replay, reason).Want(http.StatusConflict, "delivery_pending")
	deliver(t, c, webhooks.Result{Endpoint: uuid.MustParse(made.ID), URL: got.URL, Fact: first.Deliveries[0].ID, Drop: true, Status: 500, Error: "the answer is 500"})
	c.Post(operator, replay, reason).Want(http.StatusAccepted, "")
	c.Get(support, at+"/deliveries?limit=x").Want(http.StatusBadRequest, wire.CodeInvalidParams)
	c.Post(operator, at+"/deliveries/9999999/replay", reason).Want(http.StatusNotFound, "not_found")
	c.Do(http.MethodDelete, operator, at, reason).Want(http.StatusOK, "")
	for _, path := range []string{at, at + "/deliveries", "/v1/webhooks/x"} {
		c.Get(operator, path).Want(http.StatusNotFound, "not_found")
	}

	var list struct{ Webhooks []endpoint }
	c.Get(operator, "/v1/webhooks").Into(&list)
	for _, e := range list.Webhooks {
		if e.ID == made.ID {
			t.Error("it is still listed")
		}
	}
}
