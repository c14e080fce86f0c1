package web_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/store/jobs"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

// automation returns the platform's API, and a key of all its scopes.
func automation(t *testing.T, c *webtest.Casino) (at *webtest.Casino, key string) {
	t.Helper()
	var all []string
	for _, s := range auth.PlatformScopes() {
		all = append(all, string(s))
	}
	_, key = c.PlatformKey(tenancy.NewAPIKey{Name: "automation", Scopes: all})
	return c.Platform(), key
}

const casinoZ = `{"slug":"casino-z","name":"Casino Z","domains":["casino-z.localhost"],"currency":"EUR"}`

func TestThePlatformsAPIMakesChangesAndEndsACasino(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	at, key := automation(t, c)
	made := at.Do(http.MethodPost, key, "/v1/tenants", casinoZ, "Idempotency-Key", "one", "X-Request-Id", "first").Want(http.StatusCreated, "")
	again := at.Do(http.MethodPost, key, "/v1/tenants", casinoZ, "Idempotency-Key", "one").Want(http.StatusCreated, "")
	if string(made.Body) != string(again.Body) || made.Header.Get("Location") != again.Header.Get("Location") {
		t.Errorf("the same request: %s, %s", made.Body, again.Body)
	}
	at.Do(http.MethodPost, key, "/v1/tenants", strings.Replace(casinoZ, "Casino Z", "Z", 1), "Idempotency-Key", "one").Want(http.StatusUnprocessableEntity, "idempotency_key_reused")
	at.Do(http.MethodPost, key, "/v1/tenants", casinoZ).Want(http.StatusConflict, "slug_taken")
	z := c.At("casino-z.localhost")
	storetest.Eventually(t, "it is served", func() bool { return z.Get("", "/play").Status == http.StatusOK })

	// A key of the casino's own opens a table; its text is shown once.
	var k struct{ ID, Secret string }
	ops := `{"name":"ops","scopes":["rooms:write","rooms:read","money:write"],"reason":"a test"}`
	at.Do(http.MethodPost, key, "/v1/tenants/casino-z/keys", ops, "Idempotency-Key", "two").Want(http.StatusCreated, "").Into(&k)
	if !auth.IsAPIKey(k.Secret) {
		t.Fatalf("the key is %q", k.Secret)
	}
	if repeated := at.Do(http.MethodPost, key, "/v1/tenants/casino-z/keys", ops, "Idempotency-Key", "two").Want(http.StatusCreated, ""); strings.Contains(string(repeated.Body), `"secret"`) {
		t.Errorf("the secret is shown again: %s", repeated.Body)
	}
	storetest.Eventually(t, "the key is known", func() bool { return z.Get(k.Secret, "/v1/rooms").Status == http.StatusOK })
	z.Do(http.MethodPost, k.Secret, "/v1/rooms", `{"room":"roulette-1","game":"roulette","name":"One","settings":{}}`).Want(http.StatusCreated, "")

	for _, step := range []struct{ method, path, body, status string }{
		{http.MethodPost, "suspend", `{"reason":"a test"}`, "suspended"},
		{http.MethodPost, "resume", ``, "active"},
		{http.MethodPost, "maintenance", `{"reason":"a test"}`, "maintenance"},
		{http.MethodPost, "resume", `{}`, "active"},
		{http.MethodPatch, "", `{"name":"Zed","on_trial":true,"reason":"a test"}`, "trial"},
		{http.MethodPost, "domains/add", `{"domain":"zed.localhost","reason":"a test"}`, "trial"},
		{http.MethodPost, "domains/primary", `{"domain":"zed.localhost","reason":"a test"}`, "trial"},
		{http.MethodPost, "domains/remove", `{"domain":"casino-z.localhost","reason":"a test"}`, "trial"},
		{http.MethodPost, "rename", `{"to":"zed","reason":"a test"}`, "trial"},
	} {
		var now struct {
			Slug, Name, Status string
			Domains            []string
		}
		at.Do(step.method, key, strings.TrimSuffix("/v1/tenants/casino-z/"+step.path, "/"), step.body).Want(http.StatusOK, "").Into(&now)
		if now.Status != step.status {
			t.Errorf("after %s it is %+v", step.path, now)
		}
	}
	at.Do(http.MethodPost, key, "/v1/tenants/zed/domains/verify", `{"domain":"zed.localhost"}`).Want(http.StatusBadRequest, "invalid_params")
	at.Get(key, "/v1/tenants/casino-z").Want(http.StatusNotFound, "tenant_not_found")
	var signing struct{ Kid, Secret string }
	at.Do(http.MethodPost, key, "/v1/tenants/zed/signing-keys/rotate", `{"reason":"a test"}`).Want(http.StatusCreated, "").Into(&signing)
	if signing.Secret == "" {
		t.Error("no secret")
	}
	at.Do(http.MethodPost, key, "/v1/tenants/zed/keys/revoke", `{"key":"`+k.ID+`","reason":"a test"}`).Want(http.StatusOK, "")
	at.Do(http.MethodPost, key, "/v1/tenants/zed/archive", `{"reason":"a test"}`, "Prefer", "wait=25").Want(http.StatusOK, "")
	at.Do(http.MethodPost, key, "/v1/tenants/zed/purge", `{"confirm":"zed","reason":"a test"}`).Want(http.StatusConflict, "purge_too_early")
	at.Do(http.MethodPost, key, "/v1/tenants/zed/purge", `{"confirm":"z","reason":"a test"}`).Want(http.StatusBadRequest, "confirmation_needed")
	at.Do(http.MethodPost, key, "/v1/migrate", "").Want(http.StatusOK, "")
	at.Do(http.MethodPost, key, "/v1/drift", "").Want(http.StatusOK, "")

	// Who did it is in both logs.
	var log struct {
		Entries []struct{ Actor, Action, Request string }
	}
	at.Get(key, "/v1/audit?action=tenant.create&request=first").Want(http.StatusOK, "").Into(&log)
	if len(log.Entries) != 1 || !strings.HasPrefix(log.Entries[0].Actor, "key:") {
		t.Errorf("%+v", log.Entries)
	}
	// The admin listener does not answer the platform's API.
	res, err := http.Get(c.AdminURL() + "/v1/tenants")
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusNotFound {
		t.Errorf("the admin listener answers %d", res.StatusCode)
	}
}

