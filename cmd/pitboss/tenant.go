package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/access"
	"github.com/pitboss-hub/pitboss/store/journal"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

type tenantCmd struct {
	Create       tenantCreateCmd       `cmd:"" help:"Create a casino: its role, schema, tables, key and lobby."`
	List         tenantListCmd         `cmd:"" help:"List all casinos."`
	Show         tenantShowCmd         `cmd:"" help:"Show one casino."`
	Set          tenantSetCmd          `cmd:"" help:"Change a casino's name, trial, paid-until day, frame ancestors, currency, plan, jurisdiction, or what needs a second person."`
	Brand        tenantBrandCmd        `cmd:"" help:"Show or change how a casino's pages look: name, logo, colours."`
	Suspend      tenantSuspendCmd      `cmd:"" help:"Let nobody in any more; sockets are closed within a second."`
	Resume       tenantResumeCmd       `cmd:"" help:"Let everybody in again, also after maintenance or an archive."`
	Maintenance  tenantMaintenanceCmd  `cmd:"" help:"Let no player in for a while; they are told when to come back."`
	Rename       tenantRenameCmd       `cmd:"" help:"Give a casino another slug; tokens may name the former one for 30 days."`
	Provision    tenantProvisionCmd    `cmd:"" help:"Make the schema of a casino that was created with --no-schema."`
	Archive      tenantArchiveCmd      `cmd:"" help:"End a casino: write its schema to a file that is restored and compared."`
	Purge        tenantPurgeCmd        `cmd:"" help:"Delete an archived casino for good, after 30 days, or at once one that was never provisioned."`
	Exec         tenantExecCmd         `cmd:"" help:"Run an SQL file, or a command of pitboss, for some or all casinos."`
	Fund         tenantFundCmd         `cmd:"" help:"Give a player money from the house, or take it back."`
	Kick         tenantKickCmd         `cmd:"" help:"Close somebody's sockets within a second, and take back their tokens issued until now."`
	TrialBalance tenantTrialBalanceCmd `cmd:"" help:"Add up all accounts: must be zero. Exits with 1 if it is not."`
}

type tenantCreateCmd struct {
	Slug      string      `required:"" help:"The short name, e.g. casino-x."`
	Name      strict.Line `required:"" help:"The name that people see."`
	Domain    []string    `required:"" help:"A host that is this casino's; repeat for more. The first is the primary one."`
	Currency  string      `default:"EUR" help:"ISO 4217 code, which also says how many digits are after the point."`
	OnTrial   bool        `help:"On trial until --paid-until, or without end."`
	PaidUntil string      `help:"Served until that day begins, in UTC, and 7 days of grace more, but for a trial; 'never', which is the default, for no end." placeholder:"YYYY-MM-DD"`
	Frame     []string    `name:"frame-ancestor" help:"An origin whose pages may show this casino's in a frame; repeat for more." placeholder:"https://HOST"`
	NoSchema  bool        `help:"Reserve the slug and the domains only; 'pitboss tenant provision' makes the schema."`
	JSON      bool        `help:"Print JSON."`

	catalogBudget `embed:""`
}

// Run implements the command.
func (c tenantCreateCmd) Run(p *program) error {
	until, err := paidUntil(c.PaidUntil)
	if err != nil {
		return err
	}
	return p.withAdmin(func(admin *tenancy.Admin) error {
		if err := c.bound(admin); err != nil {
			return err
		}
		slug, err := tenant.ParseSlug(c.Slug)
		if err != nil {
			return err
		}
		t, err := admin.CreateTenant(p.ctx, tenancy.NewTenant{
			Slug: slug, Name: c.Name, Domains: c.Domain, Currency: c.Currency, OnTrial: c.OnTrial, PaidUntil: until, FrameAncestors: c.Frame,
			WithoutSchema: c.NoSchema,
		})
		if err != nil {
			return err
		}
		if c.JSON {
			return p.printJSON(describe(&t))
		}
		p.printf("created %s (schema %s) at %s\n", t.Slug, t.ID.Schema(), strings.Join(t.Domains, ", "))
		return nil
	})
}

// tenantInfo is the output of the command line for a tenant.
type tenantInfo struct {
	Slug      string    `json:"slug"`
	Name      string    `json:"name"`
	Schema    string    `json:"schema_name"`
	Status    string    `json:"status"`
	Reason    string    `json:"status_reason,omitempty"` // why, unless it is active
	BackAt    time.Time `json:"back_at,omitzero"`        // of maintenance: when it is likely to be over
	Broken    string    `json:"out_of_order,omitempty"`  // why, if it is
	OnTrial   bool      `json:"on_trial"`
	PaidUntil time.Time `json:"paid_until,omitzero"`
	CreatedOn time.Time `json:"created_on"`
	Currency  string    `json:"currency"`
	Exponent  int       `json:"exponent"`
	Domains   []string  `json:"domains"` // the primary one first

	FrameAncestors []string `json:"frame_ancestors"`

	Former []formerSlug `json:"former_slugs,omitempty"` // those that tokens may still name

	CreditApprovalAbove *int64 `json:"credit_approval_above"` // in minor units; null: no credit needs a second person

	Plan         string `json:"plan,omitempty"`         // none: the installation's own limits
	Jurisdiction string `json:"jurisdiction,omitempty"` // none: no rules but the games' own
}

