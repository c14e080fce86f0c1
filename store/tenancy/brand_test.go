package tenancy_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

// picture returns an image of a size, as encode writes it.
func picture(t *testing.T, width, height int, encode func(*bytes.Buffer, image.Image) error) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	m.Set(0, 0, color.White)
	var b bytes.Buffer
	if err := encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asPNG(b *bytes.Buffer, m image.Image) error  { return png.Encode(b, m) }
func asJPEG(b *bytes.Buffer, m image.Image) error { return jpeg.Encode(b, m, nil) }

// losslessWebP is a WebP file of 16 × 16 pixels, up to its header.
var losslessWebP = []byte("RIFF\x1e\x00\x00\x00WEBPVP8L\x11\x00\x00\x00\x2f\x0f\xc0\x03\x00\x07\x10\xfd\x8f\xfe\x07\x22\xa2\xff\x01\x00\x00")

func TestContrastIsThatOfWCAG(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b tenancy.Color
		want string
	}{
		{"#000000", "#ffffff", "21.00:1"},
		{"#ffffff", "#000000", "21.00:1"},
		{"#777777", "#ffffff", "4.47:1"}, // the well-known grey that just fails
		{"#767676", "#ffffff", "4.54:1"}, // and the one that just passes
		{"#ff0000", "#ffffff", "3.99:1"}, // 3.998, never rounded up
		{"#0000ff", "#ffffff", "8.59:1"},
		{"#123456", "#123456", "1.00:1"},
	} {
		if got := tenancy.Contrast(c.a, c.b); got.String() != c.want {
			t.Errorf("%s on %s: %s, want %s", c.a, c.b, got, c.want)
		}
	}
}

func TestTheColoursOfABrandReplaceThoseOfThePages(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../web/ui/shared/tokens.css")
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]string{}
	for _, m := range regexp.MustCompile(`--([a-z0-9-]+): (?:(#[0-9a-f]{6})|var\(--([a-z0-9-]+)\));`).FindAllStringSubmatch(string(text), -1) {
		value := m[2]
		if value == "" {
			value = have[strings.ReplaceAll(m[3], "-", "_")]
		}
		have[strings.ReplaceAll(m[1], "-", "_")] = value
	}
	own := tenancy.PitbossStyle()
	for _, c := range own.Colors() {
		if have[c.Name] != string(*c.Color) {
			t.Errorf("%s is %s here, and %q in tokens.css", c.Name, *c.Color, have[c.Name])
		}
	}
	raw, err := json.Marshal(own)
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]string
	if err := strict.DecodeKnown(raw, &members); err != nil {
		t.Fatal(err)
	}
	for _, c := range own.Colors() {
		if members[c.Name] != string(*c.Color) {
			t.Errorf("%s is another member of its JSON", c.Name)
		}
	}
	if len(members) != len(own.Colors()) {
		t.Errorf("Colors leaves out some of %v", members)
	}
	if css := own.CSS(); !strings.Contains(css, "--accent-text:#1d1603;") || strings.Contains(css, "radius") {
		t.Errorf("%s", css)
	}
}

func TestNothingButAColourGetsIntoAStylesheet(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "red", "#fff", "#12345", "#1234567", "#12345g", "#123456;", "#123456}", " #123456", "#12345\n", "url(x)", "#１２３４５６", "rgb(0,0,0)", "#00000\x00"} {
		c := tenancy.Color("#000000")
		if err := c.UnmarshalText([]byte(bad)); err == nil || c != "#000000" {
			t.Errorf("%q is the colour %s", bad, c)
		}
	}
	var c tenancy.Color
	if err := c.UnmarshalText([]byte("#ABCDEF")); err != nil || c != "#abcdef" {
		t.Errorf("%s, %v", c, err)
	}
}

