// Package migrations holds the steps that bring a database to this binary's version.
//
// What always holds: a step is never edited once it was released, and the steps of a series are
// numbered from 1 without a gap.
package migrations

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

//go:embed platform tenant
var files embed.FS

var stepName = regexp.MustCompile(`^(\d{4})_([a-z0-9_]+)\.sql$`)

// Step is one migration. Its version is its position in its series.
type Step struct {
	Version int
	Name    string
	SQL     string
}

// Series holds the steps of one sort of schema, and the rights that are granted after the last.
type Series struct {
	Steps  []Step
	Grants string // with :role and :schema
}

// Last returns the version of the newest step.
func (s Series) Last() int { return len(s.Steps) }

// GrantsFor returns the statements that grant a role its rights in a schema.
func (s Series) GrantsFor(schema, role string) string {
	return strings.NewReplacer(":role", pgx.Identifier{role}.Sanitize(), ":schema", pgx.Identifier{schema}.Sanitize()).Replace(s.Grants)
}

// Schemas holds every step that a binary knows.
type Schemas struct{ Platform, Tenant Series }

// Embedded holds the steps that were compiled into this binary.
var Embedded = Schemas{mustLoad("platform"), mustLoad("tenant")}

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
		out.Steps = append(out.Steps, Step{version, m[2], read(f.Name())})
	}
	return out
}

// ErrNewer means that the database was migrated by a newer binary.
var ErrNewer = errors.New("store: the database is of a newer version than this binary: run the newer pitboss")

// Check returns ErrNewer if the database has steps that are not known.
func (known Schemas) Check(platform, tenants int) error {
	if platform > known.Platform.Last() || tenants > known.Tenant.Last() {
		return fmt.Errorf("%w (database: platform %d, tenants %d; binary: %d, %d)", ErrNewer,
			platform, tenants, known.Platform.Last(), known.Tenant.Last())
	}
	return nil
}
