package main

import (
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

type cacheCmd struct {
	Flush cacheFlushCmd `cmd:"" help:"Forget what is cached of a casino, on every node and in Redis."`
}

type cacheFlushCmd struct {
	Tenant string      `arg:"" help:"The casino's slug."`
	Reason strict.Line `required:"" help:"Why; for the audit log."`
	JSON   bool        `help:"Print JSON."`
}

// Help implements kong's long help.
func (cacheFlushCmd) Help() string {
	return "Begins a new epoch of the casino's values. Nodes notice within a second, and find nothing of before from then on; a node that is cut off from the database, when it has it again. Nothing is deleted: old values leave when their time is over, or for want of room."
}

// Run implements the command.
func (c cacheFlushCmd) Run(p *program) error {
	return p.withAdmin(func(admin *tenancy.Admin) error {
		t, err := admin.FlushCache(p.ctx, tenant.Slug(c.Tenant), c.Reason)
		if err != nil {
			return err
		}
		if c.JSON {
			return p.printJSON(map[string]any{"tenant": t.Slug, "epoch": t.Version})
		}
		p.printf("%s: nothing of before is used any more, within a second on every node\n", t.Slug)
		return nil
	})
}
