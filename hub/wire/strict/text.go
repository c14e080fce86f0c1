package strict

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// TextBytesMax bounds every Line and Text, whatever else does.
const TextBytesMax = 16 << 10

// Line is one line that a person wrote: a name, a title, a reason, a line of chat.
type Line string

// Text is what a person wrote in one or more lines, which end with a line feed.
type Text string

// UnmarshalText implements encoding.TextUnmarshaler. It refuses what a Line cannot hold.
func (l *Line) UnmarshalText(b []byte) error {
	if err := CheckLine(string(b)); err != nil {
		return err
	}
	*l = Line(b)
	return nil
}

// UnmarshalText implements encoding.TextUnmarshaler. It refuses what a Text cannot hold.
func (t *Text) UnmarshalText(b []byte) error {
	if err := CheckText(string(b)); err != nil {
		return err
	}
	*t = Text(b)
	return nil
}

// Trim removes the white space around a Line or a Text, and reports whether it then has least to most
// characters.
func Trim[T ~string](t *T, least, most int) bool {
	*t = T(strings.TrimSpace(string(*t)))
	n := utf8.RuneCountInString(string(*t))
	return least <= n && n <= most
}

// CheckLine returns why s cannot be a Line, such as "holds U+0000", or nil if it can.
func CheckLine(s string) error { return check(s, lineHolds) }

// CheckText returns why s cannot be a Text, or nil if it can.
func CheckText(s string) error {
	return check(s, func(r rune) bool { return r == '\n' || lineHolds(r) })
}

// CleanLine returns any text as a Line of at most most characters. A run of what a Line cannot hold
// becomes one space.
func CleanLine(s string, most int) Line {
	fields := strings.FieldsFunc(strings.ToValidUTF8(s, "\uFFFD"), func(r rune) bool { return !lineHolds(r) })
	s = strings.Join(fields, " ")
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most])
	}
	return Line(s)
}

// textError says why a text is refused, such as "holds U+0000".
type textError string

// Error implements error.
func (e textError) Error() string { return string(e) }

func check(s string, holds func(rune) bool) error {
	if len(s) > TextBytesMax {
		return textError(fmt.Sprintf("has more than %d bytes", TextBytesMax))
	}
	if !utf8.ValidString(s) {
		return textError("is not UTF-8")
	}
	for _, r := range s {
		if !holds(r) {
			return textError(fmt.Sprintf("holds %U, which no text may", r))
		}
	}
	return nil
}

// lineHolds reports whether a Line may hold r.
func lineHolds(r rune) bool {
	switch {
	case unicode.IsControl(r): // C0, DEL and C1
		return false
	case '\u202A' <= r && r <= '\u202E': // turns around what follows, also beyond the text
		return false
	case r == '\u2028' || r == '\u2029': // ends a line
		return false
	}
	return true
}
