package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/pitboss-hub/pitboss/rooms/placement"
)

type nodeCmd struct {
	List nodeListCmd `cmd:"" help:"List the nodes that live, and how many rooms each has."`
}

type nodeListCmd struct {
	JSON bool `help:"Print JSON."`
}

// Run implements the command.
func (c nodeListCmd) Run(p *program) error {
	s, err := p.openStore()
	if err != nil {
		return err
	}
	defer s.Close()
	at, err := s.Leases.Assignments(p.ctx, placement.Mark{})
	if err != nil {
		return err
	}
	has, lost := map[string]int{}, 0
	for _, n := range at.Nodes {
		has[n.Name] = 0
	}
	for _, place := range at.Assignments {
		if _, lives := has[place.Node]; lives {
			has[place.Node]++
		} else {
			lost++
		}
	}
	if c.JSON {
		type node struct {
			Node     string `json:"node"`
			Draining bool   `json:"draining"`
			Rooms    int    `json:"rooms"`
		}
		out := struct {
			Nodes      []node `json:"nodes"`
			RoomsAlone int    `json:"rooms_without_node"`
		}{Nodes: []node{}, RoomsAlone: lost}
		for _, n := range at.Nodes {
			out.Nodes = append(out.Nodes, node{n.Name, n.Draining, has[n.Name]})
		}
		return p.printJSON(out)
	}
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "NODE\tROOMS\tSTATE")
	for _, n := range at.Nodes {
		state := "serving"
		if n.Draining {
			state = "draining"
		}
		_, _ = fmt.Fprintf(w, "%s\t%d\t%s\n", n.Name, has[n.Name], state)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if lost > 0 {
		p.printf("%d rooms have no node that lives; one takes them within a second or two.\n", lost)
	}
	return nil
}
