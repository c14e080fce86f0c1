package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

type keyAPICmd struct {
	Create apiKeyCreateCmd `cmd:"" help:"Make an API key, and print it, once."`
	List   apiKeyListCmd   `cmd:"" help:"List API keys, without their secrets."`
	Rotate apiKeyRotateCmd `cmd:"" help:"Make an API key that replaces another, and print it, once."`
	Revoke apiKeyRevokeCmd `cmd:"" help:"End an API key: every node refuses it within a second."`
}

// apiKeyOwner holds the flags that say whose key it is.
type apiKeyOwner struct {
	Tenant   string `xor:"owner" required:"" help:"The casino's slug."`
	Platform bool   `xor:"owner" required:"" help:"The platform's own keys, for the API at --platform-host; they open no casino."`
	JSON     bool   `help:"Print JSON."`
}

func (o apiKeyOwner) slug() tenant.Slug {
	if o.Platform {
		return tenancy.Platform
	}
	return tenant.Slug(o.Tenant)
}

// allRead is a name for all scopes that end in ":read".
const allRead = "all-read"

type apiKeyCreateCmd struct {
	apiKeyOwner `embed:""`
	Name        strict.Line `required:"" help:"What the key is for."`
	Scope       []string    `required:"" sep:"none" help:"What the key may do; repeat it for more. all-read is every scope that only reads." placeholder:"SCOPE"`
	Expires     string      `help:"When the key ends: a day (UTC), or a time as 2027-01-31T12:00:00Z. Never if it is not given." placeholder:"TIME"`
	Address     []string    `sep:"none" help:"An address, or a range of them, from which the key may be used; repeat it for more. Any if it is not given." placeholder:"CIDR"`
	Reason      strict.Line `required:"" help:"Why; for the audit log."`
}

// Help implements kong's long help.
func (apiKeyCreateCmd) Help() string {
	var b strings.Builder
	b.WriteString("Programs send the key as 'Authorization: Bearer pitboss_…'. Scopes:\n\n")
	for _, r := range auth.Scopes() {
		of := ""
		switch {
		case r.Keys && r.Platform:
			of = " (or the platform's)"
		case r.Platform:
			of = " (the platform's)"
		case !r.Keys:
			continue
		}
		fmt.Fprintf(&b, "  %s: %s%s\n", r.Scope, r.Text, of)
	}
	return b.String()
}

// Run implements the command.
func (c apiKeyCreateCmd) Run(p *program) error {
	n, all := tenancy.NewAPIKey{Name: c.Name, Addresses: c.Address}, auth.KeyScopes()
	if c.Platform {
		all = auth.PlatformScopes()
	}
	for _, s := range c.Scope {
		if s != allRead {
			n.Scopes = append(n.Scopes, s)
			continue
		}
		for _, s := range all {
			if strings.HasSuffix(string(s), ":read") {
				n.Scopes = append(n.Scopes, string(s))
			}
		}
	}
	if c.Expires != "" {
		var err error
		if n.ExpiresAt, err = parseExpiry(c.Expires); err != nil {
			return err
		}
	}
	return p.withAdmin(func(admin *tenancy.Admin) error {
		k, text, err := admin.CreateAPIKey(p.ctx, c.slug(), n, c.Reason)
		if err != nil {
			return err
		}
		return p.printNewKey(k, text, c.JSON)
	})
}

// parseExpiry returns the time of a day or a time as people write it.
func parseExpiry(text string) (time.Time, error) {
	for _, form := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(form, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("--expires: want a day as 2027-01-31, or a time as 2027-01-31T12:00:00Z, not %q", text)
}

type apiKeyListCmd struct {
	apiKeyOwner `embed:""`
}

// Run implements the command.
func (c apiKeyListCmd) Run(p *program) error {
	return p.withAdmin(func(admin *tenancy.Admin) error {
		list, err := admin.ListAPIKeys(p.ctx, c.slug())
		if err != nil {
			return err
		}
		if c.JSON {
			return p.printJSON(append([]tenancy.APIKeyInfo{}, list...))
		}
		w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(w, "ID\tNAME\tSTATE\tSINCE\tENDS\tLAST USED\tADDRESSES\tSCOPES")
		for _, k := range list {
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
				k.ID, k.Name, k.State, day(k.CreatedAt.Time), day(ends(k)), minute(k.LastUsedAt.Time), joined(k.Addresses), joined(k.Scopes))
		}
		return w.Flush()
	})
}

// ends returns when a key ends or ended; zero: never.
func ends(k tenancy.APIKeyInfo) time.Time {
	at := slices.DeleteFunc([]time.Time{k.ExpiresAt.Time, k.ValidUntil.Time, k.RevokedAt.Time}, time.Time.IsZero)
	if len(at) == 0 {
		return time.Time{}
	}
	return slices.MinFunc(at, time.Time.Compare)
}

// minute returns a time as lists show it.
func minute(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04")
}

func joined[T any](list []T) string {
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i] = fmt.Sprint(v)
	}
	return strings.Join(texts, " ")
}

type apiKeyRotateCmd struct {
	apiKeyOwner `embed:""`
	ID          string        `arg:"" help:"The key's id, of 'key api list'."`
	Overlap     time.Duration `default:"24h" help:"How long the old key is valid yet; 0 ends it at once."`
	Reason      strict.Line   `required:"" help:"Why; for the audit log."`
}

// Run implements the command.
func (c apiKeyRotateCmd) Run(p *program) error {
	return p.withAdmin(func(admin *tenancy.Admin) error {
		k, text, err := admin.RotateAPIKey(p.ctx, c.slug(), c.ID, c.Overlap, c.Reason)
		if err != nil {
			return c.withHint(err)
		}
		return p.printNewKey(k, text, c.JSON)
	})
}

type apiKeyRevokeCmd struct {
	apiKeyOwner `embed:""`
	ID          string      `arg:"" help:"The key's id, of 'key api list'."`
	Reason      strict.Line `required:"" help:"Why; for the audit log."`
}

// Run implements the command.
func (c apiKeyRevokeCmd) Run(p *program) error {
	return p.withAdmin(func(admin *tenancy.Admin) error {
		k, err := admin.RevokeAPIKey(p.ctx, c.slug(), c.ID, c.Reason)
		if err != nil {
			return c.withHint(err)
		}
		if c.JSON {
			return p.printJSON(k)
		}
		p.printf("API key %s (%s) is revoked\n", k.ID, k.Name)
		return nil
	})
}

// withHint adds to an error how the keys are found.
func (o apiKeyOwner) withHint(err error) error {
	if !errors.Is(err, tenancy.ErrNoAPIKey) {
		return err
	}
	if o.Platform {
		return fmt.Errorf("%w; 'pitboss key api list --platform' shows them", err)
	}
	return fmt.Errorf("%w; 'pitboss key api list --tenant %s' shows them", err, o.Tenant)
}

// printNewKey prints a key with its secret, which nothing does again.
func (p *program) printNewKey(k tenancy.APIKeyInfo, text auth.APIKeyText, asJSON bool) error {
	if asJSON {
		return p.printJSON(struct {
			Key string `json:"key"`
			tenancy.APIKeyInfo
		}{text.Reveal(), k})
	}
	p.printf("id      %s\nname    %s\nscopes  %s\nkey     %s (it is not shown again)\n", k.ID, k.Name, joined(k.Scopes), text.Reveal())
	return nil
}
