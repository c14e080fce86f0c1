package tenancy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/jwks"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store/migrations"
	"github.com/pitboss-hub/pitboss/store/seal"
)

// ErrOutOfOrder means that a tenant cannot be served because of what is stored of it; its text
// says why.
var ErrOutOfOrder = errors.New("store: the tenant is out of order")

const (
	// selectTenants returns what may be read of every tenant that has a name and was not purged, whatever is wrong with it, and what
	// its role lacks. $1 is whether the reader is the application's login. Only direct memberships
	// count: those are what migrate grants.
	selectTenants = `
select t.id, t.slug, t.name, t.status, t.suspended_for, t.back_at, t.on_trial,
  case when isfinite(t.paid_until) then t.paid_until end,
  case when isfinite(t.created_on) then t.created_on else 'epoch' end,
  t.currency, t.exponent, array_remove(t.frame_ancestors, null), t.credit_approval_above, coalesce(t.plan, ''), coalesce(t.jurisdiction, ''), t.version, t.schema_version,
  case when t.status in ('archived', 'provisioning') then ''
       when r.oid is null then 'its role is missing: run pitboss migrate'
       when n.oid is null then 'its schema is missing: restore it from a backup'
       when not exists (select from pg_auth_members m where m.roleid = r.oid and m.member = app.oid)
         then 'the app''s login may not act as its role: run pitboss migrate'
       when not has_table_privilege(r.oid, c.oid, 'UPDATE') then 'its role has no rights: run pitboss migrate'
       else '' end
from platform.tenant t
left join pg_roles r on r.rolname = t.id
left join pg_namespace n on n.nspname = t.id
left join pg_class c on c.relnamespace = n.oid and c.relname = 'room'
left join pg_roles app on app.rolname = case when $1 then current_user else (select app_role::name from platform.instance) end
where t.status <> 'purged' and t.slug <> t.id
order by t.slug`

	selectFormer = `select tenant, slug, until from platform.slug where until > now() order by tenant, until desc, slug`

	selectDomains = `select tenant, domain from platform.domain order by tenant, is_primary desc, domain`

	selectKeys = `
select tenant, kid, alg, secret, coalesce(public_pem, ''), coalesce(jwks_url, ''), state = 'active' from platform.tenant_key
order by tenant, created_at desc, kid`
)

// loadTenants reads all tenants with their keys and brands. A tenant with anything wrong is out of order, and no
// other is.
func loadTenants(ctx context.Context, tx pgx.Tx, box *seal.Box, asApp bool) ([]Tenant, error) {
	domains, err := loadDomains(ctx, tx)
	if err != nil {
		return nil, err
	}
	former, err := loadFormer(ctx, tx)
	if err != nil {
		return nil, err
	}
	keys, broken, err := loadKeys(ctx, tx, box)
	if err != nil {
		return nil, err
	}
	brands, illegible, err := loadBrands(ctx, tx)
	if err != nil {
		return nil, err
	}
	plans, err := loadPlans(ctx, tx)
	if err != nil {
		return nil, err
	}
	jurisdictions, outlawed, err := loadJurisdictions(ctx, tx)
	if err != nil {
		return nil, err
	}
	rows, _ := tx.Query(ctx, selectTenants, asApp) // its error comes from CollectRows
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Tenant, error) {
		t, name, err := scanTenant(row)
		place := t.Jurisdiction.Name
		t.Plan, t.Jurisdiction = plans[t.Plan.Name], jurisdictions[place]
		t.Domains, t.Former, t.Brand = domains[name], former[name], brands[name]
		if k := keys[name]; k != nil {
			t.keys = *k
		}
		if wrong := cmp.Or(broken[name], illegible[name], outlawed[place]); t.OutOfOrder == "" && wrong != nil {
			t.OutOfOrder = wrong.Error()
		}
		return t, err
	})
}

// scanTenant returns a tenant without domains and keys, and its ID as it is stored.
func scanTenant(row pgx.CollectableRow) (t Tenant, name string, err error) {
	var slug, lacks string
	var paid, back *time.Time
	err = row.Scan(&name, &slug, &t.Name, &t.Set, &t.StatusReason, &back, &t.OnTrial, &paid, &t.CreatedOn,
		&t.Currency, &t.Exponent, &t.FrameAncestors, &t.CreditApprovalAbove, &t.Plan.Name, &t.Jurisdiction.Name, &t.Version, &t.schemaVersion, &lacks)
	if err != nil {
		return t, name, err
	}
	if paid != nil {
		t.PaidUntil = paid.UTC()
	}
	if back != nil {
		t.BackAt = back.UTC()
	}
	t.CreatedOn, t.Slug = t.CreatedOn.UTC(), tenant.Slug(slug)
	version := t.schemaVersion
	var wrong error
	t.ID, wrong = tenant.Parse(name)
	if wrong == nil {
		wrong = t.checkRow()
	}
	switch {
	case wrong != nil:
		t.OutOfOrder = wrong.Error()
	case lacks != "":
		t.OutOfOrder = lacks
	case version < migrations.Embedded.Tenant.Needs() && t.Set != Archived && t.Set != Provisioning:
		t.OutOfOrder = fmt.Sprintf("its tables are of version %d, and %d is needed: run pitboss migrate", version, migrations.Embedded.Tenant.Needs())
	}
	return t, name, nil
}

