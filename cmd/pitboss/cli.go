package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"regexp"

	"github.com/alecthomas/kong"

	"github.com/pitboss-hub/pitboss/cmd/pitboss/games"
	"github.com/pitboss-hub/pitboss/cmd/pitboss/load"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

// errShown is an error that has already been printed.
var errShown = errors.New("shown")

// errInterrupted means that a command was told to end before it was done.
var errInterrupted = errors.New("interrupted")

// streams holds the writers of a command's output.
type streams struct {
	out, err io.Writer
}

// seams lets a test replace parts of a running node. The program itself
// leaves them empty.
type seams struct {
	journal   func(rooms.Journal) rooms.Journal
	publisher func(rooms.Publisher) rooms.Publisher
}

// cli holds every command and flag. Each flag can also be given by the environment,
// under the name that --help shows.
type cli struct {
	globals `embed:""`

	Dev          devCmd          `cmd:"" help:"Run everything on this machine: a private PostgreSQL, two demo casinos, links to click."`
	Cluster      clusterCmd      `cmd:"" help:"As dev, with several nodes, Redis between them, and a proxy before them."`
	Serve        serveCmd        `cmd:"" help:"Run a node."`
	Platform     platformCmd     `cmd:"" help:"Run the platform's process, which makes and changes casinos for the platform's API."`
	Migrate      migrateCmd      `cmd:"" help:"Bring the platform's and every casino's tables up to date; see how far that is, or compare them."`
	Tenant       tenantCmd       `cmd:"" help:"Create, list, show, set, brand, suspend, resume, maintain, rename, archive, purge and fund casinos."`
	Domain       domainCmd       `cmd:"" help:"Add, remove, verify and list a casino's domains, and choose the primary one."`
	Plan         planCmd         `cmd:"" help:"Say what casinos may use: players, tables, commands, connections, storage, games."`
	Jurisdiction jurisdictionCmd `cmd:"" help:"Say which games may be dealt somewhere, and by which rules."`
	Doctor       doctorCmd       `cmd:"" help:"Examine a deployment: the walls between casinos, drift, orphans, clocks, books. Exits with 1 if a check fails."`
	Room         roomCmd         `cmd:"" help:"Open, list and close tables."`
	Node         nodeCmd         `cmd:"" help:"List the nodes that share this database."`
	Key          keyCmd          `cmd:"" help:"Add, rotate, retire and list the keys that verify a casino's tokens; and its API keys."`
	Cache        cacheCmd        `cmd:"" help:"Forget what is cached of a casino."`
	Webhook      webhookCmd      `cmd:"" help:"Tell a casino's servers what happens, and see what they were told."`
	Export       exportCmd       `cmd:"" help:"Write a casino's players, postings, audit log, or a player's rounds or transactions, or the platform's audit log, as CSV or JSON lines."`
	Token        tokenCmd        `cmd:"" help:"Print a JWT for a player or an operator, for scripts; or take one back."`
	Load         loadCmd         `cmd:"" help:"Bet at a casino like thousands of players, measure, and check every promise."`
	Health       healthCmd       `cmd:"" help:"Ask a running node whether it is ready; for health checks."`
	Version      versionCmd      `cmd:"" help:"Print the version."`
}

// defaultDir names the folder in which "pitboss dev" keeps its database, if --dir does not.
const defaultDir = ".pitboss"

// globals holds the flags that every command has.
type globals struct {
	Dir       string `help:"Where 'pitboss dev' keeps its database; other commands find that database through it." default:"${dir}" env:"PITBOSS_DIR" type:"path"`
	Database  string `name:"database-url" help:"The app's login: no rights but through a tenant's role." env:"PITBOSS_DATABASE_URL" placeholder:"URL"`
	Control   string `name:"control-database-url" help:"The app's login past a pooler, for leases, the directory of casinos, revocations and tickets; --database-url if not given." env:"PITBOSS_CONTROL_DATABASE_URL" placeholder:"URL"`
	Admin     string `name:"admin-database-url" help:"The owner's login, for migrations and tenants." env:"PITBOSS_ADMIN_DATABASE_URL" placeholder:"URL"`
	MasterKey string `help:"32 bytes in base64, under which secrets are sealed in the database." env:"PITBOSS_MASTER_KEY" placeholder:"KEY"`
	LogFormat string `help:"text or json." enum:"text,json" default:"text" env:"PITBOSS_LOG_FORMAT"`
	LogLevel  string `help:"debug, info, warn or error." enum:"debug,info,warn,error" default:"info" env:"PITBOSS_LOG_LEVEL"`
}

