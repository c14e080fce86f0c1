package main

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/store/webhooks"
)

// loopback holds the addresses of this machine, where a developer's receivers run.
var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

type webhookCmd struct {
	Create     webhookCreateCmd     `cmd:"" help:"Let a URL be told what happens at a casino, and print the secret that signs it."`
	List       webhookListCmd       `cmd:"" help:"List a casino's endpoints."`
	Show       webhookShowCmd       `cmd:"" help:"Show one endpoint."`
	Test       webhookTestCmd       `cmd:"" help:"Send an endpoint a webhook.test, within seconds."`
	Rotate     webhookRotateCmd     `cmd:"" help:"Make a new secret, and print it."`
	Pause      webhookPauseCmd      `cmd:"" help:"Let an endpoint's deliveries wait."`
	Resume     webhookResumeCmd     `cmd:"" help:"Let them go on."`
	Delete     webhookDeleteCmd     `cmd:"" help:"Remove an endpoint, and what it was still to be told."`
	Deliveries webhookDeliveriesCmd `cmd:"" help:"List what an endpoint was told, the latest first."`
	Replay     webhookReplayCmd     `cmd:"" help:"Tell an endpoint something once more."`
	Listen     webhookListenCmd     `cmd:"" help:"Receive messages on this machine, check their signatures and print them."`
}

// Help implements kong's long help.
func (webhookCmd) Help() string {
	return "docs/webhooks.md has the messages, how they are signed, and when they are sent again."
}

// webhookRef names an endpoint of a casino.
type webhookRef struct {
	Tenant string    `required:"" help:"The casino's slug."`
	ID     uuid.UUID `arg:"" help:"The endpoint's id, of 'webhook list'."`
	JSON   bool      `help:"Print JSON."`
}

// with runs do for the casino.
func (r webhookRef) with(p *program, do func(*store.Store, *tenancy.Tenant) error) error {
	return p.withTenant(r.Tenant, func(s *store.Store, t *tenancy.Tenant) error {
		err := do(s, t)
		if errors.Is(err, webhooks.ErrNoEndpoint) {
			return fmt.Errorf("%w; 'pitboss webhook list --tenant %s' shows them", err, r.Tenant)
		}
		return err
	})
}

// reason is why something is done.
type reason struct {
	Reason strict.Line `required:"" help:"Why; for the audit log."`
}

func (r reason) by() webhooks.By { return webhooks.By{Actor: actor(), Reason: r.Reason} }

// webhookWithSecret is the JSON output of the commands that make a secret.
type webhookWithSecret struct {
	webhooks.Endpoint
	Secret string `json:"secret"`
}

// printWebhook prints an endpoint, and its secret unless it is empty.
func (p *program) printWebhook(e webhooks.Endpoint, secret string, asJSON bool) error {
	switch {
	case asJSON && secret != "":
		return p.printJSON(webhookWithSecret{e, secret})
	case asJSON:
		return p.printJSON(e)
	}
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	line := func(name, text string) {
		if text != "" {
			_, _ = fmt.Fprintf(w, "%s\t%s\n", name, text)
		}
	}
	line("id", e.ID.String())
	line("url", e.URL)
	line("description", e.Description)
	line("types", typesOf(e))
	line("state", string(e.State)+" since "+moment(e.Since))
	line("reason", e.Reason)
	line("failing since", moment(e.FailingSince))
	line("former secret until", moment(e.FormerUntil))
	if secret != "" {
		line("secret", secret+" (it is not shown again)")
	}
	return w.Flush()
}

func typesOf(e webhooks.Endpoint) string {
	if len(e.Types) == 0 {
		return "all"
	}
	return strings.Join(e.Types, ",")
}

// moment returns a time to the second; "" for none.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

type webhookCreateCmd struct {
	Tenant      string      `required:"" help:"The casino's slug."`
	URL         string      `name:"url" arg:"" help:"Where to send messages, by https."`
	Description strict.Line `help:"For people."`
	Types       []string    `help:"Of which facts to tell; all if it is not given. docs/webhooks.md has them." placeholder:"TYPE"`
	reason      `embed:""`
	JSON        bool `help:"Print JSON."`
}

// Run implements the command.
func (c webhookCreateCmd) Run(p *program) error {
	return p.withTenant(c.Tenant, func(s *store.Store, t *tenancy.Tenant) error {
		e, secret, err := s.Webhooks.Create(p.ctx, t.ID, webhooks.Spec{URL: c.URL, Description: c.Description, Types: c.Types}, c.by())
		if err != nil {
			return err
		}
		return p.printWebhook(e, secret, c.JSON)
	})
}

type webhookListCmd struct {
	Tenant string `required:"" help:"The casino's slug."`
	JSON   bool   `help:"Print JSON."`
}

// Run implements the command.
func (c webhookListCmd) Run(p *program) error {
	return p.withTenant(c.Tenant, func(s *store.Store, t *tenancy.Tenant) error {
		list, err := s.Webhooks.List(p.ctx, t.ID)
		if err != nil {
			return err
		}
		if c.JSON {
			return p.printJSON(append([]webhooks.Endpoint{}, list...))
		}
		w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(w, "ID\tSTATE\tTYPES\tURL\tDESCRIPTION")
		for _, e := range list {
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", e.ID, e.State, typesOf(e), e.URL, e.Description)
		}
		return w.Flush()
	})
}