// formerSlug is a slug that a tenant had.
type formerSlug struct {
	Slug  tenant.Slug `json:"slug"`
	Until time.Time   `json:"until"` // when the last token that names it has expired
}

func describe(t *tenancy.Tenant) tenantInfo {
	var former []formerSlug
	for _, f := range t.Former {
		former = append(former, formerSlug(f))
	}
	schema := ""
	if !t.ID.IsZero() {
		schema = t.ID.Schema()
	}
	return tenantInfo{
		string(t.Slug), t.Name, schema, string(t.Status(time.Now())), t.StatusReason, t.BackAt, t.OutOfOrder, t.OnTrial, t.PaidUntil, t.CreatedOn,
		t.Currency, t.Exponent, t.Domains, append([]string{}, t.FrameAncestors...), former,
		t.CreditApprovalAbove, t.Plan.Name, t.Jurisdiction.Name,
	}
}

type tenantListCmd struct {
	JSON bool `help:"Print JSON."`
}

// Run implements the command.
func (c tenantListCmd) Run(p *program) error {
	return p.withAdmin(func(admin *tenancy.Admin) error {
		list, err := admin.ListTenants(p.ctx)
		if err != nil {
			return err
		}
		infos := []tenantInfo{}
		for i := range list {
			infos = append(infos, describe(&list[i]))
		}
		if c.JSON {
			return p.printJSON(infos)
		}
		w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(w, "SLUG\tNAME\tSTATUS\tPAID UNTIL\tDOMAINS\tSCHEMA")
		for _, t := range infos {
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", t.Slug, t.Name, t.Status, day(t.PaidUntil), strings.Join(t.Domains, " "), t.Schema)
		}
		if err := w.Flush(); err != nil {
			return err
		}
		for _, t := range infos {
			if t.Broken != "" {
				p.printf("%s\n", p.red(t.Slug+" is out of order: "+t.Broken))
			}
		}
		return nil
	})
}

// red returns the text in red if a person reads it, at a terminal that shows colours.
func (p *program) red(text string) string {
	f, ok := p.out.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" {
		return text
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return text
	}
	return "\x1b[31m" + text + "\x1b[0m"
}

func day(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format("2006-01-02")
}

type tenantShowCmd struct {
	Slug string `arg:""`
	JSON bool   `help:"Print JSON."`
}

// Run implements the command.
func (c tenantShowCmd) Run(p *program) error {
	return p.withAdmin(func(admin *tenancy.Admin) error {
		list, err := admin.ListTenants(p.ctx)
		if err != nil {
			return err
		}
		for i := range list {
			if string(list[i].Slug) != c.Slug {
				continue
			}
			t := describe(&list[i])
			if c.JSON {
				return p.printJSON(t)
			}
			p.printTenant(t)
			return nil
		}
		for i := range list {
			for _, f := range list[i].Former {
				if string(f.Slug) == c.Slug {
					return fmt.Errorf("%s is now %s; tokens may name %[1]s until %[3]s", f.Slug, list[i].Slug, f.Until.UTC().Format(time.RFC3339))
				}
			}
		}
		return noTenant(c.Slug)
	})
}

// printTenant writes a tenant for people to read.
func (p *program) printTenant(t tenantInfo) {
	is := tenancy.Status(t.Status)
	switch {
	case t.Broken != "":
		t.Status = p.red(t.Status + ": " + t.Broken)
	case t.Reason != "":
		t.Status += ": " + t.Reason
	}
	if long := untilWhen(is, t.BackAt); long != "" {
		t.Status += "\n             " + strings.TrimSpace(long)
	}
	frames := "-"
	if len(t.FrameAncestors) > 0 {
		frames = strings.Join(t.FrameAncestors, " ")
	}
	approval := "never"
	if above := t.CreditApprovalAbove; above != nil {
		approval = "credits above " + game.Money(*above).Format(t.Exponent) + " " + t.Currency
	}
	p.printf("%s (%s)\n  status      %s\n  schema      %s\n  domains     %s\n  framed by   %s\n  currency    %s, %d digits\n  on trial    %t\n  paid until  %s\n  created on  %s\n  approval    %s\n  plan        %s\n  deals in    %s\n",
		t.Name, t.Slug, t.Status, t.Schema, strings.Join(t.Domains, " "), frames, t.Currency, t.Exponent, t.OnTrial, day(t.PaidUntil), day(t.CreatedOn), approval,
		cmp.Or(t.Plan, "-"), cmp.Or(t.Jurisdiction, "-"))
	for _, f := range t.Former {
		p.printf("  was         %s, which tokens may name until %s\n", f.Slug, f.Until.UTC().Format(time.RFC3339))
	}
}

