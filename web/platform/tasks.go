package platform

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/store/jobs"
	"github.com/pitboss-hub/pitboss/store/list"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

const (
	// awaitUsually and awaitMost are how long a request waits for its job, unless it prefers something else, and at most.
	awaitUsually = 10 * time.Second
	awaitMost    = 25 * time.Second
)

// statuses are the statuses of answers to what failed, by the code of its error; of others it is 409.
var statuses = map[string]int{
	"invalid_params": http.StatusBadRequest, "confirmation_needed": http.StatusBadRequest, "tenant_not_found": http.StatusNotFound, "not_found": http.StatusNotFound,
	"unavailable": http.StatusServiceUnavailable, "migration_needed": http.StatusServiceUnavailable, "internal": http.StatusInternalServerError,
}

// changesOne reports whether a task's result is the tenant that it made or changed.
func changesOne(kind string) bool {
	return strings.HasPrefix(kind, "tenant.") && kind != "tenant.archive" || kind == "domain.add" || kind == "domain.remove" || kind == "domain.primary"
}

// makesSecret reports whether a task makes a key or a token, whose secret is in one answer.
func makesSecret(kind string) bool {
	return kind == "api_key.create" || kind == "signing_key.rotate" || kind == "entry.create"
}

// secretNotKept is the detail of an answer without the secret of the key or token that was made.
const secretNotKept = "The secret was in an answer before and is not kept. If it is lost, revoke it and make another."

// Task returns a handler that asks the platform's process for a task, and answers with what came of it, or with the job if
// that takes longer than the client prefers to wait (RFC 7240).
func (a *API) Task(kind string) echo.HandlerFunc {
	task := tenancy.Tasks[kind]
	return func(c echo.Context) error {
		var slug tenant.Slug
		if name := api.Param(c, "slug"); name != "" {
			var err error
			if slug, err = tenant.ParseSlug(name); err != nil {
				return api.Fail(http.StatusNotFound, "tenant_not_found", "There is no such casino.")
			}
		}
		in := task.Input()
		if c.Request().ContentLength != 0 {
			if err := api.Read(c, in); err != nil {
				return err
			}
		}
		if err := a.checkHosts(kind, in); err != nil {
			return err
		}
		input, err := json.Marshal(in)
		if err != nil {
			return err
		}
		key, err := api.IdempotencyKey(c)
		if err != nil {
			return err
		}
		ctx, cancel := api.WithPatience(c)
		job, err := a.o.Store.Jobs.Add(ctx, jobs.New{Kind: kind, Subject: slug, Input: input, Key: key, Actor: api.OwnerOf(c), Origin: api.OriginOf(c)})
		cancel()
		if err != nil {
			return err
		}
		if job.Replayed {
			c.Response().Header().Set("Idempotent-Replayed", "true")
		}
		wait := preferred(c.Request().Header.Values("Prefer"))
		a.allow(c, wait)
		if job, err = a.o.Store.Jobs.Await(c.Request().Context(), job.ID, wait); err != nil {
			return err
		}
		return a.answerJob(c, job)
	}
}

// allow has the connection of a request live as long as its job is waited for: what a client may take to read the answer
// begins then.
func (a *API) allow(c echo.Context, wait time.Duration) {
	until, control := time.Now().Add(wait+a.o.Answer), http.NewResponseController(c.Response())
	_ = control.SetReadDeadline(until) // at its end net/http ends the request; it fails only without a connection
	_ = control.SetWriteDeadline(until)
}

// checkHosts refuses the input of a task that would have a casino at a host where this node serves something else.
func (a *API) checkHosts(kind string, in any) (err error) {
	switch in := in.(type) {
	case *tenancy.NewTenantInput:
		err = a.o.OwnHosts.Check(in.Domains...)
	case *tenancy.DomainInput:
		if kind == "domain.add" {
			err = a.o.OwnHosts.Check(in.Domain)
		}
	}
	if err != nil {
		code, text := tenancy.CodeOf(err)
		return api.Fail(statuses[code], code, text)
	}
	return nil
}

// preferred returns how long a client prefers to wait (RFC 7240 §4.1, §4.3).
func preferred(headers []string) time.Duration {
	for _, header := range headers {
		for _, p := range strings.Split(header, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
			switch strings.ToLower(name) {
			case "respond-async":
				return 0
			case "wait":
				if n, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 16); err == nil {
					return min(time.Duration(n)*time.Second, awaitMost)
				}
			}
		}
	}
	return awaitUsually
}