func TestARequestOfThePlatformThatDoesNotWaitIsAnsweredWithItsJob(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	at, key := automation(t, c)
	var job jobs.Job
	asked := at.Do(http.MethodPost, key, "/v1/tenants", casinoZ, "Prefer", "respond-async").Want(http.StatusAccepted, "")
	asked.Into(&job)
	if asked.Header.Get("Location") != "/v1/jobs/"+job.ID.String() {
		t.Errorf("Location: %q", asked.Header.Get("Location"))
	}
	storetest.Eventually(t, "the job is done", func() bool {
		at.Get(key, "/v1/jobs/"+job.ID.String()).Want(http.StatusOK, "").Into(&job)
		return job.State == jobs.Done
	})
	var named tenancy.Named
	if err := json.Unmarshal(job.Result, &named); err != nil || named.Slug != "casino-z" || job.FinishedAt.Before(job.CreatedAt) {
		t.Errorf("%+v, %v", job, err)
	}
	var all struct{ Jobs []jobs.Job }
	at.Get(key, "/v1/jobs?tenant=casino-z").Want(http.StatusOK, "").Into(&all)
	if len(all.Jobs) != 0 { // it was about none that was there
		t.Errorf("%+v", all.Jobs)
	}
	at.Get(key, "/v1/jobs?kind=tenant.create&state=done").Want(http.StatusOK, "").Into(&all)
	if len(all.Jobs) != 1 || all.Jobs[0].ID != job.ID {
		t.Errorf("%+v", all.Jobs)
	}
	at.Get(key, "/v1/jobs/nothing").Want(http.StatusNotFound, "job_not_found")
}

func TestAPlatformWithoutItsProcessKeepsWhatIsAsked(t *testing.T) {
	t.Parallel()
	c := webtest.New(t, webtest.WithoutPlatform)
	at, key := automation(t, c)
	began := time.Now()
	var job jobs.Job
	at.Do(http.MethodPost, key, "/v1/tenants", casinoZ, "Prefer", "wait=1").Want(http.StatusAccepted, "").Into(&job)
	if took := time.Since(began); job.State != jobs.Queued || took < time.Second || took > 5*time.Second {
		t.Errorf("%+v after %s", job, took)
	}
}

// TestASuspensionDoesNotWaitForJobsThatTakeLong has the only place for all jobs taken by an archive that waits for a round.
func TestASuspensionDoesNotWaitForJobsThatTakeLong(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	at, key := automation(t, c)
	c.Another("lucky-star")
	if _, err := storetest.Owner(t, c.Admin).Exec(t.Context(), `insert into platform.node (node, incarnation, expires, platform_version, versions_by) select 'ghost', id, now() + interval '1 hour', 15, id from gen_random_uuid() id`); err != nil {
		t.Fatal(err)
	}
	if _, err := storetest.Owner(t, c.Admin).Exec(t.Context(), `insert into platform.room (tenant, room, state, node) select id, 'table', 'open', 'ghost' from platform.tenant where slug = 'lucky-star'`); err != nil {
		t.Fatal(err)
	}
	var archive, job jobs.Job
	at.Do(http.MethodPost, key, "/v1/tenants/lucky-star/archive", `{"reason":"a test"}`, "Prefer", "respond-async").Want(http.StatusAccepted, "").Into(&archive)
	storetest.Eventually(t, "the archive waits for the round", func() bool {
		at.Get(key, "/v1/jobs/"+archive.ID.String()).Want(http.StatusOK, "").Into(&job)
		return job.State == jobs.Running && strings.Contains(job.Step, "rounds")
	})
	for _, step := range []struct{ what, body, status string }{
		{"suspend", `{"reason":"a test"}`, "suspended"}, {"resume", "", "active"}, {"maintenance", `{"reason":"a test"}`, "maintenance"},
	} {
		var now struct{ Status string }
		at.Do(http.MethodPost, key, "/v1/tenants/"+string(c.Tenant.Slug)+"/"+step.what, step.body, "Prefer", "wait=5").Want(http.StatusOK, "").Into(&now)
		if now.Status != step.status {
			t.Errorf("after %s it is %s", step.what, now.Status)
		}
	}
	at.Get(key, "/v1/jobs/"+archive.ID.String()).Want(http.StatusOK, "").Into(&job)
	if job.State != jobs.Running {
		t.Errorf("%+v", job)
	}
}
