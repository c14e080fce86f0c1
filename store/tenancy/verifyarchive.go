package tenancy

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store/internal/db"
)

// ErrArchive means that an archive, restored, is not what the tenant's schema is; its text says where.
var ErrArchive = errors.New("store: the archive is not the tenant")

// errRestored ends the transaction in which an archive was restored, so that nothing of it stays.
var errRestored = errors.New("restored, and as it should be")

// selectTables lists the tables of a schema.
const selectTables = `select relname from pg_class where relnamespace = $1::regnamespace and relkind = 'r' order by relname`

// verifyArchive restores an archive into a schema of its own, in a transaction that is rolled back, and compares that with
// the tenant's: the shape of every table, and the number and a checksum of its rows. It returns the number of all rows, or
// ErrArchive.
func (a *Admin) verifyArchive(ctx context.Context, id tenant.ID, file io.Reader, to Archiver) (rows int64, err error) {
	scratch := tenant.New()
	err = a.inTx(ctx, func(tx pgx.Tx) error {
		if err := restoreDump(ctx, tx.Conn().PgConn(), file, id.Schema(), scratch.Schema(), to.told("restoring")); err != nil {
			return fmt.Errorf("%w: it cannot be restored: %w", ErrArchive, err)
		}
		a.at("restored")
		if rows, err = compareSchemas(ctx, tx, id.Schema(), scratch.Schema(), to.told("comparing")); err != nil {
			return err
		}
		return errRestored
	})
	if errors.Is(err, errRestored) {
		return rows, nil
	}
	return 0, cmp.Or(err, errors.New("store: an archive was restored, and stays"))
}

// restoreDump executes what pg_dump wrote of a schema, for another schema: rows go through COPY, and the schema's name,
// which is quoted everywhere else, is replaced.
//
//pitboss:sql what pg_dump wrote of a tenant's schema, as the owner
func restoreDump(ctx context.Context, conn *pgconn.PgConn, file io.Reader, from, to string, told func(done, of int64)) error {
	packed, err := gzip.NewReader(file)
	if err != nil {
		return err
	}
	in := bufio.NewReaderSize(packed, 1<<16)
	was, is := []byte(db.Quote(from)), []byte(db.Quote(to))
	var sql bytes.Buffer
	flush := func() error {
		defer sql.Reset()
		_, err := conn.Exec(ctx, sql.String()).ReadAll()
		return err
	}
	var rows int64
	for {
		line, err := in.ReadBytes('\n')
		text := string(bytes.TrimRight(line, "\n"))
		switch {
		case strings.HasPrefix(text, "COPY ") && strings.HasSuffix(text, "FROM stdin;"):
			if err := flush(); err != nil {
				return err
			}
			data := &copied{in: in, told: func(n int64) { told(rows+n, 0) }}
			if _, err := conn.CopyFrom(ctx, data, string(bytes.ReplaceAll(line, was, is))); err != nil {
				return err
			}
			rows += data.rows
		case strings.HasPrefix(text, `\`), strings.HasPrefix(text, "SET "), strings.HasPrefix(text, "SELECT pg_catalog.set_config("): // of psql, and of a session
		default:
			sql.Write(bytes.ReplaceAll(line, was, is))
		}
		if errors.Is(err, io.EOF) {
			return flush()
		}
		if err != nil {
			return err
		}
	}
}

// copied reads the rows of a COPY, up to the line that ends them.
type copied struct {
	in   *bufio.Reader
	left []byte
	rows int64
	done bool
	told func(rows int64)
}

// Read implements io.Reader.
func (c *copied) Read(b []byte) (int, error) {
	if len(c.left) == 0 && !c.done {
		line, err := c.in.ReadBytes('\n')
		if err != nil {
			return 0, fmt.Errorf("rows that do not end: %w", io.ErrUnexpectedEOF)
		}
		if c.done = string(line) == "\\.\n"; !c.done {
			c.left = line
			if c.rows++; c.rows%1000 == 0 {
				c.told(c.rows)
			}
		}
	}
	if c.done {
		return 0, io.EOF
	}
	n := copy(b, c.left)
	c.left = c.left[n:]
	return n, nil
}

// compareSchemas returns ErrArchive unless two schemas have the same tables with the same rows, and how many rows they have.
//
//pitboss:sql names are of the catalogue, quoted
func compareSchemas(ctx context.Context, tx pgx.Tx, a, b string, told func(done, of int64)) (rows int64, err error) {
	shape := map[string][]string{}
	var name, line string
	lines, _ := tx.Query(ctx, describeSchemas+`select name, line from lines where line not like 'grant %' order by name, line collate "C"`, []string{a, b})
	if _, err := pgx.ForEachRow(lines, []any{&name, &line}, func() error { shape[name] = append(shape[name], line); return nil }); err != nil {
		return 0, err
	}
	if diff := diffLines(shape[a], shape[b]); len(diff) > 0 {
		return 0, fmt.Errorf("%w: the tables differ: %s", ErrArchive, diff[0])
	}
	list, _ := tx.Query(ctx, selectTables, db.Quote(a)) // its error comes from CollectRows
	tables, err := pgx.CollectRows(list, pgx.RowTo[string])
	if err != nil {
		return 0, err
	}
	for i, table := range tables {
		var count [2]int64
		var sum [2]string
		for k, schema := range []string{a, b} {
			sql := `select count(*), coalesce(sum(hashtextextended(r::text, 0)::numeric), 0)::text from only ` + pgx.Identifier{schema, table}.Sanitize() + ` r`
			if err := tx.QueryRow(ctx, sql).Scan(&count[k], &sum[k]); err != nil {
				return 0, err
			}
		}
		if count[0] != count[1] || sum[0] != sum[1] {
			return 0, fmt.Errorf("%w: table %s has %d rows, the archive %d, or others", ErrArchive, table, count[0], count[1])
		}
		rows += count[0]
		told(int64(i+1), int64(len(tables)))
	}
	return rows, nil
}