type tenantFundCmd struct {
	Tenant    string      `required:"" help:"The casino's slug."`
	Player    string      `required:"" help:"The player: the subject of its tokens."`
	Amount    string      `required:"" help:"In the casino's currency, e.g. 1000.00; negative takes back."`
	Reason    strict.Line `default:"funded on the command line" help:"For the audit log."`
	CommandID string      `help:"A UUID: the same one never counts twice. Defaults to a new one." placeholder:"UUID"`
	Existing  bool        `help:"Refuse a player who does not exist; else an account is made."`
	DryRun    bool        `help:"Show what would happen; do nothing."`
	JSON      bool        `help:"Print JSON."`
}

// Run implements the command.
func (c tenantFundCmd) Run(p *program) error {
	return p.withTenant(c.Tenant, func(s *store.Store, t *tenancy.Tenant) error {
		if !auth.ValidSubject(c.Player) {
			return fmt.Errorf("a player's id is 1 to 64 printable characters without spaces: %q", c.Player)
		}
		amount, err := game.ParseMoney(c.Amount, t.Exponent)
		if err != nil {
			return err
		}
		id := uuid.New()
		if c.CommandID != "" {
			if id, err = uuid.Parse(c.CommandID); err != nil {
				return fmt.Errorf("--command-id is not a UUID: %q", c.CommandID)
			}
		}
		out, err := s.Ledger.Give(p.ctx, t.ID, journal.Credit{
			Player: game.PlayerID(c.Player), Amount: amount, Currency: t.Currency, Exponent: t.Exponent, Reason: c.Reason, Actor: actor(), CommandID: id.String(),
			Existing: c.Existing, DryRun: c.DryRun,
		})
		switch {
		case errors.Is(err, journal.ErrNoPlayer):
			return fmt.Errorf("there is no player %q; without --existing this makes an account", c.Player)
		case err != nil:
			return err
		}
		if c.JSON {
			if err := p.printJSON(map[string]any{
				"player": c.Player, "balance": out.Balance, "currency": t.Currency, "exponent": t.Exponent,
				"command_id": id.String(), "created": out.Created, "dry_run": c.DryRun, "needs_approval": out.NeedsApproval,
			}); err != nil {
				return err
			}
		}
		switch balance := out.Balance.Format(t.Exponent); {
		case out.NeedsApproval && !c.DryRun: // a script must not take it for done
			return fmt.Errorf("nothing was moved yet: another person has to agree to approval %s", id)
		case c.JSON:
			return nil
		case c.DryRun:
			p.printf("%s would have %s %s\n", c.Player, balance, t.Currency)
		default:
			p.printf("%s has %s %s\n", c.Player, balance, t.Currency)
		}
		if out.NeedsApproval {
			p.printf("another person would have to agree\n")
		}
		if out.Created {
			p.printf("%s is a new player\n", c.Player)
		}
		return nil
	})
}

type tenantKickCmd struct {
	Tenant string      `required:"" help:"The casino's slug."`
	Player string      `xor:"who" required:"" help:"The player: the subject of its tokens."`
	Staff  string      `xor:"who" required:"" help:"One of the operator's people: the subject of their tokens, whatever their role."`
	Reason strict.Line `required:"" help:"Why; for the audit log."`
	JSON   bool        `help:"Print JSON."`
}

// Run implements the command.
func (c tenantKickCmd) Run(p *program) error {
	return p.withTenant(c.Tenant, func(s *store.Store, t *tenancy.Tenant) error {
		by := access.Revoke{Reason: c.Reason, Actor: actor()}
		who, kick := c.Player, func() error { return s.Revocations.Kick(p.ctx, t.ID, game.PlayerID(c.Player), by) }
		if c.Staff != "" {
			who, kick = c.Staff, func() error { return s.Revocations.KickStaff(p.ctx, t.ID, c.Staff, by) }
		}
		if err := kick(); err != nil {
			return err
		}
		if c.JSON {
			return p.printJSON(map[string]string{"tenant": string(t.Slug), "kicked": who})
		}
		p.printf("%s is kicked\n", who)
		return nil
	})
}

type tenantTrialBalanceCmd struct {
	Slug string `arg:""`
	JSON bool   `help:"Print JSON."`
}

// Run implements the command.
func (c tenantTrialBalanceCmd) Run(p *program) error {
	return p.withTenant(c.Slug, func(s *store.Store, t *tenancy.Tenant) error {
		tb, err := s.Ledger.TrialBalance(p.ctx, t.ID)
		if err != nil {
			return err
		}
		if c.JSON {
			if err := p.printJSON(tb); err != nil {
				return err
			}
		} else {
			w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', tabwriter.AlignRight)
			for _, a := range tb.Accounts {
				_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t\n", a.Kind, a.Owner, a.Balance.Format(t.Exponent))
			}
			_, _ = fmt.Fprintf(w, "sum\t\t%s\t\n", tb.Sum.Format(t.Exponent))
			if err := w.Flush(); err != nil {
				return err
			}
		}
		if !tb.OK {
			return fmt.Errorf("the books of %s do not balance", c.Slug)
		}
		return nil
	})
}
