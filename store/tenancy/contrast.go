package tenancy

import (
	"fmt"
	"math"
	"strconv"
)

// ContrastMin is the least contrast of text: WCAG 2.2, success criterion 1.4.3, level AA.
const ContrastMin Ratio = 4.5

// Ratio is a contrast ratio, from 1 to 21.
type Ratio float64

// String returns the ratio, as "4.49:1". It is never rounded up.
func (r Ratio) String() string { return fmt.Sprintf("%.2f:1", math.Floor(float64(r)*100)/100) }

// Contrast returns the contrast ratio of two colours, as WCAG 2.2 defines it
// (https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio).
func Contrast(a, b Color) Ratio {
	lighter, darker := a.luminance(), b.luminance()
	if lighter < darker {
		lighter, darker = darker, lighter
	}
	return Ratio((lighter + 0.05) / (darker + 0.05))
}

// luminance returns the relative luminance of a colour that is not empty
// (https://www.w3.org/TR/WCAG22/#dfn-relative-luminance).
func (c Color) luminance() float64 {
	channel := func(at int) float64 {
		n, err := strconv.ParseUint(string(c[at:at+2]), 16, 8)
		if err != nil {
			panic(err) // UnmarshalText lets nothing else in
		}
		v := float64(n) / 255
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(1) + 0.7152*channel(3) + 0.0722*channel(5)
}
