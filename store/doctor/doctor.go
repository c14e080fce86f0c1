package doctor

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store/internal/db"
)

const (
	// evidenceMax bounds the lines of evidence of a result.
	evidenceMax = 20
	// statementTimeout bounds each statement of the owner's.
	statementTimeout = 30 * time.Second
	// appConns bounds the connections that the application's login uses.
	appConns = 8
	// sampleMax bounds the tenants that are tried, of those that can be.
	sampleMax = 8
)

// ErrNoTenant means that a tenant that was named is not there.
var ErrNoTenant = db.ErrNoTenant

// Status says what became of a check.
type Status string

// The statuses.
const (
	Pass    Status = "pass"
	Warn    Status = "warn" // nobody is harmed yet
	Fail    Status = "fail"
	Skipped Status = "skipped" // there is nothing to check, or no means to
)

// Result holds what a check found.
type Result struct {
	Check    string   `json:"check"`
	What     string   `json:"what"` // what holds if it passes
	Status   Status   `json:"status"`
	Evidence []string `json:"evidence"`
	TookMS   int64    `json:"took_ms"`
}

// Options says what is examined.
type Options struct {
	OwnerURL   string // of the owner's login
	URL        string // of the application's login, as nodes use it: through a pooler, if they do
	ControlURL string // of the control lane; defaults to URL
	// Tenants are the slugs of those whose books are added up and whose scopes are tried. None: all of them, and a sample.
	Tenants []string
	// Settings are those that the application's login has in this database, as name=value.
	Settings []string
	// Relations and Roles are how many tables, indexes and sequences the database may have, and roles the server.
	Relations, Roles int64

	// Drift returns what differs in schemas from what a new tenant gets, a line for each, and how many were compared.
	Drift func(ctx context.Context) (lines []string, compared int, err error)
	// Broken returns a line for each tenant that cannot be served because of what is stored of it.
	Broken func(ctx context.Context) ([]string, error)
	// Balance adds up a tenant's books. It returns what does not add up, and "" if all does.
	Balance func(ctx context.Context, id tenant.ID) (wrong string, err error)
	// Redis looks at the Redis of the nodes; nil: they have none.
	Redis func(ctx context.Context) (Seen, error)
	// Realm is the part of the names in Redis that is this database's.
	Realm string

	// Now is the clock of this machine. It defaults to time.Now.
	Now func() time.Time
	// Progress is told how many of how many tenants' books were added up. It may be nil.
	Progress func(done, of int)
}

// Seen holds what a Redis has.
type Seen struct {
	Now            time.Time // its clock
	Keys, Channels []string  // those of this database, or some of them
	More           bool      // there are more than these
}

// Doctor examines one deployment.
type Doctor struct {
	o       Options
	owner   *pgxpool.Pool
	app     *pgxpool.Pool
	control *pgxpool.Pool
	login   string // the application's
	list    []patient
	sample  []patient         // with a schema that the application may use
	slugs   map[string]string // of all tenants, by the names of their schemas
}

// patient is a tenant.
type patient struct {
	id     tenant.ID
	slug   string
	usable bool // its status says that the application may use its schema
}

// Open connects with both logins, and chooses which tenants are tried. It returns ErrNoTenant.
func Open(ctx context.Context, o Options) (*Doctor, error) {
	if o.ControlURL == "" {
		o.ControlURL = o.URL
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Progress == nil {
		o.Progress = func(int, int) {}
	}
	d := &Doctor{o: o}
	err := d.connect(ctx)
	if err == nil {
		err = d.choose(ctx)
	}
	if err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

func (d *Doctor) connect(ctx context.Context) (err error) {
	for _, c := range []struct {
		pool  **pgxpool.Pool
		url   string
		conns int32
	}{{&d.owner, d.o.OwnerURL, 2}, {&d.app, d.o.URL, appConns}, {&d.control, d.o.ControlURL, 1}} {
		config, err := pgxpool.ParseConfig(c.url)
		if err != nil {
			return fmt.Errorf("doctor: database URL: %w", err)
		}
		if *c.pool, err = db.OpenPool(ctx, c.url, "pitboss doctor", config.ConnConfig.DefaultQueryExecMode, c.conns); err != nil {
			return err
		}
	}
	return nil
}

// Close closes all connections.
func (d *Doctor) Close() {
	for _, p := range []*pgxpool.Pool{d.owner, d.app, d.control} {
		if p != nil {
			p.Close()
		}
	}
}

// choose reads which tenants there are.
func (d *Doctor) choose(ctx context.Context) error {
	return d.ask(ctx, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, `select app_role from platform.instance`).Scan(&d.login); err != nil {
			return err
		}
		d.slugs = map[string]string{}
		var id string
		var p patient
		all, _ := tx.Query(ctx, `select id, slug from platform.tenant where slug <> id`)
		if _, err := pgx.ForEachRow(all, []any{&id, &p.slug}, func() error { d.slugs[id] = p.slug; return nil }); err != nil {
			return err
		}
		rows, _ := tx.Query(ctx, `select id, slug, `+usable+` from platform.tenant t where status <> 'purged' and slug <> id order by random()`)
		found := map[string]bool{}
		_, err := pgx.ForEachRow(rows, []any{&id, &p.slug, &p.usable}, func() error {
			if parsed, err := tenant.Parse(id); err == nil { // else the check "names" fails
				p.id = parsed
				d.list = append(d.list, p)
				found[p.slug] = true
			}
			return nil
		})
		if err != nil {
			return err
		}
		named := map[string]bool{}
		for _, slug := range d.o.Tenants {
			if named[slug] = true; !found[slug] {
				return fmt.Errorf("%w: %s", ErrNoTenant, slug)
			}
		}
		list := d.list
		d.list = nil
		for _, p := range list {
			if len(named) > 0 && !named[p.slug] {
				continue
			}
			d.list = append(d.list, p)
			if p.usable && (len(d.sample) < sampleMax || len(named) > 0) {
				d.sample = append(d.sample, p)
			}
		}
		return nil
	})
}

