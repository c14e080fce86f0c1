package tenancy

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store/migrations"
)

// Pool is the owner's login.
func (a *Admin) Pool() *pgxpool.Pool { return a.pool }

// WithTenantStep makes the admin that of a newer binary, whose tenants have one more table.
func (a *Admin) WithTenantStep(sql string) {
	next := a.known.Tenant.Last() + 1
	a.known.Tenant.Steps = append(append([]migrations.Step{}, a.known.Tenant.Steps...), migrations.Step{Version: next, Name: "test", SQL: sql})
}

// WithPhase makes the admin that of a newer binary, whose tenants have one more step of a phase.
func (a *Admin) WithPhase(phase migrations.Phase, sql string) {
	a.WithTenantStep(sql)
	a.known.Tenant.Steps[a.known.Tenant.Last()-1].Phase = phase
}

// LeaseTTL is how long after a worker was heard of its tenant goes to another.
const LeaseTTL = leaseTTL

// BeforeRefusals makes the admin that of the first version, whose tenants have the tables of step 1 only, and rights on
// no others; but for what this version writes of a new tenant into audit_log: AfterFirst takes it away again.
func (a *Admin) BeforeRefusals() {
	first := a.known.Tenant.Steps[0]
	first.SQL += "alter table audit_log add column credential text not null default '', add column request text not null default '';\n"
	a.known.Tenant.Steps = []migrations.Step{first}
	a.known.Tenant.Grants = grantOf.ReplaceAllStringFunc(a.known.Tenant.Grants, func(grant string) string {
		for _, table := range schemaTable.FindAllStringSubmatch(grant, -1) {
			if !strings.Contains(a.known.Tenant.Steps[0].SQL, "create table "+table[1]+" (") {
				return ""
			}
		}
		return grant
	})
}

// BeforePeople makes the admin that of the version before the people behind API keys were known.
func (a *Admin) BeforePeople() {
	steps := slices.Clone(a.known.Platform.Steps[:12])
	for _, m := range a.known.Platform.Steps[12:] {
		if m.Name == "fleet" { // without which this version migrates nobody; AfterPeople takes it away again
			steps[11].SQL += m.SQL
		}
	}
	a.known.Platform.Steps, a.known.Tenant.Steps = steps, a.known.Tenant.Steps[:8]
	a.known.Platform.Grants = strings.NewReplacer("people, ", "", "platform.slug, ", "", ", verified_at", "",
		"grant select on platform.job to :role;\n", "", "grant update (secret) on platform.job to :role;\n", "",
		"grant insert (id, kind, subject, input, asked, key, actor, address, credential, request) on platform.job to :role;\n", "",
		"grant select on platform.plan, platform.jurisdiction to :role;\n", "", "grant select, insert, update on platform.storage to :role;\n", "").Replace(a.known.Platform.Grants)
}

// CreateAsBefore makes a tenant as versions did that knew no former slugs: with its role, schema and tables.
func (a *Admin) CreateAsBefore(ctx context.Context) (tenant.ID, error) {
	id := tenant.New()
	return id, a.inTx(ctx, func(tx pgx.Tx) error {
		in, err := a.ready(ctx, tx)
		if err == nil {
			_, err = tx.Exec(ctx, `insert into platform.tenant (id, slug, name, on_trial, currency, exponent) values ($1, 'casino-old', 'Old', false, 'EUR', 2)`, id.String())
		}
		if err == nil {
			err = a.createSchema(ctx, tx, id, in)
		}
		return err
	})
}

// AfterPeople is the SQL that has the platform of BeforePeople be as that version left it.
const AfterPeople = `
drop table platform.tenant_migration, platform.migration_run;
alter table platform.node drop column platform_version, drop column tenant_version, drop column versions_by;
alter table platform.tenant drop column rights;
alter table platform.migration drop column phase`

// AfterFirst is the SQL that has the tenants of BeforeRefusals be as the first version left them.
const AfterFirst = `
do $$ declare s text; begin
  for s in select table_schema from information_schema.columns where table_name = 'audit_log' and column_name = 'credential' and table_schema <> 'platform' loop
    execute format('alter table %I.audit_log drop column credential, drop column request', s);
  end loop;
end $$`

var (
	grantOf     = regexp.MustCompile(`(?m)^grant .*;$`)
	schemaTable = regexp.MustCompile(`:schema\.([a-z_]+)`)
)

// DirectoryOf returns a directory of n casinos, each with a domain and a wildcard below it.
func DirectoryOf(n int) *Directory {
	list := make([]Tenant, n)
	for i := range list {
		name := fmt.Sprintf("casino-%d", i)
		list[i] = Tenant{Slug: tenant.Slug(name), Domains: []string{name + ".example", wildcard + name + ".example"}}
	}
	d := NewDirectory(nil, nil, false)
	d.now.Store(newSnapshot(list))
	return d
}

// TenantVersion is the newest tenant migration that the admin knows.
func (a *Admin) TenantVersion() int { return a.known.Tenant.Last() }

// BreakProvisioning makes CreateTenant fail after it made everything.
func (a *Admin) BreakProvisioning() {
	a.known.Tenant.Grants += "; select 1/0"
}

// PitbossStyle returns the colours of the pages without a brand.
func PitbossStyle() Style { return pitbossStyle }

// WriteUsed writes which API keys were used, as Run does once a minute.
func (a *APIKeys) WriteUsed(ctx context.Context) error { return a.writeUsed(ctx) }

// Stepwise makes the admin make tenants by the steps alone.
func (a *Admin) Stepwise() { a.known.Tenant = a.known.Tenant.Stepwise() }

// SquashedVersion is the version that tenant.sql makes.
func (a *Admin) SquashedVersion() int { return a.known.Tenant.Squashed() }

// KillAt has f called at the points of a migration.
func (a *Admin) KillAt(f func(point string)) { a.kill = f }

// Grant adds to the rights of tenants' roles.
func (a *Admin) Grant(sql string) { a.known.Tenant.Grants += "\n" + sql + "\n" }

// PublishConnections has the directory go by a later version, in which the tenants' plans give so many connections.
func (d *Directory) PublishConnections(ctx context.Context, version, conns int64) {
	now := d.now.Load()
	list := make([]Tenant, 0, len(now.all))
	for _, t := range now.all {
		later := *t
		later.Plan.DBConnections = conns
		list = append(list, later)
	}
	next := newSnapshot(list)
	next.generation, next.version = now.generation, version
	d.publish(ctx, next)
}

// Version returns the version of the directory.
func (d *Directory) Version() int64 { return d.now.Load().version }

// DoOwnTask does a task of a test.
func (a *Admin) DoOwnTask(ctx context.Context, k Task, slug tenant.Slug, input []byte, by Asker) (result any, secret string, err error) {
	return a.doTask(ctx, k, slug, input, by, Tools{})
}
