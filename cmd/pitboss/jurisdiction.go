package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/pitboss-hub/pitboss/cmd/pitboss/games"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

type jurisdictionCmd struct {
	Set    jurisdictionSetCmd    `cmd:"" help:"Make a jurisdiction, or replace what it was: which games may be dealt, and within which bounds of their settings."`
	List   jurisdictionListCmd   `cmd:"" help:"List all jurisdictions."`
	Show   jurisdictionShowCmd   `cmd:"" help:"Show one jurisdiction."`
	Remove jurisdictionRemoveCmd `cmd:"" help:"Remove a jurisdiction that no casino has."`
}

// jurisdictionBytesMax bounds the file of a jurisdiction.
const jurisdictionBytesMax = 256 << 10

type jurisdictionSetCmd struct {
	Name   string      `arg:"" help:"The jurisdiction's name, e.g. malta."`
	File   string      `required:"" help:"A JSON file with games and rules; - for the standard input." placeholder:"FILE"`
	Reason strict.Line `required:"" help:"Why; for the platform's audit log."`
	JSON   bool        `help:"Print JSON."`
}

// Help implements kong's long help.
func (jurisdictionSetCmd) Help() string {
	return `The file says which games may be dealt (without "games": all) and bounds their settings, those of docs/games:
{"games": ["roulette"], "rules": {"roulette": {"max_bet": {"max": 10000}, "betting_ms": {"min": 10000}, "la_partage": {"is": true}}}}.
Every running node goes by it within a second: tables that break it rest from the end of their rounds on, until they are allowed again.`
}

// Run implements the command.
func (c jurisdictionSetCmd) Run(p *program) error {
	raw, err := c.read()
	if err != nil {
		return err
	}
	var in struct {
		Games []string                             `json:"games"`
		Rules map[string]map[string]tenancy.Bounds `json:"rules"`
	}
	if err := strict.Decode(raw, &in); err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	j := tenancy.Jurisdiction{Name: c.Name, Games: in.Games, Rules: in.Rules}
	if err := knownRules(j); err != nil {
		return err
	}
	return p.withAdmin(func(admin *tenancy.Admin) error {
		users, err := admin.SetJurisdiction(p.ctx, j, c.Reason)
		if err != nil {
			return err
		}
		if c.JSON {
			return p.printJSON(j)
		}
		p.printf("%s is set, for %s\n", c.Name, orNobody(users))
		return nil
	})
}

// read returns what the file has.
func (c jurisdictionSetCmd) read() ([]byte, error) {
	from := io.Reader(os.Stdin)
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }()
		from = f
	}
	raw, err := io.ReadAll(io.LimitReader(from, jurisdictionBytesMax+1))
	if err == nil && len(raw) > jurisdictionBytesMax {
		err = fmt.Errorf("%s has more than %d bytes", c.File, jurisdictionBytesMax)
	}
	return raw, err
}

func orNobody(slugs []string) string {
	if len(slugs) == 0 {
		return "no casino yet"
	}
	return strings.Join(slugs, ", ")
}

// knownRules returns an error unless the games of a jurisdiction, and the settings that it bounds, are there and of the types
// that it takes them for.
func knownRules(j tenancy.Jurisdiction) error {
	if err := knownGames(append(slices.Sorted(maps.Keys(j.Rules)), j.Games...)); err != nil {
		return err
	}
	for name, rules := range j.Rules {
		settings := games.Kinds()[name].Settings
		for setting, bounds := range rules {
			i := slices.IndexFunc(settings, func(s game.Setting) bool { return s.Name == setting })
			if i < 0 {
				return fmt.Errorf("%s has no setting %q: see docs/games/%s.md", name, setting, name)
			}
			if isBool := settings[i].Type == game.SettingBool; isBool != (bounds.Is != nil) {
				return fmt.Errorf(`%s.%s is a %s: "is" is for those that are true or false, "min" and "max" are for the others`, name, setting, settings[i].Type)
			}
		}
	}
	return nil
}

type jurisdictionListCmd struct {
	JSON bool `help:"Print JSON."`
}

// Run implements the command.
func (c jurisdictionListCmd) Run(p *program) error {
	return p.withAdmin(func(admin *tenancy.Admin) error {
		list, err := admin.Jurisdictions(p.ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			return p.printJSON(append([]tenancy.Jurisdiction{}, list...))
		}
		w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(w, "JURISDICTION\tGAMES\tRULES OF")
		for _, j := range list {
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", j.Name, gameList(j.Games), strings.Join(slices.Sorted(maps.Keys(j.Rules)), " "))
		}
		return w.Flush()
	})
}

type jurisdictionShowCmd struct {
	Name string `arg:""`
	JSON bool   `help:"Print JSON."`
}

// Run implements the command.
func (c jurisdictionShowCmd) Run(p *program) error {
	return p.withAdmin(func(admin *tenancy.Admin) error {
		list, err := admin.Jurisdictions(p.ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(list, func(j tenancy.Jurisdiction) bool { return j.Name == c.Name })
		if i < 0 {
			return fmt.Errorf("%w: %s", tenancy.ErrNoJurisdiction, c.Name)
		}
		if c.JSON {
			return p.printJSON(list[i])
		}
		rules, err := json.MarshalIndent(list[i].Rules, "  ", "  ")
		if err != nil {
			return err
		}
		p.printf("%s\n  games  %s\n  rules  %s\n", c.Name, gameList(list[i].Games), rules)
		return nil
	})
}

type jurisdictionRemoveCmd struct {
	Name   string      `arg:""`
	Reason strict.Line `required:"" help:"Why; for the platform's audit log."`
	JSON   bool        `help:"Print JSON."`
}

// Run implements the command.
func (c jurisdictionRemoveCmd) Run(p *program) error {
	return p.withAdmin(func(admin *tenancy.Admin) error {
		if err := admin.RemoveJurisdiction(p.ctx, c.Name, c.Reason); err != nil {
			return err
		}
		if c.JSON {
			return p.printJSON(map[string]string{"removed": c.Name})
		}
		p.printf("the jurisdiction %s is removed\n", c.Name)
		return nil
	})
}
