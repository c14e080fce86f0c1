package tenancy

import (
	"context"
	"fmt"

	"github.com/pitboss-hub/pitboss/store/internal/db"
)

// Plan says what Roll would do.
type Plan struct {
	Platform []PlannedStep `json:"platform"` // steps of the platform
	Groups   []PlanGroup   `json:"groups"`   // tenants by what they need
}

// PlannedStep is a step that is not applied yet.
type PlannedStep struct {
	Version int    `json:"version"`
	Name    string `json:"name"`
	Phase   string `json:"phase"` // "": released before there were phases
	SQL     string `json:"sql"`
}

// PlanGroup holds the tenants of one version, and the template if it is of that version.
type PlanGroup struct {
	From    int           `json:"from"`
	Tenants []string      `json:"tenants"` // slugs; in the order in which they come
	Waves   []int         `json:"waves"`   // of each tenant
	Steps   []PlannedStep `json:"steps"`   // none: only the role or its rights are missing
}

// PlanRoll returns what Roll would do, and changes nothing. It returns migrations.ErrNewer as Roll does, or
// db.ErrInvalid or db.ErrNoTenant.
func (a *Admin) PlanRoll(ctx context.Context, r Rollout) (Plan, error) {
	out := Plan{Platform: []PlannedStep{}, Groups: []PlanGroup{}}
	if err := r.check(); err != nil {
		return out, err
	}
	var platform, tenants int
	err := a.pool.QueryRow(ctx, selectVersions).Scan(&platform, &tenants)
	empty := isEmpty(err)
	if err != nil && !empty {
		return out, fmt.Errorf("store: plan: %w", err)
	}
	if err := a.known.Check(platform, tenants); err != nil {
		return out, err
	}
	for _, m := range a.known.Platform.Steps[platform:] {
		out.Platform = append(out.Platform, PlannedStep{m.Version, m.Name, string(m.Phase), m.SQL})
	}
	if empty {
		return out, nil
	}
	all, err := a.plan(ctx, a.pool, a.known.Tenant.Last(), r)
	if err != nil {
		return out, err
	}
	at := map[int]int{} // by version
	for _, l := range all {
		i, ok := at[l.version]
		if !ok {
			i = len(out.Groups)
			at[l.version] = i
			g := PlanGroup{From: l.version, Tenants: []string{}, Waves: []int{}, Steps: []PlannedStep{}}
			for _, m := range a.known.Tenant.Steps[min(l.version, a.known.Tenant.Last()):] {
				g.Steps = append(g.Steps, PlannedStep{m.Version, m.Name, string(m.Phase), m.SQL})
			}
			out.Groups = append(out.Groups, g)
		}
		out.Groups[i].Tenants = append(out.Groups[i].Tenants, string(l.slug))
		out.Groups[i].Waves = append(out.Groups[i].Waves, l.wave)
	}
	return out, nil
}

// isEmpty reports whether an error says that the database was never migrated.
func isEmpty(err error) bool {
	state := db.SQLState(err)
	return state == db.StateNoTable || state == db.StateNoSchema
}