// program holds what a command runs with.
type program struct {
	ctx context.Context
	streams
	seams
	*globals
	log         *slog.Logger
	application string // the application_name of connections to PostgreSQL
	printed     bool   // set when a document of JSON is printed
	// verifiedDomainsOnly leaves domains that are not verified out of the directory.
	verifiedDomainsOnly bool
}

// run runs the program. It returns when the command is done or ctx has ended, and all
// that it started has ended too.
func run(ctx context.Context, args []string, std streams, test seams) error {
	var c cli
	parser, err := kong.New(&c, kong.Name("pitboss"),
		kong.Description("A multi-tenant real-time game hub for casinos."),
		helpVars(),
		kong.ShortUsageOnError(), kong.WithHyphenPrefixedParameters(true), kong.Writers(std.out, std.err), kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Exit(func(code int) { panic(exit(code)) }))
	if err != nil {
		return err
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	return catchExit(func() error {
		parsed, err := parser.Parse(args)
		if err != nil {
			parser.Stdout = std.err // the output may go to another program
			return usageError(parser, err)
		}
		p := &program{ctx: ctx, streams: std, seams: test, globals: &c.globals, log: newLogger(std.err, c.LogFormat, c.LogLevel)}
		if l, ok := std.err.(*patientLog); ok {
			l.reportsDrops(p.log)
		}
		err = parsed.Run(p)
		if err != nil && wantsJSON(parsed) && !p.printed {
			err = errors.Join(err, p.printJSON(map[string]string{"error": errorText(err)}))
		}
		if err != nil && !errors.Is(err, errShown) && c.LogFormat == "json" {
			p.log.Error("pitboss ends", "error", errorText(err))
			err = errors.Join(errShown, err)
		}
		return err
	})
}

// usageError tells why a command line is none, and returns what it ends with: "pitboss doctor" says by its exit code that it
// did not examine anything.
func usageError(parser *kong.Kong, err error) error {
	shown := catchExit(func() error {
		parser.FatalIfErrorf(err)
		return errShown
	})
	var of *kong.ParseError
	if errors.As(err, &of) && of.Context != nil {
		if n := of.Context.Selected(); n != nil && n.Name == "doctor" {
			return errors.Join(shown, errNotExamined)
		}
	}
	return shown
}

// wantsJSON reports whether a command was given --json.
func wantsJSON(parsed *kong.Context) bool {
	for _, f := range parsed.Flags() {
		if f.Name == "json" {
			yes, _ := parsed.FlagValue(f).(bool)
			return yes
		}
	}
	return false
}

// prefixes matches what errors of this program's packages begin with, which tells people nothing.
var prefixes = regexp.MustCompile(`(?m)(^|: )(?:(?:auth|cache|hub|localpg|localredis|redisbus|rooms|script|store|tenant|webhooks): )+`)

// errorText returns an error's text for people.
func errorText(err error) string { return prefixes.ReplaceAllString(err.Error(), "$1") }

// helpVars returns the values that help texts name.
func helpVars() kong.Vars {
	return kong.Vars{
		"load_games": load.Names(games.Played()), "dir": defaultDir,
		"max_relations": fmt.Sprint(tenancy.DefaultBudget.Relations), "max_roles": fmt.Sprint(tenancy.DefaultBudget.Roles),
	}
}

// exit is the panic value for kong's request to exit, which only main may do.
type exit int

func catchExit(f func() error) (err error) {
	defer func() {
		switch x := recover().(type) {
		case nil:
		case exit:
			if x != 0 {
				err = errShown
			}
		default:
			panic(x)
		}
	}()
	return f()
}

func newLogger(w io.Writer, format, level string) *slog.Logger {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		l = slog.LevelInfo
	}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: l}))
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: l}))
}

// printJSON writes v for programs to read.
func (p *program) printJSON(v any) error {
	p.printed = true
	enc := json.NewEncoder(p.out)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// printf writes for people to read.
func (p *program) printf(format string, args ...any) {
	_, _ = fmt.Fprintf(p.out, format, args...)
}

type versionCmd struct{}

// version is set by the linker for releases.
var version = "0.1.0-dev"

// Run implements the command.
func (versionCmd) Run(p *program) error {
	p.printf("pitboss %s\n", version)
	return nil
}

// actor returns the name under which the audit log records this command.
func actor() string {
	if name := strict.CleanLine(os.Getenv("USER"), 64); strict.Trim(&name, 1, 64) {
		return "cli:" + string(name)
	}
	return "cli"
}