type webhookShowCmd struct {
	webhookRef `embed:""`
}

// Run implements the command.
func (c webhookShowCmd) Run(p *program) error {
	return c.with(p, func(s *store.Store, t *tenancy.Tenant) error {
		e, err := s.Webhooks.Get(p.ctx, t.ID, c.ID)
		if err != nil {
			return err
		}
		return p.printWebhook(e, "", c.JSON)
	})
}

type webhookTestCmd struct {
	webhookRef `embed:""`
	reason     `embed:""`
}

// Run implements the command.
func (c webhookTestCmd) Run(p *program) error {
	return c.with(p, func(s *store.Store, t *tenancy.Tenant) error {
		id, err := s.Webhooks.Test(p.ctx, t.ID, c.ID, c.by())
		if err != nil {
			return err
		}
		if c.JSON {
			return p.printJSON(map[string]uuid.UUID{"webhook_id": id})
		}
		p.printf("message %s is sent within seconds; 'pitboss webhook deliveries' says what became of it\n", id)
		return nil
	})
}

type webhookRotateCmd struct {
	webhookRef `embed:""`
	DropFormer bool `help:"Let the former secret sign no more. Without it both sign for a day."`
	reason     `embed:""`
}

// Run implements the command.
func (c webhookRotateCmd) Run(p *program) error {
	return c.with(p, func(s *store.Store, t *tenancy.Tenant) error {
		e, secret, err := s.Webhooks.Rotate(p.ctx, t.ID, c.ID, c.DropFormer, c.by())
		if err != nil {
			return err
		}
		return p.printWebhook(e, secret, c.JSON)
	})
}

type webhookPauseCmd struct {
	webhookRef `embed:""`
	reason     `embed:""`
}

// Run implements the command.
func (c webhookPauseCmd) Run(p *program) error {
	return c.with(p, func(s *store.Store, t *tenancy.Tenant) error {
		e, err := s.Webhooks.Pause(p.ctx, t.ID, c.ID, c.by())
		if err != nil {
			return err
		}
		return p.printWebhook(e, "", c.JSON)
	})
}

type webhookResumeCmd struct {
	webhookRef `embed:""`
	reason     `embed:""`
}

// Run implements the command.
func (c webhookResumeCmd) Run(p *program) error {
	return c.with(p, func(s *store.Store, t *tenancy.Tenant) error {
		e, err := s.Webhooks.Resume(p.ctx, t.ID, c.ID, c.by())
		if err != nil {
			return err
		}
		return p.printWebhook(e, "", c.JSON)
	})
}

type webhookDeleteCmd struct {
	webhookRef `embed:""`
	reason     `embed:""`
}

// Run implements the command.
func (c webhookDeleteCmd) Run(p *program) error {
	return c.with(p, func(s *store.Store, t *tenancy.Tenant) error {
		if err := s.Webhooks.Delete(p.ctx, t.ID, c.ID, nil, c.by()); err != nil {
			return err
		}
		if c.JSON {
			return p.printJSON(map[string]uuid.UUID{"deleted": c.ID})
		}
		p.printf("endpoint %s is deleted\n", c.ID)
		return nil
	})
}

type webhookDeliveriesCmd struct {
	webhookRef `embed:""`
	chosen     `embed:""`
	Limit      int `help:"How many, at most 500." default:"50"`
}

// Validate implements kong's check.
func (c webhookDeliveriesCmd) Validate() error {
	if c.Limit < 1 || c.Limit > 500 {
		return fmt.Errorf("--limit is %d, and must be 1 to 500", c.Limit)
	}
	return nil
}

// Run implements the command.
func (c webhookDeliveriesCmd) Run(p *program) error {
	return c.with(p, func(s *store.Store, t *tenancy.Tenant) error {
		asked, err := c.asked(c.Limit)
		if err != nil {
			return err
		}
		q, err := webhooks.DeliveryTable.Parse(asked)
		if err != nil {
			return err
		}
		list, _, err := s.Webhooks.Deliveries(p.ctx, t.ID, c.ID, q)
		if err != nil {
			return err
		}
		if c.JSON {
			return p.printJSON(append([]webhooks.Delivery{}, list...))
		}
		w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(w, "DELIVERY\tHAPPENED\tTYPE\tPLAYER\tSTATE\tATTEMPTS\tTRIED\tSTATUS\tNEXT\tWEBHOOK-ID\tERROR")
		for _, d := range list {
			_, _ = fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%d\t%s\t%d\t%s\t%s\t%s\n", d.ID, moment(d.CreatedAt), d.Type, d.Player, d.State, d.Attempts, moment(d.Attempted), d.Status, moment(d.NextAt), d.WebhookID, d.Error)
		}
		return w.Flush()
	})
}

type webhookReplayCmd struct {
	webhookRef `embed:""`
	Delivery   int64 `arg:"" help:"The delivery, of 'webhook deliveries'."`
	reason     `embed:""`
}

// Run implements the command.
func (c webhookReplayCmd) Run(p *program) error {
	return c.with(p, func(s *store.Store, t *tenancy.Tenant) error {
		if err := s.Webhooks.Replay(p.ctx, t.ID, c.ID, c.Delivery, c.by()); err != nil {
			return err
		}
		if c.JSON {
			return p.printJSON(map[string]int64{"replayed": c.Delivery})
		}
		p.printf("delivery %d is sent again\n", c.Delivery)
		return nil
	})
}
