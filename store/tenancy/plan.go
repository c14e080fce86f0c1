package tenancy

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/store/internal/db"
)

const (
	limitMax = 1_000_000_000_000_000 // of a plan, whatever is counted
	gamesMax = 100                   // of a plan or a jurisdiction
	// plansShown bounds the plans that a node lists.
	plansShown = 1000
)

var planForm = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

// TenantPlan says what a tenant may use. A limit of 0 is the installation's own, and so is one above it.
type TenantPlan struct {
	Name              string   `json:"name"`
	Sockets           int64    `json:"sockets"`             // players connected at once, over all nodes
	Rooms             int64    `json:"rooms"`               // tables that are open at once
	CommandsPerSecond int64    `json:"commands_per_second"` // of all sockets together, over all nodes
	DBConnections     int64    `json:"db_connections"`      // in use at once for requests, on each node
	StorageBytes      int64    `json:"storage_bytes"`       // of the tenant's tables, with indexes
	Games             []string `json:"games"`               // nil: all
}

const (
	selectPlans = `
select name, coalesce(sockets, 0), coalesce(rooms, 0), coalesce(commands_per_second, 0), coalesce(db_connections, 0), coalesce(storage_bytes, 0), games
from platform.plan`
	selectPlansByName = selectPlans + ` order by name`
	lockPlan          = selectPlans + ` where name = $1 for update`
	upsertPlan        = `
insert into platform.plan (name, sockets, rooms, commands_per_second, db_connections, storage_bytes, games)
values ($1, nullif($2, 0::bigint), nullif($3, 0::bigint), nullif($4, 0::bigint), nullif($5, 0::bigint), nullif($6, 0::bigint), $7)
on conflict on constraint plan_name do update set sockets = excluded.sockets, rooms = excluded.rooms, commands_per_second = excluded.commands_per_second,
  db_connections = excluded.db_connections, storage_bytes = excluded.storage_bytes, games = excluded.games`
	deletePlan = `delete from platform.plan where name = $1`

	// lockByPlan locks the tenants of a plan, whose version is raised, before the instance's row is, as every change
	// of a tenant does.
	lockByPlan = `select slug, status from platform.tenant where plan = $1 order by id for update`
	bumpByPlan = `
with v as (update platform.instance set directory_version = directory_version + 1 returning directory_version)
update platform.tenant set version = v.directory_version from v where plan = $1`
	forgetPlan = `update platform.tenant set plan = null where plan = $1 and status = 'purged'`
)

// valid returns ErrPlan unless a plan can be as it is described.
func (p *TenantPlan) valid() error {
	if !planForm.MatchString(p.Name) {
		return fmt.Errorf("%w: a name is 1 to 32 lower-case letters, digits and hyphens, and starts with a letter, not %q", ErrPlan, p.Name)
	}
	for name, n := range map[string]int64{
		"sockets": p.Sockets, "rooms": p.Rooms, "commands_per_second": p.CommandsPerSecond, "db_connections": p.DBConnections, "storage_bytes": p.StorageBytes,
	} {
		if n < 0 || n > limitMax {
			return fmt.Errorf("%w: %s is %d, and must be 0 to %d", ErrPlan, name, n, int64(limitMax))
		}
	}
	return checkGames(p.Games, ErrPlan)
}

// checkGames returns an error of a kind unless these can be the names of the games of a plan or a jurisdiction.
func checkGames(games []string, kind error) error {
	if len(games) > gamesMax {
		return fmt.Errorf("%w: it has at most %d games", kind, gamesMax)
	}
	for _, g := range games {
		if !planForm.MatchString(g) {
			return fmt.Errorf("%w: %q cannot be a game", kind, g)
		}
	}
	return nil
}

// Plans returns all plans, by name.
func (a *Admin) Plans(ctx context.Context) ([]TenantPlan, error) {
	rows, _ := a.pool.Query(ctx, selectPlansByName) // its error comes from CollectRows
	plans, err := pgx.CollectRows(rows, scanPlan)
	if err != nil {
		return nil, fmt.Errorf("store: plans: %w", err)
	}
	return plans, nil
}