func TestALogoIsARasterImageWithinItsBounds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file []byte
		want tenancy.Logo
	}{
		"PNG":  {picture(t, 64, 32, asPNG), tenancy.Logo{Type: "image/png", Width: 64, Height: 32}},
		"JPEG": {picture(t, 16, 1024, asJPEG), tenancy.Logo{Type: "image/jpeg", Width: 16, Height: 1024}},
		"WebP": {losslessWebP, tenancy.Logo{Type: "image/webp", Width: 16, Height: 16}},
	} {
		var b tenancy.BrandDraft
		if err := b.SetLogo(c.file); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		c.want.Bytes, c.want.Hash = len(c.file), b.Logo.Hash
		if diff := cmp.Diff(&c.want, b.Logo); diff != "" || len(b.Logo.Hash) != 32 {
			t.Errorf("%s: %s", name, diff)
		}
	}
	big := picture(t, 64, 64, asPNG)
	for name, c := range map[string]struct {
		file []byte
		says string
	}{
		"too wide":         {picture(t, 1025, 16, asPNG), "1025 × 16"},
		"too low":          {picture(t, 64, 15, asPNG), "64 × 15"},
		"too large":        {append(big, make([]byte, tenancy.LogoBytesMax)...), "65536"},
		"SVG":              {[]byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`), "PNG, JPEG or WebP"},
		"GIF":              {[]byte("GIF89a\x10\x00\x10\x00\x00\x00\x00;"), "PNG, JPEG or WebP"},
		"HTML":             {[]byte("<!doctype html><script>"), "PNG, JPEG or WebP"},
		"a magic and HTML": {[]byte("\x89PNG\r\n\x1a\n<script>alert(1)</script>"), "image/png"},
		"half a JPEG":      {[]byte("\xff\xd8\xff\xe0"), "image/jpeg"},
		"half a WebP":      {losslessWebP[:16], "image/webp"},
		"a WAVE":           {[]byte("RIFF\x00\x00\x00\x00WAVEfmt "), "PNG, JPEG or WebP"},
	} {
		var b tenancy.BrandDraft
		var refused *tenancy.BrandError
		if err := b.SetLogo(c.file); !errors.As(err, &refused) || refused.Field != "logo" || !strings.Contains(err.Error(), c.says) || b.Logo != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestABrandIsChangedWithAnAuditLineAndToldWithinASecond(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	made, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-x", "casino-x.localhost"))
	if err != nil {
		t.Fatal(err)
	}
	other, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-y", "casino-y.localhost"))
	if err != nil {
		t.Fatal(err)
	}
	changes := directory(t, s)
	for range 2 {
		within(t, changes, time.Second)
	}
	by := tenancy.BrandChange{Reason: "a new look", Actor: "operator:olivia", Origin: rooms.Origin{Address: "192.0.2.1"}}
	file := picture(t, 32, 32, asPNG)
	got, err := s.Brands.Change(t.Context(), made.ID, by, func(b *tenancy.BrandDraft) error {
		b.Name, b.Style.Accent, b.Style.Radius = " Grand <Casino> ", "#7fd1ff", ptr(0)
		return b.SetLogo(file)
	})
	if err != nil || got.Name != "Grand <Casino>" || got.Logo == nil || got.Style.CSS() != "html:root{--accent:#7fd1ff;--radius:0px;}\n" {
		t.Fatalf("%+v, %v", got, err)
	}
	known, _ := s.Tenants.ByID(made.ID) // without waiting for Run
	if known.DisplayName() != "Grand <Casino>" || known.Name == "Grand <Casino>" || known.Brand.Logo.Hash != got.Logo.Hash {
		t.Errorf("the directory has %+v", known)
	}
	if told := within(t, changes, time.Second); told[1].ID != made.ID || told[1].Brand.Style.Accent != "#7fd1ff" {
		t.Errorf("told %+v", told[1])
	}
	if image, l, err := s.Brands.Logo(t.Context(), made.ID); err != nil || !bytes.Equal(image, file) || l.Type != "image/png" || l.Hash != got.Logo.Hash {
		t.Errorf("the logo: %+v, %v", l, err)
	}
	lines, err := storetest.LastLines(t.Context(), s, made.ID, 1)
	if err != nil || lines[0].Action != "brand.set" || lines[0].Actor != by.Actor || lines[0].Reason != "a new look" || lines[0].Address != by.Address ||
		strings.Contains(string(lines[0].Before), "accent") || !strings.Contains(string(lines[0].After), `"accent":"#7fd1ff"`) || !strings.Contains(string(lines[0].After), got.Logo.Hash) {
		t.Errorf("audit: %+v, %v", lines, err)
	}

	// The logo stays unless it is changed, and is taken away by an empty one.
	got, err = s.Brands.Change(t.Context(), made.ID, by, func(b *tenancy.BrandDraft) error {
		b.Style = tenancy.Style{}
		return nil
	})
	if err != nil || got.Logo == nil || got.IsZero() {
		t.Errorf("%+v, %v", got, err)
	}
	got, err = s.Brands.Change(t.Context(), made.ID, by, func(b *tenancy.BrandDraft) error {
		b.Name = ""
		return b.SetLogo(nil)
	})
	if err != nil || !got.IsZero() {
		t.Errorf("%+v, %v", got, err)
	}
	if _, _, err := s.Brands.Logo(t.Context(), made.ID); !errors.Is(err, tenancy.ErrNoLogo) {
		t.Errorf("a logo that was taken away: %v", err)
	}
	if t2, _ := s.Tenants.ByID(other.ID); !t2.Brand.IsZero() {
		t.Errorf("another tenant has %+v", t2.Brand)
	}

	for name, c := range map[string]struct {
		change func(*tenancy.BrandDraft)
		says   string
	}{
		"a long name":            {func(b *tenancy.BrandDraft) { b.Name = strict.Line(strings.Repeat("x", 101)) }, "name: "},
		"a name of two lines":    {func(b *tenancy.BrandDraft) { b.Name = "a\nb" }, "name: "},
		"no colour":              {func(b *tenancy.BrandDraft) { b.Style.Panel = "red;}" }, "panel: want a colour as #rrggbb"},
		"a radius below zero":    {func(b *tenancy.BrandDraft) { b.Style.Radius = ptr(-1) }, "radius: "},
		"a large radius":         {func(b *tenancy.BrandDraft) { b.Style.Radius = ptr(25) }, "radius: want a whole number from 0 to 24"},
		"an accent of no text":   {func(b *tenancy.BrandDraft) { b.Style.Accent = "#b3202c" }, "accent_text: the contrast of accent_text #1d1603 on accent #b3202c is 2.7"},
		"an accent like a page":  {func(b *tenancy.BrandDraft) { b.Style.Accent, b.Style.AccentText = "#333333", "#ffffff" }, "accent: the contrast of accent #333333 on background"},
		"a light felt":           {func(b *tenancy.BrandDraft) { b.Style.Felt = "#c0e0d0" }, "felt: the contrast of white #ffffff on felt #c0e0d0 is 1."},
		"text like its ground":   {func(b *tenancy.BrandDraft) { b.Style.Text = "#223322" }, "text: "},
		"muted text on a button": {func(b *tenancy.BrandDraft) { b.Style.Raised = "#5a6b64" }, "on raised #5a6b64"},
	} {
		_, err := s.Brands.Change(t.Context(), made.ID, by, func(b *tenancy.BrandDraft) error { c.change(b); return nil })
		var refused *tenancy.BrandError
		if !errors.As(err, &refused) || !strings.HasPrefix(err.Error(), c.says) && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	none := func(*tenancy.BrandDraft) error { return nil }
	if _, err := s.Brands.Change(t.Context(), made.ID, tenancy.BrandChange{Actor: "x", Reason: " "}, none); !errors.Is(err, db.ErrInvalid) {
		t.Errorf("no reason: %v", err)
	}
	if after, _ := s.Tenants.ByID(made.ID); !after.Brand.IsZero() {
		t.Errorf("what was refused was done: %+v", after.Brand)
	}
}

func TestATenantWhoseBrandCannotBeReadIsOutOfOrderByItselfAndANewerOneIsRead(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	made := map[string]tenancy.Tenant{}
	for _, slug := range []string{"casino-x", "casino-y", "casino-z"} {
		t1, err := admin.CreateTenant(t.Context(), storetest.Casino(slug, slug+".localhost"))
		if err != nil {
			t.Fatal(err)
		}
		made[slug] = t1
	}
	for slug, style := range map[string]string{"casino-x": `{"accent":"red}body{display:none"}`, "casino-y": `{"accent":"#7fd1ff","font":"serif"}`} {
		storetest.Super(t, d, `insert into platform.brand (tenant, style) values ('`+made[slug].ID.String()+`', '`+style+`')`)
	}
	if err := s.Tenants.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	x, _ := s.Tenants.ByID(made["casino-x"].ID)
	y, _ := s.Tenants.ByID(made["casino-y"].ID)
	z, _ := s.Tenants.ByID(made["casino-z"].ID)
	if !strings.Contains(x.OutOfOrder, "brand") || y.OutOfOrder != "" || y.Brand.Style.Accent != "#7fd1ff" || z.OutOfOrder != "" {
		t.Errorf("%q; %+v; %q", x.OutOfOrder, y, z.OutOfOrder)
	}
}

func TestBrandsAndSettingsAreChangedAtOnceAndNoneIsLost(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	made, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-x", "casino-x.localhost"))
	if err != nil {
		t.Fatal(err)
	}
	const each = 10
	by := tenancy.BrandChange{Reason: "r", Actor: "a"}
	var all sync.WaitGroup
	for range 2 { // operators
		all.Go(func() {
			for range each {
				_, err := s.Brands.Change(t.Context(), made.ID, by, func(b *tenancy.BrandDraft) error {
					b.Name += "x"
					return nil
				})
				if err != nil {
					t.Errorf("a brand: %v", err)
				}
			}
		})
	}
	all.Go(func() {
		for range each {
			if _, err := admin.SetTenant(t.Context(), "casino-x", tenancy.Settings{OnTrial: ptr(true)}, "r"); err != nil {
				t.Errorf("settings: %v", err)
			}
		}
	})
	all.Wait()
	if got, err := admin.Tenant(t.Context(), "casino-x"); err != nil || len(got.Brand.Name) != 2*each || !got.OnTrial {
		t.Errorf("%+v, %v", got.Brand, err)
	}
}