// checkRow returns an error if a value of a tenant's row cannot be right.
func (t *Tenant) checkRow() error {
	if _, err := tenant.ParseSlug(string(t.Slug)); err != nil {
		return err
	}
	if !currencyForm.MatchString(t.Currency) {
		return fmt.Errorf("%w: its currency is %q", ErrTenant, t.Currency)
	}
	for _, a := range t.FrameAncestors {
		if !ancestorForm.MatchString(a) {
			return fmt.Errorf("%w: its frame ancestor is %q", ErrTenant, a)
		}
	}
	return nil
}

func loadDomains(ctx context.Context, tx pgx.Tx) (map[string][]string, error) {
	var name, domain string
	out := map[string][]string{}
	rows, _ := tx.Query(ctx, selectDomains) // its error comes from ForEachRow
	_, err := pgx.ForEachRow(rows, []any{&name, &domain}, func() error {
		out[name] = append(out[name], domain)
		return nil
	})
	return out, err
}

// loadFormer returns the slugs that tenants had and that tokens may still name, by tenant.
func loadFormer(ctx context.Context, tx pgx.Tx) (map[string][]Former, error) {
	var name string
	var f Former
	out := map[string][]Former{}
	rows, _ := tx.Query(ctx, selectFormer) // its error comes from ForEachRow
	_, err := pgx.ForEachRow(rows, []any{&name, &f.Slug, &f.Until}, func() error {
		f.Until = f.Until.UTC()
		out[name] = append(out[name], f)
		return nil
	})
	return out, err
}

// loadKeys returns the keys of every tenant, and an error for each tenant with a key that cannot be read.
// Its tokens would be refused without an explanation, so that tenant is out of order.
func loadKeys(ctx context.Context, tx pgx.Tx, box *seal.Box) (keys map[string]*tenantKeys, broken map[string]error, err error) {
	keys, broken = map[string]*tenantKeys{}, map[string]error{}
	var name, pem, url string
	var sealed []byte
	var active bool
	var k auth.Key
	rows, _ := tx.Query(ctx, selectKeys) // its error comes from ForEachRow
	_, err = pgx.ForEachRow(rows, []any{&name, &k.ID, &k.Alg, &sealed, &pem, &url, &active}, func() error {
		if keys[name] == nil {
			keys[name] = &tenantKeys{retired: map[string]bool{}}
		}
		switch of := keys[name]; {
		case !active:
			of.retired[k.ID] = true
		case url != "":
			of.sets = append(of.sets, jwks.Source{ID: k.ID, URL: url})
		default:
			key, err := openKey(box, name, k, sealed, pem)
			if err != nil {
				broken[name] = fmt.Errorf("its key %s cannot be read: %w", k.ID, err)
				return nil
			}
			of.active = append(of.active, key)
		}
		return nil
	})
	return keys, broken, err
}

func openKey(box *seal.Box, name string, k auth.Key, sealed []byte, pem string) (auth.Key, error) {
	id, err := tenant.Parse(name)
	if err != nil {
		return k, err
	}
	if sealed != nil {
		k.Secret, err = box.Open(id, purposeSigningKey+k.ID, sealed)
	} else {
		k.Public, err = auth.ParsePublicPEM(pem)
	}
	return k, err
}

// note logs which tenants went out of order or came back since before, which may be nil, and sets
// the metric.
func (d *Directory) note(ctx context.Context, before, now *snapshot) {
	reasons := map[string]string{}
	if before != nil {
		reasons = before.broken
	}
	for slug, why := range now.broken {
		if reasons[slug] != why {
			d.db.Log.ErrorContext(ctx, "a casino is out of order and is not served", "tenant", tenant.Slug(slug), "reason", why)
		}
	}
	for slug := range reasons {
		if _, still := now.broken[slug]; !still {
			d.db.Log.Log(ctx, slog.LevelInfo, "a casino is in order again", "tenant", tenant.Slug(slug))
		}
	}
	d.broken.Set(float64(len(now.broken)))
	d.noteHidden(ctx, before, now)
	pending, oldest := 0, migrations.Embedded.Tenant.Last()
	for _, t := range now.bySlug {
		if t.schemaVersion < migrations.Embedded.Tenant.Last() {
			pending++
		}
		oldest = min(oldest, t.schemaVersion)
	}
	d.pending.Set(float64(pending))
	d.oldest.Set(float64(oldest))
	d.failed.Set(float64(now.failed))
}

// selectFailed counts the tenants that failed in the last run of migrations.
const selectFailed = `
select count(*) from platform.tenant_migration where run = (select max(id) from platform.migration_run) and state = 'failed'`

// Health returns an error if there are tenants and all of them are out of order: the fault is the
// database's then, and not a tenant's.
func (d *Directory) Health() error {
	now := d.now.Load()
	if len(now.broken) == 0 || len(now.broken) < len(now.bySlug) {
		return nil
	}
	for slug, why := range now.broken {
		return fmt.Errorf("all casinos are out of order; %s: %s", slug, why)
	}
	return nil
}
