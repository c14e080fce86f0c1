package web_test

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store/jobs"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

// works does what is asked of the platform from now on.
func works(t *testing.T, c *webtest.Casino) {
	t.Helper()
	w, err := jobs.OpenWorker(t.Context(), jobs.Options{
		URL: storetest.DatabaseOf(t, c.Admin).AdminURL, Box: c.Store.Box, Log: slog.New(slog.DiscardHandler), Jobs: 1, Code: tenancy.CodeOf,
		Do: func(ctx context.Context, task jobs.Task) (jobs.Outcome, error) {
			result, secret, err := c.Admin.DoTask(ctx, task.Kind, task.Subject, task.Input, tenancy.Asker{Actor: task.Actor, Job: task.ID, Again: task.Again}, tenancy.Tools{})
			return jobs.Outcome{Result: result, Secret: secret}, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		w.Close()
	})
}

const opsKey = `{"name":"ops","scopes":["rooms:read"],"reason":"a test"}`

// TestASecretIsNotLostWithTheConnectionThatWaitedForIt has a client that goes while its key is made, and one that did not
// wait.
func TestASecretIsNotLostWithTheConnectionThatWaitedForIt(t *testing.T) {
	t.Parallel()
	c := webtest.New(t, webtest.WithoutPlatform)
	at, key := automation(t, c)
	_, other := automation(t, c)
	keys := "/v1/tenants/" + string(c.Tenant.Slug) + "/keys"
	at.Leave(300*time.Millisecond, http.MethodPost, key, keys, opsKey, "Idempotency-Key", "one", "Prefer", "wait=25")
	var async jobs.Job
	at.Do(http.MethodPost, key, keys, strings.Replace(opsKey, "ops", "two", 1), "Prefer", "respond-async").Want(http.StatusAccepted, "").Into(&async)
	works(t, c)

	var made struct{ ID, Secret string }
	again := func() {
		made.Secret = ""
		at.Do(http.MethodPost, key, keys, opsKey, "Idempotency-Key", "one", "Prefer", "wait=25").Want(http.StatusCreated, "").Into(&made)
	}
	if again(); !auth.IsAPIKey(made.Secret) {
		t.Errorf("asked again, the key is %q", made.Secret)
	}
	if again(); made.Secret != "" || made.ID == "" {
		t.Errorf("once more: %+v", made)
	}
	if n := storetest.Count(t, c.Admin, `select count(*) from platform.api_key where name = 'ops'`); n != 1 {
		t.Errorf("%d keys were made", n)
	}

	// Who does not wait gets it by the job; nobody else does.
	var job struct {
		State, Secret string
		Result        map[string]any
	}
	look := func(by string) {
		job.Secret = ""
		at.Get(by, "/v1/jobs/"+async.ID.String()).Want(http.StatusOK, "").Into(&job)
	}
	storetest.Eventually(t, "the job is done", func() bool { look(other); return job.State == "done" })
	if job.Secret != "" || job.Result["secret"] != nil {
		t.Errorf("another key of the platform's is told: %+v", job)
	}
	at.Do(http.MethodHead, key, "/v1/jobs/"+async.ID.String(), "").Want(http.StatusOK, "")
	if look(key); !auth.IsAPIKey(job.Secret) {
		t.Errorf("who asked is told %+v", job)
	}
	if look(key); job.Secret != "" {
		t.Errorf("and again: %+v", job)
	}
	if page := at.Get(key, "/v1/jobs").Want(http.StatusOK, ""); strings.Contains(string(page.Body), "secret") {
		t.Errorf("the list has secrets: %s", page.Body)
	}
}

// TestARequestMayWaitForItsJobLongerThanAnAnswerMayTake has a node that gives clients little time to read.
func TestARequestMayWaitForItsJobLongerThanAnAnswerMayTake(t *testing.T) {
	t.Parallel()
	c := webtest.New(t, webtest.WithoutPlatform, func(o *web.Options) { o.Edge.Answer = 500 * time.Millisecond })
	at, key := automation(t, c)
	began := time.Now()
	at.Do(http.MethodPost, key, "/v1/tenants", casinoZ, "Prefer", "wait=2").Want(http.StatusAccepted, "")
	if took := time.Since(began); took < 2*time.Second {
		t.Errorf("answered after %s", took)
	}
}

// TestNoCasinoIsMadeAtAHostThatNodesServeOtherwise asks over the platform's API, and has one in the database all the same.
func TestNoCasinoIsMadeAtAHostThatNodesServeOtherwise(t *testing.T) {
	t.Parallel()
	const folders = "folders.localhost"
	c := webtest.New(t, func(o *web.Options) { o.Routing.SubfolderHost = folders })
	at, key := automation(t, c)
	add := "/v1/tenants/" + string(c.Tenant.Slug) + "/domains/add"
	for _, host := range []string{webtest.PlatformHost, "Platform.LOCALHOST.", folders} {
		for path, body := range map[string]string{add: `{"domain":"` + host + `","reason":"a test"}`, "/v1/tenants": strings.Replace(casinoZ, "casino-z.localhost", host, 1)} {
			if a := at.Do(http.MethodPost, key, path, body).Want(http.StatusBadRequest, "invalid_params"); !strings.Contains(string(a.Body), strings.TrimSuffix(strings.ToLower(host), ".")) {
				t.Errorf("%s", a.Body)
			}
		}
	}
	if n := storetest.Count(t, c.Admin, `select count(*) from platform.job`); n != 0 {
		t.Errorf("%d jobs", n)
	}
	if got := storetest.Metric(t, c.Store, "pitboss_store_domains_hidden"); got != 0 {
		t.Errorf("%v domains are hidden", got)
	}
	if _, err := c.Admin.AddDomain(t.Context(), c.Tenant.Slug, folders, "a test"); err != nil { // by somebody who was not told of the node's hosts
		t.Fatal(err)
	}
	storetest.Eventually(t, "the node says so", func() bool { return storetest.Metric(t, c.Store, "pitboss_store_domains_hidden") == 1 })
	cli := c.Admin.As("cli", rooms.Origin{})
	cli.OwnHosts = tenancy.OwnHosts{folders, "x.localhost"}
	if _, err := cli.AddDomain(t.Context(), c.Tenant.Slug, "X.localhost", "a test"); err == nil || !strings.Contains(err.Error(), "--platform-host") {
		t.Errorf("on the command line: %v", err)
	}
	at.Do(http.MethodPost, key, strings.Replace(add, "add", "remove", 1), `{"domain":"`+folders+`","reason":"a test"}`).Want(http.StatusOK, "")
	storetest.Eventually(t, "it is mended", func() bool { return storetest.Metric(t, c.Store, "pitboss_store_domains_hidden") == 0 })
}
