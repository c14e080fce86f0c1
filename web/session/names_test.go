package session

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"testing"
)

func TestAMaskedNameTellsPeopleApartAndNobodyWhoTheyAre(t *testing.T) {
	t.Parallel()
	mask := func(subject, name string) string {
		fingerprint := sha256.Sum256([]byte(subject))
		return maskName(name, fingerprint[:])
	}
	form := regexp.MustCompile(`^(..?)\*\*[` + nameLetters + `]{3}$`)
	for name, want := range map[string]string{"alice": "al", "Bo": "B", "a": "a", "𝔸𝔹ℂ𝔻": "𝔸𝔹", "أحمد": "أح", "\u2066ab\u2069": "ab"} {
		if m := form.FindStringSubmatch(mask("1", name)); m == nil || m[1] != want {
			t.Errorf("%q is shown as %q", name, mask("1", name))
		}
	}
	const players = 1000
	names := map[string]bool{}
	for i := range players {
		names[mask(fmt.Sprint(i), "player")] = true
	}
	// Of 1,000 tags out of 19,683 some 25 are another player's too (the birthday problem).
	if len(names) < players-60 {
		t.Errorf("%d players have %d names", players, len(names))
	}
}
