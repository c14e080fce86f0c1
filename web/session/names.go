package session

import (
	"encoding/binary"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
)

// nameLetters are the letters of a masked name's tag: none that look alike, and no vowels, so that no tag is a
// word.
const nameLetters = "23456789bcdfghjkmnpqrstvwxz"

// nameTag is the length of a tag. Of ten players whose names begin alike, two have the same tag once in 400 times.
const nameTag = 3

// shownName returns the name of a person that others at the casino see. It is the same at every table and on
// every node, and another one at another casino. Nobody can compute it from what they know of the person.
func (s *Service) shownName(id tenant.ID, who auth.Principal) string {
	return maskName(who.Name, s.store.Box.Fingerprint(id, "masked name", who.Subject))
}

// maskName returns a name as others see it, such as "al**x7k": the first two letters, enough to recognise oneself and
// too little to recognise others, and a tag by which those are told apart whose names begin alike.
func maskName(name string, fingerprint []byte) string {
	shown := 2
	if utf8.RuneCountInString(name) <= 3 {
		shown = 1
	}
	r := slices.DeleteFunc([]rune(name), func(r rune) bool { return !unicode.IsPrint(r) }) // an isolate would go on without its end
	var masked strings.Builder
	masked.WriteString(string(r[:min(shown, len(r))]) + "**")
	n := binary.BigEndian.Uint64(fingerprint)
	for range nameTag {
		masked.WriteByte(nameLetters[n%uint64(len(nameLetters))])
		n /= uint64(len(nameLetters))
	}
	return masked.String()
}
