package tenancy

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/store/internal/db"
)

const (
	// PurgeAfter is how long a tenant stays archived before it can be purged.
	PurgeAfter = 30 * 24 * time.Hour
	// dropAtOnce is how many tables one transaction drops: each takes locks on it and on all that hangs on it, of which a
	// server has some thousands (max_locks_per_transaction).
	dropAtOnce = 8
)

// ErrConfirm means that who wants to purge a tenant did not type its slug.
var ErrConfirm = errors.New("store: the slug that was typed is not the tenant's")

// ErrPurgeEarly means that a tenant cannot be purged yet; its text says from when on, or what is missing.
var ErrPurgeEarly = errors.New("store: the tenant cannot be purged yet")

// forgetTenant deletes what the platform keeps of a tenant. Its row and its slugs stay, so that nobody gets them again.
const forgetTenant = `
with d as (delete from platform.domain where tenant = $1),
     k as (delete from platform.tenant_key where tenant = $1),
     b as (delete from platform.brand where tenant = $1),
     r as (delete from platform.room where tenant = $1),
     v as (delete from platform.revocation where tenant = $1),
     s as (delete from platform.storage where tenant = $1),
     w as (delete from platform.webhook where tenant = $1),
     u as (delete from platform.api_key_used where key in (select id from platform.api_key where tenant = $1))
update platform.tenant set status = 'purged', suspended_for = $2, back_at = null, plan = null, jurisdiction = null, frame_ancestors = '{}', changed_at = clock_timestamp() where id = $1`

// Purge deletes an archived tenant: its schema, its role and what the platform keeps of it, but its slugs, which nobody
// gets again. typed is the slug as somebody typed it; the archive has to be where it was written, unchanged, and
// PurgeAfter has to have passed since. One that is Provisioning was never served, and is deleted at once. What an
// interrupted Purge left is deleted by the next one. It returns
// store.ErrNoTenant, store.ErrInvalid, ErrConfirm, ErrStatus, ErrPurgeEarly or ErrArchive.
//
//pitboss:sql DDL; the role is a tenant.ID, quoted
func (a *Admin) Purge(ctx context.Context, slug tenant.Slug, typed string, reason strict.Line, told func(done, of int64)) error {
	if err := db.CheckReason(reason); err != nil {
		return err
	}
	if typed != string(slug) {
		return fmt.Errorf("%w: %q, not %q", ErrConfirm, slug, typed)
	}
	id, status, err := a.statusOf(ctx, slug)
	if err != nil {
		return err
	}
	if err := status.may(Purge); err != nil {
		return fmt.Errorf("store: purge %s: %w", slug, err)
	}
	var f ArchiveFile
	if status == Archived {
		if f, err = a.checkArchive(ctx, id); err != nil {
			return err
		}
	}
	if status != Purged {
		if err := a.forget(ctx, id, status, f, reason); err != nil {
			return fmt.Errorf("store: purge %s: %w", slug, err)
		}
	}
	a.at("forgotten")
	if err := a.dropSchema(ctx, id, told); err != nil {
		return fmt.Errorf("store: purge %s: drop its schema: %w", slug, err)
	}
	a.at("schemaless")
	if _, err := a.pool.Exec(ctx, `drop role if exists `+db.Quote(id.Role())); err != nil {
		return fmt.Errorf("store: purge %s: drop its role: %w", slug, err)
	}
	return nil
}

// checkArchive returns ErrPurgeEarly or ErrArchive unless a tenant's archive is old enough, and as it was written.
func (a *Admin) checkArchive(ctx context.Context, id tenant.ID) (f ArchiveFile, err error) {
	err = a.pool.QueryRow(ctx, selectArchive, id.String()).Scan(&f.File, &f.Bytes, &f.SHA256, &f.SchemaVersion, &f.Rows, &f.VerifiedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return f, fmt.Errorf("%w: its archive was not written: archive it again", ErrPurgeEarly)
	}
	if err != nil {
		return f, err
	}
	if from := f.VerifiedAt.Add(PurgeAfter); time.Now().Before(from) {
		return f, fmt.Errorf("%w: from %s on", ErrPurgeEarly, from.UTC().Format(time.RFC3339))
	}
	file, err := os.Open(f.File)
	if err != nil {
		return f, fmt.Errorf("%w: %w", ErrArchive, err)
	}
	defer func() { _ = file.Close() }()
	sum := sha256.New()
	n, err := io.Copy(sum, file)
	if err != nil {
		return f, fmt.Errorf("%w: %w", ErrArchive, err)
	}
	if n != f.Bytes || fmt.Sprintf("%x", sum.Sum(nil)) != f.SHA256 {
		return f, fmt.Errorf("%w: %s has changed since it was written", ErrArchive, f.File)
	}
	return f, nil
}

// forget makes a tenant purged that is still as it was checked, with its archive if it is Archived: nothing leads to it any
// more.
func (a *Admin) forget(ctx context.Context, id tenant.ID, checked Status, f ArchiveFile, reason strict.Line) error {
	return a.inTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `select from platform.tenant where id = $1 for update`, id.String()); err != nil {
			return err
		}
		was, now, err := readStatus(ctx, tx, id)
		if err == nil && now != checked {
			err = fmt.Errorf("%w: it is %s meanwhile", ErrStatus, now)
		}
		if err == nil && checked == Archived {
			err = tx.QueryRow(ctx, `select from platform.archive where tenant = $1 and sha256 = decode($2, 'hex') and verified_at = $3`, id.String(), f.SHA256, f.VerifiedAt).Scan()
		}
		if errors.Is(err, pgx.ErrNoRows) {
			err = fmt.Errorf("%w: it was archived anew meanwhile", ErrPurgeEarly)
		}
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, forgetTenant, id.String(), string(reason)); err != nil {
			return err
		}
		// The keys' trigger changes the tenant's row, which one statement does not do twice.
		if _, err := tx.Exec(ctx, `update platform.api_key set revoked_at = coalesce(revoked_at, clock_timestamp()) where tenant = $1`, id.String()); err != nil {
			return err
		}
		line := a.line("tenant."+string(Purge), id.String(), reason)
		if line.Before, err = jsonOf(was); err != nil {
			return err
		}
		if err := a.writePlatformAudit(ctx, tx, line); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, bumpTenant, id.String())
		return err
	})
}

// dropSchema drops a tenant's schema, a few tables at a time. It does nothing if there is none.
//
//pitboss:sql DDL; names are of the catalogue, quoted
func (a *Admin) dropSchema(ctx context.Context, id tenant.ID, told func(done, of int64)) error {
	schema := db.Quote(id.Schema())
	var there bool
	if err := a.pool.QueryRow(ctx, `select exists (select from pg_namespace where nspname = $1)`, id.Schema()).Scan(&there); err != nil || !there {
		return err
	}
	rows, _ := a.pool.Query(ctx, selectTables, schema) // its error comes from CollectRows
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for done := 0; done < len(tables); {
		some := tables[done:min(done+dropAtOnce, len(tables))]
		names := make([]string, len(some))
		for i, t := range some {
			names[i] = pgx.Identifier{id.Schema(), t}.Sanitize()
		}
		if _, err := a.pool.Exec(ctx, `drop table if exists `+strings.Join(names, ", ")+` cascade`); err != nil {
			return err
		}
		done += len(some)
		a.at("dropped")
		told(int64(done), int64(len(tables)))
	}
	_, err = a.pool.Exec(ctx, `drop schema if exists `+schema+` cascade`)
	return err
}
