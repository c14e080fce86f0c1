package tenancy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms"
)

// rulesBytesMax bounds the rules of a jurisdiction, as JSON.
const rulesBytesMax = 64 << 10

// Jurisdiction says which games may be dealt somewhere, and how.
type Jurisdiction struct {
	Name  string   `json:"name"`
	Games []string `json:"games"` // nil: all
	// Rules has the bounds of games' settings, by game and by setting.
	Rules map[string]map[string]Bounds `json:"rules"`
}

// Bounds bound a setting of a game's tables: a number, each amount of several, or a choice of yes or no. What is nil
// bounds nothing.
type Bounds struct {
	Min *int64 `json:"min,omitempty"`
	Max *int64 `json:"max,omitempty"`
	Is  *bool  `json:"is,omitempty"`
}

const (
	selectJurisdictions       = `select name, games, rules from platform.jurisdiction`
	selectJurisdictionsByName = selectJurisdictions + ` order by name`
	lockJurisdiction          = selectJurisdictions + ` where name = $1 for update`
	upsertJurisdiction        = `
insert into platform.jurisdiction (name, games, rules) values ($1, $2, $3)
on conflict on constraint jurisdiction_name do update set games = excluded.games, rules = excluded.rules`
	deleteJurisdiction = `delete from platform.jurisdiction where name = $1`

	lockByJurisdiction = `select slug, status from platform.tenant where jurisdiction = $1 order by id for update`
	bumpByJurisdiction = `
with v as (update platform.instance set directory_version = directory_version + 1 returning directory_version)
update platform.tenant set version = v.directory_version from v where jurisdiction = $1`
	forgetJurisdiction = `update platform.tenant set jurisdiction = null where jurisdiction = $1 and status = 'purged'`
)

// valid returns ErrJurisdiction unless a jurisdiction can be as it is described.
func (j *Jurisdiction) valid() error {
	if !planForm.MatchString(j.Name) {
		return fmt.Errorf("%w: a name is 1 to 32 lower-case letters, digits and hyphens, and starts with a letter, not %q", ErrJurisdiction, j.Name)
	}
	for name, settings := range j.Rules {
		if !planForm.MatchString(name) {
			return fmt.Errorf("%w: %q cannot be a game", ErrJurisdiction, name)
		}
		for setting, b := range settings {
			number := b.Min != nil || b.Max != nil
			switch {
			case number == (b.Is != nil):
				return fmt.Errorf(`%w: %s.%s needs "min", "max" or both, or "is"`, ErrJurisdiction, name, setting)
			case b.Min != nil && b.Max != nil && *b.Min > *b.Max:
				return fmt.Errorf("%w: %s.%s is above %d and below %d at once", ErrJurisdiction, name, setting, *b.Min, *b.Max)
			}
		}
	}
	return checkGames(j.Games, ErrJurisdiction)
}

// Jurisdictions returns all jurisdictions, by name. It returns ErrJurisdiction if one cannot be read.
func (a *Admin) Jurisdictions(ctx context.Context) ([]Jurisdiction, error) {
	rows, _ := a.pool.Query(ctx, selectJurisdictionsByName) // its error comes from CollectRows
	list, err := pgx.CollectRows(rows, scanJurisdiction)
	if err != nil {
		return nil, fmt.Errorf("store: jurisdictions: %w", err)
	}
	for _, j := range list {
		if j.wrong != nil {
			return nil, j.wrong
		}
	}
	return justJurisdictions(list), nil
}

// SetJurisdiction makes a jurisdiction, or replaces what it was, with a line in the platform's audit log. Within a second
// every node goes by it, and the tables that break it rest from the end of their rounds on. It returns the slugs of the
// tenants that have it, ErrJurisdiction or store.ErrInvalid.
func (a *Admin) SetJurisdiction(ctx context.Context, j Jurisdiction, reason strict.Line) (users []string, err error) {
	if j.Name == noName {
		return nil, fmt.Errorf("%w: %q stands for having no jurisdiction: choose another name", ErrJurisdiction, j.Name)
	}
	if err := j.valid(); err != nil {
		return nil, err
	}
	if j.Rules == nil {
		j.Rules = map[string]map[string]Bounds{}
	}
	raw, err := json.Marshal(j.Rules)
	if err != nil {
		return nil, err
	}
	if len(raw) > rulesBytesMax {
		return nil, fmt.Errorf("%w: its rules have %d bytes, and at most %d", ErrJurisdiction, len(raw), rulesBytesMax)
	}
	users, err = a.changeShared(ctx, "jurisdiction.set", j.Name, reason, lockByJurisdiction, bumpByJurisdiction, func(tx pgx.Tx, _ []string) (before, after any, err error) {
		rows, _ := tx.Query(ctx, lockJurisdiction, j.Name) // its error comes from CollectExactlyOneRow
		old, err := pgx.CollectExactlyOneRow(rows, scanJurisdiction)
		switch {
		case err == nil:
			before = old.Jurisdiction
		case !errors.Is(err, pgx.ErrNoRows):
			return nil, nil, err
		}
		_, err = tx.Exec(ctx, upsertJurisdiction, j.Name, j.Games, string(raw))
		return before, j, err
	})
	if err != nil {
		return nil, fmt.Errorf("store: jurisdiction %s: %w", j.Name, err)
	}
	return users, nil
}

