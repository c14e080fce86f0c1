package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/cmd/pitboss/games"
	"github.com/pitboss-hub/pitboss/cmd/pitboss/load"
)

// errViolated means that a server broke a promise; run has printed which.
var errViolated = errors.New("the checks found violations")

type loadCmd struct {
	URL      string        `name:"url" required:"" help:"The casino, e.g. http://casino-x.localhost:8080." placeholder:"URL"`
	Games    string        `default:"roulette:20" help:"What to play: games and how many tables of each to open, with commas between. Known: ${load_games}." placeholder:"GAME:TABLES,…"`
	Players  int           `default:"200" help:"Players to seat, spread over the tables."`
	Rate     float64       `default:"500" help:"Bets a second, over all tables."`
	Duration time.Duration `default:"30s" help:"How long to bet."`
	Window   time.Duration `name:"bet-window" default:"15s" help:"How long betting stays open in a round, at most."`
	Keep     bool          `help:"Leave the tables open."`
	JSON     bool          `help:"Print the report as JSON on standard output."`
	Tenant   string        `help:"The casino's slug; with --secret only." placeholder:"SLUG"`
	Secret   string        `help:"The casino's HS256 signing secret in base64, where its database cannot be reached." env:"PITBOSS_TENANT_SECRET" placeholder:"BASE64"`
}

// Help implements kong's long help.
func (loadCmd) Help() string {
	return `Opens tables named load-<run>-<n>, of one game or several (--games roulette:50,…), funds players load-<run>-p<n>, seats them, bets, closes the tables, and then checks that every accepted bet was settled once at the right payout, that every outcome follows from the seed that was committed to, that no event was missed or told twice, and that all balances agree. All of it over the casino's own API.

Bets are due at even distances and go to the tables in turn that take bets then; latency counts from when a bet was due. Tables take bets for 3/4 of --bet-window to all of it, and the time between is short (0.6 s at roulette), so that nearly all are open at any time. A player gives no more bets a round than the game takes (95 at roulette, which takes 100), so the window is shortened to nine tenths of those at its share of --rate. A player may send 50 commands a second, a casino 20,000.

The seed of a round may be told only when its table closes. With --keep, rounds whose seed was not told are counted as not provable yet.

Tokens are signed with the casino's secret from the database, which is found as 'pitboss token' finds it, or with --tenant and --secret. Progress goes to standard error.

Ctrl-C stops betting, waits for the rounds at hand, checks and reports; a second Ctrl-C ends at once. Exits with 0 if all is well, 2 if a check found a violation, 1 if something else failed. docs/load.md says more.`
}

// Run implements the command.
func (c loadCmd) Run(p *program) error {
	plays, err := load.ParseGames(c.Games, games.Played())
	if err != nil {
		return err
	}
	at, err := load.ParseURL(c.URL)
	if err != nil {
		return err
	}
	token, err := c.signer(p, at.Host)
	if err != nil {
		return err
	}
	// The first Ctrl-C ends p.ctx, and with it the betting. The second one ends ctx.
	ctx, end := context.WithCancel(context.WithoutCancel(p.ctx))
	defer end()
	defer context.AfterFunc(p.ctx, func() {
		again := make(chan os.Signal, 1)
		signal.Notify(again, os.Interrupt, syscall.SIGTERM)
		defer signal.Stop(again)
		select {
		case <-again:
			end()
		case <-ctx.Done():
		}
	})()
	report, err := load.Run(ctx, p.ctx, load.Options{
		URL: at, Games: plays, Players: c.Players, Rate: c.Rate, Duration: c.Duration, Window: c.Window, Keep: c.Keep,
		Token: token, Progress: p.err,
	})
	switch {
	case report == nil:
		return err
	case c.JSON:
		err = errors.Join(err, p.printJSON(report))
	default:
		report.Print(p.out)
	}
	if report.Violated > 0 {
		err = errors.Join(errViolated, err)
	}
	return err
}

// signer returns the secret that signs the casino's tokens.
func (c loadCmd) signer(p *program, host string) (func(string, auth.Role) (string, error), error) {
	key, slug, err := c.key(p, host)
	if err != nil {
		return nil, err
	}
	expires := time.Now().Add(c.Duration + time.Hour)
	return func(subject string, role auth.Role) (string, error) {
		return auth.Mint(key, auth.Principal{Slug: slug, Subject: subject, Role: role, ExpiresAt: expires})
	}, nil
}

func (c loadCmd) key(p *program, host string) (auth.Key, tenant.Slug, error) {
	if (c.Secret == "") != (c.Tenant == "") {
		return auth.Key{}, "", errors.New("--tenant and --secret go together")
	}
	if c.Secret != "" {
		secret, err := base64.StdEncoding.DecodeString(c.Secret)
		if err != nil || len(secret) < 32 {
			return auth.Key{}, "", errors.New("--secret is the casino's signing secret, at least 32 bytes in base64")
		}
		return auth.Key{Alg: auth.HS256, Secret: secret}, tenant.Slug(c.Tenant), nil
	}
	s, err := p.openStore()
	if err != nil {
		return auth.Key{}, "", fmt.Errorf("no secret to sign tokens with: %w; or give --tenant and --secret", err)
	}
	defer s.Close()
	t, ok := s.Tenants.Lookup(host)
	if !ok {
		return auth.Key{}, "", fmt.Errorf("no casino of this database is at %q: 'pitboss tenant list' shows the casinos and their domains", host)
	}
	key, err := signingKey(s.Tenants, t)
	return key, t.Slug, err
}
