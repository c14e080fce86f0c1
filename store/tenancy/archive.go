package tenancy

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/store/internal/db"
)

const (
	// restWithin bounds how long Archive waits for a tenant's rounds to end.
	restWithin = 3 * time.Minute
	restPoll   = 100 * time.Millisecond
)

// ErrRoundsOpen means that rounds of a tenant did not end in time; its text says at which tables.
var ErrRoundsOpen = errors.New("store: rounds are under way")

// Archiver says how a tenant's schema becomes a file.
type Archiver struct {
	// Dir is the folder that archives are put in.
	Dir string
	// Dump writes a schema of the owner's database as SQL, without owners and rights, its identifiers quoted, as
	// pg_dump does.
	Dump func(ctx context.Context, schema string, out io.Writer) error
	// Check, if it is not nil, returns an error if Dump cannot read a server of a version, as 17, as far as can be told before.
	Check func(ctx context.Context, server int) error
	// Progress, if it is not nil, is told what is done, and how many of how many rows of it.
	Progress func(what string, done, of int64)
}

// ArchiveFile is a tenant's archive.
type ArchiveFile struct {
	File          string    `json:"file"`
	Bytes         int64     `json:"bytes"`
	SHA256        string    `json:"sha256"` // in hexadecimal digits, as sha256sum prints it
	SchemaVersion int       `json:"schema_version"`
	Rows          int64     `json:"rows"`
	VerifiedAt    time.Time `json:"verified_at"`
}

const (
	// selectOwned lists the tables of a tenant that are not at rest: a node runs them, or did when it died, maybe in the
	// middle of a round, which another has to end.
	selectOwned = `select room from platform.room where tenant = $1 and state <> 'closed' and node <> '' and room <> 'lobby' order by room limit 10`

	closeIndex = `
update platform.room set state = 'closed', node = '', change = pg_current_xact_id()::text::bigint where tenant = $1 and state <> 'closed'`

	// reopenIndex has the index say of each room what the tenant's own row says. %s is the tenant's schema.
	reopenIndex = `
update platform.room p set state = r.status, node = '', change = pg_current_xact_id()::text::bigint
from %s.room r where p.tenant = $1 and r.id = p.room and r.status <> 'closed'`

	insertArchive = `
insert into platform.archive (tenant, file, bytes, sha256, schema_version, rows) values ($1, $2, $3, decode($4, 'hex'), $5, $6)
on conflict (tenant) do update set file = $2, bytes = $3, sha256 = decode($4, 'hex'), schema_version = $5, rows = $6, verified_at = clock_timestamp()
returning verified_at`

	selectArchive = `select file, bytes, encode(sha256, 'hex'), schema_version, rows, verified_at from platform.archive where tenant = $1`
)

// Archive ends a tenant: it looks whether it could write the archive, suspends the tenant, waits until its rounds have ended,
// takes the application's right to its schema away, and writes the schema to a file, which it restores and compares before it
// says so. What an interrupted Archive left is done by the next one. Resume brings the tenant back. It returns
// store.ErrNoTenant, store.ErrInvalid, ErrStatus, ErrOlderNode or ErrRoundsOpen.
func (a *Admin) Archive(ctx context.Context, slug tenant.Slug, reason strict.Line, to Archiver) (ArchiveFile, error) {
	if err := db.CheckReason(reason); err != nil {
		return ArchiveFile{}, err
	}
	id, status, err := a.statusOf(ctx, slug)
	if err != nil {
		return ArchiveFile{}, err
	}
	err = to.check(ctx, a.server/10000)
	if err == nil && status != Archived {
		err = a.inTx(ctx, func(tx pgx.Tx) error { return checkNodes(ctx, tx) })
	}
	if err != nil {
		return ArchiveFile{}, fmt.Errorf("store: archive %s: %w", slug, err)
	}
	if status != Suspended && status != Archived {
		if err := a.Suspend(ctx, slug, reason); err != nil {
			return ArchiveFile{}, err
		}
	}
	a.at("suspended")
	if status != Archived {
		if err := a.awaitRest(ctx, id, to.told("waiting for rounds to end")); err != nil {
			return ArchiveFile{}, err
		}
		if err := a.shut(ctx, slug, reason); err != nil {
			return ArchiveFile{}, err
		}
	}
	a.at("shut")
	f, err := a.writeArchive(ctx, id, slug, to)
	if err != nil {
		return f, fmt.Errorf("store: archive %s: %w", slug, err)
	}
	a.at("filed")
	err = a.changeTenant(ctx, slug, "tenant.archived", "", reason, func(tx pgx.Tx, id tenant.ID) (before, after any, err error) {
		_, now, err := readStatus(ctx, tx, id)
		if err == nil && now != Archived {
			err = fmt.Errorf("%w: it is %s meanwhile", ErrStatus, now)
		}
		if err != nil {
			return nil, nil, err
		}
		err = tx.QueryRow(ctx, insertArchive, id.String(), f.File, f.Bytes, f.SHA256, f.SchemaVersion, f.Rows).Scan(&f.VerifiedAt)
		return nil, f, err
	})
	return f, err
}