// RemoveJurisdiction removes a jurisdiction that no tenant has, with a line in the platform's audit log. It returns
// ErrNoJurisdiction, ErrInUse or store.ErrInvalid.
func (a *Admin) RemoveJurisdiction(ctx context.Context, name string, reason strict.Line) error {
	return a.removeShared(ctx, "jurisdiction.remove", name, reason,
		sharedSQL{lockByJurisdiction, bumpByJurisdiction, forgetJurisdiction, deleteJurisdiction}, ErrNoJurisdiction)
}

// storedJurisdiction is a jurisdiction, and what is wrong with what is stored of it.
type storedJurisdiction struct {
	Jurisdiction
	wrong error
}

// loadJurisdictions returns all jurisdictions by name, and why some cannot be read: their tenants must not be served by
// other rules.
func loadJurisdictions(ctx context.Context, tx pgx.Tx) (out map[string]Jurisdiction, wrong map[string]error, err error) {
	rows, _ := tx.Query(ctx, selectJurisdictions) // its error comes from CollectRows
	list, err := pgx.CollectRows(rows, scanJurisdiction)
	out, wrong = map[string]Jurisdiction{}, map[string]error{}
	for _, j := range list {
		out[j.Name] = j.Jurisdiction
		if j.wrong != nil {
			wrong[j.Name] = j.wrong
		}
	}
	return out, wrong, err
}

func scanJurisdiction(row pgx.CollectableRow) (j storedJurisdiction, err error) {
	var raw []byte
	if err = row.Scan(&j.Name, &j.Games, &raw); err != nil {
		return j, err
	}
	if err := strict.Decode(raw, &j.Rules); err != nil {
		j.wrong = fmt.Errorf("%w: the rules of %s cannot be read: %w", ErrJurisdiction, j.Name, err)
	} else {
		j.wrong = j.valid()
	}
	return j, nil
}

func justJurisdictions(list []storedJurisdiction) []Jurisdiction {
	out := make([]Jurisdiction, len(list))
	for i := range list {
		out[i] = list[i].Jurisdiction
	}
	return out
}

// Deals reports whether the tenant's plan and jurisdiction have a game.
func (t *Tenant) Deals(game string) bool {
	return (t.Plan.Games == nil || slices.Contains(t.Plan.Games, game)) && (t.Jurisdiction.Games == nil || slices.Contains(t.Jurisdiction.Games, game))
}

// InForce returns the settings by which a table is dealt, with the defaults of those that it was not opened with, as
// rooms.InForce tells them.
type InForce func(rooms.Config) (map[string]json.RawMessage, error)

// CheckTable returns ErrTable, with the reason, if the tenant's plan or jurisdiction does not allow a table of this game and
// the settings that are in force.
func (t *Tenant) CheckTable(c rooms.Config, inForce InForce) error {
	switch {
	case c.Game == rooms.LobbyID:
		return nil
	case t.Plan.Games != nil && !slices.Contains(t.Plan.Games, c.Game):
		return fmt.Errorf("%w: the plan %s does not have %s", ErrTable, t.Plan.Name, c.Game)
	case t.Jurisdiction.Games != nil && !slices.Contains(t.Jurisdiction.Games, c.Game):
		return fmt.Errorf("%w: %s is not allowed in the jurisdiction %s", ErrTable, c.Game, t.Jurisdiction.Name)
	}
	rules := t.Jurisdiction.Rules[c.Game]
	if len(rules) == 0 {
		return nil
	}
	settings, err := inForce(c)
	if err != nil {
		return fmt.Errorf("%w: its settings cannot be read: %w", ErrTable, err)
	}
	for _, name := range slices.Sorted(maps.Keys(rules)) {
		if why := rules[name].breaks(settings[name]); why != "" {
			return fmt.Errorf("%w: in the jurisdiction %s %s %s", ErrTable, t.Jurisdiction.Name, name, why)
		}
	}
	return nil
}

// breaks returns how a setting breaks the bounds; "" if it does not. A setting that the game does not have breaks them, and so
// does one of another type.
func (b Bounds) breaks(raw json.RawMessage) string {
	if b.Is != nil {
		var is *bool
		if strict.DecodeKnown(raw, &is) != nil || is == nil || *is != *b.Is {
			return fmt.Sprintf("must be %t", *b.Is)
		}
		return ""
	}
	var amounts map[string]int64
	if strict.DecodeKnown(raw, &amounts) != nil || amounts == nil {
		var n *int64
		if strict.DecodeKnown(raw, &n) != nil || n == nil {
			return "is missing, or is no number"
		}
		amounts = map[string]int64{"": *n}
	}
	for _, name := range slices.Sorted(maps.Keys(amounts)) {
		n, of := amounts[name], ""
		if name != "" {
			of = " for " + name
		}
		if b.Min != nil && n < *b.Min {
			return fmt.Sprintf("is %d%s and must be at least %d", n, of, *b.Min)
		}
		if b.Max != nil && n > *b.Max {
			return fmt.Sprintf("is %d%s and must be at most %d", n, of, *b.Max)
		}
	}
	return ""
}