// Plans returns the first plans, by name, with the application's login.
func (d *Directory) Plans(ctx context.Context) (plans []TenantPlan, err error) {
	err = d.db.Platform(ctx, func(conn *pgxpool.Conn) error {
		rows, _ := conn.Query(ctx, selectPlansByName+` limit $1`, plansShown) // its error comes from CollectRows
		plans, err = pgx.CollectRows(rows, scanPlan)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store: plans: %w", err)
	}
	return append([]TenantPlan{}, plans...), nil
}

// SetPlan makes or changes a plan, with a line in the platform's audit log; every node goes by it within a second. change
// is given the plan as it is, with its name alone if it is new. It returns the plan as it is then, ErrPlan, store.ErrInvalid
// or the error of change.
func (a *Admin) SetPlan(ctx context.Context, name string, change func(*TenantPlan) error, reason strict.Line) (TenantPlan, error) {
	if name == noName {
		return TenantPlan{}, fmt.Errorf("%w: %q stands for having no plan: choose another name", ErrPlan, name)
	}
	var next TenantPlan
	_, err := a.changeShared(ctx, "plan.set", name, reason, lockByPlan, bumpByPlan, func(tx pgx.Tx, _ []string) (before, after any, err error) {
		rows, _ := tx.Query(ctx, lockPlan, name) // its error comes from CollectExactlyOneRow
		old, err := pgx.CollectExactlyOneRow(rows, scanPlan)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			next = TenantPlan{Name: name}
		case err != nil:
			return nil, nil, err
		default:
			before, next = old, old
		}
		if err := change(&next); err != nil {
			return nil, nil, err
		}
		next.Name = name
		if err := next.valid(); err != nil {
			return nil, nil, err
		}
		_, err = tx.Exec(ctx, upsertPlan, name, next.Sockets, next.Rooms, next.CommandsPerSecond, next.DBConnections, next.StorageBytes, next.Games)
		return before, next, err
	})
	if err != nil {
		return TenantPlan{}, fmt.Errorf("store: plan %s: %w", name, err)
	}
	return next, nil
}

// RemovePlan removes a plan that no tenant has, with a line in the platform's audit log. It returns ErrNoPlan, ErrInUse or
// store.ErrInvalid.
func (a *Admin) RemovePlan(ctx context.Context, name string, reason strict.Line) error {
	return a.removeShared(ctx, "plan.remove", name, reason, sharedSQL{lockByPlan, bumpByPlan, forgetPlan, deletePlan}, ErrNoPlan)
}

// sharedSQL has the statements about what tenants share: a plan or a jurisdiction.
type sharedSQL struct{ tenants, bump, forget, remove string }

// removeShared removes what no tenant has but those that were purged. It returns missing if there is no such thing.
//
//pitboss:sql each statement is one of a constant
func (a *Admin) removeShared(ctx context.Context, action, name string, reason strict.Line, sql sharedSQL, missing error) error {
	_, err := a.changeShared(ctx, action, name, reason, sql.tenants, sql.bump, func(tx pgx.Tx, users []string) (before, after any, err error) {
		if len(users) > 0 {
			return nil, nil, fmt.Errorf("%w by %s", ErrInUse, strings.Join(users, ", "))
		}
		if _, err := tx.Exec(ctx, sql.forget, name); err != nil {
			return nil, nil, err
		}
		tag, err := tx.Exec(ctx, sql.remove, name)
		if err == nil && tag.RowsAffected() == 0 {
			err = fmt.Errorf("%w: %s", missing, name)
		}
		return nil, nil, err
	})
	if db.Violates(err, "tenant_plan") || db.Violates(err, "tenant_jurisdiction") { // a tenant that has it since
		return ErrInUse
	}
	return err
}

// changeShared runs change in a transaction that holds the rows of the tenants that share something, passes it the slugs of
// those that were not purged, raises their versions and adds a line to the platform's audit log.
//
//pitboss:sql each statement is one of a constant
func (a *Admin) changeShared(ctx context.Context, action, target string, reason strict.Line, tenants, bump string,
	change func(tx pgx.Tx, users []string) (before, after any, err error),
) (users []string, err error) {
	if err := db.CheckReason(reason); err != nil {
		return nil, err
	}
	err = a.inTx(ctx, func(tx pgx.Tx) error {
		if _, err := a.ready(ctx, tx); err != nil {
			return err
		}
		rows, _ := tx.Query(ctx, tenants, target) // its error comes from ForEachRow
		var slug, status string
		_, err := pgx.ForEachRow(rows, []any{&slug, &status}, func() error {
			if Status(status) != Purged {
				users = append(users, slug)
			}
			return nil
		})
		if err != nil {
			return err
		}
		slices.Sort(users)
		before, after, err := change(tx, users)
		if err != nil {
			return err
		}
		line := a.line(action, target, reason)
		if line.Before, err = jsonOf(before); err != nil {
			return err
		}
		if line.After, err = jsonOf(after); err != nil {
			return err
		}
		if err := a.writePlatformAudit(ctx, tx, line); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, bump, target)
		return err
	})
	return users, err
}

func loadPlans(ctx context.Context, tx pgx.Tx) (map[string]TenantPlan, error) {
	rows, _ := tx.Query(ctx, selectPlans) // its error comes from CollectRows
	list, err := pgx.CollectRows(rows, scanPlan)
	out := make(map[string]TenantPlan, len(list))
	for _, p := range list {
		out[p.Name] = p
	}
	return out, err
}

func scanPlan(row pgx.CollectableRow) (p TenantPlan, err error) {
	err = row.Scan(&p.Name, &p.Sockets, &p.Rooms, &p.CommandsPerSecond, &p.DBConnections, &p.StorageBytes, &p.Games)
	return p, err
}

// noName stands for no plan and no jurisdiction where there is a choice of one; none can be called so.
const noName = "none"

// orNone returns nil for the empty name, and for noName.
func orNone(name string) *string {
	if name == "" || name == noName {
		return nil
	}
	return &name
}
