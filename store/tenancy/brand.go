package tenancy

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/pitboss-hub/pitboss/hub/wire/strict"
)

// RadiusMax is the largest radius of a brand's corners, in CSS pixels.
const RadiusMax = 24

// Brand is how a tenant's pages look to its players. The zero Brand is Pitboss's own look.
type Brand struct {
	Name  strict.Line `json:"name,omitempty"` // shown instead of the tenant's; "": the tenant's
	Style Style       `json:"style"`
	Logo  *Logo       `json:"logo,omitempty"`
}

// IsZero reports whether nothing of the brand was set.
func (b *Brand) IsZero() bool { return b.Name == "" && b.Style == Style{} && b.Logo == nil }

// BrandDraft is a brand while it is changed.
type BrandDraft struct {
	Brand

	image    []byte // of Logo, if newImage
	newImage bool
}

// Style overrides variables of the pages' stylesheets. What is empty or nil is as
// web/ui/shared/tokens.css has it.
type Style struct {
	Background Color `json:"background,omitempty"`  // of the page
	Panel      Color `json:"panel,omitempty"`       // of what is put on the page
	Raised     Color `json:"raised,omitempty"`      // of buttons, and of what is put on panels
	Line       Color `json:"line,omitempty"`        // between and around them
	Text       Color `json:"text,omitempty"`        // on all of them
	Muted      Color `json:"muted,omitempty"`       // of text that matters less
	Accent     Color `json:"accent,omitempty"`      // of links, amounts and the main button
	AccentText Color `json:"accent_text,omitempty"` // on the main button
	Felt       Color `json:"felt,omitempty"`        // of tables, in their middle
	Radius     *int  `json:"radius,omitempty"`      // of corners, in CSS pixels, from 0 to RadiusMax
}

// pitbossStyle holds the colours of web/ui/shared/tokens.css.
var pitbossStyle = Style{
	Background: "#0b1411", Panel: "#13201b", Raised: "#1a2b24", Line: "#2c443a", Text: "#eef3ef", Muted: "#a9bbb1",
	Accent: "#e3c06a", AccentText: "#1d1603", Felt: "#17664a",
}

// Colors returns the names of a Style's colours as JSON has them, and where they are.
func (s *Style) Colors() []NamedColor {
	return []NamedColor{
		{"background", &s.Background},
		{"panel", &s.Panel},
		{"raised", &s.Raised},
		{"line", &s.Line},
		{"text", &s.Text},
		{"muted", &s.Muted},
		{"accent", &s.Accent},
		{"accent_text", &s.AccentText},
		{"felt", &s.Felt},
	}
}

// NamedColor is a colour of a Style.
type NamedColor struct {
	Name  string
	Color *Color
}

// CSS returns a stylesheet that overrides the variables that are set. Only colours and numbers of this
// package's making are in it.
func (s Style) CSS() string {
	var b strings.Builder
	b.WriteString("html:root{") // more specific than the pages' own :root, whichever is loaded last
	for _, c := range s.Colors() {
		if *c.Color != "" {
			fmt.Fprintf(&b, "--%s:%s;", strings.ReplaceAll(c.Name, "_", "-"), *c.Color)
		}
	}
	if s.Radius != nil {
		fmt.Fprintf(&b, "--radius:%dpx;", *s.Radius)
	}
	b.WriteString("}\n")
	return b.String()
}

// BrandError says which part of a brand is refused, and why.
type BrandError struct{ Field, Why string }

// Error implements error.
func (e *BrandError) Error() string { return e.Field + ": " + e.Why }

// check trims the name, and returns a BrandError unless a tenant may have the brand.
func (b *Brand) check() error {
	if !strict.Trim(&b.Name, 0, maxName) || strict.CheckLine(string(b.Name)) != nil {
		return &BrandError{"name", fmt.Sprintf("want at most %d characters, in one line", maxName)}
	}
	if err := b.Style.checkForm(); err != nil {
		return err
	}
	return b.Style.checkContrast()
}

// checkForm returns a BrandError unless every value can be put into a stylesheet.
func (s *Style) checkForm() error {
	for _, c := range s.Colors() {
		if *c.Color == "" {
			continue
		}
		if err := new(Color).UnmarshalText([]byte(*c.Color)); err != nil {
			return &BrandError{c.Name, err.Error()}
		}
	}
	if r := s.Radius; r != nil && (*r < 0 || *r > RadiusMax) {
		return &BrandError{"radius", fmt.Sprintf("want a whole number from 0 to %d, not %d", RadiusMax, *r)}
	}
	return nil
}

// checkContrast returns a BrandError if a text of the pages would have less than ContrastMin.
func (s *Style) checkContrast() error {
	whole := *s
	defaults := pitbossStyle
	own := defaults.Colors()
	for i, c := range whole.Colors() {
		*c.Color = cmp.Or(*c.Color, *own[i].Color)
	}
	ground := func(name string, c Color) NamedColor { return NamedColor{name, &c} }
	panels := []NamedColor{ground("background", whole.Background), ground("panel", whole.Panel), ground("raised", whole.Raised)}
	felt := ground("felt", whole.Felt)
	for _, text := range []struct {
		name  string
		color Color
		on    []NamedColor
	}{
		{"accent_text", whole.AccentText, []NamedColor{ground("accent", whole.Accent)}},
		{"white", "#ffffff", []NamedColor{felt}}, // what is written on it; towards the edge it is darker
		{"text", whole.Text, append(panels, felt)},
		{"muted", whole.Muted, panels},
		{"accent", whole.Accent, panels[:2]},
	} {
		for _, on := range text.on {
			ratio := Contrast(text.color, *on.Color)
			if ratio >= ContrastMin {
				continue
			}
			field := text.name
			if field == "white" {
				field = on.Name
			}
			return &BrandError{field, fmt.Sprintf("the contrast of %s %s on %s %s is %s, and at least %.1f:1 is needed (WCAG 2.2, success criterion 1.4.3)",
				text.name, text.color, on.Name, *on.Color, ratio, ContrastMin)}
		}
	}
	return nil
}

// Color is a colour as CSS writes it: "#rrggbb", in lower case. "" is none.
type Color string

var errColor = errors.New("want a colour as #rrggbb")

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *Color) UnmarshalText(b []byte) error {
	text := strings.ToLower(string(b))
	if len(text) != 7 || text[0] != '#' || strings.Trim(text[1:], "0123456789abcdef") != "" {
		return errColor
	}
	*c = Color(text)
	return nil
}
