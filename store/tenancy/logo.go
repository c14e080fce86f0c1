package tenancy

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/webp"
)

const (
	// LogoBytesMax is the largest size of a logo's file.
	LogoBytesMax = 64 << 10
	// logoSideMin and logoSideMax bound the width and the height of a logo, in pixels.
	logoSideMin, logoSideMax = 16, 1024
)

// Logo describes a tenant's logo; Brands.Logo returns its image.
type Logo struct {
	Type   string `json:"type"` // its media type
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Bytes  int    `json:"bytes"`
	Hash   string `json:"hash"` // another one for another image
}

// logoForms are the formats of logos. What a browser could run, as SVG, is none of them.
var logoForms = []struct {
	mediaType, magic string // the magic's "????" is any four bytes
	decode           func(io.Reader) (image.Config, error)
}{
	{"image/png", "\x89PNG\r\n\x1a\n", png.DecodeConfig},
	{"image/jpeg", "\xff\xd8\xff", jpeg.DecodeConfig},
	{"image/webp", "RIFF????WEBP", webp.DecodeConfig},
}

// hasMagic reports whether a file begins with a magic.
func hasMagic(file []byte, magic string) bool {
	if len(file) < len(magic) {
		return false
	}
	for i := range len(magic) {
		if magic[i] != '?' && file[i] != magic[i] {
			return false
		}
	}
	return true
}

// SetLogo makes an image the brand's logo; an empty one takes the logo away. It returns a BrandError.
func (b *BrandDraft) SetLogo(file []byte) error {
	if len(file) == 0 {
		b.Logo, b.image, b.newImage = nil, nil, true
		return nil
	}
	if len(file) > LogoBytesMax {
		return &BrandError{"logo", fmt.Sprintf("it has %d bytes, and may have %d", len(file), LogoBytesMax)}
	}
	for _, form := range logoForms {
		if !hasMagic(file, form.magic) {
			continue
		}
		c, err := form.decode(bytes.NewReader(file))
		if err != nil {
			return &BrandError{"logo", fmt.Sprintf("it cannot be read as %s: %v", form.mediaType, err)}
		}
		if min(c.Width, c.Height) < logoSideMin || max(c.Width, c.Height) > logoSideMax {
			return &BrandError{"logo", fmt.Sprintf("it has %d × %d pixels; want %d to %d each way", c.Width, c.Height, logoSideMin, logoSideMax)}
		}
		sum := sha256.Sum256(file)
		b.Logo = &Logo{Type: form.mediaType, Width: c.Width, Height: c.Height, Bytes: len(file), Hash: hex.EncodeToString(sum[:16])}
		b.image, b.newImage = file, true
		return nil
	}
	return &BrandError{"logo", "want an image in PNG, JPEG or WebP"}
}
