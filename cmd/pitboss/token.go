package main

import (
	"fmt"
	"time"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/access"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

type tokenCmd struct {
	Mint   tokenMintCmd   `cmd:"" default:"withargs" help:"Print a JWT for a player or an operator."`
	Revoke tokenRevokeCmd `cmd:"" help:"Take a token back: nobody believes it any more, and its sockets are closed within a second."`
}

type tokenRevokeCmd struct {
	Tenant string      `required:"" help:"The casino's slug."`
	ID     string      `name:"id" required:"" help:"The token's jti."`
	Reason strict.Line `required:"" help:"Why; for the audit log."`
}

// Run implements the command.
func (c tokenRevokeCmd) Run(p *program) error {
	return p.withTenant(c.Tenant, func(s *store.Store, t *tenancy.Tenant) error {
		if err := s.Revocations.RevokeToken(p.ctx, t.ID, c.ID, access.Revoke{Reason: c.Reason, Actor: actor()}); err != nil {
			return err
		}
		p.printf("token %s is revoked\n", c.ID)
		return nil
	})
}

type tokenMintCmd struct {
	Tenant  string        `required:"" help:"The casino's slug."`
	Subject string        `required:"" help:"The player's or operator's id."`
	Role    auth.Role     `default:"player" enum:"player,operator,support,service" help:"player, operator, support or service."`
	Name    strict.Line   `help:"The name that others see, masked. Defaults to the subject."`
	TTL     time.Duration `name:"ttl" default:"1h" help:"How long the token is good."`
}

// Run implements the command.
func (c tokenMintCmd) Run(p *program) error {
	return p.withTenant(c.Tenant, func(s *store.Store, t *tenancy.Tenant) error {
		token, err := mint(s.Tenants, t, auth.Principal{Subject: c.Subject, Role: c.Role, Name: string(c.Name), ExpiresAt: time.Now().Add(c.TTL)})
		if err != nil {
			return err
		}
		if c.Role != auth.Player { // tokens that allow changes are audited
			err := s.Audit.Write(p.ctx, t.ID, rooms.Audit{Actor: actor(), Action: "token.mint", Target: string(c.Role) + ":" + c.Subject})
			if err != nil {
				return err
			}
		}
		p.printf("%s\n", token)
		return nil
	})
}

// mint signs a token with the tenant's own secret.
func mint(tenants *tenancy.Directory, t *tenancy.Tenant, who auth.Principal) (string, error) {
	who.Tenant, who.Slug = t.ID, t.Slug
	key, err := signingKey(tenants, t)
	if err != nil {
		return "", err
	}
	return auth.Mint(key, who)
}

// signingKey returns the tenant's own secret.
func signingKey(tenants *tenancy.Directory, t *tenancy.Tenant) (auth.Key, error) {
	for _, key := range tenants.Keys(t.ID) {
		if key.Alg == auth.HS256 {
			return key, nil
		}
	}
	return auth.Key{}, fmt.Errorf("%s has no secret of ours: its tokens come from the operator alone", t.Slug)
}
