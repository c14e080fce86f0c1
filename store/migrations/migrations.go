// Package migrations holds the steps that bring a database to this binary's version.
//
// What always holds: a step is never edited once it was released, and the steps of a series are
// numbered from 1 without a gap.
//
// A step says in its first line what binaries may serve beside it ("-- phase: expand", see Phase). What a phase
// may contain is checked by package lint, whose rules every step has passed since there have been phases. A right
// that older binaries use leaves grants.sql in a release with a Contract step, and is taken away with that step.
package migrations

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

//go:generate go test ../tenancy -run TestTheSquashedTemplateMakesWhatTheStepsMake -squash

//go:embed platform tenant tenant.sql
var files embed.FS

var stepName = regexp.MustCompile(`^(\d{4})_([a-z0-9_]+)\.sql$`)

// Phase says which binaries may serve beside a step.
type Phase string

const (
	// Unphased steps were released before there were phases. Only a binary that knows them serves beside them.
	Unphased Phase = ""
	// Expand steps only add. Who does not know one may serve beside it.
	Expand Phase = "expand"
	// Backfill steps fill what an Expand step added. Each is one statement that changes a bounded number of rows,
	// and is repeated, each time in a transaction of its own, until it changes none. Who does not know one may
	// serve beside it.
	Backfill Phase = "backfill"
	// Contract steps take away what no binary that knows them uses. They are applied when no live node is older, and
	// no binary needs them.
	Contract Phase = "contract"
)

// Step is one migration. Its version is its position in its series.
type Step struct {
	Version int
	Name    string
	Phase   Phase
	SQL     string
}

// Series holds the steps of one sort of schema, and the rights that are granted after the last.
type Series struct {
	Steps  []Step
	Grants string // with :role and :schema

	squashed        string // makes what the steps up to squashedVersion make
	squashedVersion int
}

// Last returns the version of the newest step.
func (s Series) Last() int { return len(s.Steps) }

// Needs returns the oldest version that a binary with these steps can serve: that of the newest step which is not
// Contract.
func (s Series) Needs() int {
	for v := s.Last(); v > 0; v-- {
		if s.Steps[v-1].Phase != Contract {
			return v
		}
	}
	return 0
}

// Fresh returns the statements that make what an empty schema has in a version.
func (s Series) Fresh(version int) string {
	var out strings.Builder
	from := 0
	if s.squashedVersion > 0 && s.squashedVersion <= version {
		from = s.squashedVersion
		out.WriteString(s.squashed)
	}
	for _, m := range s.Steps[from:version] {
		out.WriteString(m.SQL + ";\n")
	}
	fmt.Fprintf(&out, "update _meta set version = %d", version)
	return out.String()
}

// Stepwise returns the series without what squashes its steps.
func (s Series) Stepwise() Series {
	s.squashed, s.squashedVersion = "", 0
	return s
}

// GrantsFor returns the statements that grant a role its rights in a schema of a version. Nothing is taken away
// while a Contract step waits: older binaries may use it.
func (s Series) GrantsFor(schema, role string, version int) string {
	grants := s.Grants
	if version < s.Last() {
		grants = revokeLine.ReplaceAllString(grants, "")
	}
	return strings.NewReplacer(":role", pgx.Identifier{role}.Sanitize(), ":schema", pgx.Identifier{schema}.Sanitize()).Replace(grants)
}

// RightsOf returns a digest of the rights that GrantsFor grants in a schema of a version.
func (s Series) RightsOf(version int) string {
	sum := sha256.Sum256([]byte(s.GrantsFor("", "", version)))
	return hex.EncodeToString(sum[:8])
}

var revokeLine = regexp.MustCompile(`(?m)^revoke .*;\n`)

// Schemas holds every step that a binary knows.
type Schemas struct{ Platform, Tenant Series }

// NotServed is the SQL condition that the database has steps beside which a binary cannot serve that knows
// the platform's steps up to $n and the tenants' up to $n+1.
func NotServed(n int) string {
	return fmt.Sprintf(`exists (select from platform.migration
  where (scope = 'platform' and version > $%d or scope = 'tenant' and version > $%d) and phase not in ('expand', 'backfill'))`, n, n+1)
}

// Embedded holds the steps that were compiled into this binary.
var Embedded = Schemas{mustLoad("platform"), mustSquash(mustLoad("tenant"))}

var versionLine = regexp.MustCompile(`(?m)^-- version: (\d+)$`)

// mustSquash adds tenant.sql, which a test of store/tenancy writes and compares with the steps. It panics as
// mustLoad does.
func mustSquash(s Series) Series {
	text, err := files.ReadFile("tenant.sql")
	if err != nil {
		panic(err)
	}
	if m := versionLine.FindSubmatch(text); m != nil {
		s.squashed = string(text)
		s.squashedVersion, err = strconv.Atoi(string(m[1]))
	}
	if err != nil || s.squashedVersion > s.Last() {
		panic("store: tenant.sql is of a version that there is no step for")
	}
	return s
}

// mustLoad reads an embedded folder. It panics if the folder is wrong, which is a bug of the
// program that every test would show.
func mustLoad(folder string) Series {
	read := func(name string) string {
		text, err := files.ReadFile(path.Join(folder, name))
		if err != nil {
			panic(err)
		}
		return string(text)
	}
	entries, err := fs.ReadDir(files, folder)
	if err != nil {
		panic(err)
	}
	out := Series{Grants: read("grants.sql")}
	for _, f := range entries { // sorted by name
		m := stepName.FindStringSubmatch(f.Name())
		if m == nil {
			continue
		}
		version, err := strconv.Atoi(m[1])
		if err != nil || version != out.Last()+1 {
			panic("store: migrations are numbered without a gap: " + f.Name())
		}
		sql := read(f.Name())
		out.Steps = append(out.Steps, Step{version, m[2], phaseOf(sql), sql})
	}
	return out
}

var phaseLine = regexp.MustCompile(`^-- phase: (expand|backfill|contract)\n`)

// phaseOf returns the phase that the first line of a step says.
func phaseOf(sql string) Phase {
	if m := phaseLine.FindStringSubmatch(sql); m != nil {
		return Phase(m[1])
	}
	return Unphased
}

// ErrNewer means that the database was migrated by a newer binary.
var ErrNewer = errors.New("store: the database is of a newer version than this binary: run the newer pitboss")

// Check returns ErrNewer if the database has steps that are not known: whoever changes its tables has to know them all.
func (known Schemas) Check(platform, tenants int) error {
	if platform > known.Platform.Last() || tenants > known.Tenant.Last() {
		return fmt.Errorf("%w (database: platform %d, tenants %d; binary: %d, %d)", ErrNewer,
			platform, tenants, known.Platform.Last(), known.Tenant.Last())
	}
	return nil
}

// Squashed returns the version that Fresh makes at once.
func (s Series) Squashed() int { return s.squashedVersion }
