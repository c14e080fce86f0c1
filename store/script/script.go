package script

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store/internal/db"
)

// cellBytes bounds what is kept of a value, in bytes.
const cellBytes = 4 << 10

// ErrLeft means that a script left the tenant's scope: nothing of it was written.
var ErrLeft = errors.New("script: it left the tenant's scope")

// ErrReadOnly means that a script writes, which Options do not allow.
var ErrReadOnly = errors.New("script: it writes, and its transaction is read-only")

// Options says how a script is run.
type Options struct {
	Write   bool          // else the transaction is read-only
	Timeout time.Duration // of each statement
	Rows    int           // of each statement that are kept

	// By is who runs it, Name what they call it, and Reason why: for the audit log of a tenant in which it may write.
	By, Name string
	Reason   strict.Line
	// Digest tells one text from another.
	Digest string
}

// Result holds what came of one statement.
type Result struct {
	Line    int         `json:"line"` // of the file
	Tag     string      `json:"tag"`  // as "UPDATE 3"
	Columns []string    `json:"columns"`
	Rows    [][]*string `json:"rows"` // as texts; nil: null
	More    int64       `json:"more"` // rows that were not kept
}

// auditLine holds what the audit log has of a script.
type auditLine struct {
	Digest     string   `json:"sha256"`
	Statements int      `json:"statements"`
	Tags       []string `json:"tags"`
}

// tagsMax bounds the tags that the audit log has of a script.
const tagsMax = 50

// Run executes the script in a tenant's scope. It returns store.ErrNoTenant, store.ErrInvalid, store.ErrPooled, ErrLeft,
// ErrReadOnly, or the error of a statement.
func (s Script) Run(ctx context.Context, d *db.DB, id tenant.ID, o Options) ([]Result, error) {
	if o.Write {
		if err := db.CheckReason(o.Reason); err != nil {
			return nil, err
		}
	}
	var out []Result
	err := d.Tenant(id).OwnTx(ctx, o.Write, func(ctx context.Context, tx pgx.Tx) (err error) {
		out, err = s.execute(ctx, tx, id, o)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

const (
	// setBounds also takes the transaction's snapshot, after which it cannot be made one that writes.
	setBounds = `select set_config('statement_timeout', $1, true), set_config('enable_seqscan', 'on', true), current_setting('search_path'), now()`
	// selectScope tells whether the scope is as it was, and the transaction the same: its time is when it began.
	selectScope = `select current_user = $1 and current_setting('search_path') = $2 and now() = $3`
)

// execute executes the statements in a transaction.
//
//pitboss:sql an operator's file, of single statements that Parse lets through, in the tenant's scope
func (s Script) execute(ctx context.Context, tx pgx.Tx, id tenant.ID, o Options) (out []Result, err error) {
	var path string
	var began time.Time
	var ignored any
	if err := tx.QueryRow(ctx, setBounds, fmt.Sprint(max(1, o.Timeout.Milliseconds()))).Scan(&ignored, &ignored, &path, &began); err != nil {
		return nil, err
	}
	for _, st := range s.statements {
		// As texts, by a message of its own: the server refuses it if it is more than one statement.
		rows, err := tx.Query(ctx, st.text, pgx.QueryExecModeExec)
		var r Result
		if err == nil {
			r, err = collect(rows, o.Rows)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", st.line, failed(ctx, err, o))
		}
		var in bool
		if err := tx.QueryRow(ctx, selectScope, id.Role(), path, began).Scan(&in); err != nil {
			return nil, fmt.Errorf("after line %d: %w", st.line, err)
		}
		if !in {
			return nil, fmt.Errorf("%w: after line %d the role, the search_path or the transaction is another", ErrLeft, st.line)
		}
		r.Line = st.line
		out = append(out, r)
	}
	if o.Write {
		err = db.WriteAudit(ctx, tx, s.audit(out, o))
	}
	return out, err
}

// failed returns the error of a statement. What the statement itself did does not say that the database is unavailable, as
// the same SQLSTATE of a statement of Pitboss's own would: it is a text.
func failed(ctx context.Context, err error, o Options) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.SeverityUnlocalized != "ERROR" || ctx.Err() != nil {
		return err
	}
	switch pg.Code {
	case db.StateReadOnly:
		if !o.Write {
			return fmt.Errorf("%w: %s", ErrReadOnly, pg.Error())
		}
	case db.StateCanceled, db.StateProtocol:
		return errors.New(pg.Error())
	}
	return err
}

// collect reads a statement's rows, and keeps some.
func collect(rows pgx.Rows, keep int) (r Result, err error) {
	defer rows.Close()
	r.Columns, r.Rows = []string{}, [][]*string{}
	for _, f := range rows.FieldDescriptions() {
		r.Columns = append(r.Columns, f.Name)
	}
	for rows.Next() {
		if len(r.Rows) >= keep {
			r.More++
			continue
		}
		row := make([]*string, len(r.Columns))
		for i, raw := range rows.RawValues() {
			if raw != nil {
				text := string(raw)
				if len(raw) > cellBytes {
					text = strings.ToValidUTF8(text[:cellBytes], "") + "…"
				}
				row[i] = &text
			}
		}
		r.Rows = append(r.Rows, row)
	}
	if err := rows.Err(); err != nil {
		return r, err
	}
	r.Tag = rows.CommandTag().String()
	return r, nil
}

func (s Script) audit(out []Result, o Options) rooms.Audit {
	line := auditLine{Digest: o.Digest, Statements: len(s.statements), Tags: []string{}}
	for _, r := range out[:min(len(out), tagsMax)] {
		line.Tags = append(line.Tags, r.Tag)
	}
	after, _ := json.Marshal(line) // of texts and numbers
	return rooms.Audit{Actor: o.By, Action: "tenant.exec", Target: o.Name, Reason: string(o.Reason), After: after}
}
