package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

// pemBytesMax bounds the file of a public key.
const pemBytesMax = 64 << 10

type keyCmd struct {
	Add    keyAddCmd    `cmd:"" help:"Let in those whose tokens a public key verifies, or the keys that a URL publishes."`
	Rotate keyRotateCmd `cmd:"" help:"Make a new secret to sign tokens with, and print it."`
	Retire keyRetireCmd `cmd:"" help:"Take a key back for good: sockets that it let in are closed within a second."`
	List   keyListCmd   `cmd:"" help:"List a casino's keys."`
	API    keyAPICmd    `cmd:"" name:"api" help:"Create, list, rotate and revoke API keys, by which programs ask without a token."`
}

type keyAddCmd struct {
	Tenant string      `required:"" help:"The casino's slug."`
	PEM    string      `name:"pem" xor:"from" required:"" help:"A file with a public key: RSA (RS256), P-256 (ES256) or Ed25519 (EdDSA)." placeholder:"FILE"`
	JWKS   string      `name:"jwks" xor:"from" required:"" help:"A URL that publishes keys as a JWK Set; every node reads it." placeholder:"URL"`
	Kid    string      `help:"The key's id, which tokens name as 'kid'; of a URL only the name by which it is retired. One is chosen if it is not given."`
	Reason strict.Line `required:"" help:"Why; for the audit log."`
	JSON   bool        `help:"Print JSON."`
}

// Help implements kong's long help.
func (keyAddCmd) Help() string {
	return "As soon as a casino has two keys its tokens must name theirs (kid). Nodes read a URL every 5 minutes, and for a key that they do not know; addresses that are not public, and http, need --jwks-allow at 'pitboss serve'."
}

// Run implements the command.
func (c keyAddCmd) Run(p *program) error {
	var pem string
	if c.PEM != "" {
		text, err := readFile(c.PEM, pemBytesMax)
		if err != nil {
			return err
		}
		pem = text
	}
	return p.withAdmin(func(admin *tenancy.Admin) error {
		var k tenancy.KeyInfo
		var err error
		if c.JWKS != "" {
			k, err = admin.AddKeySet(p.ctx, tenant.Slug(c.Tenant), c.Kid, c.JWKS, c.Reason)
		} else {
			k, err = admin.AddPublicKey(p.ctx, tenant.Slug(c.Tenant), c.Kid, pem, c.Reason)
		}
		if err != nil {
			return err
		}
		if c.JSON {
			return p.printJSON(k)
		}
		p.printf("key %s (%s) lets in at %s\n", k.ID, k.Alg, c.Tenant)
		return nil
	})
}

// readFile reads a small text file.
func readFile(name string, most int64) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	raw, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return "", err
	}
	if int64(len(raw)) > most {
		return "", fmt.Errorf("%s is larger than %d KiB", name, most>>10)
	}
	return string(raw), nil
}

type keyRotateCmd struct {
	Tenant string      `required:"" help:"The casino's slug."`
	Retire bool        `name:"retire-others" help:"Retire all other secrets at once: who came by their tokens is closed. Without it they are good until 'key retire'."`
	Reason strict.Line `required:"" help:"Why; for the audit log."`
	JSON   bool        `help:"Print JSON."`
}

// rotated is the JSON output of the command.
type rotated struct {
	tenancy.KeyInfo
	Secret  string   `json:"secret"` // base64
	Retired []string `json:"retired"`
}

// Run implements the command.
func (c keyRotateCmd) Run(p *program) error {
	return p.withAdmin(func(admin *tenancy.Admin) error {
		k, secret, retired, err := admin.RotateKey(p.ctx, tenant.Slug(c.Tenant), c.Retire, c.Reason)
		if err != nil {
			return err
		}
		out := rotated{k, base64.StdEncoding.EncodeToString(secret), []string{}}
		for _, r := range retired {
			out.Retired = append(out.Retired, r.ID)
		}
		if c.JSON {
			return p.printJSON(out)
		}
		p.printf("kid     %s\nalg     %s\nsecret  %s (base64; it is not shown again)\n", k.ID, k.Alg, out.Secret)
		for _, kid := range out.Retired {
			p.printf("retired %s\n", kid)
		}
		return nil
	})
}

type keyRetireCmd struct {
	Tenant string      `required:"" help:"The casino's slug."`
	Kid    string      `arg:"" help:"The key's id: of 'key list', or one of a URL's keys."`
	Reason strict.Line `required:"" help:"Why; for the audit log."`
	JSON   bool        `help:"Print JSON."`
}

// Run implements the command.
func (c keyRetireCmd) Run(p *program) error {
	return p.withAdmin(func(admin *tenancy.Admin) error {
		k, left, err := admin.RetireKey(p.ctx, tenant.Slug(c.Tenant), c.Kid, c.Reason)
		if errors.Is(err, tenancy.ErrNoKey) {
			return fmt.Errorf("%w; 'pitboss key list --tenant %s' shows them", err, c.Tenant)
		}
		if err != nil {
			return err
		}
		if c.JSON {
			return p.printJSON(k)
		}
		p.printf("key %s is retired\n", k.ID)
		if left == 0 {
			p.printf("%s has no key left: nobody gets in until 'pitboss key rotate' or 'key add'\n", c.Tenant)
		}
		return nil
	})
}

type keyListCmd struct {
	Tenant string `required:"" help:"The casino's slug."`
	JSON   bool   `help:"Print JSON."`
}

// Run implements the command.
func (c keyListCmd) Run(p *program) error {
	return p.withAdmin(func(admin *tenancy.Admin) error {
		list, err := admin.ListKeys(p.ctx, tenant.Slug(c.Tenant))
		if err != nil {
			return err
		}
		if c.JSON {
			return p.printJSON(append([]tenancy.KeyInfo{}, list...))
		}
		w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(w, "KID\tALG\tSTATE\tSINCE\tRETIRED\tURL")
		for _, k := range list {
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, k.Alg, k.State, day(k.CreatedAt), day(k.RetiredAt), k.URL)
		}
		return w.Flush()
	})
}
