package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"text/tabwriter"

	"github.com/pitboss-hub/pitboss/cmd/pitboss/games"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/placement"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

type roomCmd struct {
	Open  roomOpenCmd  `cmd:"" help:"Open a table. A running node has it within a second."`
	List  roomListCmd  `cmd:"" help:"List a casino's rooms."`
	Close roomCloseCmd `cmd:"" help:"Close a table after the round at hand."`
}

type roomOpenCmd struct {
	Tenant   string      `required:"" help:"The casino's slug."`
	Room     string      `arg:"" help:"The new room's id, e.g. roulette-3."`
	Game     string      `default:"roulette" help:"The game."`
	Name     strict.Line `help:"The name that players see. Defaults to the id."`
	Settings string      `default:"{}" help:"The game's settings, a JSON object; see docs/games." placeholder:"JSON"`
	JSON     bool        `help:"Print JSON."`
}

// Run implements the command.
func (c roomOpenCmd) Run(p *program) error {
	return p.withTenant(c.Tenant, func(s *store.Store, t *tenancy.Tenant) error {
		if _, err := rooms.NewRef(t.ID, c.Room); err != nil {
			return err
		}
		config := rooms.Config{Room: c.Room, Game: c.Game, Name: string(c.Name), Settings: json.RawMessage(c.Settings)}
		if err := rooms.CheckConfig(games.Kinds(), &config); err != nil {
			return err
		}
		if err := t.CheckTable(config, rooms.InForce(games.Kinds())); err != nil {
			return err
		}
		if err := s.Rooms.Open(p.ctx, t.ID, config, actor(), rooms.Origin{}); err != nil {
			return err
		}
		if c.JSON {
			return p.printRoom(s, t, c.Room)
		}
		p.printf("%s is open at %s\n", c.Room, t.Slug)
		return nil
	})
}

// roomInfo is the output of the command line for a room.
type roomInfo struct {
	Room     string          `json:"room"`
	Game     string          `json:"game"`
	Name     string          `json:"name"`
	Status   rooms.Status    `json:"status"`
	Node     string          `json:"node"` // that owns it; "": none yet
	Settings json.RawMessage `json:"settings"`
}

// roomInfos returns a casino's rooms.
func roomInfos(p *program, s *store.Store, t *tenancy.Tenant) ([]roomInfo, error) {
	list, err := s.Rooms.List(p.ctx, t.ID)
	if err != nil {
		return nil, err
	}
	at, err := s.Leases.Assignments(p.ctx, placement.Mark{})
	if err != nil {
		return nil, err
	}
	nodes := map[string]string{}
	for _, place := range at.Assignments {
		if place.Ref.Tenant == t.ID {
			nodes[place.Ref.Room] = place.Node
		}
	}
	out := []roomInfo{}
	for _, r := range list {
		out = append(out, roomInfo{r.Room, r.Game, r.Name, r.Status, nodes[r.Room], r.Settings})
	}
	return out, nil
}

// printRoom prints JSON of one room.
func (p *program) printRoom(s *store.Store, t *tenancy.Tenant, room string) error {
	list, err := roomInfos(p, s, t)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(r roomInfo) bool { return r.Room == room })
	if i < 0 {
		return rooms.ErrNotFound // it is closed meanwhile
	}
	return p.printJSON(list[i])
}

type roomListCmd struct {
	Tenant string `required:"" help:"The casino's slug."`
	JSON   bool   `help:"Print JSON."`
}

// Run implements the command.
func (c roomListCmd) Run(p *program) error {
	return p.withTenant(c.Tenant, func(s *store.Store, t *tenancy.Tenant) error {
		list, err := roomInfos(p, s, t)
		if err != nil {
			return err
		}
		if c.JSON {
			return p.printJSON(list)
		}
		w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(w, "ROOM\tGAME\tSTATUS\tNODE\tNAME\tSETTINGS")
		for _, r := range list {
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", r.Room, r.Game, r.Status, r.Node, r.Name, r.Settings)
		}
		return w.Flush()
	})
}

type roomCloseCmd struct {
	Tenant string      `required:"" help:"The casino's slug."`
	Room   string      `arg:"" help:"The room's id."`
	Reason strict.Line `required:"" help:"Why; for the audit log."`
	JSON   bool        `help:"Print JSON."`
}

// Run implements the command.
func (c roomCloseCmd) Run(p *program) error {
	return p.withTenant(c.Tenant, func(s *store.Store, t *tenancy.Tenant) error {
		ref, err := rooms.NewRef(t.ID, c.Room)
		if err != nil {
			return err
		}
		if ref.Room == rooms.LobbyID {
			return fmt.Errorf("the lobby stays open as long as %s does", t.Slug)
		}
		if err := s.Rooms.Close(p.ctx, ref, actor(), c.Reason, rooms.Origin{}); err != nil {
			return err
		}
		if c.JSON {
			return p.printRoom(s, t, c.Room)
		}
		p.printf("%s closes after the round at hand\n", c.Room)
		return nil
	})
}