// ask runs fn in a read-only transaction of the owner's.
func (d *Doctor) ask(ctx context.Context, fn func(tx pgx.Tx) error) error {
	return pgx.BeginTxFunc(ctx, d.owner, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `select set_config('statement_timeout', $1, true), set_config('search_path', 'pg_catalog, pg_temp', true), set_config('jit', 'off', true)`, fmt.Sprint(statementTimeout.Milliseconds()))
		if err == nil {
			err = fn(tx)
		}
		return err
	})
}

// Run makes all checks, one after the other, and tells the result of each. It returns ctx's error if that ended before
// they were over.
func (d *Doctor) Run(ctx context.Context, tell func(Result)) error {
	for _, c := range checks {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		began := time.Now()
		f, err := c.run(ctx, d)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			f.status = Fail
			f.say("it could not be checked: %v", err)
		}
		if f.status == "" {
			f.status = Pass
		}
		for i, line := range f.evidence[:min(len(f.evidence), evidenceMax)] {
			f.evidence[i] = d.named(line)
		}
		if n := len(f.evidence); n > evidenceMax {
			f.evidence = append(f.evidence[:evidenceMax:evidenceMax], fmt.Sprintf("and %d more", n-evidenceMax))
		}
		tell(Result{c.name, c.what, f.status, append([]string{}, f.evidence...), time.Since(began).Milliseconds()})
	}
	return nil
}

// schemaName matches what may be the name of a tenant's schema in a line of evidence.
var schemaName = regexp.MustCompile(`\bt_[a-z0-9_]+\b`)

// named returns a line of evidence with whose each schema is that it names, unless it names the tenant too.
func (d *Doctor) named(line string) string {
	words := strings.FieldsFunc(line, func(r rune) bool { return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') })
	told := map[string]bool{}
	for _, id := range schemaName.FindAllString(line, -1) {
		slug, ok := d.slugs[id]
		if !ok || told[id] || slices.Contains(words, slug) {
			continue
		}
		told[id] = true
		line += fmt.Sprintf(" (%s is %s)", id, slug)
	}
	return line
}

// finding holds what a check found; the zero one passes.
type finding struct {
	status   Status
	evidence []string
}

// say adds a line of evidence.
func (f *finding) say(format string, args ...any) {
	f.evidence = append(f.evidence, fmt.Sprintf(format, args...))
}

// fail adds what is wrong.
func (f *finding) fail(format string, args ...any) {
	f.status = Fail
	f.say(format, args...)
}

// warn adds what is not right.
func (f *finding) warn(format string, args ...any) {
	if f.status != Fail {
		f.status = Warn
	}
	f.say(format, args...)
}

// skip returns a finding that says why nothing was checked.
func skip(why string) finding { return finding{Skipped, []string{why}} }

// lines returns a check that fails with what a statement of the owner's returns, which is text: nothing, if all is well.
func lines(sql string, as Status) func(context.Context, *Doctor) (finding, error) {
	return func(ctx context.Context, d *Doctor) (f finding, err error) {
		err = d.ask(ctx, func(tx pgx.Tx) error {
			rows, _ := tx.Query(ctx, sql) // its error comes from CollectRows
			f.evidence, err = pgx.CollectRows(rows, pgx.RowTo[string])
			return err
		})
		if len(f.evidence) > 0 {
			f.status = as
		}
		return f, err
	}
}

// errUndo undoes a transaction that has served its purpose.
var errUndo = errors.New("undone")
