package tenancy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store/internal/db"
)

// ErrNoLogo means that a tenant has no logo.
var ErrNoLogo = errors.New("store: the tenant has no logo")

// Brands changes the brands of tenants and reads their logos, as the application's login. It may be used
// by many goroutines.
type Brands struct {
	db      *db.DB
	tenants *Directory
}

// NewBrands returns the brands of all tenants. A change is in the directory when it is done.
func NewBrands(d *db.DB, tenants *Directory) *Brands { return &Brands{d, tenants} }

// BrandChange holds, for the audit log, who changes a brand, and why.
type BrandChange struct {
	Reason strict.Line
	Actor  string
	rooms.Origin
}

const (
	insertBrand = `insert into platform.brand (tenant) values ($1) on conflict do nothing`

	// lockBrand has the changes of a brand come one after the other.
	lockBrand    = `select name, style, logo_info from platform.brand where tenant = $1 for update`
	selectBrands = `select tenant, name, style, logo_info from platform.brand`

	// updateBrand raises the version of the directory too, by a trigger.
	updateBrand = `
update platform.brand set name = $2, style = $3,
  logo = case when $6 then $4 else logo end, logo_info = case when $6 then $5 else logo_info end
where tenant = $1`

	selectLogo = `select logo, logo_info from platform.brand where tenant = $1 and logo is not null`
)

// Change changes a tenant's brand, with an audit line, and returns it as it is then; every node has it
// within a second. It returns the error of change, a BrandError, store.ErrNoTenant or store.ErrInvalid.
func (b *Brands) Change(ctx context.Context, id tenant.ID, by BrandChange, change func(*BrandDraft) error) (Brand, error) {
	if by.Actor == "" {
		return Brand{}, fmt.Errorf("%w: an actor is needed", db.ErrInvalid)
	}
	if err := db.CheckReason(by.Reason); err != nil {
		return Brand{}, err
	}
	var next BrandDraft
	err := b.db.Tenant(id).LoginTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, insertBrand, id.String()); err != nil {
			return err
		}
		old, err := scanBrand(tx.QueryRow(ctx, lockBrand, id.String()))
		if err != nil {
			return err
		}
		next = BrandDraft{Brand: old}
		if err := change(&next); err != nil {
			return err
		}
		if err := next.check(); err != nil {
			return err
		}
		return writeBrand(ctx, tx, id, by, old, next)
	})
	var refused *BrandError
	switch state := db.SQLState(err); {
	case state == db.StateForeignKey || state == db.StateNoSuchSetting || state == db.StateDenied:
		return Brand{}, fmt.Errorf("%w (%w)", db.ErrNoTenant, err)
	case errors.As(err, &refused):
		return Brand{}, refused
	case err != nil:
		return Brand{}, fmt.Errorf("store: brand: %w", err)
	}
	// It is committed; an error here only delays this node's knowledge of it.
	if err := b.tenants.Reload(ctx); err != nil {
		b.db.Log.WarnContext(ctx, "this node knows of a brand a moment later", "error", err)
	}
	return next.Brand, nil
}

// writeBrand writes a brand and its audit line.
func writeBrand(ctx context.Context, tx pgx.Tx, id tenant.ID, by BrandChange, old Brand, next BrandDraft) error {
	style, err := json.Marshal(next.Style)
	if err != nil {
		return err
	}
	var info json.RawMessage
	if next.Logo != nil {
		if info, err = json.Marshal(next.Logo); err != nil {
			return err
		}
	}
	if !next.newImage {
		info = nil // the image and what it is stay together
	}
	line := rooms.Audit{Actor: by.Actor, Action: "brand.set", Target: id.String(), Reason: string(by.Reason), Origin: by.Origin}
	if line.Before, err = json.Marshal(old); err != nil {
		return err
	}
	if line.After, err = json.Marshal(next.Brand); err != nil {
		return err
	}
	q := &pgx.Batch{}
	q.Queue(updateBrand, id.String(), string(next.Name), string(style), next.image, db.JSONText(info), next.newImage)
	q.Queue(db.EnterScope, id.Role())
	db.QueueAudit(q, line)
	return tx.SendBatch(ctx, q).Close()
}

// scanBrand returns the brand that a row has from its column name on.
func scanBrand(row pgx.Row, before ...any) (Brand, error) {
	var name string
	var style, info []byte
	if err := row.Scan(append(before, &name, &style, &info)...); err != nil {
		return Brand{}, err
	}
	b := Brand{Name: strict.Line(name)}
	if err := strict.DecodeKnown(style, &b.Style); err != nil { // a newer version may know more of it
		return Brand{}, fmt.Errorf("style: %w", err)
	}
	if info != nil {
		if err := strict.DecodeKnown(info, &b.Logo); err != nil {
			return Brand{}, fmt.Errorf("logo: %w", err)
		}
	}
	return b, b.Style.checkForm()
}

// loadBrands returns the brands of all tenants, and an error for each whose brand cannot be read.
func loadBrands(ctx context.Context, tx pgx.Tx) (brands map[string]Brand, broken map[string]error, err error) {
	brands, broken = map[string]Brand{}, map[string]error{}
	rows, _ := tx.Query(ctx, selectBrands) // its error comes from Err
	defer rows.Close()
	for rows.Next() {
		var name string
		b, err := scanBrand(rows, &name)
		switch {
		case name == "":
			return nil, nil, err
		case err != nil:
			broken[name] = fmt.Errorf("its brand cannot be read: %w: delete its row in platform.brand", err)
		default:
			brands[name] = b
		}
	}
	return brands, broken, rows.Err()
}

// Logo returns a tenant's logo as it is stored now, which may be a newer one than the directory knows. It
// returns ErrNoLogo.
func (b *Brands) Logo(ctx context.Context, id tenant.ID) (image []byte, l Logo, err error) {
	err = b.db.Tenant(id).LoginTx(ctx, func(tx pgx.Tx) error {
		var info []byte
		if err := tx.QueryRow(ctx, selectLogo, id.String()).Scan(&image, &info); err != nil {
			return err
		}
		return strict.DecodeKnown(info, &l)
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, Logo{}, ErrNoLogo
	case err != nil:
		return nil, Logo{}, fmt.Errorf("store: logo: %w", err)
	}
	return image, l, nil
}
