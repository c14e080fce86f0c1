package strict_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pitboss-hub/pitboss/hub/wire/strict"
)

func TestATextHoldsWhatPeopleWriteAndNothingThatActs(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"", "Happy hour", "10 % – “doppelt”", "می\u200cخواهم", "שלום", "नमस्ते", "👨‍👩‍👧 🏴󠁧󠁢󠁥󠁮󠁧󠁿", "\u2067ABC\u2069", "a\u00a0b", "\ufffd", strings.Repeat("a", strict.TextBytesMax),
	} {
		for _, err := range []error{strict.CheckLine(s), strict.CheckText(s), new(strict.Line).UnmarshalText([]byte(s)), new(strict.Text).UnmarshalText([]byte(s))} {
			if err != nil {
				t.Errorf("%.40q: %v", s, err)
			}
		}
	}
	bad := []string{"\xff", "\xed\xa0\x80", strings.Repeat("a", strict.TextBytesMax+1)}
	for r := range rune(0xA0) {
		if r < ' ' && r != '\n' || r >= 0x7F {
			bad = append(bad, "a"+string(r)+"b")
		}
	}
	for _, r := range "\u202A\u202B\u202C\u202D\u202E\u2028\u2029" {
		bad = append(bad, "a"+string(r)+"b")
	}
	for _, s := range bad {
		for _, err := range []error{strict.CheckLine(s), strict.CheckText(s), new(strict.Line).UnmarshalText([]byte(s)), new(strict.Text).UnmarshalText([]byte(s))} {
			if err == nil {
				t.Errorf("%.40q is a text", s)
			} else if strict.CheckLine(err.Error()) != nil {
				t.Errorf("%.40q: %q", s, err)
			}
		}
		if clean := strict.CleanLine(s, 5); strict.CheckLine(string(clean)) != nil || utf8.RuneCountInString(string(clean)) > 5 {
			t.Errorf("%.40q is cleaned to %q", s, clean)
		}
	}
	if strict.CheckLine("a\nb") == nil || strict.CheckText("a\nb") != nil {
		t.Error("a Text has lines, a Line is one")
	}
	if got := strict.CleanLine("a\x00\u202e\tb\r\n می\u200cخواهم", 40); got != "a b می\u200cخواهم" && got != "a b  می\u200cخواهم" {
		t.Errorf("%q", got)
	}
}

func TestTrimCountsCharactersWithoutTheSpaceAround(t *testing.T) {
	t.Parallel()
	for text, n := range map[strict.Text]int{"": 0, " \n": 0, " ü ": 1, "a b": 3, "👍👍": 2} {
		before := text
		if !strict.Trim(&text, n, n) || strict.Trim(&text, n+1, 9) || strict.Trim(&text, 0, n-1) || string(text) != strings.TrimSpace(string(before)) {
			t.Errorf("%q has not %d: %q", before, n, text)
		}
	}
}

func TestALineIsCheckedWhileItIsDecoded(t *testing.T) {
	t.Parallel()
	var in struct {
		Reason strict.Line `json:"reason"`
	}
	for _, decode := range []func([]byte, any) error{strict.Decode, strict.DecodeKnown, json.Unmarshal} {
		if err := decode([]byte(`{"reason":"a\u0000b"}`), &in); err == nil {
			t.Errorf("%q", in.Reason)
		}
		if err := decode([]byte(`{"reason":"می\u200cخواهم"}`), &in); err != nil || in.Reason != "می\u200cخواهم" {
			t.Errorf("%q, %v", in.Reason, err)
		}
	}
}
