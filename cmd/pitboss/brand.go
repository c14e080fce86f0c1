package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

// ownLook is the value of a flag that takes a part of a brand away.
const ownLook = "default"

type tenantBrandCmd struct {
	Slug       string       `arg:"" help:"The casino's slug."`
	Name       *strict.Line `help:"The name that players see instead of the casino's own."`
	Logo       string       `help:"A PNG, JPEG or WebP of at most 64 KiB, and 16 to 1024 pixels each way." placeholder:"FILE"`
	Background string       `help:"Of the page." placeholder:"RRGGBB"`
	Panel      string       `help:"Of what is put on the page." placeholder:"RRGGBB"`
	Raised     string       `help:"Of buttons." placeholder:"RRGGBB"`
	Line       string       `help:"Around them." placeholder:"RRGGBB"`
	Text       string       `help:"On them." placeholder:"RRGGBB"`
	Muted      string       `help:"Of text that matters less." placeholder:"RRGGBB"`
	Accent     string       `help:"Of links, amounts and the main button." placeholder:"RRGGBB"`
	AccentText string       `help:"On the main button." placeholder:"RRGGBB"`
	Felt       string       `help:"Of the tables." placeholder:"RRGGBB"`
	Radius     string       `help:"Of corners, in pixels, from 0 to 24." placeholder:"N"`
	Clear      bool         `help:"Take away all of it, before anything else is set."`
	Reason     strict.Line  `help:"Why; for the audit log. Needed for a change."`
	JSON       bool         `help:"Print JSON."`
}

// Help implements kong's long help.
func (tenantBrandCmd) Help() string {
	return "Without a value, the brand is shown. What is not named stays; 'default' takes a value away. Every running node has a change within a second, and pages when they are loaded anew. " +
		"A colour on which text would have a contrast of less than 4.5:1 (WCAG 2.2) is refused, with the ratio."
}

// colors returns the flags that are colours, by their names in a tenancy.Style.
func (c tenantBrandCmd) colors() map[string]string {
	return map[string]string{
		"background": c.Background, "panel": c.Panel, "raised": c.Raised, "line": c.Line, "text": c.Text, "muted": c.Muted,
		"accent": c.Accent, "accent_text": c.AccentText, "felt": c.Felt,
	}
}

// changes reports whether a flag changes the brand.
func (c tenantBrandCmd) changes() bool {
	for _, value := range c.colors() {
		if value != "" {
			return true
		}
	}
	return c.Name != nil || c.Logo != "" || c.Radius != "" || c.Clear
}

// readLogo returns the file that is to be the logo, or nil if none was named.
func (c tenantBrandCmd) readLogo() ([]byte, error) {
	if c.Logo == "" || c.Logo == ownLook {
		return nil, nil
	}
	file, err := readFile(c.Logo, tenancy.LogoBytesMax)
	if err == nil && file == "" {
		err = fmt.Errorf("%s is empty", c.Logo)
	}
	return []byte(file), err
}

// apply makes the changes of the flags. logo is the file that is to be the logo, if one was named.
func (c tenantBrandCmd) apply(b *tenancy.BrandDraft, logo []byte) error {
	if c.Clear {
		b.Name, b.Style = "", tenancy.Style{}
	}
	if c.Clear || c.Logo != "" {
		if err := b.SetLogo(logo); err != nil {
			return err
		}
	}
	if c.Name != nil {
		b.Name = *c.Name
		if b.Name == ownLook {
			b.Name = ""
		}
	}
	if c.Radius != "" {
		b.Style.Radius = nil
		if c.Radius != ownLook {
			n, err := strconv.Atoi(c.Radius)
			if err != nil {
				return fmt.Errorf("--radius is a whole number from 0 to %d, not %q", tenancy.RadiusMax, c.Radius)
			}
			b.Style.Radius = &n
		}
	}
	flags := c.colors()
	for _, color := range b.Style.Colors() {
		switch value := flags[color.Name]; value {
		case "":
		case ownLook:
			*color.Color = ""
		default: // a shell takes an unquoted # for the beginning of a comment
			if err := color.Color.UnmarshalText([]byte("#" + strings.TrimPrefix(value, "#"))); err != nil {
				return fmt.Errorf("--%s: %w, not %q", strings.ReplaceAll(color.Name, "_", "-"), err, value)
			}
		}
	}
	return nil
}

// Run implements the command.
func (c tenantBrandCmd) Run(p *program) error {
	if c.changes() && c.Reason == "" {
		return errors.New("say why by --reason: it is for the audit log")
	}
	logo, err := c.readLogo()
	if err != nil {
		return err
	}
	return p.withTenant(c.Slug, func(s *store.Store, t *tenancy.Tenant) error {
		brand := t.Brand
		if c.changes() {
			changed, err := s.Brands.Change(p.ctx, t.ID, tenancy.BrandChange{Reason: c.Reason, Actor: actor()}, func(b *tenancy.BrandDraft) error { return c.apply(b, logo) })
			if err != nil {
				return err
			}
			brand = changed
		}
		if c.JSON {
			return p.printJSON(brand)
		}
		p.printBrand(c.Slug, brand)
		return nil
	})
}

// printBrand writes a brand for people to read.
func (p *program) printBrand(slug string, b tenancy.Brand) {
	if b.IsZero() {
		p.printf("%s has Pitboss's own look\n", slug)
		return
	}
	p.printf("%s\n", slug)
	line := func(name, value string) { p.printf("  %-12s %s\n", name, value) }
	if b.Name != "" {
		line("name", string(b.Name))
	}
	if l := b.Logo; l != nil {
		line("logo", fmt.Sprintf("%s, %d × %d pixels, %d bytes", l.Type, l.Width, l.Height, l.Bytes))
	}
	for _, c := range b.Style.Colors() {
		if *c.Color != "" {
			line(strings.ReplaceAll(c.Name, "_", "-"), string(*c.Color))
		}
	}
	if b.Style.Radius != nil {
		line("radius", strconv.Itoa(*b.Style.Radius))
	}
}
