package tenancy_test

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/jobs"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

// TestANodeThatWasTakenOverCannotHaveACasinoPurgedSooner has nodes' login write jobs, and whatever else would bring a purge
// nearer.
func TestANodeThatWasTakenOverCannotHaveACasinoPurgedSooner(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	made, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-x", "x.localhost"))
	if err != nil {
		t.Fatal(err)
	}
	to := archiver(t, d)
	// do queues a task as a node does, and does it as the platform's process does.
	do := func(kind string, slug tenant.Slug, input string) error {
		j, err := s.Jobs.Add(t.Context(), jobs.New{Kind: kind, Subject: slug, Input: []byte(input), Actor: "key:nobody"})
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = admin.DoTask(t.Context(), kind, slug, []byte(input), tenancy.Asker{Actor: j.Actor, Job: j.ID}, tenancy.Tools{Archiver: to})
		return err
	}
	for _, c := range []struct {
		kind, input string
		want        error
	}{
		{"tenant.purge", `{"confirm":"casino-x","reason":"x"}`, tenancy.ErrStatus},
		{"tenant.archive", `{"reason":"x"}`, nil},
		{"tenant.purge", `{"confirm":"casino-x","reason":"x"}`, tenancy.ErrPurgeEarly},
		{"tenant.purge", `{"confirm":"","reason":"x"}`, tenancy.ErrConfirm},
		{"tenant.purge", `{"confirm":"casino-x","reason":"x","at":"2020-01-01T00:00:00Z"}`, db.ErrInvalid},
		{"tenant.erase", `{}`, db.ErrInvalid},
	} {
		if err := do(c.kind, "casino-x", c.input); !errors.Is(err, c.want) {
			t.Errorf("%s %s: %v, want %v", c.kind, c.input, err, c.want)
		}
	}
	if err := do("tenant.purge", tenancy.Platform, `{"confirm":"","reason":"x"}`); !errors.Is(err, db.ErrInvalid) {
		t.Errorf("the platform: %v", err)
	}
	node, err := pgx.Connect(t.Context(), d.AppURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = node.Close(t.Context()) }()
	for _, sql := range []string{
		`update platform.archive set verified_at = now() - interval '1 year'`, `delete from platform.archive`, `insert into platform.archive (tenant, file, bytes, sha256, schema_version, rows) values ('x', 'x', 1, sha256('x'), 1, 1)`,
		`update platform.tenant set status = 'provisioning'`, `delete from platform.tenant`, `delete from platform.slug`,
		`update platform.job set kind = 'tenant.purge'`, `update platform.job set applied = true`, `update platform.job set actor = 'x'`, `delete from platform.job`,
		`insert into platform.job (id, kind, subject, input, asked, actor, state, finished_at) values (gen_random_uuid(), 'x', '', '{}', sha256('x'), 'x', 'done', now())`,
		`delete from platform.audit_log`, `update platform.audit_log set actor = 'x'`, `drop schema ` + made.ID.Schema() + ` cascade`,
	} {
		if _, err := node.Exec(t.Context(), sql); db.SQLState(err) != db.StateDenied {
			t.Errorf("%s: %v", sql, err)
		}
	}
}
