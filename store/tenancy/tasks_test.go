package tenancy_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

// TestATaskWhoseChangeWasCommittedIsNotDoneTwice does each task, and begins its job again as after a process that died before
// it recorded what came of it.
func TestATaskWhoseChangeWasCommittedIsNotDoneTwice(t *testing.T) {
	t.Parallel()
	_, admin := storetest.New(t)
	owner := storetest.Owner(t, admin)
	for _, c := range []struct {
		kind  string
		slug  tenant.Slug
		input string
		again error
	}{
		{"tenant.create", "", `{"slug":"reserved","name":"R","domains":["r.localhost"],"currency":"EUR","auto_create_schema":false}`, nil},
		{"tenant.provision", "reserved", `{}`, nil},
		{"tenant.create", "", `{"slug":"casino-x","name":"X","domains":["x.localhost"],"currency":"EUR"}`, nil},
		{"tenant.maintain", "casino-x", `{"reason":"a test"}`, nil},
		{"tenant.resume", "casino-x", `{}`, nil},
		{"domain.add", "casino-x", `{"domain":"x2.localhost","reason":"a test"}`, nil},
		{"domain.remove", "casino-x", `{"domain":"x2.localhost","reason":"a test"}`, nil},
		{"signing_key.rotate", "casino-x", `{"reason":"a test"}`, tenancy.ErrSecretLost},
		{"api_key.create", "casino-x", `{"name":"k","scopes":["rooms:read"],"reason":"a test"}`, tenancy.ErrSecretLost},
		{"tenant.rename", "casino-x", `{"to":"casino-y","reason":"a test"}`, nil},
	} {
		by := tenancy.Asker{Actor: "cli", Job: uuid.New()}
		if _, err := owner.Exec(t.Context(), `insert into platform.job (id, kind, subject, input, asked, actor) values ($1, $2, $3, $4::text::json, sha256('x'), 'key:1')`, by.Job, c.kind, string(c.slug), c.input); err != nil {
			t.Fatal(err)
		}
		first, _, err := admin.DoTask(t.Context(), c.kind, c.slug, []byte(c.input), by, tenancy.Tools{})
		if err != nil {
			t.Fatalf("%s: %v", c.kind, err)
		}
		lines := storetest.Count(t, admin, `select count(*) from platform.audit_log`)
		by.Again = true
		again, secret, err := admin.DoTask(t.Context(), c.kind, c.slug, []byte(c.input), by, tenancy.Tools{})
		if !errors.Is(err, c.again) || secret != "" {
			t.Errorf("%s again: %v, secret %t", c.kind, err, secret != "")
		}
		if diff := cmp.Diff(first, again); c.again == nil && diff != "" {
			t.Errorf("%s again: %s", c.kind, diff)
		}
		if n := storetest.Count(t, admin, `select count(*) from platform.audit_log`); n != lines {
			t.Errorf("%s again: %d lines more", c.kind, n-lines)
		}
	}
	// A node that was taken over can queue what it likes, but nothing about the platform's own keys.
	if _, _, err := admin.DoTask(t.Context(), "api_key.create", tenancy.Platform, []byte(`{"name":"k","scopes":["tenants:end"],"reason":"x"}`), tenancy.Asker{Actor: "cli"}, tenancy.Tools{}); !errors.Is(err, db.ErrInvalid) {
		t.Errorf("a key of the platform's: %v", err)
	}
}

func TestWhatChangesRowsAloneIsQuick(t *testing.T) {
	t.Parallel()
	quick := tenancy.QuickTasks()
	for name, task := range tenancy.Tasks {
		if slices.Contains(quick, name) != (task.Within == 0) {
			t.Errorf("%s may take %s", name, task.Within)
		}
	}
	for _, name := range []string{"tenant.suspend", "tenant.resume", "tenant.maintain", "api_key.revoke", "domain.remove", "signing_key.rotate"} {
		if !slices.Contains(quick, name) {
			t.Errorf("%s waits for others", name)
		}
	}
	for _, name := range []string{"tenant.archive", "tenant.purge", "tenant.create", "tenant.provision", "domain.verify", "migrate", "drift", "doctor"} {
		if slices.Contains(quick, name) {
			t.Errorf("%s takes long", name)
		}
	}
}

// TestATaskThatTakesTooLongIsStopped looks for a day, by a clock of its own.
func TestATaskThatTakesTooLongIsStopped(t *testing.T) {
	t.Parallel()
	_, admin := storetest.New(t)
	stuck := tenancy.Tools{Doctor: func(ctx context.Context) (any, error) { <-ctx.Done(); return nil, ctx.Err() }}
	synctest.Test(t, func(t *testing.T) {
		_, _, err := admin.DoTask(t.Context(), "doctor", "", []byte(`{}`), tenancy.Asker{Actor: "cli"}, stuck)
		if !errors.Is(err, tenancy.ErrTooLong) || errors.Is(err, db.ErrUnavailable) {
			t.Errorf("%v", err)
		}
		if code, text := tenancy.CodeOf(err); code != "unavailable" || text == "" {
			t.Errorf("%s: %s", code, text)
		}
		ended, end := context.WithCancel(t.Context())
		end()
		if _, _, err := admin.DoTask(ended, "doctor", "", []byte(`{}`), tenancy.Asker{Actor: "cli"}, stuck); errors.Is(err, tenancy.ErrTooLong) {
			t.Errorf("a process that ends: %v", err)
		}
	})
}

// TestATaskWhoseAnswerIsLateIsDoneIfItsChangeIsCommitted waits for the deadline after the change.
func TestATaskWhoseAnswerIsLateIsDoneIfItsChangeIsCommitted(t *testing.T) {
	t.Parallel()
	_, admin := storetest.New(t)
	made, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-x", "x.localhost"))
	if err != nil {
		t.Fatal(err)
	}
	owner := storetest.Owner(t, admin)
	for kind, c := range map[string]struct {
		input string
		want  error
	}{
		"tenant.suspend": {`{"reason":"a test"}`, nil},
		"api_key.create": {`{"name":"k","scopes":["rooms:read"],"reason":"a test"}`, tenancy.ErrSecretLost},
	} {
		late := tenancy.Tasks[kind]
		do := late.Do
		late.Within = 500 * time.Millisecond
		late.Do = func(ctx context.Context, a *tenancy.Admin, slug tenant.Slug, in any, tools tenancy.Tools) (any, string, error) {
			if _, _, err := do(context.WithoutCancel(ctx), a, slug, in, tools); err != nil {
				return nil, "", err
			}
			<-ctx.Done()
			return nil, "", ctx.Err()
		}
		by := tenancy.Asker{Actor: "cli", Job: uuid.New()}
		if _, err := owner.Exec(t.Context(), `insert into platform.job (id, kind, subject, input, asked, actor) values ($1, $2, $3, $4::text::json, sha256('x'), 'key:1')`, by.Job, kind, string(made.Slug), c.input); err != nil {
			t.Fatal(err)
		}
		result, secret, err := admin.DoOwnTask(t.Context(), late, made.Slug, []byte(c.input), by)
		if !errors.Is(err, c.want) || (err == nil) != (result != nil) || secret != "" {
			t.Errorf("%s: %v, %v", kind, result, err)
		}
	}
}
