package store

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
)

//go:embed migrations
var migrationFiles embed.FS

var migrationName = regexp.MustCompile(`^(\d{4})_([a-z0-9_]+)\.sql$`)

// migration is one step; its version is its place in its series, from 1 without a gap.
type migration struct {
	version int
	name    string
	sql     string
}

// series is the steps of one sort of schema, and the rights that hold after the last.
type series struct {
	steps  []migration
	grants string // with :role and :schema
}

// last is the version of the newest step.
func (s series) last() int { return len(s.steps) }

// grantsFor are the rights for one schema and role.
func (s series) grantsFor(schema, role string) string {
	return strings.NewReplacer(":role", quote(role), ":schema", quote(schema)).Replace(s.grants)
}

// schemas is every step that a binary knows.
type schemas struct{ platform, tenant series }

// embedded is what this binary knows. A step is never edited once it was released.
var embedded = schemas{mustLoad("platform"), mustLoad("tenant")}

// mustLoad reads a folder that was compiled in: what is wrong with it is wrong with the
// program, and every test would show it.
func mustLoad(folder string) series {
	dir := path.Join("migrations", folder)
	read := func(name string) string {
		text, err := migrationFiles.ReadFile(path.Join(dir, name))
		if err != nil {
			panic(err)
		}
		return string(text)
	}
	files, err := fs.ReadDir(migrationFiles, dir)
	if err != nil {
		panic(err)
	}
	out := series{grants: read("grants.sql")}
	for _, f := range files { // sorted by name
		m := migrationName.FindStringSubmatch(f.Name())
		if m == nil {
			continue
		}
		version, err := strconv.Atoi(m[1])
		if err != nil || version != out.last()+1 {
			panic("store: migrations are numbered without a gap: " + f.Name())
		}
		out.steps = append(out.steps, migration{version, m[2], read(f.Name())})
	}
	return out
}

// compare returns ErrNewerSchema if the database has steps that known lacks.
func compare(platform, tenants int, known schemas) error {
	if platform > known.platform.last() || tenants > known.tenant.last() {
		return fmt.Errorf("%w (database: platform %d, tenants %d; binary: %d, %d)", ErrNewerSchema,
			platform, tenants, known.platform.last(), known.tenant.last())
	}
	return nil
}
