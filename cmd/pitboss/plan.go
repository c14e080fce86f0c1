package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/pitboss-hub/pitboss/cmd/pitboss/games"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

type planCmd struct {
	Set    planSetCmd    `cmd:"" help:"Make or change a plan: what each casino that has it may use."`
	List   planListCmd   `cmd:"" help:"List all plans."`
	Show   planShowCmd   `cmd:"" help:"Show one plan."`
	Remove planRemoveCmd `cmd:"" help:"Remove a plan that no casino has."`
}

type planSetCmd struct {
	Name     string      `arg:"" help:"The plan's name, e.g. small."`
	Sockets  *int64      `help:"Players connected at once, over all nodes; 0 for as many as nodes take." placeholder:"N"`
	Rooms    *int64      `help:"Tables that are open at once; 0 for 5,000." placeholder:"N"`
	Commands *int64      `name:"commands-per-second" help:"Commands of all sockets together, over all nodes; 0 for as many as nodes take." placeholder:"N"`
	Conns    *int64      `name:"db-connections" help:"Connections to the database that a node uses at once for the casino's requests, besides those of bets; 0 for a fifth of what it has, which is the most." placeholder:"N"`
	Storage  string      `help:"Of the casino's tables with their indexes, in bytes or as 500MiB, 20GiB; 0 for no limit." placeholder:"BYTES"`
	Game     []string    `help:"A game that may be dealt; repeat for more. They take the place of those before." placeholder:"NAME"`
	AllGames bool        `help:"Every game may be dealt."`
	Reason   strict.Line `required:"" help:"Why; for the platform's audit log."`
	JSON     bool        `help:"Print JSON."`
}

// Help implements kong's long help.
func (planSetCmd) Help() string {
	return "What is not named stays; in a new plan it is the installation's own limit. Every running node goes by it within a second."
}

// change returns the change that the flags describe.
func (c planSetCmd) change() (func(*tenancy.TenantPlan) error, error) {
	if len(c.Game) > 0 && c.AllGames {
		return nil, errors.New("--game and --all-games contradict each other")
	}
	if err := knownGames(c.Game); err != nil {
		return nil, err
	}
	storage := int64(-1)
	if c.Storage != "" {
		var err error
		if storage, err = parseBytes(c.Storage); err != nil {
			return nil, fmt.Errorf("--storage: %w", err)
		}
	}
	return func(p *tenancy.TenantPlan) error {
		for _, l := range []struct{ from, to *int64 }{{c.Sockets, &p.Sockets}, {c.Rooms, &p.Rooms}, {c.Commands, &p.CommandsPerSecond}, {c.Conns, &p.DBConnections}} {
			if l.from != nil {
				*l.to = *l.from
			}
		}
		if storage >= 0 {
			p.StorageBytes = storage
		}
		switch {
		case c.AllGames:
			p.Games = nil
		case len(c.Game) > 0:
			p.Games = c.Game
		}
		return nil
	}, nil
}

// Run implements the command.
func (c planSetCmd) Run(p *program) error {
	change, err := c.change()
	if err != nil {
		return err
	}
	return p.withAdmin(func(admin *tenancy.Admin) error {
		plan, err := admin.SetPlan(p.ctx, c.Name, change, c.Reason)
		if err != nil {
			return err
		}
		return p.printPlans([]tenancy.TenantPlan{plan}, c.JSON, false)
	})
}

// knownGames returns an error unless there is a game of each name.
func knownGames(names []string) error {
	var all []string
	for name := range games.Kinds() {
		if name != rooms.LobbyID {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	for _, name := range names {
		if !slices.Contains(all, name) {
			return fmt.Errorf("there is no game %q; there is %s", name, strings.Join(all, ", "))
		}
	}
	return nil
}

// parseBytes returns a number of bytes that people wrote.
func parseBytes(text string) (int64, error) {
	number, unit := text, int64(1)
	for i, suffix := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if n, ok := strings.CutSuffix(text, suffix); ok {
			number, unit = n, 1<<(10*(i+1))
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > 1<<50/unit {
		return 0, fmt.Errorf("%q is no number of bytes such as 500MiB or 20GiB", text)
	}
	return n * unit, nil
}

// formatBytes returns a number of bytes for people to read.
func formatBytes(n int64) string {
	units := []string{"", "KiB", "MiB", "GiB", "TiB"}
	i := 0
	for n > 0 && n%1024 == 0 && i < len(units)-1 {
		n, i = n/1024, i+1
	}
	return strconv.FormatInt(n, 10) + units[i]
}

// printPlans prints plans: as a list in JSON if list is true, else the only one.
func (p *program) printPlans(plans []tenancy.TenantPlan, asJSON, list bool) error {
	switch {
	case asJSON && list:
		return p.printJSON(append([]tenancy.TenantPlan{}, plans...))
	case asJSON:
		return p.printJSON(plans[0])
	}
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "PLAN\tSOCKETS\tROOMS\tCOMMANDS/S\tDB CONNECTIONS\tSTORAGE\tGAMES")
	or := func(n int64, text string) string {
		if n == 0 {
			return "-"
		}
		return text
	}
	for _, plan := range plans {
		number := func(n int64) string { return or(n, strconv.FormatInt(n, 10)) }
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", plan.Name, number(plan.Sockets), number(plan.Rooms), number(plan.CommandsPerSecond),
			number(plan.DBConnections), or(plan.StorageBytes, formatBytes(plan.StorageBytes)), gameList(plan.Games))
	}
	return w.Flush()
}

// gameList returns the names of games for people to read.
func gameList(names []string) string {
	switch {
	case names == nil:
		return "all"
	case len(names) == 0:
		return "none"
	}
	return strings.Join(names, " ")
}

type planListCmd struct {
	JSON bool `help:"Print JSON."`
}

// Run implements the command.
func (c planListCmd) Run(p *program) error {
	return p.withAdmin(func(admin *tenancy.Admin) error {
		plans, err := admin.Plans(p.ctx)
		if err != nil {
			return err
		}
		return p.printPlans(plans, c.JSON, true)
	})
}

type planShowCmd struct {
	Name string `arg:""`
	JSON bool   `help:"Print JSON."`
}

// Run implements the command.
func (c planShowCmd) Run(p *program) error {
	return p.withAdmin(func(admin *tenancy.Admin) error {
		plans, err := admin.Plans(p.ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(plans, func(plan tenancy.TenantPlan) bool { return plan.Name == c.Name })
		if i < 0 {
			return fmt.Errorf("%w: %s", tenancy.ErrNoPlan, c.Name)
		}
		return p.printPlans(plans[i:i+1], c.JSON, false)
	})
}

type planRemoveCmd struct {
	Name   string      `arg:""`
	Reason strict.Line `required:"" help:"Why; for the platform's audit log."`
	JSON   bool        `help:"Print JSON."`
}

// Run implements the command.
func (c planRemoveCmd) Run(p *program) error {
	return p.withAdmin(func(admin *tenancy.Admin) error {
		if err := admin.RemovePlan(p.ctx, c.Name, c.Reason); err != nil {
			return err
		}
		if c.JSON {
			return p.printJSON(map[string]string{"removed": c.Name})
		}
		p.printf("the plan %s is removed\n", c.Name)
		return nil
	})
}