// answerJob answers with what came of a job, or with the job if it is not over.
func (a *API) answerJob(c echo.Context, job jobs.Job) error {
	c.Response().Header().Set("Location", "/v1/jobs/"+job.ID.String())
	switch job.State {
	case jobs.Done:
	case jobs.Failed:
		status, ok := statuses[job.Code]
		if !ok {
			status = http.StatusConflict
		}
		text := job.Error
		if job.Code == wire.CodeInternal {
			text += " The job is " + job.ID.String() + "."
		}
		return api.Fail(status, job.Code, text)
	default:
		return c.JSON(http.StatusAccepted, bodyOfJob(job))
	}
	status := http.StatusOK
	if job.Kind == "tenant.create" || makesSecret(job.Kind) {
		status = http.StatusCreated
	}
	if changesOne(job.Kind) {
		var named tenancy.Named
		if err := strict.Decode(job.Result, &named); err != nil {
			return err
		}
		body, err := a.tenant(c, named)
		if err != nil {
			return err
		}
		return c.JSON(status, body)
	}
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	secret, err := a.o.Store.Jobs.TakeSecret(ctx, job.ID)
	if err != nil {
		return err
	}
	if secret == "" && !makesSecret(job.Kind) {
		return c.JSON(status, job.Result)
	}
	var shown map[string]json.RawMessage
	if err := strict.Decode(job.Result, &shown); err != nil {
		return err
	}
	name, text := "secret", secret
	if secret == "" {
		name, text = "detail", secretNotKept
	}
	if shown[name], err = json.Marshal(text); err != nil {
		return err
	}
	return c.JSON(status, shown)
}

// tenant returns a tenant as it is now, or its slug and status alone if it was purged.
func (a *API) tenant(c echo.Context, named tenancy.Named) (any, error) {
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	if err := a.o.Store.Tenants.Reload(ctx); err != nil {
		return nil, err
	}
	if t, ok := a.o.Store.Tenants.Named(named.Slug); ok {
		return bodyOf(t, a.o.Store.Tenants.Now()), nil
	}
	return named, nil
}

// jobBody is a job as clients see it.
type jobBody struct {
	jobs.Job
	CreatedAt  wire.Time `json:"created_at"`
	FinishedAt wire.Time `json:"finished_at,omitzero"`
	Secret     string    `json:"secret,omitempty"` // that it made; once, for who asked for it
}

func bodyOfJob(j jobs.Job) jobBody {
	return jobBody{Job: j, CreatedAt: wire.At(j.CreatedAt), FinishedAt: timeOrZero(j.FinishedAt)}
}

// Jobs answers with the jobs, the latest first.
func (a *API) Jobs(c echo.Context) error {
	return api.AnswerTable(a.o.Lists, c, "jobs", jobs.Jobs, 50, 500, func(ctx context.Context, q list.Query) (api.Page[jobBody], error) {
		rows, next, err := a.o.Store.Jobs.List(ctx, q)
		out := api.Page[jobBody]{Next: next}
		for _, j := range rows {
			out.Rows = append(out.Rows, bodyOfJob(j))
		}
		return out, err
	})
}

// Job answers with one job, whatever came of it; with the secret that it made, if nobody has it yet, only who asked for the
// job.
func (a *API) Job(c echo.Context) error {
	id, err := uuid.Parse(api.Param(c, "id"))
	if err != nil {
		return jobs.ErrNotFound
	}
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	j, err := a.o.Store.Jobs.Get(ctx, id)
	if err != nil {
		return err
	}
	body := bodyOfJob(j)
	if j.State == jobs.Done && j.Actor == api.OwnerOf(c) && c.Request().Method == http.MethodGet { // and not HEAD, which shows nobody anything
		if body.Secret, err = a.o.Store.Jobs.TakeSecret(ctx, id); err != nil {
			return err
		}
	}
	return c.JSON(http.StatusOK, body)
}

// Tenant answers with one casino.
func (a *API) Tenant(c echo.Context) error {
	if t, ok := a.o.Store.Tenants.Named(tenant.Slug(api.Param(c, "slug"))); ok {
		return api.AnswerTagged(c, bodyOf(t, a.o.Store.Tenants.Now()))
	}
	return api.Fail(http.StatusNotFound, "tenant_not_found", "There is no such casino.")
}