// check returns an error if no archive can be written, as far as can be told before.
func (o Archiver) check(ctx context.Context, server int) error {
	if o.Check != nil {
		if err := o.Check(ctx, server); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return fmt.Errorf("the folder for archives: %w", err)
	}
	f, err := os.CreateTemp(o.Dir, ".writable-*")
	if err != nil {
		return fmt.Errorf("the folder for archives: %w", err)
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// told returns a function that reports the progress of something; it does nothing if nobody asked for it.
func (o Archiver) told(what string) func(done, of int64) {
	if o.Progress == nil {
		return func(int64, int64) {}
	}
	return func(done, of int64) { o.Progress(what, done, of) }
}

// statusOf returns a tenant's ID and status, or store.ErrNoTenant.
func (a *Admin) statusOf(ctx context.Context, slug tenant.Slug) (id tenant.ID, now Status, err error) {
	err = a.inTx(ctx, func(tx pgx.Tx) error {
		if id, err = scanID(tx.QueryRow(ctx, `select id from platform.tenant where slug = $1 and slug <> id`, string(slug))); err != nil {
			return err
		}
		_, now, err = readStatus(ctx, tx, id)
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		err = fmt.Errorf("%w: %s", db.ErrNoTenant, slug)
	}
	return id, now, err
}

// owned returns tables of a tenant that are not at rest, some of them if there are many.
func owned(ctx context.Context, q interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}, id tenant.ID,
) ([]string, error) {
	rows, _ := q.Query(ctx, selectOwned, id.String()) // its error comes from CollectRows
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// awaitRest waits until all tables of a tenant, which is not served any more, are at rest.
func (a *Admin) awaitRest(ctx context.Context, id tenant.ID, told func(done, of int64)) error {
	late := time.After(restWithin)
	tick := time.NewTicker(restPoll)
	defer tick.Stop()
	for {
		rooms, err := owned(ctx, a.pool, id)
		if err != nil {
			return err
		}
		if len(rooms) == 0 {
			return nil
		}
		told(0, int64(len(rooms)))
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w at %s: %w", ErrRoundsOpen, strings.Join(rooms, ", "), ctx.Err())
		case <-late:
			return fmt.Errorf("%w at %s: a node has to run for them to end; void them, or try again later", ErrRoundsOpen, strings.Join(rooms, ", "))
		case <-tick.C:
		}
	}
}

// shut takes the application's right to a suspended tenant's schema away, and the role's: from then on no node can write in
// it, whatever it believes. It waits for those that are writing. A transaction that had entered the role before, and
// wrote nothing yet, is refused when it does.
//
//pitboss:sql DDL; names are a tenant.ID and the login, or of the catalogue, quoted
func (a *Admin) shut(ctx context.Context, slug tenant.Slug, reason strict.Line) error {
	return a.changeTenant(ctx, slug, "tenant."+string(Archive), "", reason, func(tx pgx.Tx, id tenant.ID) (before, after any, err error) {
		was, now, err := readStatus(ctx, tx, id)
		if err == nil {
			err = now.may(Archive)
		}
		if err != nil {
			return nil, nil, err
		}
		rooms, err := owned(ctx, tx, id)
		if err == nil && len(rooms) > 0 {
			err = fmt.Errorf("%w at %s", ErrRoundsOpen, strings.Join(rooms, ", "))
		}
		if err != nil {
			return nil, nil, err
		}
		in, err := a.ready(ctx, tx)
		if err != nil {
			return nil, nil, err
		}
		list, _ := tx.Query(ctx, selectTables, db.Quote(id.Schema())) // its error comes from CollectRows
		tables, err := pgx.CollectRows(list, func(row pgx.CollectableRow) (string, error) {
			name, err := pgx.RowTo[string](row)
			return pgx.Identifier{id.Schema(), name}.Sanitize(), err
		})
		if err != nil {
			return nil, nil, err
		}
		role := db.Quote(id.Role())
		rights := fmt.Sprintf("revoke %[1]s from %[2]s; revoke all on all tables in schema %[3]s from %[1]s; lock table %[4]s in share row exclusive mode; update platform.tenant set rights = '' where id = '%[5]s'",
			role, db.Quote(in.appRole), db.Quote(id.Schema()), strings.Join(tables, ", "), id)
		if _, err := tx.Exec(ctx, rights); err != nil {
			return nil, nil, err
		}
		if _, err := tx.Exec(ctx, closeIndex, id.String()); err != nil {
			return nil, nil, err
		}
		is := statusLine{Archived, string(reason), nil}
		_, err = tx.Exec(ctx, updateStatus, id.String(), string(Archived), is.Reason, nil)
		return was, is, err
	})
}

// unarchive gives the application its right to an archived tenant's schema back. If the schema is older than it
// could be, the tenant is out of order until it is migrated.
//
//pitboss:sql the schema is a tenant.ID, quoted
func (a *Admin) unarchive(ctx context.Context, tx pgx.Tx, id tenant.ID) error {
	in, err := a.ready(ctx, tx)
	if err != nil {
		return err
	}
	if err := a.ensureRole(ctx, tx, id, in.appRole); err != nil {
		return err
	}
	var version int
	if err := tx.QueryRow(ctx, `select schema_version from platform.tenant where id = $1`, id.String()).Scan(&version); err != nil {
		return err
	}
	if version == a.known.Tenant.Last() { // else it lacks tables, and pitboss migrate grants the rights when they are made
		if _, err := tx.Exec(ctx, a.known.Tenant.GrantsFor(id.Schema(), id.Role(), version)); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, fmt.Sprintf(reopenIndex, db.Quote(id.Schema())), id.String()); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `delete from platform.archive where tenant = $1`, id.String()) // it is not the whole tenant any more
	return err
}

// writeArchive writes a tenant's schema to a file in the Archiver's folder, restores it, compares, and gives the file its
// name only then.
func (a *Admin) writeArchive(ctx context.Context, id tenant.ID, slug tenant.Slug, to Archiver) (f ArchiveFile, err error) {
	if err := a.pool.QueryRow(ctx, `select schema_version from platform.tenant where id = $1`, id.String()).Scan(&f.SchemaVersion); err != nil {
		return f, err
	}
	old, _ := filepath.Glob(filepath.Join(to.Dir, "."+string(slug)+"-*.part")) // the pattern is well-formed
	for _, name := range old {
		if err := os.Remove(name); err != nil { // what an interrupted Archive left
			return f, err
		}
	}
	out, err := os.CreateTemp(to.Dir, "."+string(slug)+"-*.part") // readable by this user alone
	if err != nil {
		return f, err
	}
	defer func() { _ = os.Remove(out.Name()); _ = out.Close() }() // it has another name if all went well
	told := to.told("writing")
	sum := &counted{w: out, sum: sha256.New(), told: func(n int64) { told(n, 0) }}
	packed := gzip.NewWriter(sum)
	if err := to.Dump(ctx, id.Schema(), packed); err != nil {
		return f, err
	}
	if err := errors.Join(packed.Close(), out.Sync()); err != nil {
		return f, err
	}
	a.at("dumped")
	f.Bytes, f.SHA256 = sum.n, fmt.Sprintf("%x", sum.sum.Sum(nil))
	if _, err := out.Seek(0, io.SeekStart); err != nil {
		return f, err
	}
	if f.Rows, err = a.verifyArchive(ctx, id, out, to); err != nil {
		return f, err
	}
	a.at("verified")
	f.File = filepath.Join(to.Dir, fmt.Sprintf("%s-%s-%s.sql.gz", slug, id, time.Now().UTC().Format("20060102T150405Z")))
	if err := os.Rename(out.Name(), f.File); err != nil {
		return f, err
	}
	return f, syncDir(to.Dir)
}

// syncDir has a folder's names be on the disk.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// counted counts, and sums, what is written through it.
type counted struct {
	w    io.Writer
	sum  hash.Hash
	n    int64
	told func(int64)
}

// Write implements io.Writer.
func (c *counted) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	_, _ = c.sum.Write(b[:n]) // a hash takes everything
	c.n += int64(n)
	c.told(c.n)
	return n, err
}
